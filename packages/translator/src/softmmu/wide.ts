/**
 * The slow path of accesses of 16 bytes, and their atomic operations. In RAM and within a page they are one access; a
 * device sees two of 8 bytes, and what crosses a page is made in pieces after a probe of all of it.
 */
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import type { RmwOp } from '../ir/nodes.ts';
import { COMMON } from '../state.ts';
import { IMPORTS } from './imports.ts';
import { DESC, FAULTED, LOAD, NOT_RAM, STORE, WATCH_READ, WATCH_WRITE } from './layout.ts';

/** What the softmmu has for accesses of any size. */
export interface WideParts {
  readonly frontend: Frontend;
  /** (va, access, mmu) -> host */
  readonly translateAccess: IrHelper;
  /** (va, size, mmu) -> raw value */
  readonly loadRaw: IrHelper;
  /** (va, raw value, size, mmu) */
  readonly storeRaw: IrHelper;
  /** (va, length, size, access, mmu) */
  readonly probeBy: IrHelper;
  /** (va, size, mmu) -> host or FAULTED */
  readonly atomicHost: IrHelper;
  readonly crosses: (b: IrBuilder, va: Value, size: Value) => Value;
  readonly misaligned: (b: IrBuilder, va: Value, size: Value, desc: Value) => Value;
  readonly raiseFault: (b: IrBuilder, code: number, va: Value) => void;
  readonly watch: (b: IrBuilder, va: Value, size: Value, kinds: number, refused: () => void) => void;
  readonly beforeWrite: (b: IrBuilder, host: Value, size: Value, refused: () => void) => void;
  readonly afterWrite: (b: IrBuilder, host: Value, size: Value) => void;
  /** vCPUs run on threads. */
  readonly isThreaded: boolean;
  /** Makes a helper once. */
  readonly cached: (name: string, make: () => IrHelper) => IrHelper;
}

