/** Where entries of the tables in a vCPU's area lie, for the helpers of the software MMU, and twins of the hashes in TypeScript. */
import { PAGE_SHIFT } from '@boardwalk/core';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { COMMON } from '../state.ts';
import {
  BLOCK_HASH_BITS,
  cpuAreaBytes,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  JUMP_EXTRA,
  JUMP_FILTER,
  JUMP_FILTER_BYTES,
  TLB,
  TLB_ENTRIES,
  TLB_LARGE,
  TLB_LARGE_LEVEL_BITS,
  TLB_LARGE_LEVELS,
  TLB_LARGE_MARKS,
  TLB_PA,
  TLB_PA_BYTES,
  TLB_REGIME_BITS,
  TLB_SPAN_BYTES,
  TLB_SPANS,
  TLB_TABLE_BYTES,
} from './layout.ts';

/** Odd factors of the block hash, for host offsets and for pages of pcs. */
const HOST_FACTOR = 0x9e3779b1;
const PC_FACTOR = 0x85ebca6b;

/** Empties the tables in a vCPU's area, when it is made. */
export function emptyTables(u8: Uint8Array, area: number, mmuModes: number): void {
  u8.fill(0xff, area + JUMP_CACHE, area + cpuAreaBytes(mmuModes));
  for (let mmu = 0; mmu < mmuModes; mmu++) {
    const spans = area + TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_SPANS;
    u8.fill(0, spans, spans + 2 * TLB_SPAN_BYTES);
  }
}

/** Place of the TLB entry for an address. */
export function tlbEntryOf(b: IrBuilder, pageBits: number, va: Value, access: Value, mmu: Value): Value {
  const index = b.and(b.wrap(b.shr(va, b.i64(pageBits))), b.i32(TLB_ENTRIES - 1));
  const table = b.add(b.shl(mmu, b.i32(TLB_REGIME_BITS)), b.mul(access, b.i32(TLB_TABLE_BYTES)));
  return b.add(b.add(b.cpuBase(), b.i32(TLB)), b.add(table, b.shl(index, b.i32(4))));
}

/** Place of the marks of a regime's mappings larger than a page. */
export function largeMarks(b: IrBuilder, mmu: Value): Value {
  return b.add(b.add(b.cpuBase(), b.i32(TLB + TLB_LARGE)), b.shl(mmu, b.i32(TLB_REGIME_BITS)));
}

/** log2 of the bytes of an area of a level; 64 where it is all there is. */
export function largeAreaBits(pageBits: number, level: number): number {
  return level === TLB_LARGE_LEVELS - 1 ? 64 : pageBits + TLB_LARGE_LEVEL_BITS * (level + 1);
}

/** Place of the mark, among a regime's, for the area of a level that an address lies in. */
export function largeMark(b: IrBuilder, marks: Value, pageBits: number, level: number, va: Value): Value {
  const table = b.add(marks, b.i32(level * TLB_LARGE_MARKS));
  const bits = largeAreaBits(pageBits, level);
  if (bits === 64) return table;
  return b.add(table, b.and(b.wrap(b.shr(va, b.i64(bits))), b.i32(TLB_LARGE_MARKS - 1)));
}

/** Place of a regime's span for an access, 0 a load, 1 a store. */
export function spanOf(b: IrBuilder, access: Value, mmu: Value): Value {
  const regime = b.add(b.add(b.cpuBase(), b.i32(TLB + TLB_SPANS)), b.shl(mmu, b.i32(TLB_REGIME_BITS)));
  return b.add(regime, b.mul(access, b.i32(TLB_SPAN_BYTES)));
}

/** Place of the physical page number that belongs to a TLB entry. */
export function paEntry(b: IrBuilder, entry: Value, access: Value): Value {
  const inRegime = b.and(b.sub(b.sub(entry, b.cpuBase()), b.i32(TLB)), b.i32(2 ** TLB_REGIME_BITS - 1));
  const regime = b.sub(entry, inRegime);
  const index = b.shr(b.sub(inRegime, b.mul(access, b.i32(TLB_TABLE_BYTES))), b.i32(1));
  return b.add(b.add(regime, b.i32(TLB_PA)), b.add(b.mul(access, b.i32(TLB_PA_BYTES)), index));
}

/** Hash of a pc in the jump cache, as tier 0 computes it too. */
export function jumpEntry(b: IrBuilder, pc: Value): Value {
  const low = b.wrap(pc);
  const hash = b.and(b.xor(b.shr(low, b.i32(1)), b.shr(low, b.i32(13))), b.i32(JUMP_CACHE_ENTRIES - 1));
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_CACHE)), b.shl(hash, b.i32(4)));
}

/** Place of the `extra` word of an entry of the jump cache. */
export function jumpExtra(b: IrBuilder, entry: Value): Value {
  const inCpu = b.sub(entry, b.cpuBase());
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_EXTRA)), b.shr(b.sub(inCpu, b.i32(JUMP_CACHE)), b.i32(1)));
}

export function jumpFilter(b: IrBuilder, pageBits: number, va: Value): Value {
  const page = b.and(b.wrap(b.shr(va, b.i64(pageBits))), b.i32(JUMP_FILTER_BYTES - 1));
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_FILTER)), page);
}

/** Entry of the block hash for code at a host offset that runs at a pc; `blockHashIndex` is its TypeScript twin. */
export function blockHashEntry(b: IrBuilder, host: Value, pc: Value): Value {
  const page = b.mul(b.shr(b.wrap(pc), b.i32(PAGE_SHIFT)), b.i32(PC_FACTOR | 0));
  const mixed = b.mul(b.add(b.wrap(b.shr(host, b.i64(1))), page), b.i32(HOST_FACTOR | 0));
  return b.add(b.shl(b.shr(mixed, b.i32(32 - BLOCK_HASH_BITS)), b.i32(5)), b.get(COMMON.blockHash));
}

/** A host offset as TypeScript gets it. */
export function hostNumber(b: IrBuilder, host: Value): Value {
  return b.convert(host, 'f64', true);
}

/** Index in the jump cache of a pc, from its low half. */
export function jumpCacheIndex(pcLo: number): number {
  return ((pcLo >>> 1) ^ (pcLo >>> 13)) & (JUMP_CACHE_ENTRIES - 1);
}

/** Index in the block hash of code at a host offset that runs at a pc: shared libraries run at many. */
export function blockHashIndex(host: number, pcLo: number): number {
  const page = Math.imul(pcLo >>> PAGE_SHIFT, PC_FACTOR);
  return Math.imul(Math.floor(host / 2) + page, HOST_FACTOR) >>> (32 - BLOCK_HASH_BITS);
}
