// Memory devices: what brings RAM besides the main RAM, from the start or later (pc-dimm, virtio-mem). What a monitor shows of them
// has the shape of QMP's query-memory-devices (qapi/machine.json, MemoryDeviceInfo).

import { Device } from '../device/device.ts';
import { devicesOf } from '../device/tree.ts';
import type { MemoryBackend, MemoryRegion } from '../memory/index.ts';
import type { BwObject } from '../object/index.ts';

/** A memory module, as `query-memory-devices` shows it. Addresses and sizes in bytes. */
export interface DimmInfo {
  readonly type: 'dimm';
  readonly data: {
    readonly id?: string;
    readonly addr: number;
    readonly size: number;
    readonly slot: number;
    readonly node: number;
    /** Path of the backend. */
    readonly memdev: string;
    readonly hotplugged: boolean;
    readonly hotpluggable: boolean;
  };
}

/** Memory that a guest takes and gives back in blocks, as `query-memory-devices` shows it. */
export interface VirtioMemInfo {
  readonly type: 'virtio-mem';
  readonly data: {
    readonly id?: string;
    readonly memaddr: number;
    readonly 'requested-size': number;
    /** What the guest has taken. */
    readonly size: number;
    readonly 'max-size': number;
    readonly 'block-size': number;
    readonly node: number;
    readonly memdev: string;
  };
}

export type MemoryDeviceInfo = DimmInfo | VirtioMemInfo;

/** A device with RAM of its own in the machine's {@link DeviceMemory}. */
export interface MemoryDevice extends Device {
  /** The region that is mapped. */
  readonly memoryRegion: MemoryRegion;
  /** Guest address of the region; 0 before it has one. A user may set it beforehand, see {@link DeviceMemory.plug}. */
  memoryAddress: number;
  /** Its region's alignment in bytes. */
  readonly memoryAlignment: number;
  /** Bytes that the guest can use now; the region may be larger. */
  readonly memoryPlugged: number;
  /** NUMA node of the guest. */
  readonly memoryNode: number;
  readonly memoryBackend: MemoryBackend | undefined;
  /** Place among {@link DeviceMemory.slots}; -1 before it has one; undefined for devices that take none. */
  memorySlot?: number | undefined;
  /** What a monitor shows. */
  memoryInfo(): MemoryDeviceInfo;
}

/** True for a realized device that is a memory device. */
export function isMemoryDevice(o: BwObject): o is MemoryDevice {
  return o instanceof Device && 'memoryInfo' in o && typeof o.memoryInfo === 'function';
}

/** The memory devices of a machine, lowest address first. */
export function memoryDevicesOf(machine: BwObject): MemoryDevice[] {
  return devicesOf(machine)
    .filter(isMemoryDevice)
    .filter((device) => device.realized)
    .sort((a, b) => a.memoryAddress - b.memoryAddress);
}

/** `query-memory-devices`. */
export function memoryDeviceInfo(machine: BwObject): MemoryDeviceInfo[] {
  return memoryDevicesOf(machine).map((device) => device.memoryInfo());
}

/** Bytes that were plugged into a node besides the main RAM (`info numa`), or into all (`info memory_size_summary`). */
export function pluggedMemory(machine: BwObject, node?: number): number {
  return memoryDevicesOf(machine)
    .filter((device) => node === undefined || device.memoryNode === node)
    .reduce((sum, device) => sum + device.memoryPlugged, 0);
}

/** The lines of `info memory-devices`. */
export function formatMemoryDevices(infos: readonly MemoryDeviceInfo[]): string[] {
  return infos.flatMap((info) => {
    const { id = '' } = info.data;
    const head = `Memory device [${info.type}]: "${id}"`;
    if (info.type === 'dimm') {
      const { addr, slot, node, size, memdev, hotplugged, hotpluggable } = info.data;
      return [
        head,
        `  addr: 0x${addr.toString(16)}`,
        `  slot: ${slot}`,
        `  node: ${node}`,
        `  size: ${size}`,
        `  memdev: ${memdev}`,
        `  hotplugged: ${hotplugged}`,
        `  hotpluggable: ${hotpluggable}`,
      ];
    }
    const { memaddr, node, size, memdev, ...more } = info.data;
    return [
      head,
      `  memaddr: 0x${memaddr.toString(16)}`,
      `  node: ${node}`,
      `  requested-size: ${more['requested-size']}`,
      `  size: ${size}`,
      `  max-size: ${more['max-size']}`,
      `  block-size: ${more['block-size']}`,
      `  memdev: ${memdev}`,
    ];
  });
}
