// What every loader makes of its file: bytes at guest physical addresses, and where to start.

import { UserError } from '../object/user-error.ts';

/** Bytes to be placed in guest memory. */
export interface MemoryPart {
  /** Guest physical address. */
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes of memory that it takes; what `bytes` does not cover is zero. */
  readonly size: number;
}

/** A program laid out in guest physical memory. */
export interface MemoryImage {
  readonly parts: readonly MemoryPart[];
  /** Guest physical address of the first instruction, where the file says one. */
  readonly entry: number | undefined;
}

/** Where images go; an AddressSpace is one. */
export interface LoadTarget {
  /** Writes guest physical memory; a negative result means that there is none. */
  writeBytes(address: number, bytes: Uint8Array): number;
}

/** The addresses that an image took. */
export interface LoadedRange {
  readonly low: number;
  /** First address after the image. */
  readonly high: number;
}

const ZEROS = new Uint8Array(1 << 20);

/**
 * Writes an image into guest memory.
 * @throws UserError if a part of it lies where the machine has no memory
 */
export function loadImage(target: LoadTarget, image: MemoryImage): LoadedRange {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const part of image.parts) {
    loadPart(target, part);
    low = Math.min(low, part.address);
    high = Math.max(high, part.address + part.size);
  }
  if (image.parts.length === 0) throw new UserError('there is nothing in it to load');
  return { low, high };
}

/** A file as it is, at an address. */
export function rawImage(bytes: Uint8Array, address: number, entry: number = address): MemoryImage {
  if (bytes.length === 0) throw new UserError('the file is empty');
  return { parts: [{ address, bytes, size: bytes.length }], entry };
}

function loadPart(target: LoadTarget, part: MemoryPart): void {
  const { address, bytes, size } = part;
  let failed = bytes.length > 0 && target.writeBytes(address, bytes) < 0;
  for (let at = bytes.length; at < size && !failed; at += ZEROS.length) {
    failed = target.writeBytes(address + at, ZEROS.subarray(0, Math.min(ZEROS.length, size - at))) < 0;
  }
  if (failed) {
    const last = (address + size - 1).toString(16);
    throw new UserError(`it does not fit: the machine has no memory for 0x${address.toString(16)}-0x${last}`);
  }
}
