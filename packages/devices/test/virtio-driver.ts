// A driver for tests: sets a device up through virtio-mmio registers and works its queues as a guest would, in RAM.

import type { MachineOptions } from '@boardwalk/core';
import type { VirtioDevice } from '../src/virtio/virtio-device.ts';
import { VirtioMmio, type VirtioMmioOptions } from '../src/virtio/virtio-mmio.ts';
import { type Probe, place, probe, RAM_BASE, type TestMachine, testMachine } from './machine.ts';

export const MMIO_BASE = 0x1000_1000;

/** A piece of a chain: bytes for the device, or room for its answer. */
export type Piece = Uint8Array | number;

const NEXT = 1;
const WRITE = 2;
const INDIRECT = 4;

/** One queue of {@link Driver.size} entries with its areas and a place for buffers. */
export class DriverQueue {
  readonly desc: number;
  readonly avail: number;
  readonly used: number;
  #buffers: number;
  #nextDescriptor = 0;
  #availIndex = 0;
  #usedSeen = 0;

  readonly driver: Driver;
  readonly index: number;

  constructor(driver: Driver, index: number) {
    this.driver = driver;
    this.index = index;
    const base = RAM_BASE + 0x8000 * (index + 1);
    this.desc = base;
    this.avail = base + 0x1000;
    this.used = base + 0x2000;
    this.#buffers = base + 0x3000;
  }

  /** Places a chain's buffers and makes it available; returns where the writable pieces are. */
  add(pieces: readonly Piece[], options: { readonly indirect?: boolean } = {}): number[] {
    const { as } = this.driver;
    const writable: number[] = [];
    const rows = pieces.map((piece, i) => {
      const length = typeof piece === 'number' ? piece : piece.length;
      const address = this.#allocate(length);
      if (typeof piece === 'number') writable.push(address);
      else as.writeBytes(address, piece);
      const more = i + 1 < pieces.length;
      return { address, length, flags: (typeof piece === 'number' ? WRITE : 0) | (more ? NEXT : 0) };
    });
    if (options.indirect === true) {
      const table = this.#allocate(16 * rows.length);
      for (const [i, row] of rows.entries()) this.descriptor(table, i, row.address, row.length, row.flags, i + 1);
      const head = this.#nextDescriptor++ % this.driver.size;
      this.descriptor(this.desc, head, table, 16 * rows.length, INDIRECT, 0);
      this.publish(head);
      return writable;
    }
    const first = this.#nextDescriptor;
    const at = (i: number): number => (first + i) % this.driver.size;
    for (const [i, row] of rows.entries()) {
      this.descriptor(this.desc, at(i), row.address, row.length, row.flags, at(i + 1));
    }
    this.#nextDescriptor += rows.length;
    this.publish(at(0));
    return writable;
  }

  /** Writes one descriptor. */
  descriptor(table: number, index: number, address: number, length: number, flags: number, next: number): void {
    const { as } = this.driver;
    const row = table + 16 * index;
    as.store64(row, BigInt(address));
    as.store(row + 8, 4, length);
    as.store(row + 12, 2, flags);
    as.store(row + 14, 2, next);
  }

  /** Puts a chain into the available ring. */
  publish(head: number): void {
    const { as, size } = this.driver;
    as.store(this.avail + 4 + 2 * (this.#availIndex % size), 2, head);
    this.#availIndex = (this.#availIndex + 1) & 0xffff;
    as.store(this.avail + 2, 2, this.#availIndex);
  }

  notify(): void {
    this.driver.write(0x050, this.index);
  }

  /** Entries of the used ring that have not been seen before: head and bytes written. */
  takeUsed(): [number, number][] {
    const { as, size } = this.driver;
    const taken: [number, number][] = [];
    for (
      const end = as.load(this.used + 2, 2);
      this.#usedSeen !== end;
      this.#usedSeen = (this.#usedSeen + 1) & 0xffff
    ) {
      const entry = this.used + 4 + 8 * (this.#usedSeen % size);
      taken.push([as.load(entry, 4), as.load(entry + 4, 4)]);
    }
    return taken;
  }

  bytes(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.driver.as.readBytes(address, bytes);
    return bytes;
  }

  #allocate(length: number): number {
    const address = this.#buffers;
    this.#buffers += (length + 15) & ~15;
    return address;
  }
}

export class Driver {
  readonly test: TestMachine;
  readonly transport: VirtioMmio;
  readonly irq: Probe;
  readonly size: number;
  readonly #queues = new Map<number, DriverQueue>();

  constructor(test: TestMachine, transport: VirtioMmio, irq: Probe, size: number) {
    this.test = test;
    this.transport = transport;
    this.irq = irq;
    this.size = size;
  }

  get as() {
    return this.test.machine.addressSpace;
  }

  read(register: number): number {
    return this.test.r32(MMIO_BASE + register);
  }

  write(register: number, value: number): void {
    this.test.w32(MMIO_BASE + register, value);
  }

  get status(): number {
    return this.read(0x070);
  }

  /** Features that the device offers. */
  get offered(): bigint {
    this.write(0x014, 1);
    const high = BigInt(this.read(0x010));
    this.write(0x014, 0);
    return (high << 32n) | BigInt(this.read(0x010));
  }

  /** Up to FEATURES_OK; returns whether the device agreed. */
  negotiate(features: bigint): boolean {
    this.write(0x070, 0);
    this.write(0x070, 1);
    this.write(0x070, 3);
    this.write(0x024, 0);
    this.write(0x020, Number(features & 0xffffffffn));
    this.write(0x024, 1);
    this.write(0x020, Number(features >> 32n));
    this.write(0x070, 0x0b);
    return (this.status & 8) !== 0;
  }

  /** Sets one queue up. */
  queue(index: number): DriverQueue {
    const known = this.#queues.get(index);
    if (known !== undefined) return known;
    const queue = new DriverQueue(this, index);
    this.#queues.set(index, queue);
    this.write(0x030, index);
    this.write(0x038, this.size);
    this.write(0x080, queue.desc);
    this.write(0x084, 0);
    this.write(0x090, queue.avail);
    this.write(0x094, 0);
    this.write(0x0a0, queue.used);
    this.write(0x0a4, 0);
    this.write(0x044, 1);
    return queue;
  }

  /** The driver is ready. */
  start(): void {
    this.write(0x070, 0x0f);
  }

  /** Reads and acknowledges the interrupt status. */
  takeInterrupts(): number {
    const status = this.read(0x060);
    this.write(0x064, status);
    return status;
  }
}

/** A machine with one virtio device and a driver for it. */
export async function virtioMachine(
  device: VirtioDevice,
  options: { readonly size?: number; readonly mmio?: VirtioMmioOptions; readonly machine?: MachineOptions } = {},
): Promise<Driver> {
  const transport = new VirtioMmio(options.mmio);
  const test = await testMachine((machine) => {
    place(machine, MMIO_BASE, transport);
    transport.plug(device);
    machine.add(device);
  }, options.machine);
  return new Driver(test, transport, probe(transport, transport.irq), options.size ?? 8);
}

export const VERSION_1 = 1n << 32n;
export const EVENT_IDX = 1n << 29n;
export const INDIRECT_DESC = 1n << 28n;