export function createWideAccess(p: WideParts) {
  const { frontend, raiseFault } = p;
  const size = (b: IrBuilder): Value => b.i32(16);
  const none = (b: IrBuilder): Value => b.v128(0n, 0n);

  /** Calls `inRam` with the host offset if the access is one of RAM in one page; `refused` on a fault. */
  const within = (
    b: IrBuilder,
    va: Value,
    access: number,
    mmu: Value,
    inRam: (host: Value) => void,
    refused: () => void,
  ): void =>
    b.if(b.eqz(p.crosses(b, va, size(b))), () => {
      b.set(COMMON.accessBytes, size(b));
      const host = b.call(p.translateAccess, va, b.i32(access), mmu);
      b.if(b.eq(host, b.i64(FAULTED)), refused);
      b.if(b.ne(host, b.i64(NOT_RAM)), () => inRam(host));
    });

  /**
   * Calls `piece` with the offset of each piece, after a probe: of 8 bytes, or of one where a half of the access would
   * cross the page.
   */
  const inPieces = (
    b: IrBuilder,
    va: Value,
    access: number,
    mmu: Value,
    refused: () => void,
    piece: (offset: Value, bytes: Value) => void,
  ): void => {
    const odd = b.and(p.crosses(b, va, size(b)), b.ne(b.and(b.wrap(va), b.i32(7)), b.i32(0)));
    const bytes = b.select(odd, b.i32(1), b.i32(8));
    b.call(p.probeBy, va, size(b), bytes, b.i32(access), mmu);
    b.if(b.get(COMMON.fault), refused);
    const at = b.local('i32', b.i32(0));
    b.loop((breakIf) => {
      const offset = b.getLocal(at);
      piece(offset, bytes);
      b.if(b.get(COMMON.fault), refused);
      b.setLocal(at, b.add(offset, bytes));
      breakIf(b.geU(b.getLocal(at), size(b)));
    });
  };

  /** Bits that a piece at an offset is shifted by in its half. */
  const shift = (b: IrBuilder, offset: Value): Value => b.extend32U(b.shl(b.and(offset, b.i32(7)), b.i32(3)));

  const swapIf = (b: IrBuilder, desc: Value, raw: Value): Value =>
    b.select(b.and(desc, b.i32(DESC.big)), b.bswap(raw), raw);

  /** (va, descriptor, mmu) -> the value; on a fault 0 and `state.fault`. */
  const slowLoad128 = defineHelper('slowLoad128', ['i64', 'i32', 'i32'], 'v128', (b, va, desc, mmu) => {
    const refused = (): void => b.return_(none(b));
    b.if(p.misaligned(b, va, size(b), desc), () => {
      raiseFault(b, frontend.exceptions.misalignedLoad, va);
      refused();
    });
    const inRam = (host: Value): void => {
      p.watch(b, va, size(b), WATCH_READ, refused);
      b.return_(swapIf(b, desc, b.hostLoad(host, { size: 16 })));
    };
    within(b, va, LOAD, mmu, inRam, refused);
    const low = b.local('i64', b.i64(0));
    const high = b.local('i64', b.i64(0));
    inPieces(b, va, LOAD, mmu, refused, (offset, bytes) => {
      const raw = b.call(p.loadRaw, b.add(va, b.extend32U(offset)), bytes, mmu);
      const part = b.shl(raw, shift(b, offset));
      b.if(
        b.ltU(offset, b.i32(8)),
        () => b.setLocal(low, b.or(b.getLocal(low), part)),
        () => b.setLocal(high, b.or(b.getLocal(high), part)),
      );
    });
    const raw = b.pure('withHigh64', b.pure('splat.i64x2', b.getLocal(low)), b.getLocal(high));
    return swapIf(b, desc, raw);
  });

  /** (va, value, descriptor, mmu); on a fault `state.fault` says why, and nothing is written unless a device refused. */
  const slowStore128 = defineHelper(
    'slowStore128',
    ['i64', 'v128', 'i32', 'i32'],
    undefined,
    (b, va, value, desc, mmu) => {
      const refused = (): void => b.return_();
      b.if(p.misaligned(b, va, size(b), desc), () => {
        raiseFault(b, frontend.exceptions.misalignedStore, va);
        refused();
      });
      const raw = swapIf(b, desc, value);
      const halves = b.local('v128', raw);
      const inRam = (host: Value): void => {
        p.watch(b, va, size(b), WATCH_WRITE, refused);
        p.beforeWrite(b, host, size(b), refused);
        b.hostStore(host, b.getLocal(halves), { size: 16 });
        p.afterWrite(b, host, size(b));
        b.return_();
      };
      within(b, va, STORE, mmu, inRam, refused);
      const low = b.pure('low64', b.getLocal(halves));
      const high = b.pure('high64', b.getLocal(halves));
      inPieces(b, va, STORE, mmu, refused, (offset, bytes) => {
        const half = b.select(b.ltU(offset, b.i32(8)), low, high);
        b.call(p.storeRaw, b.add(va, b.extend32U(offset)), b.shr(half, shift(b, offset)), bytes, mmu);
      });
    },
  );

  /*
   * WebAssembly has no atomic access of 16 bytes. Where all vCPUs run in one thread, in turns, a turn ends between
   * instructions: a load and a store in one helper are atomic. With a vCPU in each of several threads the others wait
   * meanwhile, at the ends of instructions; and as this is a safe point, the page may have got flags until then.
   */
  const alone = (b: IrBuilder, host: Value, work: () => Value): Value => {
    if (!p.isThreaded) return work();
    b.call(IMPORTS.alone, b.i32(1));
    const old = b.local('v128', work());
    b.call(IMPORTS.alone, b.i32(0));
    p.afterWrite(b, host, size(b));
    return b.getLocal(old);
  };

  const update = (b: IrBuilder, op: RmwOp, host: Value, value: Value, big: boolean): Value =>
    alone(b, host, () => {
      const raw = big ? b.bswap(value) : value;
      const old = b.hostLoad(host, { size: 16 });
      b.hostStore(host, op === 'swap' ? raw : b.pure(`v128.${op}`, old, raw), { size: 16 });
      return big ? b.bswap(old) : old;
    });

  const compareAndSwap = (b: IrBuilder, host: Value, expected: Value, value: Value, big: boolean): Value =>
    alone(b, host, () => {
      const old = b.hostLoad(host, { size: 16 });
      const difference = b.pure('v128.xor', old, big ? b.bswap(expected) : expected);
      const isEqual = b.eqz(b.pure('v128.anyTrue', difference));
      b.if(isEqual, () => b.hostStore(host, value, { size: 16, endian: big ? 'big' : 'little' }));
      return big ? b.bswap(old) : old;
    });

  const suffix = (big: boolean): string => (big ? '.16.big' : '.16');
  const guarded = (b: IrBuilder, va: Value, mmu: Value): Value => {
    const host = b.call(p.atomicHost, va, size(b), mmu);
    b.if(b.eq(host, b.i64(FAULTED)), () => b.return_(none(b)));
    return host;
  };

  return {
    slowLoad128,
    slowStore128,
    /** (va, value, mmu) -> value before. */
    rmw128: (op: RmwOp, big: boolean): IrHelper => {
      const name = `rmw.${op}${suffix(big)}`;
      return p.cached(name, () =>
        defineHelper(name, ['i64', 'v128', 'i32'], 'v128', (b, va, value, mmu) =>
          update(b, op, guarded(b, va, mmu), value, big),
        ),
      );
    },
    /** (va, expected, value, mmu) -> value before. */
    cas128: (big: boolean): IrHelper => {
      const name = `cas${suffix(big)}`;
      return p.cached(name, () =>
        defineHelper(name, ['i64', 'v128', 'v128', 'i32'], 'v128', (b, va, expected, value, mmu) =>
          compareAndSwap(b, guarded(b, va, mmu), expected, value, big),
        ),
      );
    },
    /** (host, value) -> value before: `rmw128` where the address is known. */
    rmwHost128: (op: RmwOp, big: boolean): IrHelper => {
      const name = `rmwHost.${op}${suffix(big)}`;
      return p.cached(name, () =>
        defineHelper(name, ['i64', 'v128'], 'v128', (b, host, value) => update(b, op, host, value, big)),
      );
    },
    /** (host, expected, value) -> value before. */
    casHost128: (big: boolean): IrHelper => {
      const name = `casHost${suffix(big)}`;
      return p.cached(name, () =>
        defineHelper(name, ['i64', 'v128', 'v128'], 'v128', (b, host, expected, value) =>
          compareAndSwap(b, host, expected, value, big),
        ),
      );
    },
  } as const;
}
