// Virtio memory device: a region of which the guest takes blocks, as many as the host wishes it to have, and gives them back.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.15. Property names and texts are QEMU's.

import {
  deviceName,
  type MemoryBackend,
  type MemoryDevice,
  type MemoryRegion,
  MiB,
  type PropertySpec,
  type StateField,
  UserError,
  type VirtioMemInfo,
} from '@boardwalk/core';
import { DeviceBackend } from '../memory/device-backend.ts';
import { guestError } from '../registers.ts';
import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue } from './virtqueue.ts';

/** Feature bits (5.15.3). */
const F_ACPI_PXM = 1n << 0n;
const F_UNPLUGGED_INACCESSIBLE = 1n << 1n;

/** Requests (5.15.6). */
const REQ_PLUG = 0;
const REQ_UNPLUG = 1;
const REQ_UNPLUG_ALL = 2;
const REQ_STATE = 3;
const REQUEST_BYTES = 24;
const RESPONSE_BYTES = 10;

/** Responses. */
const RESP_ACK = 0;
const RESP_NACK = 1;
const RESP_ERROR = 3;

/** States of a run of blocks. */
const STATE_PLUGGED = 0;
const STATE_UNPLUGGED = 1;
const STATE_MIXED = 2;

const CONFIG_BYTES = 56;
const LEAST_BLOCK = MiB(1);
const USUAL_BLOCK = MiB(2);
/** What the guest may choose from besides what it is asked to take: two of Linux's memory sections. */
const SPARE_BYTES = MiB(256);

const hex = (n: number): string => `0x${n.toString(16)}`;
const device = (o: unknown): VirtioMem => {
  if (!(o instanceof VirtioMem)) throw new Error('no virtio-mem');
  return o;
};

/** Memory that comes and goes in blocks. It lies in the machine's device memory, all of it from the start. */
export class VirtioMem extends VirtioDevice implements MemoryDevice {
  static override readonly typeName: string = 'virtio-mem';
  static override readonly properties = memProperties();
  static override readonly state: readonly StateField[] = [
    { name: 'plugged', type: 'bytes', reset: 0 },
    { name: 'usableBytes', type: 'u64' },
    { name: 'requestedSize', type: 'u64' },
  ];

  override readonly deviceId = 24;
  memoryAddress = 0;
  memoryNode = 0;
  /** Bytes that the guest is asked to take. */
  requestedSize = 0n;
  /** Bytes of a block; 0 before it is known. */
  blockSize = 0;
  /** Bytes of the part of the region that blocks may be taken from. */
  usableBytes = 0n;
  /** A byte a block, 1 where it is the guest's. */
  plugged = new Uint8Array(0);
  readonly #backend = new DeviceBackend(this, (id) => `'memdev' property specifies a busy memdev: ${id}`);

  get memoryBackend(): MemoryBackend | undefined {
    return this.#backend.taken;
  }

  get memoryRegion(): MemoryRegion {
    return this.#backend.current.region;
  }

  get memoryAlignment(): number {
    return this.blockSize;
  }

  /** Bytes that the guest has taken. */
  get memoryPlugged(): number {
    return this.plugged.reduce((count, block) => count + block, 0) * this.blockSize;
  }

  /** @throws UserError for a backend, node, size or address that cannot be */
  override realize(): void {
    const { machine } = this;
    const memdev = this.#backend.choose();
    if (this.memoryNode >= machine.numaNodes) {
      const [node, nodes] = [this.memoryNode, machine.numaNodes];
      throw new UserError(`'node' property has value '${node}', which exceeds the number of numa nodes: ${nodes}`);
    }
    this.#checkBlockSize(memdev);
    this.#checkRequested(Number(this.requestedSize), memdev.size);
    // Says that there is no place before anything else is begun.
    void this.#backend.place;
    super.realize();
    this.plugged = new Uint8Array(memdev.size / this.blockSize);
    this.#backend.plug(memdev);
  }

  /** After a reset of the machine the guest has no block (5.15.6.2); a reset of the device alone changes nothing. */
  override resetHold(): void {
    if (this.memoryBackend !== undefined) this.#unplugAll();
    super.resetHold();
    this.usableBytes = 0n;
    this.#growUsable();
  }

  protected override afterRestore(): void {
    super.afterRestore();
    this.configGeneration = (this.configGeneration + 1) >>> 0;
  }

  override dispose(): void {
    super.dispose();
    this.#backend.unplug();
  }

