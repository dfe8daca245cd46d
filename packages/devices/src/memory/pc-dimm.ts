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
import { claimMemdev, memdevOf } from './memory-properties.ts';

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
  #memdev: MemoryBackend | undefined;
  #release: () => void = () => {};

  override get hotpluggable(): boolean {
    return true;
  }

  get memoryBackend(): MemoryBackend | undefined {
    return this.#memdev;
  }

  get memoryRegion(): MemoryRegion {
    return this.#backend.region;
  }

  get memoryAlignment(): number {
    return this.#backend.alignment;
  }

  /** Bytes; 0 before it is realized. */
  get memoryPlugged(): number {
    return this.#memdev?.size ?? 0;
  }

  /** @throws UserError for a backend, node, slot or address that cannot be */
  override realize(): void {
    const { machine } = this;
    const memdev = memdevOf(this);
    if (this.memoryNode >= machine.numaNodes) {
      const [node, nodes] = [this.memoryNode, machine.numaNodes];
      throw new UserError(`'DIMM property node has value ${node}' which exceeds the number of numa nodes: ${nodes}`);
    }
    if (machine.deviceMemory === undefined) {
      throw new UserError('memory devices (e.g. for memory hotplug) are not supported by the machine');
    }
    const release = claimMemdev(this, memdev, `can't use already busy memdev: ${memdev.id}`);
    this.#memdev = memdev;
    try {
      machine.deviceMemory.plug(this);
    } catch (error) {
      this.#memdev = undefined;
      release();
      throw error;
    }
    this.#release = release;
  }

  override unplug(): void {
    this.machine.deviceMemory?.unplug(this);
    this.#release();
    this.#release = () => {};
  }

  override dispose(): void {
    if (this.#memdev !== undefined) this.unplug();
    this.#memdev = undefined;
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
        memdev: this.#backend.path,
        hotplugged: this.hotplugged,
        hotpluggable: this.hotpluggable,
      },
    };
  }

  get #backend(): MemoryBackend {
    if (this.#memdev === undefined) throw new Error(`pc-dimm '${this.id}' has no memory yet`);
    return this.#memdev;
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
