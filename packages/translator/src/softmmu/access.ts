/**
 * Slow loads and stores, and probes: what crosses a page, is misaligned, reaches a device, or writes to a flagged page.
 * Values are raw: the little-endian number of their bytes, zero-extended.
 */

import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper } from '../ir/helper.ts';
import { COMMON, FAULT } from '../state.ts';
import { IMPORTS } from './imports.ts';
import { DESC, type EngineLayout, FAULTED, LOAD, NOT_RAM, STORE, WATCH_READ, WATCH_WRITE } from './layout.ts';
import { hostNumber } from './tables.ts';
import type { Translation } from './translation.ts';

export type SlowAccess = ReturnType<typeof createSlowAccess>;

/** Makes the helpers of slow accesses. */
export function createSlowAccess(
  frontend: Frontend,
  { flagsAt, watch, watchHit, translateAccess, translate }: Translation,
  layout: EngineLayout,
) {
  const pageBytes = 2 ** frontend.pageBits;

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

  /**
   * Where time is exact, a device is reached only by an instruction that runs alone: its number is known, and what it raises is seen
   * before the next one, wherever blocks begin.
   */
  const onlyAlone = (b: IrBuilder, refused: () => void): void =>
    b.if(b.and(b.get(COMMON.exactIo), b.eqz(b.get(COMMON.storeToCode))), () => {
      b.if(b.call(IMPORTS.isAmongOthers), () => {
        b.set(COMMON.fault, b.i32(FAULT.codeWrite));
        refused();
      });
    });

  /** Raw load of `size` bytes that do not cross a page. */
  const loadRaw = defineHelper('loadRaw', ['i64', 'i32', 'i32'], 'i64', (b, va, size, mmu) => {
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(LOAD), mmu);
    b.if(b.eq(host, b.i64(FAULTED)), () => b.return_(b.i64(0)));
    watch(b, va, size, WATCH_READ, () => b.return_(b.i64(0)));
    b.if(b.eq(host, b.i64(NOT_RAM)), () => {
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

  /** The flags of all pages that a write touches. */
  const flagsOfWrite = (b: IrBuilder, host: Value, size: Value): Value => {
    const last = b.add(host, b.extend32U(b.sub(size, b.i32(1))));
    let flags = b.or(flagsAt(b, host), flagsAt(b, last));
    for (let at = 4096; at < pageBytes; at += 4096) {
      flags = b.or(flags, flagsAt(b, b.select(b.ltU(b.i32(at), size), b.add(host, b.i64(at)), last)));
    }
    return flags;
  };

  /** Makes the write to pages of watched kinds known; not 0 when the store must not happen now. */
  const beforeWrite = (b: IrBuilder, host: Value, size: Value, refused: () => void): void => {
    b.if(flagsOfWrite(b, host, size), () => {
      b.if(b.call(IMPORTS.flaggedWrite, hostNumber(b, host), size), () => {
        b.set(COMMON.fault, b.i32(FAULT.codeWrite));
        refused();
      });
    });
  };

  /** Tells other threads of a write that has happened, where its pages have flags by now. */
  const afterWrite = (b: IrBuilder, host: Value, size: Value): void => {
    if (layout.isThreaded !== true) return;
    b.hostFence();
    b.if(flagsOfWrite(b, host, size), () => b.call(IMPORTS.flaggedWritten, hostNumber(b, host), size));
  };

  const storeRaw = defineHelper('storeRaw', ['i64', 'i64', 'i32', 'i32'], undefined, (b, va, value, size, mmu) => {
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(STORE), mmu);
    b.if(b.eq(host, b.i64(FAULTED)), () => b.return_());
    watch(b, va, size, WATCH_WRITE, () => b.return_());
    b.if(b.eq(host, b.i64(NOT_RAM)), () => {
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
    afterWrite(b, host, size);
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
        b.if(b.eq(host, b.i64(FAULTED)), () => b.return_());
        b.if(b.eq(host, b.i64(NOT_RAM)), () => {
          const result = b.call(IMPORTS.ioProbe, bytes, size, access);
          b.if(result, () => {
            const { busLoad, busStore } = frontend.exceptions;
            raiseBusError(b, b.select(b.eq(access, b.i32(STORE)), b.i32(busStore), b.i32(busLoad)), at, result);
            b.return_();
          });
        });
        b.if(b.and(b.eq(access, b.i32(STORE)), b.ne(host, b.i64(NOT_RAM))), () =>
          beforeWrite(b, host, bytes, () => b.return_()),
        );
      }
      b.if(b.get(COMMON.watchCount), () => {
        const kind = b.select(b.eq(access, b.i32(STORE)), b.i32(WATCH_WRITE), b.i32(WATCH_READ));
        b.if(b.call(watchHit, va, length, kind), () => b.set(COMMON.fault, b.i32(FAULT.codeWrite)));
      });
    },
  );

  return {
    loadRaw,
    storeRaw,
    slowLoad,
    slowStore,
    probe,
    probeBy,
    beforeWrite,
    afterWrite,
    crosses,
    misaligned,
    raiseFault,
    raiseBusError,
  } as const;
}