  memoryInfo(): VirtioMemInfo {
    const id = deviceName(this);
    return {
      type: 'virtio-mem',
      data: {
        ...(id === undefined ? {} : { id }),
        memaddr: this.memoryAddress,
        'requested-size': Number(this.requestedSize),
        size: this.memoryPlugged,
        'max-size': this.#backend.current.size,
        'block-size': this.blockSize,
        node: this.memoryNode,
        memdev: this.#backend.current.path,
      },
    };
  }

  /**
   * Asks the guest to have so many bytes, before and while the machine runs.
   * @throws UserError for a size that is no whole number of blocks, or more than there is
   */
  setRequestedSize(bytes: number): void {
    const memdev = this.memoryBackend;
    if (memdev !== undefined) this.#checkRequested(bytes, memdev.size);
    this.requestedSize = BigInt(bytes);
    if (memdev === undefined) return;
    this.#growUsable();
    this.configChanged();
  }

  protected override canChangeRealized(name: string): boolean {
    return name === 'requested-size' || name === 'block-size';
  }

  /** @throws UserError for anything but a power of two from 1 MiB on, and once the device is there */
  setBlockSize(bytes: number): void {
    if (this.realized) throw new UserError("'block-size' cannot be changed");
    if (bytes < LEAST_BLOCK) throw new UserError(`'block-size' property has to be at least ${hex(LEAST_BLOCK)}`);
    if (!Number.isInteger(Math.log2(bytes))) throw new UserError("'block-size' property has to be a power of two");
    this.blockSize = bytes;
  }

  protected override queueSizes(): readonly number[] {
    return [128];
  }

  protected override ownFeatures(): bigint {
    const inaccessible = this.getProperty('unplugged-inaccessible') === 'off' ? 0n : F_UNPLUGGED_INACCESSIBLE;
    return inaccessible | (this.machine.numaNodes > 1 ? F_ACPI_PXM : 0n);
  }

