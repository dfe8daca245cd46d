export { CONFIG, CONFIG_BYTES, ConfigSpace, type PciIdentity } from './config-space.ts';
export { MAX_VECTORS, Msix } from './msix.ts';
export { PCI_BUS, PciBus, type PciHost } from './pci-bus.ts';
export { type BarKind, type PciBar, PciDevice } from './pci-device.ts';
