// Commands about PCI buses.
import { devicesOf, isPciBus, type Machine, type PciFunctionInfo } from '@boardwalk/core';
import type { pciCommands } from '../schema/pci.ts';
import { type Handlers, requireMachine } from './context.ts';

/** Classes that have a name; others are told by their number. */
export const PCI_CLASS_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0100, 'SCSI controller'],
  [0x0200, 'Ethernet controller'],
]);

/** Of a window that is nowhere. */
const NOWHERE = -1;

/** The buses by number, as `query-pci` tells them. */
export function pciBuses(machine: Machine) {
  return devicesOf(machine)
    .filter(isPciBus)
    .map(({ pciFunctions }, bus) => ({ bus, devices: pciFunctions.map((info) => functionOf(bus, info)) }));
}

function functionOf(bus: number, info: PciFunctionInfo) {
  const desc = PCI_CLASS_NAMES.get(info.classCode);
  return {
    bus,
    slot: info.slot,
    function: info.function,
    class_info: { ...(desc !== undefined && { desc }), class: info.classCode },
    id: {
      device: info.deviceId,
      vendor: info.vendorId,
      subsystem: info.subsystemId,
      'subsystem-vendor': info.subsystemVendorId,
    },
    ...(info.interruptPin !== 0 && { irq: info.interruptLine }),
    irq_pin: info.interruptPin,
    qdev_id: info.id,
    regions: info.windows.map(({ bar, type, address = NOWHERE, size, prefetchable, is64Bit }) => ({
      bar,
      type,
      address,
      size,
      ...(type === 'memory' && { prefetch: prefetchable, mem_type_64: is64Bit }),
    })),
  };
}

export const pciHandlers: Handlers<keyof typeof pciCommands> = {
  'query-pci': ({ emulator }) => pciBuses(requireMachine(emulator)),
};
