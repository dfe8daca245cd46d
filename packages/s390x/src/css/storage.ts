/**
 * Main storage by absolute address, as the channel subsystem and the service processor access it: RAM alone, every access checked,
 * values big-endian.
 */
import type { AddressSpace } from '@boardwalk/core';
import { GuestMemory } from '@boardwalk/devices';

/** Checked access to RAM. Nothing is accessed where a method says that it could not. */
export class AbsoluteStorage {
  readonly #as: AddressSpace;
  readonly #memory: GuestMemory;
  readonly #word = new DataView(new ArrayBuffer(8));
  readonly #bytes = new Uint8Array(this.#word.buffer);

  constructor(as: AddressSpace) {
    this.#as = as;
    this.#memory = new GuestMemory(as);
  }

  /** Whether a range is RAM throughout. */
  has(address: number, length: number): boolean {
    return this.#memory.isRam(address, length, true);
  }

  /** Reads bytes; false, and nothing read, unless all of them are there. */
  read(address: number, into: Uint8Array): boolean {
    if (!this.has(address, into.length)) return false;
    this.#memory.read(address, into);
    return true;
  }

  /** Writes bytes; false, and nothing written, unless all of them are there. */
  write(address: number, from: Uint8Array): boolean {
    if (!this.has(address, from.length)) return false;
    this.#memory.write(address, from);
    return true;
  }

  /** A byte, or undefined where there is none; likewise below. */
  byte(address: number): number | undefined {
    return this.#fetch(address, 1) ? this.#word.getUint8(0) : undefined;
  }

  word(address: number): number | undefined {
    return this.#fetch(address, 4) ? this.#word.getUint32(0) : undefined;
  }

  doubleword(address: number): bigint | undefined {
    return this.#fetch(address, 8) ? this.#word.getBigUint64(0) : undefined;
  }

  setByte(address: number, value: number): boolean {
    this.#word.setUint8(0, value);
    return this.write(address, this.#bytes.subarray(0, 1));
  }

  /**
   * Sets bits of a byte, interlocked: CPUs may change others at this moment.
   * @returns those of the bits that were set before, or undefined where there is no storage
   */
  setBits(address: number, bits: number): number | undefined {
    const host = this.has(address, 1) ? this.#as.hostOffset(address, 1, true) : -1;
    if (host < 0) return undefined;
    const before = Atomics.or(this.#as.space.u8, host, bits);
    this.#as.space.noteWrite(host, 1);
    return before & bits;
  }

  setHalfword(address: number, value: number): boolean {
    this.#word.setUint16(0, value);
    return this.write(address, this.#bytes.subarray(0, 2));
  }

  setWord(address: number, value: number): boolean {
    this.#word.setUint32(0, value);
    return this.write(address, this.#bytes.subarray(0, 4));
  }

  setDoubleword(address: number, value: bigint): boolean {
    this.#word.setBigUint64(0, value);
    return this.write(address, this.#bytes);
  }

  #fetch(address: number, bytes: number): boolean {
    return this.read(address, this.#bytes.subarray(0, bytes));
  }
}
