/**
 * The software MMU, in the IR's own language: TLB refill through the frontend's page walk, slow loads and stores (page
 * crossing, misaligned, device, read-only, pages with translated code), atomics, probes, flushes, and block lookup.
 * Values cross this interface raw: as the little-endian number of their bytes, zero-extended.
 */
import { ATTR_FETCH, MEM_ERROR } from '@boardwalk/core';
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type ImportHelper, type IrHelper } from '../ir/helper.ts';
import type { RmwOp } from '../ir/nodes.ts';
import { COMMON, FAULT } from '../state.ts';
import {
  BLOCK_HASH_BITS,
  DESC,
  type EngineLayout,
  FAULTED,
  FETCH,
  JUMP_CACHE,
  JUMP_CACHE_BYTES,
  JUMP_CACHE_ENTRIES,
  JUMP_EXTRA,
  JUMP_FILTER,
  JUMP_FILTER_BYTES,
  LOAD,
  NOT_RAM,
  PHYS_RANGE_BYTES,
  PHYS_READ,
  PHYS_WRITE,
  STORE,
  TLB,
  TLB_ENTRIES,
  TLB_LARGE,
  TLB_PA,
  TLB_PA_BYTES,
  TLB_REGIME_BITS,
  TLB_TABLE_BYTES,
  WATCH_BYTES,
  WATCH_READ,
  WATCH_WRITE,
} from './layout.ts';
import { createWideAccess } from './wide.ts';

/** Functions of the engine that the softmmu imports; all take the vCPU's base first. */
export const IMPORTS = {
  /** Device load of `size` bytes at `state.pa`: result in ioLo and ioHi; gives 0, or the bus's error. */
  ioLoad: { kind: 'import', name: 'ioLoad', params: ['i32'], result: 'i32' },
  ioStore: { kind: 'import', name: 'ioStore', params: ['i32'], result: 'i32' },
  /** Whether `bytes` at `state.pa` can be reached in accesses of `size` bytes (0: any): bytes, size, access; 0 or the bus's error. */
  ioProbe: { kind: 'import', name: 'ioProbe', params: ['i32', 'i32', 'i32'], result: 'i32' },
  /** A write is about to hit a flagged page: host offset, bytes. Not 0: it must not happen now (`FAULT.codeWrite`). */
  flaggedWrite: { kind: 'import', name: 'flaggedWrite', params: ['i32', 'i32'], result: 'i32' },
  /** An access of a watched range, at `state.watchVa`: its kinds. Not 0: it must not happen now (`FAULT.codeWrite`). */
  watchHit: { kind: 'import', name: 'watchHit', params: ['i32'], result: 'i32' },
  /** Not 0: the instruction that reaches a device is not the first of its block, so its number is not known exactly. */
  isMidBlock: { kind: 'import', name: 'isMidBlock', params: [], result: 'i32' },
} as const satisfies Record<string, ImportHelper>;

export type SoftMmu = ReturnType<typeof createSoftMmu>;

