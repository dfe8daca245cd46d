/** Guest loads, stores and atomics of tier 0 against memory kept in TypeScript. */
import { type AccessOptions, IrBuilder, type Slot } from '@boardwalk/translator';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RmwOp } from '../../src/ir/nodes.ts';
import { boot, type TestMachine } from '../frontends/harness.ts';
import { REGISTERS } from './program.ts';
import { EXCEPTION, execute, MAPPED, MAPPED_PAGES, missing, physicalPage, programs } from './programs.ts';

let m: TestMachine;
/** The bytes of the mapped pages, by virtual address. */
const memory = new Uint8Array(MAPPED_PAGES * 4096);
beforeAll(async () => {
  m = await boot(programs, []);
  for (let page = 0; page < MAPPED_PAGES; page++) {
    const bytes = memory.subarray(page * 4096, (page + 1) * 4096);
    for (const i of bytes.keys()) bytes[i] = (page * 31 + i * 7) & 255;
    m.put(physicalPage(page) * 4096, bytes);
  }
});
afterAll(() => m.dispose());

const [x0, x1, x2] = REGISTERS.i64 as [Slot, Slot, Slot];
const [w1] = REGISTERS.i32 as [Slot];
const [v0, v1, v2] = REGISTERS.v128 as [Slot, Slot, Slot];
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
/** Offsets that often lie about the end of a page. */
const offset = fc.oneof(
  fc.nat(MAPPED_PAGES * 4096 - 9),
  fc.tuple(fc.nat(MAPPED_PAGES - 2), fc.integer({ min: -8, max: 8 })).map(([page, near]) => (page + 1) * 4096 + near),
);
const size = fc.constantFrom<1 | 2 | 4 | 8>(1, 2, 4, 8);
const shape = fc.record({
  size,
  signed: fc.boolean(),
  endian: fc.constantFrom<'little' | 'big'>('little', 'big'),
  align: fc.constantFrom<'any' | 'natural'>('any', 'any', 'natural'),
});

function read(at: number, o: AccessOptions): bigint {
  const bytes = [...memory.slice(at, at + o.size)];
  if (o.endian !== 'big') bytes.reverse();
  const value = BigInt(`0x${bytes.map((x) => x.toString(16).padStart(2, '0')).join('')}`);
  return o.signed === true ? BigInt.asUintN(64, BigInt.asIntN(o.size * 8, value)) : value;
}

function write(at: number, value: bigint, o: AccessOptions): void {
  const bytes = Array.from({ length: o.size }, (_, i) => Number((value >> BigInt(i * 8)) & 255n));
  memory.set(o.endian === 'big' ? bytes.reverse() : bytes, at);
}

/** The exception that an access raises, and the address; undefined if none. */
function fault(at: number, o: AccessOptions, misaligned: number): number {
  if (o.align === 'natural' && at % o.size !== 0) return misaligned;
  const pages = [Math.floor(at / 4096), Math.floor((at + o.size - 1) / 4096)];
  return pages.some(missing) ? EXCEPTION.walk : 0;
}

function check(at: number): void {
  const first = Math.floor(Math.max(at - 16, 0) / 4096);
  for (const page of new Set([first, Math.floor((at + 16) / 4096)])) {
    if (page >= MAPPED_PAGES || missing(page)) continue;
    expect(m.bytes(physicalPage(page) * 4096, 4096).join()).toBe(memory.slice(page * 4096, (page + 1) * 4096).join());
  }
}

/** The address: in a register, part of it as a displacement. */
const address = (b: IrBuilder, split: number) => b.add(b.get(x0), b.i64(split));
const start = (at: number, split: number, value: bigint): void => {
  m.cpu.setRegister(x0, BigInt(MAPPED + at - split));
  m.cpu.setRegister(x1, value);
  m.cpu.setRegister(x2, 0x5a5an);
  m.cpu.setRegister(w1, value);
};
const split = fc.constantFrom(0, 8, -2048, 2 ** 31 - 1, 2 ** 31);

it('loads every shape from anywhere', () => {
  fc.assert(
    fc.property(shape, offset, split, fc.boolean(), (o, at, by, narrow) => {
      const ty = narrow && o.size < 8 ? 'i32' : 'i64';
      start(at, by, 0n);
      const raised = execute(m, (b) => {
        const value = b.load(address(b, by), { ...o, ty });
        b.set(x2, ty === 'i32' ? b.extend32U(value) : value);
      });
      const expected = fault(at, o, EXCEPTION.misalignedLoad);
      expect(raised).toBe(expected);
      const mask = ty === 'i32' ? 0xffff_ffffn : (1n << 64n) - 1n;
      expect(m.cpu.register(x2)).toBe(expected === 0 ? read(at, o) & mask : 0x5a5an);
    }),
    { numRuns: 2000 },
  );
});

