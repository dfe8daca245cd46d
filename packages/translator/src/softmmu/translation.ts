/**
 * Addresses: the physical map, page walks, TLB entries, watched ranges. What is found is a host offset, `NOT_RAM` with
 * `state.pa`, or `FAULTED` with the exception in the state.
 */
import { ATTR_FETCH } from '@boardwalk/core';
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper } from '../ir/helper.ts';
import { COMMON, FAULT } from '../state.ts';
import { IMPORTS } from './imports.ts';
import {
  type EngineLayout,
  FAULTED,
  FETCH,
  LOAD,
  NOT_RAM,
  PHYS_RANGE_BYTES,
  PHYS_READ,
  PHYS_WRITE,
  STORE,
  TLB_LARGE_ANY,
  TLB_LARGE_LEVELS,
  WATCH_BYTES,
  WATCH_READ,
  WATCH_WRITE,
} from './layout.ts';
import { createNoteSpan } from './spans.ts';
import { hostNumber, largeAreaBits, largeMark, largeMarks, paEntry, spanOf, tlbEntryOf } from './tables.ts';

export type Translation = ReturnType<typeof createTranslation>;

/** Makes the helpers that translate addresses. */
export function createTranslation(frontend: Frontend, layout: EngineLayout) {
  const pageBytes = 2 ** frontend.pageBits;
  const slowBit = 2 ** (frontend.pageBits - 1);
  /** Attributes of each regime, four bits each, in an i64. */
  const regimeAttributes = packAttributes(frontend);
  const tlbEntry = (b: IrBuilder, va: Value, access: Value, mmu: Value): Value =>
    tlbEntryOf(b, frontend.pageBits, va, access, mmu);

  /** Range of the physical map that holds a page, or 0. */
  const physFind = defineHelper('physFind', ['i64'], 'i32', (b, pa) => {
    const low = b.local('i32', b.i32(0));
    const high = b.local('i32', b.get(COMMON.physCount));
    const map = b.get(COMMON.physMap);
    b.loop((breakIf) => {
      breakIf(b.geU(b.getLocal(low), b.getLocal(high)));
      const middle = b.shr(b.add(b.getLocal(low), b.getLocal(high)), b.i32(1));
      const range = b.add(map, b.mul(middle, b.i32(PHYS_RANGE_BYTES)));
      b.if(
        b.ltU(pa, b.hostLoad(range, { size: 8 })),
        () => b.setLocal(high, middle),
        () => {
          b.if(b.leU(pa, b.hostLoad(b.add(range, b.i32(8)), { size: 8 })), () => b.return_(range));
          b.setLocal(low, b.add(middle, b.i32(1)));
        },
      );
    });
    return b.i32(0);
  });

  /** Host offset of a physical address that is RAM or ROM, or -1. */
  const ramHost = defineHelper('ramHost', ['i64'], 'i64', (b, pa) => {
    const range = b.call(physFind, pa);
    b.if(b.eqz(range), () => b.return_(b.i64(NOT_RAM)));
    b.if(b.eqz(b.and(rangeFlags(b, range), b.i32(PHYS_READ))), () => b.return_(b.i64(NOT_RAM)));
    return hostOf(b, range, pa);
  });

  /** The flags of the host page that a host offset lies in. */
  const flagsAt = (b: IrBuilder, host: Value): Value =>
    b.hostLoad(b.add(b.wrap(b.shr(host, b.i64(12))), b.i32(layout.pageFlags)), { size: 1, ty: 'i32' });

  /** Bits set in the flags of any host page that the guest page at a host offset touches; pages of both may be any size. */
  const flagsOfPage = (b: IrBuilder, first: Value): Value => {
    let flags = flagsAt(b, first);
    for (let at = 4096; at < pageBytes; at += 4096) flags = b.or(flags, flagsAt(b, b.add(first, b.i64(at))));
    return b.or(flags, flagsAt(b, b.add(first, b.i64(pageBytes - 1))));
  };

  /** (pa, access) -> host offset or NOT_RAM; no TLB. */
  const resolve = defineHelper('resolve', ['i64', 'i32'], 'i64', (b, pa, access) => {
    b.set(COMMON.pa, pa);
    const range = b.call(physFind, pa);
    b.if(b.eqz(range), () => b.return_(b.i64(NOT_RAM)));
    const right = b.select(b.eq(access, b.i32(STORE)), b.i32(PHYS_WRITE), b.i32(PHYS_READ));
    b.if(b.eqz(b.and(rangeFlags(b, range), right)), () => b.return_(b.i64(NOT_RAM)));
    return hostOf(b, range, pa);
  });

  /** (first, last, kinds) -> not 0 where a watched range of one of these kinds overlaps. */
  const watched = defineHelper('watched', ['i64', 'i64', 'i32'], 'i32', (b, first, last, kinds) => {
    const entry = b.local('i32', b.get(COMMON.watchTable));
    const end = b.add(b.getLocal(entry), b.mul(b.get(COMMON.watchCount), b.i32(WATCH_BYTES)));
    b.loop((breakIf) => {
      breakIf(b.geU(b.getLocal(entry), end));
      const at = b.getLocal(entry);
      const overlaps = b.and(
        b.leU(b.hostLoad(at, { size: 8 }), last),
        b.geU(b.hostLoad(b.add(at, b.i32(8)), { size: 8 }), first),
      );
      const kind = b.and(b.hostLoad(b.add(at, b.i32(16)), { size: 4, ty: 'i32' }), kinds);
      b.if(b.and(overlaps, b.ne(kind, b.i32(0))), () => b.return_(b.i32(1)));
      b.setLocal(entry, b.add(at, b.i32(WATCH_BYTES)));
    });
    return b.i32(0);
  });

  /** (va, size, kinds) -> not 0 where the access hits a watched range and must not happen now. */
  const watchHit = defineHelper('watchAccess', ['i64', 'i32', 'i32'], 'i32', (b, va, size, kinds) => {
    const last = b.add(va, b.extend32U(b.sub(size, b.i32(1))));
    b.if(b.eqz(b.call(watched, va, last, kinds)), () => b.return_(b.i32(0)));
    b.set(COMMON.watchVa, va);
    return b.call(IMPORTS.watchHit, b.or(b.shl(size, b.i32(2)), kinds));
  });

  /** Looks whether an access that is about to happen is watched. */
  const watch = (b: IrBuilder, va: Value, size: Value, kinds: number, refused: () => void): void => {
    b.if(b.get(COMMON.watchCount), () => {
      b.if(b.call(watchHit, va, size, b.i32(kinds)), () => {
        b.set(COMMON.fault, b.i32(FAULT.codeWrite));
        refused();
      });
    });
  };

  /** Enters a page into the TLB; a slow one where its accesses need more than an addition. */
  const fill = defineHelper(
    'tlbFill',
    ['i64', 'i32', 'i32', 'i64', 'i64', 'i64'],
    undefined,
    (b, va, access, entry, pa, host, attrs) => {
      const page = b.and(va, b.i64(-pageBytes));
      const paPage = b.and(pa, b.i64(-pageBytes));
      const range = b.call(physFind, paPage);
      const whole = b.local('i32', b.i32(0));
      b.if(range, () => {
        const last = b.hostLoad(b.add(range, b.i32(8)), { size: 8 });
        b.setLocal(whole, b.leU(b.add(paPage, b.i64(pageBytes - 1)), last));
      });
      b.if(b.eqz(b.getLocal(whole)), () => b.if(b.ne(host, b.i64(NOT_RAM)), () => b.return_()));
      const tag = b.local('i64', page);
      b.if(
        b.eq(host, b.i64(NOT_RAM)),
        () => b.setLocal(tag, b.or(page, b.i64(slowBit))),
        () =>
          b.if(b.eq(access, b.i32(STORE)), () =>
            b.if(flagsOfPage(b, b.sub(host, b.and(va, b.i64(pageBytes - 1)))), () =>
              b.setLocal(tag, b.or(page, b.i64(slowBit))),
            ),
          ),
      );
      b.if(b.get(COMMON.watchCount), () =>
        b.if(b.ne(access, b.i32(FETCH)), () => {
          const kind = b.select(b.eq(access, b.i32(STORE)), b.i32(WATCH_WRITE), b.i32(WATCH_READ));
          b.if(b.call(watched, page, b.add(page, b.i64(pageBytes - 1)), kind), () =>
            b.setLocal(tag, b.or(page, b.i64(slowBit))),
          );
        }),
      );
      b.hostStore(entry, b.getLocal(tag), { size: 8 });
      b.hostStore(b.add(entry, b.i32(8)), b.sub(host, va), { size: 8 });
      b.hostStore(paEntry(b, entry, access), b.or(paPage, attrs), { size: 8 });
      if (layout.isThreaded !== true) return;
      // Flags that another thread has set meanwhile are seen here, or that thread sees the entry.
      b.if(b.and(b.eq(access, b.i32(STORE)), b.ne(host, b.i64(NOT_RAM))), () => {
        b.hostFence();
        b.if(flagsOfPage(b, b.sub(host, b.and(va, b.i64(pageBytes - 1)))), () =>
          b.hostStore(entry, b.or(page, b.i64(slowBit)), { size: 8 }),
        );
      });
    },
  );

  /** (va, bits, mmu): marks the area around a page that is to be entered and belongs to a mapping of 2^bits bytes. */
  const noteLarge = defineHelper('noteLarge', ['i64', 'i32', 'i32'], undefined, (b, va, bits, mmu) => {
    const marks = largeMarks(b, mmu);
    b.hostStore(b.add(marks, b.i32(TLB_LARGE_ANY)), b.i32(0), { size: 1 });
    for (let level = 0; level < TLB_LARGE_LEVELS; level++) {
      b.if(b.leU(bits, b.i32(largeAreaBits(frontend.pageBits, level))), () => {
        b.hostStore(largeMark(b, marks, frontend.pageBits, level, va), b.i32(0), { size: 1 });
        b.return_();
      });
    }
  });

  const noteSpan = createNoteSpan(frontend, layout, physFind);

  /** Finds the regime's span for an access whose page was walked to now, where there is none yet. */
  const findSpan = (b: IrBuilder, va: Value, access: Value, mmu: Value): void => {
    if (noteSpan === undefined) return;
    const span = spanOf(b, access, mmu);
    const from = b.sub(va, b.hostLoad(span, { size: 8 }));
    // Where there is one, and the address is not in it, a larger one is worth more.
    const isOutside = b.geU(from, b.hostLoad(b.add(span, b.i32(8)), { size: 8 }));
    const isWanted = b.and(b.ne(access, b.i32(FETCH)), b.eqz(b.get(COMMON.watchCount)));
    b.if(isWanted, () => b.if(isOutside, () => b.call(noteSpan, va, access, mmu)));
  };

  /** As `translate`, for an access of `state.accessBytes` within a page. */
  const translateAccess = defineHelper('translateAccess', ['i64', 'i32', 'i32'], 'i64', (b, va, access, mmu) => {
    const entry = tlbEntry(b, va, access, mmu);
    const tag = b.hostLoad(entry, { size: 8 });
    const page = b.and(va, b.i64(-pageBytes));
    b.if(b.eq(tag, page), () => b.return_(b.add(va, b.hostLoad(b.add(entry, b.i32(8)), { size: 8 }))));
    const pa = b.local('i64');
    const cacheable = b.local('i32', b.i32(1));
    const attrs = b.local('i64', b.i64(0));
    b.if(
      b.eq(tag, b.or(page, b.i64(slowBit))),
      () => {
        const known = b.hostLoad(paEntry(b, entry, access), { size: 8 });
        b.setLocal(attrs, b.and(known, b.i64(ATTRIBUTES)));
        b.setLocal(pa, b.or(b.and(known, b.i64(-pageBytes)), b.and(va, b.i64(pageBytes - 1))));
      },
      () => {
        if (frontend.walkAttributes === true) b.set(COMMON.walkAttrs, b.i32(0));
        b.set(COMMON.walkLocal, b.i32(0));
        b.if(b.call(frontend.walk, va, access, mmu), () => {
          b.set(COMMON.fault, b.i32(FAULT.exception));
          b.return_(b.i64(FAULTED));
        });
        if (frontend.walkAttributes === true) {
          b.setLocal(attrs, b.extend32U(b.and(b.get(COMMON.walkAttrs), b.i32(ATTRIBUTES))));
        }
        b.set(COMMON.tlbLocal, b.or(b.get(COMMON.tlbLocal), b.shl(b.get(COMMON.walkLocal), mmu)));
        const bits = b.extend32U(b.get(COMMON.walkBits));
        const offset = b.sub(b.shl(b.i64(1), bits), b.i64(1));
        b.setLocal(pa, b.or(b.and(b.get(COMMON.walkPa), b.not(offset)), b.and(va, offset)));
        b.setLocal(cacheable, b.geU(b.get(COMMON.walkBits), b.i32(frontend.pageBits)));
        b.if(b.gtU(b.get(COMMON.walkBits), b.i32(frontend.pageBits)), () =>
          b.call(noteLarge, va, b.get(COMMON.walkBits), mmu),
        );
        b.if(b.getLocal(cacheable), () => findSpan(b, va, access, mmu));
      },
    );
    const host = b.call(resolve, b.getLocal(pa), access);
    // The jump cache may have it even where the TLB may not.
    const bit = b.shl(b.i32(1), b.add(b.mul(mmu, b.i32(3)), access));
    b.set(COMMON.tlbUsed, b.or(b.get(COMMON.tlbUsed), bit));
    b.if(b.getLocal(cacheable), () => b.call(fill, va, access, entry, b.getLocal(pa), host, b.getLocal(attrs)));
    b.if(b.eq(host, b.i64(NOT_RAM)), () => {
      const ofRegime = b.wrap(b.shr(regimeAttributes(b), b.extend32U(b.shl(mmu, b.i32(2)))));
      const fetch = b.select(b.eq(access, b.i32(FETCH)), b.i32(ATTR_FETCH), b.i32(0));
      const own = b.or(b.or(b.and(ofRegime, b.i32(ATTRIBUTES)), b.wrap(b.getLocal(attrs))), fetch);
      b.set(COMMON.ioAttrs, b.or(own, b.get(COMMON.cpuAttrs)));
    });
    return host;
  });

  /** (va, access, mmu) -> host offset, NOT_RAM with `state.pa`, or FAULTED with the exception in the state: for one byte. */
  const translate = defineHelper('translate', ['i64', 'i32', 'i32'], 'i64', (b, va, access, mmu) => {
    b.set(COMMON.accessBytes, b.i32(1));
    return b.call(translateAccess, va, access, mmu);
  });

  /** `translate` for TypeScript: the host offset as an f64, which holds it exactly and costs no bigint. */
  const translateNumber = defineHelper('translateNumber', ['i64', 'i32', 'i32'], 'f64', (b, va, access, mmu) =>
    hostNumber(b, b.call(translate, va, access, mmu)),
  );

  /** (va, mmu) -> the physical address that a load would reach, or -1: for debuggers. The TLB has no part in it. */
  const debugAddress = defineHelper('debugAddress', ['i64', 'i32'], 'i64', (b, va, mmu) => {
    b.set(COMMON.accessBytes, b.i32(1));
    b.if(b.call(frontend.walk, va, b.i32(LOAD), mmu), () => b.return_(b.i64(-1)));
    const offset = b.sub(b.shl(b.i64(1), b.extend32U(b.get(COMMON.walkBits))), b.i64(1));
    return b.or(b.and(b.get(COMMON.walkPa), b.not(offset)), b.and(va, offset));
  });

  return {
    physFind,
    ramHost,
    flagsAt,
    watchHit,
    watch,
    translateAccess,
    translate,
    translateNumber,
    debugAddress,
  } as const;
}

/** Bits of attributes that regimes and page walks give. */
const ATTRIBUTES = 15;

function packAttributes(frontend: Frontend): (b: IrBuilder) => Value {
  let packed = 0n;
  for (const [mmu, attrs] of (frontend.regimeAttributes ?? []).entries()) {
    packed |= BigInt(attrs & ATTRIBUTES) << BigInt(mmu * 4);
  }
  return (b) => b.big(packed);
}

function rangeFlags(b: IrBuilder, range: Value): Value {
  return b.hostLoad(b.add(range, b.i32(24)), { size: 4, ty: 'i32' });
}

function hostOf(b: IrBuilder, range: Value, pa: Value): Value {
  const base = b.hostLoad(range, { size: 8 });
  return b.add(b.hostLoad(b.add(range, b.i32(16)), { size: 8 }), b.sub(pa, base));
}
