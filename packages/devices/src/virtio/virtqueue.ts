// Split virtqueues, the device's side.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 2.7 (split virtqueues), with indirect descriptors (2.7.5.3) and event index (2.7.7, 2.7.10).
// The rings lie in guest memory and a guest may write anything there: each walk is bounded and each rule that protects the host is checked.

import { GuestFault, type GuestMemory } from './guest-memory.ts';

const DESC_F_NEXT = 1;
const DESC_F_WRITE = 2;
const DESC_F_INDIRECT = 4;
const DESC_BYTES = 16;

/** Descriptors of a request that monitors show. */
const MAX_SHOWN = 1024;
const AVAIL_F_NO_INTERRUPT = 1;
/** Where `ring[0]` is in the driver area and in the device area, after `flags` and `idx`. */
const RING = 4;
const USED_BYTES = 8;

/** Largest queue (2.7: at most 32768); ours offers no more than this. */
export const MAX_QUEUE_SIZE = 1024;
/** Descriptors in one chain, an indirect table's included. */
const MAX_CHAIN = 1024;
/** Bytes described by one chain (2.7.5.1). */
const MAX_CHAIN_BYTES = 2 ** 32;

/** A piece of guest memory. */
interface Segment {
  readonly address: number;
  readonly length: number;
}

/** A scatter list that reads or writes like one run of bytes. */
export class VirtqBuffer {
  readonly #memory: GuestMemory;
  readonly #segments: Segment[] = [];
  #length = 0;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }

  /** Bytes in all. */
  get length(): number {
    return this.#length;
  }

  /** @internal */
  append(address: number, length: number): void {
    this.#segments.push({ address, length });
    this.#length += length;
  }

  /** Copies from `offset` on into `dst`; returns the bytes copied, fewer than asked for at the end. @throws GuestFault */
  read(offset: number, dst: Uint8Array): number {
    return this.#each(offset, dst.length, (address, at, length) => {
      this.#memory.read(address, dst.subarray(at, at + length));
    });
  }

  /** Copies `src` to `offset` on; returns the bytes copied, fewer than given at the end. @throws GuestFault */
  write(offset: number, src: Uint8Array): number {
    return this.#each(offset, src.length, (address, at, length) => {
      this.#memory.write(address, src.subarray(at, at + length));
    });
  }

  #each(offset: number, length: number, copy: (address: number, at: number, length: number) => void): number {
    let skip = offset;
    let done = 0;
    for (const segment of this.#segments) {
      if (done === length) break;
      if (skip >= segment.length) {
        skip -= segment.length;
        continue;
      }
      const part = Math.min(segment.length - skip, length - done);
      copy(segment.address + skip, done, part);
      done += part;
      skip = 0;
    }
    return done;
  }
}

/** One request: a chain of descriptors that the driver has made available. */
export interface VirtqElement {
  /** Number of the first descriptor, the request's name when it is returned. */
  readonly head: number;
  /** What the driver has written for the device. */
  readonly readable: VirtqBuffer;
  /** Room for the device's answer. */
  readonly writable: VirtqBuffer;
}

/** A queue's part of a snapshot. */
export interface VirtQueueState {
  readonly size: number;
  readonly ready: boolean;
  readonly descriptors: number;
  readonly driver: number;
  readonly device: number;
  readonly nextAvail: number;
  readonly nextUsed: number;
  readonly signalled: number;
  readonly inFlight: readonly number[];
}

/** A split virtqueue. Addresses and size are the driver's to choose before {@link ready}. */
export class VirtQueue {
  readonly index: number;
  /** Largest size that the driver can choose. */
  readonly maxSize: number;
  readonly #memory: GuestMemory;

  size: number;
  ready = false;
  /** Guest addresses of the three areas. */
  descriptors = 0;
  driver = 0;
  device = 0;
  /** Negotiated VIRTIO_F_EVENT_IDX. */
  eventIndex = false;
  /** Negotiated VIRTIO_F_INDIRECT_DESC. */
  indirect = false;

  /** The next place in the available ring, and in the used ring, modulo 65536. */
  #nextAvail = 0;
  #nextUsed = 0;
  /** The used index when the driver was last asked whether it wants an interrupt. */
  #signalled = 0;
  /** Requests popped and not yet pushed, by head. */
  readonly #inFlight = new Map<number, number>();