it('stores every shape anywhere, and all of it or nothing', () => {
  fc.assert(
    fc.property(shape, offset, split, fc.boolean(), u64, (o, at, by, narrow, value) => {
      start(at, by, value);
      const raised = execute(m, (b) => b.store(address(b, by), b.get(narrow && o.size < 8 ? w1 : x1), o));
      const expected = fault(at, o, EXCEPTION.misalignedStore);
      expect(raised).toBe(expected);
      if (expected === 0) write(at, value, o);
      check(at);
    }),
    { numRuns: 2000 },
  );
});

it('makes runs of 8 bytes from one base, up to the access that faults', () => {
  const units = fc.array(fc.integer({ min: -63, max: 63 }), { minLength: 2, maxLength: 40 });
  const near = fc.oneof(fc.constant(0), fc.constantFrom(-8, 8, 4, 1));
  const page = fc.integer({ min: 1, max: MAPPED_PAGES - 2 });
  fc.assert(
    fc.property(
      page,
      fc.nat(511),
      near,
      units,
      fc.boolean(),
      fc.boolean(),
      u64,
      (on, unit, off, steps, isStore, big, v) => {
        const at = on * 4096 + unit * 8 + off;
        const o: AccessOptions = { size: 8, endian: big ? 'big' : 'little' };
        start(at, 0, v);
        const raised = execute(m, (b) => {
          for (const [n, step] of steps.entries()) {
            const where = address(b, step * 8);
            if (isStore) b.store(where, b.get(n % 2 === 0 ? x1 : x2), o);
            else b.set(n % 2 === 0 ? x1 : x2, b.load(where, o));
          }
        });
        const values = [v, 0x5a5an];
        let expected = 0;
        for (const [n, step] of steps.entries()) {
          const place = at + step * 8;
          expected = fault(place, o, 0);
          if (expected !== 0) break;
          if (isStore) write(place, values[n % 2] ?? 0n, o);
          else values[n % 2] = read(place, o);
        }
        expect(raised).toBe(expected);
        expect([m.cpu.register(x1), m.cpu.register(x2)]).toEqual(values);
        for (const place of [on - 1, on, on + 1]) check(place * 4096);
      },
    ),
    { numRuns: 1000 },
  );
});

const signed = (value: bigint, bits: number): bigint => BigInt.asIntN(bits, value);
const RMW: Readonly<Record<RmwOp, (a: bigint, v: bigint, bits: number) => bigint>> = {
  add: (a, v) => a + v,
  and: (a, v) => a & v,
  or: (a, v) => a | v,
  xor: (a, v) => a ^ v,
  swap: (_a, v) => v,
  minS: (a, v, bits) => (signed(a, bits) < signed(v, bits) ? a : v),
  maxS: (a, v, bits) => (signed(a, bits) > signed(v, bits) ? a : v),
  minU: (a, v, bits) => (BigInt.asUintN(bits, a) < BigInt.asUintN(bits, v) ? a : v),
  maxU: (a, v, bits) => (BigInt.asUintN(bits, a) > BigInt.asUintN(bits, v) ? a : v),
};

it('updates memory atomically by every operation, size and order', () => {
  const op = fc.constantFrom(...(Object.keys(RMW) as RmwOp[]));
  fc.assert(
    fc.property(op, shape, offset, u64, (name, o, at, value) => {
      start(at, 0, value);
      const raised = execute(m, (b) => b.set(x2, b.atomicRmw(name, b.get(x0), b.get(x1), o)));
      const expected = fault(at, { ...o, align: 'natural' }, EXCEPTION.misalignedStore);
      expect(raised).toBe(expected);
      if (expected === 0) {
        expect(m.cpu.register(x2)).toBe(read(at, o));
        write(at, RMW[name](read(at, { ...o, signed: false }), value, o.size * 8), o);
      }
      check(at);
    }),
    { numRuns: 1500 },
  );
});

it('compares in the size of the access and swaps', () => {
  fc.assert(
    fc.property(shape, offset, u64, u64, fc.boolean(), (o, at, junk, value, equal) => {
      const aligned = at - (at % o.size);
      if (missing(Math.floor(aligned / 4096))) return;
      const old = read(aligned, { ...o, signed: false });
      const expected = equal ? (junk << BigInt(o.size * 8)) | old : junk;
      start(aligned, 0, value);
      execute(m, (b) => b.set(x2, b.atomicCas(b.get(x0), b.big(expected), b.get(x1), o)));
      expect(m.cpu.register(x2)).toBe(read(aligned, o));
      if (BigInt.asUintN(o.size * 8, expected) === old) write(aligned, value, o);
      check(aligned);
    }),
    { numRuns: 1000 },
  );
});

