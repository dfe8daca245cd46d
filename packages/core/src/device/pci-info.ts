// What monitors tell of PCI buses (`info pci`, `query-pci`), whoever models them.
import type { Device } from './device.ts';

/** A window of a function, by its base address register. */
export interface PciWindowInfo {
  readonly bar: number;
  readonly type: 'io' | 'memory';
  /** Where the driver has put it; undefined while it is nowhere. */
  readonly address: number | undefined;
  /** Bytes. */
  readonly size: number;
  /** Of memory. */
  readonly prefetchable: boolean;
  readonly is64Bit: boolean;
}

/** A function of a device on a bus. */
export interface PciFunctionInfo {
  readonly device: Device;
  readonly slot: number;
  readonly function: number;
  /** Its id, or the name that its place gives it. */
  readonly id: string;
  /** Class and subclass: 0x0200 is an Ethernet controller. */
  readonly classCode: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId: number;
  readonly subsystemId: number;
  /** 1 is INTA#; 0 none. */
  readonly interruptPin: number;
  readonly interruptLine: number;
  readonly windows: readonly PciWindowInfo[];
}

/** A bus whose functions can be told. */
export interface PciBusInfo extends Device {
  readonly pciFunctions: readonly PciFunctionInfo[];
}

/** Whether a device is such a bus. */
export function isPciBus(o: Device): o is PciBusInfo {
  return o.isA('PCI') && 'pciFunctions' in o;
}
