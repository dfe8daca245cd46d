/** Where the parts of a vCPU's area lie, relative to its base, and the shapes of the tables in it. */
import { STATE_BYTES } from '../state.ts';

/** Jump cache: entries {pc i64, mode i32, ip i32} by a hash of the pc. */
export const JUMP_CACHE = STATE_BYTES;
export const JUMP_CACHE_ENTRIES = 4096;
export const JUMP_CACHE_BYTES = JUMP_CACHE_ENTRIES * 16;
/** One byte per hashed page number: the jump cache may hold an entry of that page. */
export const JUMP_FILTER = STATE_BYTES - 4096;
export const JUMP_FILTER_BYTES = 4096;

/** With `usesExtra`: the `extra` word of each entry of the jump cache, i64. */
export const JUMP_EXTRA = JUMP_CACHE + JUMP_CACHE_BYTES;
export const JUMP_EXTRA_BYTES = JUMP_CACHE_ENTRIES * 8;

/** TLB entries {tag i64, addend i64: what makes a host offset of an address}; three tables (load, store, fetch) and their physical pages a regime. */
export const TLB = JUMP_EXTRA + JUMP_EXTRA_BYTES;
export const TLB_ENTRIES = 1024;
export const TLB_TABLE_BYTES = TLB_ENTRIES * 16;
export const TLB_REGIME_BITS = 17;
/** Offset within a regime of the physical pages, with the attributes of their accesses in the low bits: three tables of i64. */
export const TLB_PA = TLB_TABLE_BYTES * 3;
export const TLB_PA_BYTES = TLB_ENTRIES * 8;
/**
 * Offset within a regime of the marks of its mappings larger than a page: a table a level, of a byte for each hash of the address
 * of an area, 0 where the TLB may have pages of such a mapping there, else 0xff. Behind them a byte that is 0 where any is.
 */
export const TLB_LARGE = TLB_PA + TLB_PA_BYTES * 3;
export const TLB_LARGE_LEVELS = 4;
/** The areas of level n have 2^(9 (n + 1)) pages; the last is for mappings larger than those, wherever they are. */
export const TLB_LARGE_LEVEL_BITS = 9;
export const TLB_LARGE_MARKS = 2048;
export const TLB_LARGE_ANY = TLB_LARGE_LEVELS * TLB_LARGE_MARKS;
export const TLB_LARGE_BYTES = TLB_LARGE_ANY + 8;

/**
 * Offset within a regime of its spans, one for loads and one for stores: {first i64, count i64, addend i64, unused i64}. Accesses
 * of up to 16 bytes at `count` addresses from `first` on need nothing but the addend; a count of 0 where there is no span.
 */
export const TLB_SPANS = TLB_LARGE + TLB_LARGE_BYTES;
export const TLB_SPAN_BYTES = 32;
/** Addresses at the end of a span that an access of 16 bytes would not fit at. */
export const TLB_SPAN_TAIL = 15;
/** A span has as many bytes at least: pages do for less. */
export const TLB_SPAN_LEAST = 2 ** 16;

/** Bytes of a vCPU's area for a frontend with so many regimes. */
export function cpuAreaBytes(mmuModes: number): number {
  return TLB + mmuModes * 2 ** TLB_REGIME_BITS;
}

/** Ranges of the physical map: {base i64, last i64, host i64, flags i32, unused i32}, sorted by base. */
export const PHYS_RANGE_BYTES = 32;
export const PHYS_READ = 1;
export const PHYS_WRITE = 2;

/** Second-level block lookup: entries {pc i64, host i64, mode i32, ip i32, extra i64}, by a hash. */
export const BLOCK_HASH_BITS = 17;
export const BLOCK_HASH_ENTRY = 32;
export const BLOCK_HASH_BYTES = 2 ** BLOCK_HASH_BITS * BLOCK_HASH_ENTRY;

/** Watched ranges: {first i64, last i64, kinds i32, unused}. */
export const WATCH_BYTES = 32;
export const WATCH_LIMIT = 256;
export const WATCH_READ = 1;
export const WATCH_WRITE = 2;

/** Results of `translate` that are no host offset. */
export const NOT_RAM = -1;
export const FAULTED = -2;

/** Slow-path descriptor: log2 of the size, then these bits. */
export const DESC = { signed: 4, natural: 8, big: 16 } as const;

/** The descriptor of an access by `ENGINE.load` and `ENGINE.store`. */
export function accessDescriptor(o: {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed?: boolean;
  readonly endian?: 'little' | 'big';
}): number {
  return Math.log2(o.size) | (o.signed === true ? DESC.signed : 0) | (o.endian === 'big' ? DESC.big : 0);
}

/** Kinds of access, as `walk` is told them: the tables of a regime in the TLB in order. */
export const LOAD = 0;
export const STORE = 1;
export const FETCH = 2;

/** Tables of one machine's translator, shared by its vCPUs. */
export interface EngineLayout {
  readonly pageFlags: number;
  /** vCPUs run on threads: who writes to a flagged page says so when it has happened, and helpers may be interrupted by others' writes. */
  readonly isThreaded?: boolean;
}