  constructor(index: number, maxSize: number, memory: GuestMemory) {
    this.index = index;
    this.maxSize = maxSize;
    this.size = maxSize;
    this.#memory = memory;
  }

  reset(): void {
    this.size = this.maxSize;
    this.ready = false;
    this.descriptors = 0;
    this.driver = 0;
    this.device = 0;
    this.eventIndex = false;
    this.indirect = false;
    this.#nextAvail = 0;
    this.#nextUsed = 0;
    this.#signalled = 0;
    this.#inFlight.clear();
  }

  /** Lays the three areas one after another, as before VIRTIO 1.0 (2.7.2): the last begins at a multiple of `align`. */
  layOut(start: number, align: number): void {
    this.descriptors = start;
    this.driver = start + DESC_BYTES * this.size;
    this.device = Math.ceil((this.driver + 2 * (3 + this.size)) / align) * align;
  }

  /** Requests popped and not yet pushed. */
  get inFlight(): number {
    let count = 0;
    for (const times of this.#inFlight.values()) count += times;
    return count;
  }

  /** Requests that wait in the available ring. @throws GuestFault when there are more than the ring holds */
  get available(): number {
    const waiting = (this.#memory.u16(this.driver + 2) - this.#nextAvail) & 0xffff;
    if (waiting > this.size) throw new GuestFault(`queue ${this.index}: ${waiting} requests in a ring of ${this.size}`);
    return waiting;
  }

  /** Takes the next request off the available ring. @throws GuestFault when the ring or the chain is malformed */
  pop(): VirtqElement | undefined {
    if (!this.ready || this.available === 0) return undefined;
    const head = this.#memory.u16(this.driver + RING + 2 * (this.#nextAvail % this.size));
    const element = this.#chain(head);
    this.#nextAvail = (this.#nextAvail + 1) & 0xffff;
    this.#inFlight.set(head, (this.#inFlight.get(head) ?? 0) + 1);
    // The driver is to notify again when it goes past what has been taken.
    if (this.eventIndex) this.#memory.setU16(this.device + RING + USED_BYTES * this.size, this.#nextAvail);
    return element;
  }

  /** Puts the last popped request back, to be popped again later. */
  unpop(element: VirtqElement): void {
    this.#nextAvail = (this.#nextAvail - 1) & 0xffff;
    this.#landed(element.head);
  }

  /** Returns a request with `written` bytes in its writable part. @throws GuestFault */
  push(element: VirtqElement, written: number): void {
    const entry = this.device + RING + USED_BYTES * (this.#nextUsed % this.size);
    this.#memory.setU32(entry, element.head);
    this.#memory.setU32(entry + 4, written);
    this.#nextUsed = (this.#nextUsed + 1) & 0xffff;
    this.#memory.setU16(this.device + 2, this.#nextUsed);
    this.#landed(element.head);
  }

  /** Whether the driver wants an interrupt for what was pushed since the last call. @throws GuestFault */
  wantsInterrupt(): boolean {
    const before = this.#signalled;
    this.#signalled = this.#nextUsed;
    if (this.#nextUsed === before) return false;
    if (!this.eventIndex) return (this.#memory.u16(this.driver) & AVAIL_F_NO_INTERRUPT) === 0;
    const event = this.#memory.u16(this.driver + RING + 2 * this.size);
    return ((this.#nextUsed - event - 1) & 0xffff) < ((this.#nextUsed - before) & 0xffff);
  }

  /** Flags and index of the available ring, as the driver has them. */
  get ring(): { readonly flags: number; readonly index: number } {
    return { flags: this.#memory.u16(this.driver), index: this.#memory.u16(this.driver + 2) };
  }

  /** Flags and index of the used ring, as the driver sees them. */
  get used(): { readonly flags: number; readonly index: number } {
    return { flags: this.#memory.u16(this.device), index: this.#memory.u16(this.device + 2) };
  }

  /** The first descriptor of the request in a place of the available ring. */
  headAt(place: number): number {
    return this.#memory.u16(this.driver + RING + 2 * place);
  }

  /** The descriptors of a request, whatever is wrong with them, up to {@link MAX_SHOWN}. */
  describe(head: number): { readonly address: number; readonly length: number; readonly flags: number }[] {
    const found = [];
    let [table, entries, index] = [this.descriptors, this.size, head];
    while (index < entries && found.length < MAX_SHOWN) {
      const at = table + DESC_BYTES * index;
      const [address, length] = [this.#memory.address(at), this.#memory.u32(at + 8)];
      const flags = this.#memory.u16(at + 12);
      if ((flags & DESC_F_INDIRECT) !== 0 && table === this.descriptors) {
        [table, entries, index] = [address, Math.floor(length / DESC_BYTES), 0];
        continue;
      }
      found.push({ address, length, flags });
      if ((flags & DESC_F_NEXT) === 0) break;
      index = this.#memory.u16(at + 14);
    }
    return found;
  }

  save(): VirtQueueState {
    return {
      size: this.size,
      ready: this.ready,
      descriptors: this.descriptors,
      driver: this.driver,
      device: this.device,
      nextAvail: this.#nextAvail,
      nextUsed: this.#nextUsed,
      signalled: this.#signalled,
      inFlight: [...this.#inFlight].flatMap(([head, times]) => Array<number>(times).fill(head)),
    };
  }

  /** Takes a snapshot's state and returns the requests that were in flight, to be started again. @throws GuestFault */
  restore(state: VirtQueueState): VirtqElement[] {
    this.size = state.size;
    this.ready = state.ready;
    this.descriptors = state.descriptors;
    this.driver = state.driver;
    this.device = state.device;
    this.#nextAvail = state.nextAvail;
    this.#nextUsed = state.nextUsed;
    this.#signalled = state.signalled;
    this.#inFlight.clear();
    return state.inFlight.map((head) => {
      this.#inFlight.set(head, (this.#inFlight.get(head) ?? 0) + 1);
      return this.#chain(head);
    });
  }

  #landed(head: number): void {
    const times = this.#inFlight.get(head) ?? 0;
    if (times > 1) this.#inFlight.set(head, times - 1);
    else this.#inFlight.delete(head);
  }

  #chain(head: number): VirtqElement {
    const element: VirtqElement = {
      head,
      readable: new VirtqBuffer(this.#memory),
      writable: new VirtqBuffer(this.#memory),
    };
    this.#walk(element, this.descriptors, this.size, head, 0);
    return element;
  }

  /** Adds the descriptors from `first` on to the element. `depth` is 1 inside an indirect table. */
  #walk(element: VirtqElement, table: number, entries: number, first: number, depth: 0 | 1): void {
    let index = first;
    for (let count = 0; ; count++) {
      if (index >= entries) throw this.#fault(`descriptor ${index} of ${entries}`);
      if (count >= Math.min(entries, MAX_CHAIN)) throw this.#fault('a chain that does not end');
      const at = table + DESC_BYTES * index;
      const address = this.#memory.address(at);
      const length = this.#memory.u32(at + 8);
      const flags = this.#memory.u16(at + 12);
      if ((flags & DESC_F_INDIRECT) !== 0) {
        this.#indirect(element, address, length, flags, depth);
        return;
      }
      this.#append(element, address, length, (flags & DESC_F_WRITE) !== 0);
      if ((flags & DESC_F_NEXT) === 0) return;
      index = this.#memory.u16(at + 14);
    }
  }

  #indirect(element: VirtqElement, table: number, bytes: number, flags: number, depth: 0 | 1): void {
    if (!this.indirect) throw this.#fault('an indirect descriptor that was not negotiated');
    if (depth > 0) throw this.#fault('an indirect table inside another');
    if ((flags & DESC_F_NEXT) !== 0) throw this.#fault('an indirect descriptor with a successor');
    if (bytes === 0 || bytes % DESC_BYTES !== 0) throw this.#fault(`an indirect table of ${bytes} bytes`);
    this.#walk(element, table, bytes / DESC_BYTES, 0, 1);
  }

  #append(element: VirtqElement, address: number, length: number, write: boolean): void {
    const { readable, writable } = element;
    if (!write && writable.length > 0) throw this.#fault('a readable buffer after a writable one');
    if (readable.length + writable.length + length > MAX_CHAIN_BYTES) throw this.#fault('a chain of more than 4 GiB');
    (write ? writable : readable).append(address, length);
  }

  #fault(what: string): GuestFault {
    return new GuestFault(`queue ${this.index}: ${what}`);
  }
}
