// `info pci`, as QEMU words it.
import type { PciFunctionInfo } from '@boardwalk/core';
import { PCI_CLASS_NAMES, pciBuses } from '../qmp/commands/pci.ts';
import { type HmpCommand, type HmpContext, machineOf } from './command.ts';
import { lines } from './info-memory.ts';

type PciFunction = ReturnType<typeof pciBuses>[number]['devices'][number];

const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, '0');

function functionLines(info: PciFunction): string[] {
  const { bus, slot, function: number, class_info, id, irq, irq_pin } = info;
  const place = `Bus ${String(bus).padStart(2)}, device ${String(slot).padStart(3)}, function ${number}`;
  const name = class_info.desc ?? `Class ${String(class_info.class).padStart(4, '0')}`;
  const pin = String.fromCharCode(64 + irq_pin);
  return [
    `  ${place}:`,
    `    ${name}: PCI device ${hex(id.vendor, 4)}:${hex(id.device, 4)}`,
    `      PCI subsystem ${hex(id['subsystem-vendor'], 4)}:${hex(id.subsystem, 4)}`,
    ...(irq === undefined ? [] : [`      IRQ ${irq}, pin ${pin}`]),
    ...info.regions.map(windowLine),
    `      id "${info.qdev_id}"`,
  ];
}

/** As `info qtree` shows it. All buses are the first one. */
export function pciFunctionLines(info: PciFunctionInfo): string[] {
  const { slot, function: number, classCode, vendorId, deviceId, subsystemVendorId, subsystemId, windows } = info;
  const name = PCI_CLASS_NAMES.get(classCode) ?? `Class ${hex(classCode, 4)}`;
  const ids = `${hex(vendorId, 4)}:${hex(deviceId, 4)} (sub ${hex(subsystemVendorId, 4)}:${hex(subsystemId, 4)})`;
  const bars = windows.map(({ bar, type, address = -1, size }) => {
    const first = BigInt.asUintN(64, BigInt(address));
    const last = BigInt.asUintN(64, first + BigInt(size) - 1n);
    return `bar ${bar}: ${type === 'io' ? 'i/o' : 'mem'} at 0x${hex(first, 0)} [0x${hex(last, 0)}]`;
  });
  return [`class ${name}, addr 00:${hex(slot, 2)}.${number}, pci id ${ids}`, ...bars];
}

/** Addresses are of 64 bits: that of a window that is nowhere is the last one. */
function windowLine({
  bar,
  type,
  address,
  size,
  prefetch = false,
  mem_type_64,
}: PciFunction['regions'][number]): string {
  const first = BigInt.asUintN(64, BigInt(address));
  const last = BigInt.asUintN(64, first + BigInt(size) - 1n);
  if (type === 'io') return `      BAR${bar}: I/O at 0x${hex(first, 4)} [0x${hex(last, 4)}].`;
  const kind = `${mem_type_64 === true ? 64 : 32} bit${prefetch ? ' prefetchable' : ''} memory`;
  return `      BAR${bar}: ${kind} at 0x${hex(first, 8)} [0x${hex(last, 8)}].`;
}

function pci(context: HmpContext): string {
  return lines(pciBuses(machineOf(context)).flatMap(({ devices }) => devices.flatMap(functionLines)));
}

export const pciInfoCommands: readonly HmpCommand[] = [{ name: 'pci', help: 'show PCI info', run: pci }];
