// `pc-dimm`: a memory module. Its RAM is a backend's; it lies in the machine's device memory as long as it is plugged in.

import {
  Device,
  type DimmInfo,
  deviceName,
  type MemoryBackend,
  type MemoryDevice,
  type MemoryRegion,
  type PropertySpec,
  UserError,
} from '@boardwalk/core';
import { DeviceBackend } from './device-backend.ts';

const dimm = (o: unknown): PcDimm => {
  if (!(o instanceof PcDimm)) throw new Error('no pc-dimm');
  return o;
};

/** A memory module, there from the start or plugged in later. */
export class PcDimm extends Device implements MemoryDevice {
  static override readonly typeName: string = 'pc-dimm';
  static override readonly properties = dimmProperties();

  memoryAddress = 0;
  memorySlot = -1;
  memoryNode = 0;
  readonly #backend = new DeviceBackend(this, (id) => `can't use already busy memdev: ${id}`);

  override get hotpluggable(): boolean {
    return true;
  }

  get memoryBackend(): MemoryBackend | undefined {
    return this.#backend.taken;
  }

  get memoryRegion(): MemoryRegion {
    return this.#backend.current.region;
  }

  get memoryAlignment(): number {
    return this.#backend.current.alignment;
  }

  /** Bytes; 0 before it is realized. */
  get memoryPlugged(): number {
    return this.#backend.taken?.size ?? 0;
  }

  /** @throws UserError for a backend, node, slot or address that cannot be */
  override realize(): void {
    const { machine } = this;
    const memdev = this.#backend.choose();
    if (this.memoryNode >= machine.numaNodes) {
      const [node, nodes] = [this.memoryNode, machine.numaNodes];
      throw new UserError(`'DIMM property node has value ${node}' which exceeds the number of numa nodes: ${nodes}`);
    }
    this.#backend.plug(memdev);
  }

  override unplug(): void {
    this.#backend.unplug();
  }

  override dispose(): void {
    this.#backend.unplug();
  }

  memoryInfo(): DimmInfo {
    const id = deviceName(this);
    return {
      type: 'dimm',
      data: {
        ...(id === undefined ? {} : { id }),
        addr: this.memoryAddress,
        size: this.memoryPlugged,
        slot: this.memorySlot,
        node: this.memoryNode,
        memdev: this.#backend.current.path,
        hotplugged: this.hotplugged,
        hotpluggable: this.hotpluggable,
      },
    };
  }
}

function dimmProperties(): readonly PropertySpec[] {
  const field = (name: 'memoryAddress' | 'memorySlot' | 'memoryNode', spec: Omit<PropertySpec, 'get' | 'set'>) => ({
    ...spec,
    get: (o: unknown) => dimm(o)[name],
    set: (o: unknown, value: unknown) => {
      dimm(o)[name] = Number(value);
    },
  });
  return [
    { name: 'memdev', type: 'link<memory-backend>', description: 'Backend whose memory it is' },
    field('memoryNode', { name: 'node', type: 'uint32', description: 'NUMA node of the guest', default: 0 }),
    field('memoryAddress', {
      name: 'addr',
      type: 'uint64',
      description: 'Guest address; 0: the first free',
      default: 0,
    }),
    field('memorySlot', { name: 'slot', type: 'int32', description: 'Slot; -1: the first free', default: -1 }),
    { name: 'size', type: 'uint64', description: 'Bytes', get: (o) => dimm(o).memoryPlugged },
  ];
}
