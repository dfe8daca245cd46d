// PCI buses (qapi/pci.json).
import { bool, command, enumeration, int, list, opt, str, struct } from './dsl.ts';

const PciMemoryRegion = struct('PciMemoryRegion', {
  bar: int,
  type: enumeration('PciMemoryRegionType', ['io', 'memory']),
  address: int,
  size: int,
  prefetch: opt(bool),
  mem_type_64: opt(bool),
});
const PciDeviceInfo = struct('PciDeviceInfo', {
  bus: int,
  slot: int,
  function: int,
  class_info: struct('PciDeviceClass', { desc: opt(str), class: int }),
  id: struct('PciDeviceId', { device: int, vendor: int, subsystem: opt(int), 'subsystem-vendor': opt(int) }),
  irq: opt(int),
  irq_pin: int,
  qdev_id: str,
  regions: list(PciMemoryRegion),
});
export const PciInfo = struct('PciInfo', { bus: int, devices: list(PciDeviceInfo) });

export const pciCommands = {
  'query-pci': command({ doc: 'The PCI buses, and what is on them.', returns: list(PciInfo) }),
} as const;
