// Brings a block backend up to date with bytes in memory that change: one write at a time, changes in between joined.

import type { BlockBackend } from '@boardwalk/core';

/** Copies what changes in an array to the same offsets of a backend; what lies beyond the backend's end is not kept. */
export class WriteThrough {
  readonly #backend: BlockBackend;
  readonly #bytes: Uint8Array;
  /** What has changed since the last write began. */
  #from = Infinity;
  #to = 0;
  #writing: Promise<void> | undefined;
  #failure: unknown;

  constructor(backend: BlockBackend, bytes: Uint8Array) {
    this.#backend = backend;
    this.#bytes = bytes;
  }

  /** Bytes have changed. */
  changed(offset: number, length: number): void {
    this.#from = Math.min(this.#from, offset);
    this.#to = Math.min(Math.max(this.#to, offset + length), this.#backend.size);
    this.#writing ??= this.#write();
  }

  /** Done when everything changed so far is at the backend. Rejects when a write has failed, once. */
  async flushed(): Promise<void> {
    await this.#writing;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  async #write(): Promise<void> {
    // What changes in the same turn of the event loop becomes one write.
    await Promise.resolve();
    while (this.#from < this.#to) {
      const [from, to] = [this.#from, this.#to];
      this.#from = Infinity;
      this.#to = 0;
      try {
        await this.#backend.write(from, this.#bytes.slice(from, to));
      } catch (error) {
        this.#failure = error;
      }
    }
    this.#from = Infinity;
    this.#to = 0;
    this.#writing = undefined;
  }
}