/** Makes the helpers for one frontend and one engine's tables. */
export function createSoftMmu(frontend: Frontend, layout: EngineLayout) {
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
  const ramHost = defineHelper('ramHost', ['i64'], 'i32', (b, pa) => {
    const range = b.call(physFind, pa);
    b.if(b.eqz(range), () => b.return_(b.i32(NOT_RAM)));
    b.if(b.eqz(b.and(rangeFlags(b, range), b.i32(PHYS_READ))), () => b.return_(b.i32(NOT_RAM)));
    return hostOf(b, range, pa);
  });

  /** The flags of the host page that a host offset lies in. */
  const flagsAt = (b: IrBuilder, host: Value): Value =>
    b.hostLoad(b.add(b.shr(host, b.i32(12)), b.i32(layout.pageFlags)), { size: 1, ty: 'i32' });

  /** Bits set in the flags of any host page that the guest page at a host offset touches; pages of both may be any size. */
  const flagsOfPage = (b: IrBuilder, first: Value): Value => {
    let flags = flagsAt(b, first);
    for (let at = 4096; at < pageBytes; at += 4096) flags = b.or(flags, flagsAt(b, b.add(first, b.i32(at))));
    return b.or(flags, flagsAt(b, b.add(first, b.i32(pageBytes - 1))));
  };

  /** (pa, access) -> host offset or NOT_RAM; no TLB. */
  const resolve = defineHelper('resolve', ['i64', 'i32'], 'i32', (b, pa, access) => {
    b.set(COMMON.pa, pa);
    const range = b.call(physFind, pa);
    b.if(b.eqz(range), () => b.return_(b.i32(NOT_RAM)));
    const right = b.select(b.eq(access, b.i32(STORE)), b.i32(PHYS_WRITE), b.i32(PHYS_READ));
    b.if(b.eqz(b.and(rangeFlags(b, range), right)), () => b.return_(b.i32(NOT_RAM)));
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
    ['i64', 'i32', 'i32', 'i64', 'i32', 'i64'],
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
      b.if(b.eqz(b.getLocal(whole)), () => b.if(b.ne(host, b.i32(NOT_RAM)), () => b.return_()));
      const tag = b.local('i64', page);
      b.if(
        b.eq(host, b.i32(NOT_RAM)),
        () => b.setLocal(tag, b.or(page, b.i64(slowBit))),
        () =>
          b.if(b.eq(access, b.i32(STORE)), () =>
            b.if(flagsOfPage(b, b.sub(host, b.and(b.wrap(va), b.i32(pageBytes - 1)))), () =>
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
      b.hostStore(b.add(entry, b.i32(8)), b.sub(host, b.wrap(va)), { size: 4 });
      b.hostStore(paEntry(b, entry, access), b.or(paPage, attrs), { size: 8 });
    },
  );

  /**
   * (va, mask, mmu): a mapping larger than a page was found. One range a regime covers all of them, and grows until it
   * does: a flush of any page in it flushes the regime.
   */
  const noteLarge = defineHelper('noteLarge', ['i64', 'i64', 'i32'], undefined, (b, va, mask, mmu) => {
    const range = largeRange(b, mmu);
    const known = b.hostLoad(range, { size: 8 });
    const wider = b.local('i64', mask);
    b.if(b.ne(known, b.i64(-1)), () => {
      b.setLocal(wider, b.and(mask, b.hostLoad(b.add(range, b.i32(8)), { size: 8 })));
      b.loop((breakIf) => {
        breakIf(b.eqz(b.and(b.xor(known, va), b.getLocal(wider))));
        b.setLocal(wider, b.shl(b.getLocal(wider), b.i64(1)));
      });
    });
    b.hostStore(range, b.and(va, b.getLocal(wider)), { size: 8 });
    b.hostStore(b.add(range, b.i32(8)), b.getLocal(wider), { size: 8 });
  });

  /** As `translate`, for an access of `state.accessBytes` within a page. */
  const translateAccess = defineHelper('translateAccess', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
    const entry = tlbEntry(b, va, access, mmu);
    const tag = b.hostLoad(entry, { size: 8 });
    const page = b.and(va, b.i64(-pageBytes));
    b.if(b.eq(tag, page), () =>
      b.return_(b.add(b.wrap(va), b.hostLoad(b.add(entry, b.i32(8)), { size: 4, ty: 'i32' }))),
    );
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
        b.if(b.call(frontend.walk, va, access, mmu), () => {
          b.set(COMMON.fault, b.i32(FAULT.exception));
          b.return_(b.i32(FAULTED));
        });
        if (frontend.walkAttributes === true) {
          b.setLocal(attrs, b.extend32U(b.and(b.get(COMMON.walkAttrs), b.i32(ATTRIBUTES))));
        }
        const bits = b.extend32U(b.get(COMMON.walkBits));
        const offset = b.sub(b.shl(b.i64(1), bits), b.i64(1));
        b.setLocal(pa, b.or(b.and(b.get(COMMON.walkPa), b.not(offset)), b.and(va, offset)));
        b.setLocal(cacheable, b.geU(b.get(COMMON.walkBits), b.i32(frontend.pageBits)));
        b.if(b.gtU(b.get(COMMON.walkBits), b.i32(frontend.pageBits)), () => b.call(noteLarge, va, b.not(offset), mmu));
      },
    );
    const host = b.call(resolve, b.getLocal(pa), access);
    b.if(b.getLocal(cacheable), () => {
      const bit = b.shl(b.i32(1), b.add(b.mul(mmu, b.i32(3)), access));
      b.set(COMMON.tlbUsed, b.or(b.get(COMMON.tlbUsed), bit));
      b.call(fill, va, access, entry, b.getLocal(pa), host, b.getLocal(attrs));
    });
    b.if(b.eq(host, b.i32(NOT_RAM)), () => {
      const ofRegime = b.wrap(b.shr(regimeAttributes(b), b.extend32U(b.shl(mmu, b.i32(2)))));
      const fetch = b.select(b.eq(access, b.i32(FETCH)), b.i32(ATTR_FETCH), b.i32(0));
      const own = b.or(b.or(b.and(ofRegime, b.i32(ATTRIBUTES)), b.wrap(b.getLocal(attrs))), fetch);
      b.set(COMMON.ioAttrs, b.or(own, b.get(COMMON.cpuAttrs)));
    });
    return host;
  });

  /** (va, access, mmu) -> host offset, NOT_RAM with `state.pa`, or FAULTED with the exception in the state: for one byte. */
  const translate = defineHelper('translate', ['i64', 'i32', 'i32'], 'i32', (b, va, access, mmu) => {
    b.set(COMMON.accessBytes, b.i32(1));
    return b.call(translateAccess, va, access, mmu);
  });

  /** (va, mmu) -> the physical address that a load would reach, or -1: for debuggers. The TLB has no part in it. */
  const debugAddress = defineHelper('debugAddress', ['i64', 'i32'], 'i64', (b, va, mmu) => {
    b.set(COMMON.accessBytes, b.i32(1));
    b.if(b.call(frontend.walk, va, b.i32(LOAD), mmu), () => b.return_(b.i64(-1)));
    const offset = b.sub(b.shl(b.i64(1), b.extend32U(b.get(COMMON.walkBits))), b.i64(1));
    return b.or(b.and(b.get(COMMON.walkPa), b.not(offset)), b.and(va, offset));
  });

  /** A device or a bus refused: `result` is its answer. */
  const raiseBusError = (b: IrBuilder, code: Value, va: Value, result: Value): void => {
    b.set(COMMON.busResult, result);
    b.set(COMMON.excCode, code);
    b.set(COMMON.excValue, va);
    b.set(COMMON.fault, b.i32(FAULT.exception));
  };

  const raiseFault = (b: IrBuilder, code: number, va: Value): void => {
    b.set(COMMON.excCode, b.i32(code));
    b.set(COMMON.excValue, va);
    b.set(COMMON.fault, b.i32(FAULT.exception));
  };

  /** Where time is exact, a device is reached only by an instruction that runs alone, or is the first of its block. */
  const onlyAlone = (b: IrBuilder, refused: () => void): void =>
    b.if(b.and(b.get(COMMON.exactIo), b.eqz(b.get(COMMON.storeToCode))), () => {
      b.if(b.call(IMPORTS.isMidBlock), () => {
        b.set(COMMON.fault, b.i32(FAULT.codeWrite));
        refused();
      });
    });

  /** Raw load of `size` bytes that do not cross a page. */
  const loadRaw = defineHelper('loadRaw', ['i64', 'i32', 'i32'], 'i64', (b, va, size, mmu) => {
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(LOAD), mmu);
    b.if(b.eq(host, b.i32(FAULTED)), () => b.return_(b.i64(0)));
    watch(b, va, size, WATCH_READ, () => b.return_(b.i64(0)));
    b.if(b.eq(host, b.i32(NOT_RAM)), () => {
      onlyAlone(b, () => b.return_(b.i64(0)));
      const result = b.call(IMPORTS.ioLoad, size);
      b.if(result, () => {
        raiseBusError(b, b.i32(frontend.exceptions.busLoad), va, result);
        b.return_(b.i64(0));
      });
      const high = b.shl(b.extend32U(b.get(COMMON.ioHi)), b.i64(32));
      b.return_(b.or(b.extend32U(b.get(COMMON.ioLo)), high));
    });
    for (const bytes of [8, 4, 2] as const) {
      b.if(b.eq(size, b.i32(bytes)), () => b.return_(b.hostLoad(host, { size: bytes })));
    }
    return b.hostLoad(host, { size: 1 });
  });

  /** Makes the write to pages of watched kinds known; not 0 when the store must not happen now. */
  const beforeWrite = (b: IrBuilder, host: Value, size: Value, refused: () => void): void => {
    const last = b.add(host, b.sub(size, b.i32(1)));
    let flags = b.or(flagsAt(b, host), flagsAt(b, last));
    for (let at = 4096; at < pageBytes; at += 4096) {
      flags = b.or(flags, flagsAt(b, b.select(b.ltU(b.i32(at), size), b.add(host, b.i32(at)), last)));
    }
    b.if(flags, () => {
      b.if(b.call(IMPORTS.flaggedWrite, host, size), () => {
        b.set(COMMON.fault, b.i32(FAULT.codeWrite));
        refused();
      });
    });
  };

  const storeRaw = defineHelper('storeRaw', ['i64', 'i64', 'i32', 'i32'], undefined, (b, va, value, size, mmu) => {
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(STORE), mmu);
    b.if(b.eq(host, b.i32(FAULTED)), () => b.return_());
    watch(b, va, size, WATCH_WRITE, () => b.return_());
    b.if(b.eq(host, b.i32(NOT_RAM)), () => {
      onlyAlone(b, () => b.return_());
      b.set(COMMON.ioLo, b.wrap(value));
      b.set(COMMON.ioHi, b.wrap(b.shr(value, b.i64(32))));
      const result = b.call(IMPORTS.ioStore, size);
      b.if(result, () => raiseBusError(b, b.i32(frontend.exceptions.busStore), va, result));
      b.return_();
    });
    beforeWrite(b, host, size, () => b.return_());
    for (const bytes of [8, 4, 2, 1] as const) {
      b.if(b.eq(size, b.i32(bytes)), () => b.hostStore(host, value, { size: bytes }));
    }
  });

  const crosses = (b: IrBuilder, va: Value, size: Value): Value =>
    b.gtU(b.add(b.and(b.wrap(va), b.i32(pageBytes - 1)), size), b.i32(pageBytes));

  const misaligned = (b: IrBuilder, va: Value, size: Value, desc: Value): Value => {
    const low = b.and(b.wrap(va), b.sub(size, b.i32(1)));
    return b.and(b.ne(low, b.i32(0)), b.ne(b.and(desc, b.i32(DESC.natural)), b.i32(0)));
  };

  /** Reverses the low `size` bytes of a raw value. */
  const swapRaw = (b: IrBuilder, raw: Value, size: Value): Value => {
    const count = b.shl(b.extend32U(b.sub(b.i32(8), size)), b.i64(3));
    return b.shr(b.bswap(raw), count);
  };

  /** (va, descriptor, mmu) -> the value, extended as the descriptor says; on a fault 0 and `state.fault`. */
  const slowLoad = defineHelper('slowLoad', ['i64', 'i32', 'i32'], 'i64', (b, va, desc, mmu) => {
    const size = b.shl(b.i32(1), b.and(desc, b.i32(3)));
    b.if(misaligned(b, va, size, desc), () => {
      raiseFault(b, frontend.exceptions.misalignedLoad, va);
      b.return_(b.i64(0));
    });
    const raw = b.local('i64', b.i64(0));
    b.if(
      crosses(b, va, size),
      () => {
        const i = b.local('i32', b.i32(0));
        b.loop((breakIf) => {
          const at = b.extend32U(b.getLocal(i));
          const byte = b.call(loadRaw, b.add(va, at), b.i32(1), mmu);
          b.if(b.get(COMMON.fault), () => b.return_(b.i64(0)));
          b.setLocal(raw, b.or(b.getLocal(raw), b.shl(byte, b.shl(at, b.i64(3)))));
          b.setLocal(i, b.add(b.getLocal(i), b.i32(1)));
          breakIf(b.geU(b.getLocal(i), size));
        });
      },
      () => b.setLocal(raw, b.call(loadRaw, va, size, mmu)),
    );
    b.if(b.and(desc, b.i32(DESC.big)), () => b.setLocal(raw, swapRaw(b, b.getLocal(raw), size)));
    b.if(b.and(desc, b.i32(DESC.signed)), () => {
      const count = b.sub(b.i64(64), b.shl(b.extend32U(size), b.i64(3)));
      b.setLocal(raw, b.sar(b.shl(b.getLocal(raw), count), count));
    });
    return b.getLocal(raw);
  });

  /** (va, value, descriptor, mmu); on a fault nothing is written and `state.fault` says why. */
  const slowStore = defineHelper('slowStore', ['i64', 'i64', 'i32', 'i32'], undefined, (b, va, value, desc, mmu) => {
    const size = b.shl(b.i32(1), b.and(desc, b.i32(3)));
    b.if(misaligned(b, va, size, desc), () => {
      raiseFault(b, frontend.exceptions.misalignedStore, va);
      b.return_();
    });
    const raw = b.local('i64', value);
    b.if(b.and(desc, b.i32(DESC.big)), () => b.setLocal(raw, swapRaw(b, value, size)));
    b.if(b.eqz(crosses(b, va, size)), () => {
      b.call(storeRaw, va, b.getLocal(raw), size, mmu);
      b.return_();
    });
    b.call(probeBy, va, size, b.i32(1), b.i32(STORE), mmu);
    const i = b.local('i32', b.i32(0));
    b.loop((breakIf) => {
      breakIf(b.get(COMMON.fault));
      const at = b.extend32U(b.getLocal(i));
      b.call(storeRaw, b.add(va, at), b.shr(b.getLocal(raw), b.shl(at, b.i64(3))), b.i32(1), mmu);
      b.setLocal(i, b.add(b.getLocal(i), b.i32(1)));
      breakIf(b.geU(b.getLocal(i), size));
    });
  });

  /** (va, length, access, mmu): faults now if any of the bytes could not be accessed, or is code that runs. */
  const probe = defineHelper('probe', ['i64', 'i32', 'i32', 'i32'], undefined, (b, va, length, access, mmu) => {
    b.call(probeBy, va, length, b.i32(0), access, mmu);
  });

  /** As `probe`, for accesses of `size` bytes (0: of any size), which devices may or may not take. */
  const probeBy = defineHelper(
    'probeBy',
    ['i64', 'i32', 'i32', 'i32', 'i32'],
    undefined,
    (b, va, length, size, access, mmu) => {
      const lastPage = b.and(b.add(va, b.extend32U(b.sub(length, b.i32(1)))), b.i64(-pageBytes));
      const second = b.select(b.ltU(lastPage, va), va, lastPage);
      const toPageEnd = b.sub(b.i32(pageBytes), b.and(b.wrap(va), b.i32(pageBytes - 1)));
      const inFirst = b.select(b.ltU(toPageEnd, length), toPageEnd, length);
      const inSecond = b.select(b.ltU(toPageEnd, length), b.sub(length, toPageEnd), length);
      for (const [at, bytes] of [
        [va, inFirst],
        [second, inSecond],
      ] as const) {
        const host = b.call(translate, at, access, mmu);
        b.if(b.eq(host, b.i32(FAULTED)), () => b.return_());
        b.if(b.eq(host, b.i32(NOT_RAM)), () => {
          const result = b.call(IMPORTS.ioProbe, bytes, size, access);
          b.if(result, () => {
            const { busLoad, busStore } = frontend.exceptions;
            raiseBusError(b, b.select(b.eq(access, b.i32(STORE)), b.i32(busStore), b.i32(busLoad)), at, result);
            b.return_();
          });
        });
        b.if(b.and(b.eq(access, b.i32(STORE)), b.ne(host, b.i32(NOT_RAM))), () =>
          beforeWrite(b, host, bytes, () => b.return_()),
        );
      }
      b.if(b.get(COMMON.watchCount), () => {
        const kind = b.select(b.eq(access, b.i32(STORE)), b.i32(WATCH_WRITE), b.i32(WATCH_READ));
        b.if(b.call(watchHit, va, length, kind), () => b.set(COMMON.fault, b.i32(FAULT.codeWrite)));
      });
    },
  );

  /** Host offset for an atomic access, or FAULTED; device memory has no atomics here. */
  const atomicHost = defineHelper('atomicHost', ['i64', 'i32', 'i32'], 'i32', (b, va, size, mmu) => {
    b.if(b.and(b.wrap(va), b.sub(size, b.i32(1))), () => {
      raiseFault(b, frontend.exceptions.misalignedStore, va);
      b.return_(b.i32(FAULTED));
    });
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(STORE), mmu);
    b.if(b.eq(host, b.i32(NOT_RAM)), () => {
      const missing = b.call(IMPORTS.ioProbe, size, b.i32(0), b.i32(STORE));
      const result = b.select(missing, missing, b.i32(MEM_ERROR));
      raiseBusError(b, b.i32(frontend.exceptions.busStore), va, result);
      b.return_(b.i32(FAULTED));
    });
    b.if(b.ne(host, b.i32(FAULTED)), () => {
      watch(b, va, size, WATCH_READ | WATCH_WRITE, () => b.return_(b.i32(FAULTED)));
      beforeWrite(b, host, size, () => b.return_(b.i32(FAULTED)));
    });
    return host;
  });

  const atomics = new Map<string, IrHelper>();
  const cached = (name: string, make: () => IrHelper): IrHelper => {
    let helper = atomics.get(name);
    if (helper === undefined) {
      helper = make();
      atomics.set(name, helper);
    }
    return helper;
  };

  /** (va, value, mmu) -> value before. */
  const rmw = (op: RmwOp, size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `rmw.${op}.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i64', 'i64', 'i32'], 'i64', (b, va, value, mmu) => {
        const host = b.call(atomicHost, va, b.i32(size), mmu);
        b.if(b.eq(host, b.i32(FAULTED)), () => b.return_(b.i64(0)));
        const old = atomicUpdate(b, op, host, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  /** (va, expected, value, mmu) -> value before. */
  const cas = (size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `cas.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i64', 'i64', 'i64', 'i32'], 'i64', (b, va, expected, value, mmu) => {
        const host = b.call(atomicHost, va, b.i32(size), mmu);
        b.if(b.eq(host, b.i32(FAULTED)), () => b.return_(b.i64(0)));
        const old = compareAndSwap(b, host, expected, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  /** (host, value) -> value before: `rmw` where the address is known. */
  const rmwHost = (op: RmwOp, size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `rmwHost.${op}.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i32', 'i64'], 'i64', (b, host, value) => {
        const old = atomicUpdate(b, op, host, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  /** (host, expected, value) -> value before. */
  const casHost = (size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `casHost.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i32', 'i64', 'i64'], 'i64', (b, host, expected, value) => {
        const old = compareAndSwap(b, host, expected, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  const wide = createWideAccess({
    frontend,
    translateAccess,
    loadRaw,
    storeRaw,
    probeBy,
    atomicHost,
    crosses,
    misaligned,
    raiseFault,
    watch,
    beforeWrite,
    cached,
  });

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
        b.hostStore(tlbEntry(b, va, b.i32(access), b.i32(mmu)), b.i64(-1), { size: 8 });
      }
    }
    b.if(b.hostLoad(jumpFilter(b, frontend.pageBits, va), { size: 1, ty: 'i32' }), () => b.call(flushJumps));
  });

  /** Makes stores to guest pages slow that touch the host page at an offset: its flags are no longer zero. */
  const protectPage = defineHelper('tlbProtect', ['i32'], undefined, (b, host) => {
    const before = b.sub(b.and(host, b.i32(-4096)), b.i32(pageBytes - 1));
    for (let mmu = 0; mmu < frontend.mmuModes; mmu++) {
      const entry = b.local('i32', b.add(b.cpuBase(), b.i32(TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_TABLE_BYTES)));
      const end = b.add(b.getLocal(entry), b.i32(TLB_TABLE_BYTES));
      b.loop((breakIf) => {
        const tag = b.hostLoad(b.getLocal(entry), { size: 8 });
        const first = b.and(b.wrap(tag), b.i32(-pageBytes));
        const at = b.add(first, b.hostLoad(b.add(b.getLocal(entry), b.i32(8)), { size: 4, ty: 'i32' }));
        b.if(b.ltU(b.sub(at, before), b.i32(4096 + pageBytes - 1)), () =>
          b.hostStore(b.getLocal(entry), b.or(tag, b.i64(slowBit)), { size: 8 }),
        );
        b.setLocal(entry, b.add(b.getLocal(entry), b.i32(16)));
        breakIf(b.geU(b.getLocal(entry), end));
      });
    }
  });

  /** Host offset of the instruction at `state.pc`; NOT_RAM; or FAULTED. */
  const fetchHost = defineHelper('fetchHost', [], 'i32', (b) =>
    b.call(translate, b.get(COMMON.pc), b.i32(FETCH), frontend.fetchMmu(b)),
  );

  /** Translated code for `state.pc` in `state.mode`, or 0; enters it into the jump cache. */
  const lookup = defineHelper('lookup', [], 'i32', (b) => {
    const pc = b.get(COMMON.pc);
    const mode = b.get(COMMON.mode);
    const jump = jumpEntry(b, pc);
    const extra = frontend.usesExtra === true;
    let hit = b.and(
      b.eq(b.hostLoad(jump, { size: 8 }), pc),
      b.eq(b.hostLoad(b.add(jump, b.i32(8)), { size: 4, ty: 'i32' }), mode),
    );
    if (extra) hit = b.and(hit, b.eq(b.hostLoad(jumpExtra(b, jump), { size: 8 }), b.get(COMMON.extra)));
    b.if(hit, () => b.return_(b.hostLoad(b.add(jump, b.i32(12)), { size: 4, ty: 'i32' })));
    const host = b.call(fetchHost);
    b.if(b.geU(host, b.i32(FAULTED)), () => {
      b.set(COMMON.fault, b.i32(FAULT.none));
      b.return_(b.i32(0));
    });
    const entry = blockHashEntry(b, layout, host);
    let same = b.and(
      b.eq(b.hostLoad(entry, { size: 8 }), pc),
      b.eq(
        b.hostLoad(b.add(entry, b.i32(8)), { size: 8 }),
        b.or(b.extend32U(host), b.shl(b.extend32U(mode), b.i64(32))),
      ),
    );
    if (extra) same = b.and(same, b.eq(b.hostLoad(b.add(entry, b.i32(24)), { size: 8 }), b.get(COMMON.extra)));
    b.if(b.eqz(same), () => b.return_(b.i32(0)));
    if (extra) b.hostStore(jumpExtra(b, jump), b.get(COMMON.extra), { size: 8 });
    const ip = b.hostLoad(b.add(entry, b.i32(16)), { size: 4, ty: 'i32' });
    b.hostStore(jump, pc, { size: 8 });
    b.hostStore(b.add(jump, b.i32(8)), mode, { size: 4 });
    b.hostStore(b.add(jump, b.i32(12)), ip, { size: 4 });
    b.hostStore(jumpFilter(b, frontend.pageBits, pc), b.i32(1), { size: 1 });
    return ip;
  });

  return {
    frontend,
    physFind,
    ramHost,
    translate,
    debugAddress,
    slowLoad,
    slowStore,
    probe,
    rmw,
    cas,
    rmwHost,
    casHost,
    ...wide,
    flushAll,
    flushPage,
    flushJumps,
    protectPage,
    fetchHost,
    lookup,
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
  return b.hostLoad(b.add(range, b.i32(20)), { size: 4, ty: 'i32' });
}

