// MSI-X: interrupts as messages, each from a vector of a table that the driver fills in.
// After: "PCI Local Bus Specification, Revision 3.0", section 6.8.2.

import type { RegionOps } from '@boardwalk/core';
import type { ConfigSpace } from './config-space.ts';

const CAPABILITY = 0x11;
/** Message control, in the capability: enable, mask of the whole function, and the table's size less 1. */
const CONTROL = 2;
const ENABLE = 0x8000;
const FUNCTION_MASK = 0x4000;

/** Bytes of an entry: address, its upper half, data, vector control. */
const ENTRY_BYTES = 16;
const ENTRY_DATA = 8;
const ENTRY_CONTROL = 12;
const VECTOR_MASKED = 1;

/** Where pending bits lie in the region, whose first part is the table. */
const PENDING = 0x800;
/** Bytes of the region. */
export const MSIX_REGION_BYTES = 0x1000;
/** Vectors that there is room for before the pending bits. */
export const MAX_VECTORS = PENDING / ENTRY_BYTES;

/** Sends a message: the two halves of its address, and its data. */
export type SendMessage = (addressLow: number, addressHigh: number, data: number) => void;

/** Table, pending bits and capability of one function. */
export class Msix {
  /** Vectors, and pending bits; both are state. */
  readonly table: Uint8Array;
  readonly pending: Uint8Array;
  readonly vectors: number;
  readonly #config: ConfigSpace;
  readonly #control: number;
  readonly #send: SendMessage;
  readonly #entries: DataView;

  /**
   * @param vectors 1 to {@link MAX_VECTORS}
   * @param bar which base address register the region has
   */
  constructor(config: ConfigSpace, vectors: number, bar: number, send: SendMessage) {
    this.vectors = vectors;
    this.table = new Uint8Array(vectors * ENTRY_BYTES);
    this.pending = new Uint8Array(8 * Math.ceil(vectors / 64));
    this.#entries = new DataView(this.table.buffer);
    this.#config = config;
    this.#send = send;
    const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
    const size = vectors - 1;
    const offset = config.addCapability(CAPABILITY, [size & 0xff, size >>> 8, ...word(bar), ...word(PENDING | bar)]);
    this.#control = offset + CONTROL;
    config.define(this.#control, 2, size, ENABLE | FUNCTION_MASK);
    this.reset();
  }

  /** Every vector is masked. */
  reset(): void {
    this.table.fill(0);
    this.pending.fill(0);
    for (let n = 0; n < this.vectors; n++)
      this.#entries.setUint32(n * ENTRY_BYTES + ENTRY_CONTROL, VECTOR_MASKED, true);
  }

  /** The driver has chosen messages. */
  get enabled(): boolean {
    return (this.#config.read(this.#control, 2) & ENABLE) !== 0;
  }

  /** Sends a vector's message, or leaves it pending while it is masked. */
  notify(vector: number): void {
    if (!this.enabled || vector >= this.vectors) return;
    if (this.#masked(vector)) this.#setPending(vector, true);
    else this.#fire(vector);
  }

  /** The driver has written the capability: what it unmasked may be pending. */
  controlWritten(): void {
    for (let vector = 0; vector < this.vectors; vector++) this.#unmasked(vector);
  }

  /** The region with table and pending bits. */
  get ops(): RegionOps {
    return {
      valid: { min: 4, max: 8 },
      impl: { min: 4, max: 4 },
      read: (offset) => {
        if (offset < this.table.length) return this.#entries.getUint32(offset, true);
        const at = offset - PENDING;
        return at < 0 || at >= this.pending.length ? 0 : new DataView(this.pending.buffer).getUint32(at, true);
      },
      write: (offset, _size, value) => {
        if (offset >= this.table.length) return;
        this.#entries.setUint32(offset, value, true);
        this.#unmasked(Math.floor(offset / ENTRY_BYTES));
      },
    };
  }

  #masked(vector: number): boolean {
    const function_ = this.#config.read(this.#control, 2) & FUNCTION_MASK;
    return (
      function_ !== 0 || (this.#entries.getUint32(vector * ENTRY_BYTES + ENTRY_CONTROL, true) & VECTOR_MASKED) !== 0
    );
  }

  #unmasked(vector: number): void {
    if (!this.enabled || ((this.pending[vector >> 3] ?? 0) & (1 << (vector & 7))) === 0 || this.#masked(vector)) return;
    this.#setPending(vector, false);
    this.#fire(vector);
  }

  #setPending(vector: number, on: boolean): void {
    const bit = 1 << (vector & 7);
    const before = this.pending[vector >> 3] ?? 0;
    this.pending[vector >> 3] = on ? before | bit : before & ~bit;
  }

  #fire(vector: number): void {
    const at = vector * ENTRY_BYTES;
    const entry = this.#entries;
    this.#send(entry.getUint32(at, true), entry.getUint32(at + 4, true), entry.getUint32(at + ENTRY_DATA, true));
  }
}
