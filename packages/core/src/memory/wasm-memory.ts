// The WebAssembly.Memory behind a RAM space: how wide its index is, and what the runtime has.

import { UserError } from '../object/index.ts';

/** Bytes in a page of WebAssembly memory. */
export const WASM_PAGE = 65536;
const GIB = 2 ** 30;
const MIB = 2 ** 20;

/**
 * How wide an index of the memory is. 32 bits reach 4 GiB, and the runtime can leave out the checks of bounds. 64 bits (WebAssembly 3.0,
 * memory64) reach 16 GiB, and cost speed.
 */
export type IndexBits = 32 | 64;

/** What an index reaches: the bytes of the largest memory (WebAssembly JavaScript Interface, implementation limits). */
export const LARGEST_MEMORY: Readonly<Record<IndexBits, number>> = { 32: 4 * GIB, 64: 16 * GIB };

/** What the emulator keeps beside guest RAM: code cache, CPU states, flash, ROMs, memory of displays. */
const EMULATOR_SHARE = 256 * MIB;

/** Sizes that are tried where nobody says one, for a runtime or host that refuses the largest. */
const FALLBACKS: Readonly<Record<IndexBits, readonly number[]>> = {
  32: [4 * GIB, 2 * GIB, GIB, GIB / 2, GIB / 4],
  64: [16 * GIB, 12 * GIB, 8 * GIB, 6 * GIB],
};

/** Memory section of one memory: shared, with a maximum, 64-bit index, of no pages. */
const MODULE_WITH_MEMORY64 = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, 7, 0, 0]);

let has64: boolean | undefined;

/** Whether the runtime has memories with 64-bit indexes. */
export function has64BitMemory(): boolean {
  has64 ??= WebAssembly.validate(MODULE_WITH_MEMORY64) && canMake64();
  return has64;
}

function canMake64(): boolean {
  try {
    makeMemory(0, false, 64);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of guest RAM that fit into a memory beside the emulator. */
export function largestGuestRam(indexBits: IndexBits = has64BitMemory() ? 64 : 32): number {
  return LARGEST_MEMORY[indexBits] - EMULATOR_SHARE;
}

/** What is wrong with so much guest RAM in this runtime; undefined if nothing is. */
export function guestRamProblem(bytes: number): string | undefined {
  if (bytes <= largestGuestRam()) return undefined;
  const limit = `${largestGuestRam() / MIB} MiB`;
  if (has64BitMemory()) return `RAM size ${describe(bytes)} is more than the ${limit} that a WebAssembly memory holds`;
  return `RAM size ${describe(bytes)} needs a 64-bit WebAssembly memory, which this runtime does not have (Node.js 24 does): the limit here is ${limit}`;
}

function describe(bytes: number): string {
  return bytes % GIB === 0 ? `${bytes / GIB} GiB` : `${Math.ceil(bytes / MIB)} MiB`;
}

/** The memory, of a fixed size. @throws RangeError if there is no room for it */
export function makeMemory(bytes: number, shared: boolean, indexBits: IndexBits): WebAssembly.Memory {
  const pages = bytes / WASM_PAGE;
  if (indexBits === 32) return new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
  const descriptor: unknown = { initial: BigInt(pages), maximum: BigInt(pages), shared, address: 'i64' };
  return new WebAssembly.Memory(descriptor as WebAssembly.MemoryDescriptor);
}

/** The largest memory that the runtime gives. @throws UserError if it gives none */
export function makeLargestMemory(shared: boolean, indexBits: IndexBits): WebAssembly.Memory {
  for (const bytes of FALLBACKS[indexBits]) {
    try {
      return makeMemory(bytes, shared, indexBits);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new UserError('cannot set up the memory of the machine: Cannot allocate memory');
}