function hostOf(b: IrBuilder, range: Value, pa: Value): Value {
  const base = b.hostLoad(range, { size: 8 });
  return b.add(b.hostLoad(b.add(range, b.i32(16)), { size: 4, ty: 'i32' }), b.wrap(b.sub(pa, base)));
}

function tlbEntryOf(b: IrBuilder, pageBits: number, va: Value, access: Value, mmu: Value): Value {
  const index = b.and(b.wrap(b.shr(va, b.i64(pageBits))), b.i32(TLB_ENTRIES - 1));
  const table = b.add(b.shl(mmu, b.i32(TLB_REGIME_BITS)), b.mul(access, b.i32(TLB_TABLE_BYTES)));
  return b.add(b.add(b.cpuBase(), b.i32(TLB)), b.add(table, b.shl(index, b.i32(4))));
}

/** Place of the range that holds a regime's mappings larger than a page: address (-1 where there is none) and mask. */
function largeRange(b: IrBuilder, mmu: Value): Value {
  return b.add(b.add(b.cpuBase(), b.i32(TLB + TLB_LARGE)), b.shl(mmu, b.i32(TLB_REGIME_BITS)));
}

/** Place of the physical page number that belongs to a TLB entry. */
function paEntry(b: IrBuilder, entry: Value, access: Value): Value {
  const inRegime = b.and(b.sub(b.sub(entry, b.cpuBase()), b.i32(TLB)), b.i32(2 ** TLB_REGIME_BITS - 1));
  const regime = b.sub(entry, inRegime);
  const index = b.shr(b.sub(inRegime, b.mul(access, b.i32(TLB_TABLE_BYTES))), b.i32(1));
  return b.add(b.add(regime, b.i32(TLB_PA)), b.add(b.mul(access, b.i32(TLB_PA_BYTES)), index));
}

