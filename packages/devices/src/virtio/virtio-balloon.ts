// Virtio memory balloon device: the guest names pages of RAM that it does without, and takes them back.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.5.

import { type Balloon, devicesOf, type PropertySpec, type StateField, UserError } from '@boardwalk/core';
import { guestError } from '../registers.ts';
import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue, VirtqElement } from './virtqueue.ts';

/** Feature bits (5.5.3). */
const F_DEFLATE_ON_OOM = 1n << 2n;

const INFLATE_QUEUE = 0;
const QUEUE_SIZE = 128;
/** Page frame numbers count pages of this size, whatever the guest's are (5.5.6). */
const PAGE = 4096;
const PFN_BYTES = 4;
/** Page frame numbers in one request: Linux names 256. */
const MAX_PFNS = 65536;

const CONFIG_BYTES = 8;
const CONFIG_ACTUAL = 4;

/** Gives RAM that the guest does without back to the host. */
export class VirtioBalloon extends VirtioDevice implements Balloon {
  static override readonly typeName: string = 'virtio-balloon-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'deflate-on-oom',
      type: 'bool',
      description: 'the guest may take pages back by itself before it runs out of memory',
      default: false,
    },
  ];
  static override readonly state: readonly StateField[] = [
    // What the user asked for outlives a reset; the guest has all of its RAM then.
    { name: 'numPages', type: 'u32' },
    { name: 'actual', type: 'u32', reset: 0 },
  ];

  override readonly deviceId = 5;
  /** Pages that the guest is to do without, and those that it does. */
  numPages = 0;
  actual = 0;

  override realize(): void {
    super.realize();
    const others = devicesOf(this.machine).filter((other) => other instanceof VirtioBalloon && other !== this);
    if (others.length > 0) throw new UserError('Only one balloon device is supported');
  }

  get guestMemory(): number {
    return this.machine.ramSize - this.actual * PAGE;
  }

  setGuestMemory(bytes: number): void {
    const { ramSize } = this.machine;
    this.numPages = Math.floor((ramSize - Math.min(bytes, ramSize)) / PAGE);
    this.configChanged();
  }

  protected override queueSizes(): readonly number[] {
    return [QUEUE_SIZE, QUEUE_SIZE];
  }

  protected override ownFeatures(): bigint {
    return this.getProperty('deflate-on-oom') === true ? F_DEFLATE_ON_OOM : 0n;
  }

  /** Little-endian for old drivers of big-endian guests too (5.5.4). */
  protected override config(): Uint8Array {
    const view = new DataView(new ArrayBuffer(CONFIG_BYTES));
    view.setUint32(0, this.numPages, true);
    view.setUint32(CONFIG_ACTUAL, this.actual, true);
    return new Uint8Array(view.buffer);
  }

  protected override configWritten(offset: number, size: 1 | 2 | 4, value: number): void {
    if (offset < CONFIG_ACTUAL || offset + size > CONFIG_BYTES) {
      super.configWritten(offset, size, value);
      return;
    }
    const view = new DataView(new ArrayBuffer(4));
    view.setUint32(0, this.actual, true);
    for (let i = 0; i < size; i++) view.setUint8(offset - CONFIG_ACTUAL + i, (value >>> (8 * i)) & 0xff);
    this.actual = view.getUint32(0, true);
    this.machine.tellBalloon(this.guestMemory);
  }

  protected override processQueue(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const pages = queue.index === INFLATE_QUEUE ? this.#inflate(element) : 0;
      queue.push(element, 0);
      return pages * PAGE;
    });
    this.interrupt(queue);
  }

  /** @returns how many pages were given back */
  #inflate({ readable }: VirtqElement): number {
    const list = new Uint8Array(Math.min(readable.length, MAX_PFNS * PFN_BYTES));
    readable.read(0, list);
    const view = new DataView(list.buffer);
    let pages = 0;
    for (let at = 0; at + PFN_BYTES <= list.length; at += PFN_BYTES) {
      if (this.#discard(view.getUint32(at, !this.bigEndian) * PAGE)) pages++;
    }
    return pages;
  }

  /** Only main RAM can be given back, whole pages of it. */
  #discard(address: number): boolean {
    const range = this.machine.addressSpace.flatView().find(address);
    const block = range?.region.block;
    const backend = this.machine.memoryBackends.find((candidate) => candidate.region.block === block);
    if (range === undefined || block === undefined || backend === undefined || range.writeHost < 0) {
      guestError(this, `page 0x${address.toString(16)} is no RAM`);
      return false;
    }
    // Pages of the host's may be larger: a part of one cannot be given back.
    if (backend.pageSize > PAGE) return false;
    const offset = range.writeHost - block.offset + (address - range.base);
    if (address + PAGE > range.end) return false;
    backend.discard(offset, PAGE);
    return true;
  }
}
