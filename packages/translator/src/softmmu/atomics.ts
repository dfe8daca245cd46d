/** Atomic operations of up to 8 bytes; those of 16 are in wide.ts. */
import { MEM_ERROR } from '@boardwalk/core';
import type { Frontend } from '../frontend.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import type { RmwOp } from '../ir/nodes.ts';
import { COMMON } from '../state.ts';
import type { SlowAccess } from './access.ts';
import { IMPORTS } from './imports.ts';
import { FAULTED, NOT_RAM, STORE, WATCH_READ, WATCH_WRITE } from './layout.ts';
import type { Translation } from './translation.ts';

/** Makes the helpers of atomic operations, each when it is first asked for. */
export function createAtomics(
  frontend: Frontend,
  { watch, translateAccess }: Translation,
  { raiseFault, raiseBusError, beforeWrite, afterWrite }: SlowAccess,
) {
  /** Host offset for an atomic access, or FAULTED; device memory has no atomics here. */
  const atomicHost = defineHelper('atomicHost', ['i64', 'i32', 'i32'], 'i64', (b, va, size, mmu) => {
    b.if(b.and(b.wrap(va), b.sub(size, b.i32(1))), () => {
      raiseFault(b, frontend.exceptions.misalignedStore, va);
      b.return_(b.i64(FAULTED));
    });
    b.set(COMMON.accessBytes, size);
    const host = b.call(translateAccess, va, b.i32(STORE), mmu);
    b.if(b.eq(host, b.i64(NOT_RAM)), () => {
      const missing = b.call(IMPORTS.ioProbe, size, b.i32(0), b.i32(STORE));
      const result = b.select(missing, missing, b.i32(MEM_ERROR));
      raiseBusError(b, b.i32(frontend.exceptions.busStore), va, result);
      b.return_(b.i64(FAULTED));
    });
    b.if(b.ne(host, b.i64(FAULTED)), () => {
      watch(b, va, size, WATCH_READ | WATCH_WRITE, () => b.return_(b.i64(FAULTED)));
      beforeWrite(b, host, size, () => b.return_(b.i64(FAULTED)));
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
        b.if(b.eq(host, b.i64(FAULTED)), () => b.return_(b.i64(0)));
        const old = atomicUpdate(b, op, host, value, size, big);
        afterWrite(b, host, b.i32(size));
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
        b.if(b.eq(host, b.i64(FAULTED)), () => b.return_(b.i64(0)));
        const old = compareAndSwap(b, host, expected, value, size, big);
        afterWrite(b, host, b.i32(size));
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  /** (host, value) -> value before: `rmw` where the address is known. */
  const rmwHost = (op: RmwOp, size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `rmwHost.${op}.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i64', 'i64'], 'i64', (b, host, value) => {
        const old = atomicUpdate(b, op, host, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  /** (host, expected, value) -> value before. */
  const casHost = (size: 1 | 2 | 4 | 8, signed: boolean, big: boolean): IrHelper => {
    const name = `casHost.${size}${signed ? 's' : 'u'}${big ? '.big' : ''}`;
    return cached(name, () =>
      defineHelper(name, ['i64', 'i64', 'i64'], 'i64', (b, host, expected, value) => {
        const old = compareAndSwap(b, host, expected, value, size, big);
        return signed ? b.sext(old, size * 8) : old;
      }),
    );
  };

  return { atomicHost, cached, rmw, cas, rmwHost, casHost } as const;
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