/** Hash of a pc in the jump cache, as tier 0 computes it too. */
function jumpEntry(b: IrBuilder, pc: Value): Value {
  const low = b.wrap(pc);
  const hash = b.and(b.xor(b.shr(low, b.i32(1)), b.shr(low, b.i32(13))), b.i32(JUMP_CACHE_ENTRIES - 1));
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_CACHE)), b.shl(hash, b.i32(4)));
}

/** Place of the `extra` word of an entry of the jump cache. */
function jumpExtra(b: IrBuilder, entry: Value): Value {
  const inCpu = b.sub(entry, b.cpuBase());
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_EXTRA)), b.shr(b.sub(inCpu, b.i32(JUMP_CACHE)), b.i32(1)));
}

function jumpFilter(b: IrBuilder, pageBits: number, va: Value): Value {
  const page = b.and(b.wrap(b.shr(va, b.i64(pageBits))), b.i32(JUMP_FILTER_BYTES - 1));
  return b.add(b.add(b.cpuBase(), b.i32(JUMP_FILTER)), page);
}

/** Entry of the block hash for code at a host offset; `blockHashIndex` is its TypeScript twin. */
function blockHashEntry(b: IrBuilder, layout: EngineLayout, host: Value): Value {
  const mixed = b.mul(b.shr(host, b.i32(1)), b.i32(0x9e3779b1 | 0));
  return b.add(b.shl(b.shr(mixed, b.i32(32 - BLOCK_HASH_BITS)), b.i32(5)), b.i32(layout.blockHash));
}

