/** Flushes of TLBs and jump caches, and TLB entries made slow because their page now has flags. */
import type { Frontend } from '../frontend.ts';
import { defineHelper } from '../ir/helper.ts';
import { COMMON } from '../state.ts';
import {
  FETCH,
  JUMP_CACHE,
  JUMP_CACHE_BYTES,
  JUMP_FILTER,
  JUMP_FILTER_BYTES,
  LOAD,
  STORE,
  TLB,
  TLB_REGIME_BITS,
  TLB_TABLE_BYTES,
} from './layout.ts';
import { jumpFilter, largeRange, tlbEntryOf } from './tables.ts';

/** Makes the helpers that forget translations. */
export function createFlushes(frontend: Frontend) {
  const pageBytes = 2 ** frontend.pageBits;
  const slowBit = 2 ** (frontend.pageBits - 1);

  const flushJumps = defineHelper('flushJumps', [], undefined, (b) => {
    b.hostFill(b.add(b.cpuBase(), b.i32(JUMP_CACHE)), b.i32(0xff), b.i32(JUMP_CACHE_BYTES));
    b.hostFill(b.add(b.cpuBase(), b.i32(JUMP_FILTER)), b.i32(0), b.i32(JUMP_FILTER_BYTES));
  });

  /** Forgets every translation of this vCPU. */
  const flushAll = defineHelper('tlbFlush', [], undefined, (b) => {
    const used = b.get(COMMON.tlbUsed);
    for (let i = 0; i < frontend.mmuModes * 3; i++) {
      const table = TLB + Math.floor(i / 3) * 2 ** TLB_REGIME_BITS + (i % 3) * TLB_TABLE_BYTES;
      b.if(b.and(used, b.i32(2 ** i)), () => {
        b.hostFill(b.add(b.cpuBase(), b.i32(table)), b.i32(0xff), b.i32(TLB_TABLE_BYTES));
        b.hostStore(largeRange(b, b.i32(Math.floor(i / 3))), b.i64(-1), { size: 8 });
      });
    }
    b.set(COMMON.tlbUsed, b.i32(0));
    b.call(flushJumps);
  });

  /** Forgets the translations of one page in every regime: all of a regime if the page may be part of a larger mapping. */
  const flushPage = defineHelper('tlbFlushPage', ['i64'], undefined, (b, va) => {
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const range = largeRange(b, b.i32(mmu));
      const known = b.hostLoad(range, { size: 8 });
      const mask = b.hostLoad(b.add(range, b.i32(8)), { size: 8 });
      b.if(b.and(b.ne(known, b.i64(-1)), b.eq(b.and(va, mask), known)), () => {
        const tables = b.add(b.cpuBase(), b.i32(TLB + mmu * 2 ** TLB_REGIME_BITS));
        b.hostFill(tables, b.i32(0xff), b.i32(TLB_TABLE_BYTES * 3));
        b.hostStore(range, b.i64(-1), { size: 8 });
        b.call(flushJumps);
      });
      for (const access of [LOAD, STORE, FETCH]) {
        b.hostStore(tlbEntryOf(b, frontend.pageBits, va, b.i32(access), b.i32(mmu)), b.i64(-1), { size: 8 });
      }
    }
    b.if(b.hostLoad(jumpFilter(b, frontend.pageBits, va), { size: 1, ty: 'i32' }), () => b.call(flushJumps));
  });

  /** Makes stores to guest pages slow that touch the host page at an offset (f64): its flags are no longer zero. */
  const protectPage = defineHelper('tlbProtect', ['f64'], undefined, (b, offset) => {
    const host = b.truncSat(offset, 'i64', true);
    const before = b.sub(b.and(host, b.i64(-4096)), b.i64(pageBytes - 1));
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const entry = b.local('i32', b.add(b.cpuBase(), b.i32(TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_TABLE_BYTES)));
      const end = b.add(b.getLocal(entry), b.i32(TLB_TABLE_BYTES));
      b.loop((breakIf) => {
        const tag = b.hostLoad(b.getLocal(entry), { size: 8 });
        const first = b.and(tag, b.i64(-pageBytes));
        const at = b.add(first, b.hostLoad(b.add(b.getLocal(entry), b.i32(8)), { size: 8 }));
        b.if(b.ltU(b.sub(at, before), b.i64(4096 + pageBytes - 1)), () =>
          b.hostStore(b.getLocal(entry), b.or(tag, b.i64(slowBit)), { size: 8 }),
        );
        b.setLocal(entry, b.add(b.getLocal(entry), b.i32(16)));
        breakIf(b.geU(b.getLocal(entry), end));
      });
    }
  });

  return { flushAll, flushPage, flushJumps, protectPage } as const;
}
