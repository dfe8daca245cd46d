/** Flushes of TLBs and jump caches, and TLB entries made slow because their page now has flags. */
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
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
  TLB_LARGE_ANY,
  TLB_LARGE_BYTES,
  TLB_LARGE_LEVEL_BITS,
  TLB_LARGE_LEVELS,
  TLB_REGIME_BITS,
  TLB_TABLE_BYTES,
} from './layout.ts';
import { cutSpan, forgetSpans, forgetSpansAt } from './spans.ts';
import { jumpFilter, largeAreaBits, largeMark, largeMarks, tlbEntryOf } from './tables.ts';

/** Makes the helpers that forget translations. */
export function createFlushes(frontend: Frontend) {
  const pageBytes = 2 ** frontend.pageBits;
  const slowBit = 2 ** (frontend.pageBits - 1);
  const hasSpans = frontend.span !== undefined;

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
        if (hasSpans && i % 3 !== FETCH) forgetSpans(b, b.i32(Math.floor(i / 3)));
      });
    }
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const marks = largeMarks(b, b.i32(mmu));
      b.if(b.eqz(b.hostLoad(b.add(marks, b.i32(TLB_LARGE_ANY)), { size: 1, ty: 'i32' })), () =>
        b.hostFill(marks, b.i32(0xff), b.i32(TLB_LARGE_BYTES)),
      );
    }
    b.set(COMMON.tlbUsed, b.i32(0));
    b.set(COMMON.tlbLocal, b.i32(0));
    b.call(flushJumps);
  });

  /** (mmu): takes the jumps in one regime out of the jump cache. */
  const flushJumpsIn = defineHelper('flushJumpsIn', ['i32'], undefined, (b, mmu) => {
    const entry = b.local('i32', b.add(b.cpuBase(), b.i32(JUMP_CACHE)));
    const end = b.add(b.cpuBase(), b.i32(JUMP_CACHE + JUMP_CACHE_BYTES));
    b.loop((breakIf) => {
      const mode = b.hostLoad(b.add(b.getLocal(entry), b.i32(8)), { size: 4, ty: 'i32' });
      const fetch = frontend.fetchMmuOf?.(b, mode) ?? mmu;
      b.if(b.eq(fetch, mmu), () => b.hostStore(b.getLocal(entry), b.i64(-1), { size: 8 }));
      b.setLocal(entry, b.add(b.getLocal(entry), b.i32(16)));
      breakIf(b.geU(b.getLocal(entry), end));
    });
  });

  /** (mmu): forgets every translation of one regime. */
  const flushRegime = defineHelper('tlbFlushRegime', ['i32'], undefined, (b, mmu) => {
    const used = b.get(COMMON.tlbUsed);
    const first = b.mul(mmu, b.i32(3));
    const own = b.shl(b.i32(7), first);
    b.if(b.eqz(b.and(used, own)), () => b.return_());
    const regime = b.add(b.add(b.cpuBase(), b.i32(TLB)), b.shl(mmu, b.i32(TLB_REGIME_BITS)));
    for (const access of [LOAD, STORE, FETCH]) {
      b.if(b.and(b.shr(used, first), b.i32(1 << access)), () =>
        b.hostFill(b.add(regime, b.i32(access * TLB_TABLE_BYTES)), b.i32(0xff), b.i32(TLB_TABLE_BYTES)),
      );
    }
    if (hasSpans) forgetSpans(b, mmu);
    const marks = largeMarks(b, mmu);
    b.if(b.eqz(b.hostLoad(b.add(marks, b.i32(TLB_LARGE_ANY)), { size: 1, ty: 'i32' })), () =>
      b.hostFill(marks, b.i32(0xff), b.i32(TLB_LARGE_BYTES)),
    );
    b.if(b.and(b.shr(used, first), b.i32(1 << FETCH)), () => b.call(flushJumpsIn, mmu));
    b.set(COMMON.tlbUsed, b.and(used, b.not(own)));
  });

  /** Forgets the translations of the regimes that have any of the present address space. */
  const flushSpace = defineHelper('tlbFlushSpace', [], undefined, (b) => {
    const local = b.get(COMMON.tlbLocal);
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++)
      b.if(b.and(local, b.i32(1 << mmu)), () => b.call(flushRegime, b.i32(mmu)));
    b.set(COMMON.tlbLocal, b.i32(0));
  });

  /** (address, mask, mmu, from, bytes): forgets what a piece of each of the regime's tables has of a range. */
  const flushRange = defineHelper(
    'tlbFlushRange',
    ['i64', 'i64', 'i32', 'i32', 'i32'],
    undefined,
    (b, address, mask, mmu, from, bytes) => {
      const regime = b.add(b.add(b.cpuBase(), b.i32(TLB)), b.shl(mmu, b.i32(TLB_REGIME_BITS)));
      for (const access of [LOAD, STORE, FETCH]) {
        const entry = b.local('i32', b.add(b.add(regime, b.i32(access * TLB_TABLE_BYTES)), from));
        const end = b.local('i32', b.add(b.getLocal(entry), bytes));
        b.loop((breakIf) => {
          const tag = b.hostLoad(b.getLocal(entry), { size: 8 });
          b.if(b.eq(b.and(tag, mask), address), () => b.hostStore(b.getLocal(entry), b.i64(-1), { size: 8 }));
          b.setLocal(entry, b.add(b.getLocal(entry), b.i32(16)));
          breakIf(b.geU(b.getLocal(entry), b.getLocal(end)));
        });
      }
    },
  );

  /** Whether the jump cache may have something of the area of the lowest level that an address lies in. */
  const mayJumpNear = (b: IrBuilder, va: Value): Value => {
    const pages = 2 ** TLB_LARGE_LEVEL_BITS;
    const first = b.add(b.cpuBase(), b.i32(JUMP_FILTER));
    const page = b.wrap(b.shr(va, b.i64(frontend.pageBits)));
    const at = b.local('i32', b.add(first, b.and(page, b.i32(JUMP_FILTER_BYTES - pages))));
    const end = b.add(b.getLocal(at), b.i32(pages));
    const found = b.local('i64', b.i64(0));
    b.loop((breakIf) => {
      b.setLocal(found, b.or(b.getLocal(found), b.hostLoad(b.getLocal(at), { size: 8 })));
      b.setLocal(at, b.add(b.getLocal(at), b.i32(8)));
      breakIf(b.geU(b.getLocal(at), end));
    });
    return b.ne(b.getLocal(found), b.i64(0));
  };

  /** (va, mmu): forgets the areas with larger mappings that an address lies in. */
  const flushLarge = defineHelper('tlbFlushLarge', ['i64', 'i32'], undefined, (b, va, mmu) => {
    const marks = largeMarks(b, mmu);
    for (let level = 0; level < TLB_LARGE_LEVELS; level++) {
      const bits = largeAreaBits(frontend.pageBits, level);
      const mask = b.big(bits === 64 ? 0n : -(1n << BigInt(bits)));
      const mark = b.hostLoad(largeMark(b, marks, frontend.pageBits, level, va), { size: 1, ty: 'i32' });
      b.if(b.eqz(mark), () => {
        // The pages of the smallest area are one after the other in a table.
        const bytes = level === 0 ? 2 ** TLB_LARGE_LEVEL_BITS * 16 : TLB_TABLE_BYTES;
        const page = b.wrap(b.shr(va, b.i64(frontend.pageBits - 4)));
        b.call(flushRange, b.and(va, mask), mask, mmu, b.and(page, b.i32(TLB_TABLE_BYTES - bytes)), b.i32(bytes));
        if (hasSpans) forgetSpans(b, mmu);
        if (level === 0) b.if(mayJumpNear(b, va), () => b.call(flushJumps));
        else b.call(flushJumps);
      });
    }
  });

  /** Forgets the translations of one page in every regime, and of all around it that larger mappings may have made. */
  const flushPage = defineHelper('tlbFlushPage', ['i64'], undefined, (b, va) => {
    const page = b.and(va, b.i64(-pageBytes));
    const used = b.get(COMMON.tlbUsed);
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      // Most regimes have nothing, and each table lies in a cache line of its own.
      b.if(b.and(used, b.i32(7 << (mmu * 3))), () => {
        const any = b.add(largeMarks(b, b.i32(mmu)), b.i32(TLB_LARGE_ANY));
        b.if(b.eqz(b.hostLoad(any, { size: 1, ty: 'i32' })), () => b.call(flushLarge, va, b.i32(mmu)));
        if (hasSpans) forgetSpansAt(b, va, b.i32(mmu));
        for (const access of [LOAD, STORE, FETCH]) {
          const entry = tlbEntryOf(b, frontend.pageBits, va, b.i32(access), b.i32(mmu));
          const isPage = b.eq(b.and(b.hostLoad(entry, { size: 8 }), b.i64(-pageBytes)), page);
          b.if(isPage, () => b.hostStore(entry, b.i64(-1), { size: 8 }));
        }
      });
    }
    b.if(b.hostLoad(jumpFilter(b, frontend.pageBits, va), { size: 1, ty: 'i32' }), () => b.call(flushJumps));
  });

  /** Makes stores to guest pages slow that touch the host page at an offset (f64): its flags are no longer zero. */
  const protectPage = defineHelper('tlbProtect', ['f64'], undefined, (b, offset) => {
    const host = b.truncSat(offset, 'i64', true);
    const before = b.sub(b.and(host, b.i64(-4096)), b.i64(pageBytes - 1));
    const used = b.get(COMMON.tlbUsed);
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const table = TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_TABLE_BYTES;
      b.if(b.and(used, b.i32(2 << (mmu * 3))), () => {
        if (hasSpans) cutSpan(b, host, b.i32(mmu));
        const entry = b.local('i32', b.add(b.cpuBase(), b.i32(table)));
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
      });
    }
  });

  return { flushAll, flushSpace, flushRegime, flushPage, flushJumps, protectPage } as const;
}