/** Index in the jump cache of a pc, from its low half. */
export function jumpCacheIndex(pcLo: number): number {
  return ((pcLo >>> 1) ^ (pcLo >>> 13)) & (JUMP_CACHE_ENTRIES - 1);
}

/** Index in the block hash of code at a host offset. */
export function blockHashIndex(host: number): number {
  return Math.imul(host >>> 1, 0x9e3779b1) >>> (32 - BLOCK_HASH_BITS);
}

/** Converts between a guest value and its raw little-endian form. */
function order(b: IrBuilder, value: Value, size: number, big: boolean): Value {
  if (!big || size === 1) return value;
  return b.shr(b.bswap(value), b.i64(64 - size * 8));
}

function compareAndSwap(
  b: IrBuilder,
  host: Value,
  expected: Value,
  value: Value,
  size: 1 | 2 | 4 | 8,
  big: boolean,
): Value {
  const found = b.hostCas(host, order(b, b.zext(expected, size * 8), size, big), order(b, value, size, big), size);
  return order(b, found, size, big);
}

function atomicUpdate(b: IrBuilder, op: RmwOp, host: Value, value: Value, size: 1 | 2 | 4 | 8, big: boolean): Value {
  const bits = size * 8;
  if (op === 'and' || op === 'or' || op === 'xor' || op === 'swap') {
    return order(b, b.hostRmw(op, host, order(b, value, size, big), size), size, big);
  }
  if (op === 'add' && !big) return b.hostRmw('add', host, value, size);
  const old = b.local('i64', b.hostLoad(host, { size }));
  b.loop((breakIf) => {
    const seen = b.getLocal(old);
    const next = order(b, combine(b, op, order(b, seen, size, big), value, bits), size, big);
    const found = b.hostCas(host, seen, next, size);
    b.setLocal(old, found);
    breakIf(b.eq(found, seen));
  });
  return order(b, b.getLocal(old), size, big);
}

function combine(b: IrBuilder, op: RmwOp, a: Value, v: Value, bits: number): Value {
  if (op === 'add') return b.add(a, v);
  const signed = op === 'minS' || op === 'maxS';
  const [x, y] = signed ? [b.sext(a, bits), b.sext(v, bits)] : [b.zext(a, bits), b.zext(v, bits)];
  const less = signed ? b.ltS(x, y) : b.ltU(x, y);
  return op === 'minS' || op === 'minU' ? b.select(less, x, y) : b.select(less, y, x);
}