const u128 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const offset16 = fc.oneof(
  fc.nat(MAPPED_PAGES * 4096 - 17),
  fc.tuple(fc.nat(MAPPED_PAGES - 2), fc.integer({ min: -17, max: 17 })).map(([page, near]) => (page + 1) * 4096 + near),
  fc.nat(MAPPED_PAGES * 256 - 2).map((n) => n * 16),
);
const shape16 = fc.record({
  size: fc.constant<16>(16),
  endian: fc.constantFrom<'little' | 'big'>('little', 'big'),
  align: fc.constantFrom<'any' | 'natural'>('any', 'any', 'natural'),
});
const start16 = (at: number, split: number, value: bigint, expected = 0n): void => {
  m.cpu.setRegister(x0, BigInt(MAPPED + at - split));
  m.cpu.setRegister(v0, expected);
  m.cpu.setRegister(v1, value);
  m.cpu.setRegister(v2, 0x5a5an);
};

it('loads 16 bytes in both orders from anywhere', () => {
  fc.assert(
    fc.property(shape16, offset16, split, (o, at, by) => {
      start16(at, by, 0n);
      const expected = fault(at, o, EXCEPTION.misalignedLoad);
      expect(execute(m, (b) => b.set(v2, b.load(address(b, by), o)))).toBe(expected);
      expect(m.cpu.register(v2)).toBe(expected === 0 ? read(at, o) : 0x5a5an);
    }),
    { numRuns: 1000 },
  );
});

it('stores 16 bytes in both orders anywhere, and all of them or none', () => {
  fc.assert(
    fc.property(shape16, offset16, split, u128, (o, at, by, value) => {
      start16(at, by, value);
      const expected = fault(at, o, EXCEPTION.misalignedStore);
      expect(execute(m, (b) => b.store(address(b, by), b.get(v1), o))).toBe(expected);
      if (expected === 0) write(at, value, o);
      check(at);
    }),
    { numRuns: 1000 },
  );
});

it('swaps and combines 16 bytes atomically', () => {
  const op = fc.constantFrom<RmwOp>('swap', 'and', 'or', 'xor');
  fc.assert(
    fc.property(op, shape16, offset16, u128, (name, o, at, value) => {
      start16(at, 0, value);
      const expected = fault(at, { ...o, align: 'natural' }, EXCEPTION.misalignedStore);
      expect(execute(m, (b) => b.set(v2, b.atomicRmw(name, b.get(x0), b.get(v1), o)))).toBe(expected);
      expect(m.cpu.register(v2)).toBe(expected === 0 ? read(at, o) : 0x5a5an);
      if (expected === 0) write(at, RMW[name](read(at, o), value, 128), o);
      check(at);
    }),
    { numRuns: 600 },
  );
});

it('compares all of 16 bytes and swaps', () => {
  fc.assert(
    fc.property(shape16, offset16, u128, fc.option(fc.nat(127), { nil: undefined }), (o, near, value, flipped) => {
      const at = near - (near % 16);
      if (missing(Math.floor(at / 4096))) return;
      const old = read(at, o);
      start16(at, 0, value, flipped === undefined ? old : old ^ (1n << BigInt(flipped)));
      expect(execute(m, (b) => b.set(v2, b.atomicCas(b.get(x0), b.get(v0), b.get(v1), o)))).toBe(0);
      expect(m.cpu.register(v2)).toBe(old);
      if (flipped === undefined) write(at, value, o);
      check(at);
    }),
    { numRuns: 600 },
  );
});

it('has vectors in accesses of 16 bytes only, and no arithmetic on them in memory', () => {
  const b = new IrBuilder();
  const at = b.i64(0);
  expect(() => b.load(at, { size: 16, ty: 'i64' })).toThrow('an access of 16 bytes has no i64');
  expect(() => b.load(at, { size: 8, ty: 'v128' })).toThrow('an access of 8 bytes has no v128');
  expect(() => b.load(at, { size: 16, signed: true })).toThrow('an access of 16 bytes has no sign');
  expect(() => b.store(at, b.i64(1), { size: 16 })).toThrow('an access of 16 bytes has no i64');
  expect(() => b.store(at, b.v128(1n, 2n), { size: 8 })).toThrow('an access of 8 bytes has no v128');
  expect(() => b.atomicRmw('add', at, b.v128(1n, 2n), { size: 16 })).toThrow('no atomic add of 16 bytes');
});
