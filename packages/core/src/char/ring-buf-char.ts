// Keeps the last bytes that the guest wrote, for somebody who looks later (QEMU's -chardev ringbuf).
import { UserError } from '../object/index.ts';
import type { CharBackend } from './char-backend.ts';

/** A ring of the guest's last output: new bytes push out the oldest that nobody has read. */
export class RingBufChar implements CharBackend {
  readonly size: number;
  readonly #ring: Uint8Array;
  // Both count bytes without wrapping; the ring index is the count modulo the size.
  #written = 0;
  #taken = 0;

  /**
   * @param size bytes kept, a power of two
   * @throws UserError for another size
   */
  constructor(size = 65536) {
    if (!Number.isSafeInteger(size) || size <= 0 || (size & (size - 1)) !== 0) {
      throw new UserError('size of a ringbuf must be a power of two');
    }
    this.size = size;
    this.#ring = new Uint8Array(size);
  }

  /** Bytes that can be read. */
  get count(): number {
    return this.#written - this.#taken;
  }

  write(data: Uint8Array): void {
    for (const byte of data.subarray(Math.max(0, data.length - this.size))) {
      this.#ring[this.#written++ % this.size] = byte;
    }
    this.#taken = Math.max(this.#taken, this.#written - this.size);
  }

  /** Takes out the oldest bytes, at most `length`. */
  read(length: number = this.count): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.count)));
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#ring[this.#taken++ % this.size] ?? 0;
    return bytes;
  }

  onData(): void {}

  close(): void {}
}