  /** Configuration space (5.15.4). */
  protected override config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG_BYTES);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(0, BigInt(this.blockSize), true);
    view.setUint16(8, this.memoryNode, true);
    const fields = [
      this.memoryAddress,
      this.#backend.current.size,
      this.usableBytes,
      this.memoryPlugged,
      this.requestedSize,
    ];
    for (const [i, field] of fields.entries()) view.setBigUint64(16 + 8 * i, BigInt(field), true);
    return bytes;
  }

  protected override processQueue(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const request = new Uint8Array(REQUEST_BYTES);
      const response = new Uint8Array(RESPONSE_BYTES);
      if (element.readable.read(0, request) === REQUEST_BYTES) this.#answer(request, response);
      else {
        guestError(this, `a request of ${element.readable.length} bytes`);
        response[0] = RESP_ERROR;
      }
      queue.push(element, element.writable.write(0, response));
      return REQUEST_BYTES;
    });
    this.interrupt(queue);
  }

  #answer(request: Uint8Array, response: Uint8Array): void {
    const view = new DataView(request.buffer);
    const answer = new DataView(response.buffer);
    const type = view.getUint16(0, true);
    const address = Number(view.getBigUint64(8, true));
    const blocks = this.#blocks(address, view.getUint16(16, true));
    switch (type) {
      case REQ_PLUG:
        answer.setUint16(0, this.#plug(blocks), true);
        break;
      case REQ_UNPLUG:
        answer.setUint16(0, this.#unplug(blocks), true);
        break;
      case REQ_UNPLUG_ALL:
        this.#unplugAll();
        this.usableBytes = 0n;
        this.#growUsable();
        this.configChanged();
        break;
      case REQ_STATE:
        answer.setUint16(0, blocks === undefined ? RESP_ERROR : RESP_ACK, true);
        if (blocks !== undefined) answer.setUint16(8, this.#state(blocks), true);
        break;
      default:
        guestError(this, `request ${type}`);
        answer.setUint16(0, RESP_ERROR, true);
    }
  }

  /** The blocks of a request as first and end; undefined if there is none, or one does not lie in the usable part. */
  #blocks(address: number, count: number): readonly [number, number] | undefined {
    const offset = address - this.memoryAddress;
    const bytes = count * this.blockSize;
    const fits =
      count > 0 && offset >= 0 && offset % this.blockSize === 0 && offset + bytes <= Number(this.usableBytes);
    return fits ? [offset / this.blockSize, (offset + bytes) / this.blockSize] : undefined;
  }

  #all(blocks: readonly [number, number], value: 0 | 1): boolean {
    return this.plugged.subarray(...blocks).every((block) => block === value);
  }

  #state(blocks: readonly [number, number]): number {
    if (this.#all(blocks, 1)) return STATE_PLUGGED;
    return this.#all(blocks, 0) ? STATE_UNPLUGGED : STATE_MIXED;
  }

  #plug(blocks: readonly [number, number] | undefined): number {
    if (blocks === undefined || !this.#all(blocks, 0)) return RESP_ERROR;
    const bytes = (blocks[1] - blocks[0]) * this.blockSize;
    if (this.memoryPlugged + bytes > Number(this.requestedSize)) return RESP_NACK;
    this.plugged.fill(1, ...blocks);
    this.#tellSize();
    return RESP_ACK;
  }

  #unplug(blocks: readonly [number, number] | undefined): number {
    if (blocks === undefined || !this.#all(blocks, 1)) return RESP_ERROR;
    this.#giveUp(...blocks);
    this.#tellSize();
    return RESP_ACK;
  }

  #unplugAll(): void {
    if (this.memoryPlugged === 0) return;
    for (let first = this.plugged.indexOf(1); first >= 0; first = this.plugged.indexOf(1, first)) {
      const after = this.plugged.indexOf(0, first);
      this.#giveUp(first, after < 0 ? this.plugged.length : after);
    }
    this.#tellSize();
  }

  /** The host has the memory back; what was in it is gone. */
  #giveUp(first: number, end: number): void {
    this.plugged.fill(0, first, end);
    this.#backend.current.discard(first * this.blockSize, (end - first) * this.blockSize);
  }

  #tellSize(): void {
    this.machine.tellMemorySize({ id: deviceName(this) ?? '', path: this.path, size: this.memoryPlugged });
  }

  /** The usable part only grows, but for a fresh start. */
  #growUsable(): void {
    const wanted =
      this.requestedSize === 0n ? 0 : Number(this.requestedSize) + Math.max(SPARE_BYTES, 2 * this.blockSize);
    const bytes = Math.min(this.memoryBackend?.size ?? 0, Math.ceil(wanted / (this.blockSize || 1)) * this.blockSize);
    if (BigInt(bytes) > this.usableBytes) this.usableBytes = BigInt(bytes);
  }

  #checkBlockSize(memdev: MemoryBackend): void {
    if (this.blockSize === 0) this.blockSize = Math.max(USUAL_BLOCK, memdev.pageSize);
    if (this.blockSize < memdev.pageSize) {
      throw new UserError(`'block-size' property has to be at least ${hex(memdev.pageSize)}`);
    }
    if (memdev.size % this.blockSize !== 0) {
      throw new UserError(`backend memory size must be multiple of ${hex(this.blockSize)}`);
    }
  }

  #checkRequested(bytes: number, most: number): void {
    if (bytes > most) throw new UserError(`'requested-size' cannot exceed the memory backend size(${hex(most)})`);
    if (bytes % this.blockSize !== 0) {
      const subject = this.realized && this.memoryBackend ? "'requested-size'" : "'requested-size' property";
      throw new UserError(`${subject} has to be multiples of 'block-size' (${hex(this.blockSize)})`);
    }
  }
}

function memProperties(): readonly PropertySpec[] {
  return [
    { name: 'memdev', type: 'link<memory-backend>', description: 'Backend whose memory it is' },
    {
      name: 'node',
      type: 'uint32',
      description: 'NUMA node of the guest',
      default: 0,
      get: (o) => device(o).memoryNode,
      set: (o, value) => {
        device(o).memoryNode = Number(value);
      },
    },
    {
      name: 'memaddr',
      type: 'uint64',
      description: 'Guest address; 0: the first free',
      default: 0,
      get: (o) => device(o).memoryAddress,
      set: (o, value) => {
        device(o).memoryAddress = Number(value);
      },
    },
    {
      name: 'requested-size',
      type: 'size',
      description: 'Bytes that the guest should take',
      get: (o) => Number(device(o).requestedSize),
      set: (o, value) => device(o).setRequestedSize(Number(value)),
    },
    {
      name: 'block-size',
      type: 'size',
      description: 'Bytes of a block, a power of two; without it as fits the backend',
      get: (o) => device(o).blockSize,
      set: (o, value) => device(o).setBlockSize(Number(value)),
    },
    { name: 'size', type: 'size', description: 'Bytes that the guest has taken', get: (o) => device(o).memoryPlugged },
    {
      name: 'unplugged-inaccessible',
      type: 'OnOffAuto',
      values: ['auto', 'on', 'off'],
      description: 'Tell the guest not to touch blocks that it has not taken; auto: on',
      default: 'auto',
    },
  ];
}
