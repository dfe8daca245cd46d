/** The rows of vector operations against lanes computed one by one: a wrong number in the table is a wrong answer here. */
import type { Slot } from '@boardwalk/translator';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PURE_OPS, pureOp } from '../../src/ir/ops.ts';
import { boot, type TestMachine } from '../frontends/harness.ts';
import { REGISTERS } from './program.ts';
import { execute, programs } from './programs.ts';

let m: TestMachine;
beforeAll(async () => {
  m = await boot(programs, []);
});
afterAll(() => m.dispose());

const [v0, v1, v2] = REGISTERS.v128;
const [w0] = REGISTERS.i32;
if (v0 === undefined || v1 === undefined || v2 === undefined || w0 === undefined) throw new Error('no registers');

type Lane = (a: bigint, b: bigint, bits: number) => bigint;
const s = (v: bigint, bits: number): bigint => BigInt.asIntN(bits, v);
const u = (v: bigint, bits: number): bigint => BigInt.asUintN(bits, v);
const clamp = (v: bigint, low: bigint, high: bigint): bigint => (v < low ? low : v > high ? high : v);
const satS = (v: bigint, bits: number): bigint => clamp(v, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const satU = (v: bigint, bits: number): bigint => clamp(v, 0n, (1n << BigInt(bits)) - 1n);
const mask = (on: boolean): bigint => (on ? -1n : 0n);
/** Operands are unsigned lanes; the result is taken modulo the lane. */
const BINARY: Readonly<Record<string, Lane>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  eq: (a, b) => mask(a === b),
  ne: (a, b) => mask(a !== b),
  ltS: (a, b, n) => mask(s(a, n) < s(b, n)),
  ltU: (a, b) => mask(a < b),
  gtS: (a, b, n) => mask(s(a, n) > s(b, n)),
  gtU: (a, b) => mask(a > b),
  leS: (a, b, n) => mask(s(a, n) <= s(b, n)),
  leU: (a, b) => mask(a <= b),
  geS: (a, b, n) => mask(s(a, n) >= s(b, n)),
  geU: (a, b) => mask(a >= b),
  addSatS: (a, b, n) => satS(s(a, n) + s(b, n), n),
  addSatU: (a, b, n) => satU(a + b, n),
  subSatS: (a, b, n) => satS(s(a, n) - s(b, n), n),
  subSatU: (a, b, n) => satU(a - b, n),
  minS: (a, b, n) => (s(a, n) < s(b, n) ? a : b),
  minU: (a, b) => (a - b < 0n ? a : b),
  maxS: (a, b, n) => (s(a, n) > s(b, n) ? a : b),
  maxU: (a, b) => (a - b > 0n ? a : b),
  avgrU: (a, b) => (a + b + 1n) / 2n,
};
const UNARY: Readonly<Record<string, (a: bigint, bits: number) => bigint>> = {
  abs: (a, n) => (s(a, n) < 0n ? -s(a, n) : a),
  neg: (a) => -a,
  popcnt: (a) => BigInt([...a.toString(2)].filter((c) => c === '1').length),
};
const SHIFT: Readonly<Record<string, Lane>> = {
  shl: (a, count) => a << count,
  shr: (a, count) => a >> count,
  sar: (a, count, n) => s(a, n) >> count,
};
const BITS: Readonly<Record<string, number>> = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64 };

const lanes = (v: bigint, bits: number): bigint[] =>
  Array.from({ length: 128 / bits }, (_, i) => u(v >> BigInt(i * bits), bits));
const join = (all: readonly bigint[], bits: number): bigint =>
  all.reduce((v, lane, i) => v | (u(lane, bits) << BigInt(i * bits)), 0n);
const half = (all: readonly bigint[], high: boolean): bigint[] =>
  all.slice(high ? all.length / 2 : 0, high ? all.length : all.length / 2);

/** What an operation gives, or undefined where this reference does not know it. */
function expected(kind: string, bits: number, x: bigint, y: bigint, count: number): bigint | undefined {
  const [a, b] = [lanes(x, bits), lanes(y, bits)];
  const binary = BINARY[kind];
  if (binary !== undefined)
    return join(
      a.map((lane, i) => binary(lane, b[i] ?? 0n, bits)),
      bits,
    );
  const unary = UNARY[kind];
  if (unary !== undefined)
    return join(
      a.map((lane) => unary(lane, bits)),
      bits,
    );
  const shift = SHIFT[kind];
  if (shift !== undefined)
    return join(
      a.map((lane) => shift(lane, BigInt(count % bits), bits)),
      bits,
    );
  const narrow = /^narrow([SU])$/.exec(kind);
  if (narrow !== null) {
    const both = [...lanes(x, bits * 2), ...lanes(y, bits * 2)].map((lane) => s(lane, bits * 2));
    return join(
      both.map((lane) => (narrow[1] === 'S' ? satS(lane, bits) : satU(lane, bits))),
      bits,
    );
  }
  const wide = /^(extend|mul)(Low|High)([SU])$/.exec(kind);
  if (wide !== null) {
    const of = (v: bigint): bigint[] =>
      half(lanes(v, bits / 2), wide[2] === 'High').map((lane) => (wide[3] === 'S' ? s(lane, bits / 2) : lane));
    const [p, q] = [of(x), of(y)];
    return join(
      p.map((lane, i) => (wide[1] === 'mul' ? lane * (q[i] ?? 0n) : lane)),
      bits,
    );
  }
  const pairs = /^addPairs([SU])$/.exec(kind);
  if (pairs !== null) {
    const narrowLanes = lanes(x, bits / 2).map((lane) => (pairs[1] === 'S' ? s(lane, bits / 2) : lane));
    return join(
      a.map((_, i) => (narrowLanes[2 * i] ?? 0n) + (narrowLanes[2 * i + 1] ?? 0n)),
      bits,
    );
  }
  if (kind === 'bitmask') return a.reduce((n, lane, i) => n | ((lane >> BigInt(bits - 1)) << BigInt(i)), 0n);
  if (kind === 'allTrue') return a.every((lane) => lane !== 0n) ? 1n : 0n;
  return undefined;
}

const byShape = PURE_OPS.flatMap((op) => {
  const [, kind, shape] = /^v128\.(\w+)\.(i8x16|i16x8|i32x4|i64x2)$/.exec(op.name) ?? [];
  const bits = BITS[shape ?? ''];
  if (kind === undefined || bits === undefined || expected(kind, bits, 0n, 0n, 0) === undefined) return [];
  return [{ name: op.name, kind, bits }];
});

function compute(name: string, x: bigint, y: bigint, count: number): bigint {
  const op = pureOp(name);
  const [a, b, out, w] = [v0, v1, v2, w0] as [Slot, Slot, Slot, Slot];
  m.cpu.setRegister(a, x);
  m.cpu.setRegister(b, y);
  execute(m, (to) => {
    const args = op.args.map((type, i) => (type === 'i32' ? to.i32(count) : to.get(i === 0 ? a : b)));
    to.set(op.result === 'v128' ? out : w, to.pure(name, ...args));
  });
  return m.cpu.register(op.result === 'v128' ? out : w);
}

const edge = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }),
  fc
    .array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { minLength: 16, maxLength: 16 })
    .map((bytes) => bytes.reduce((v, byte) => (v << 8n) | BigInt(byte), 0n)),
);

it('computes every lane of every shape', () => {
  expect(byShape.length).toBeGreaterThan(100);
  for (const { name, kind, bits } of byShape) {
    const check = (x: bigint, y: bigint, count: number): void => {
      const got = compute(name, x, y, count);
      if (got !== expected(kind, bits, x, y, count))
        throw new Error(`${name} ${x.toString(16)} ${y.toString(16)} ${count}`);
    };
    fc.assert(fc.property(edge, edge, fc.nat(200), check), { numRuns: 12 });
  }
});

it('extracts and replaces every lane', () => {
  const check = (x: bigint): void => {
    for (const [shape, bits] of [
      ['i8x16', 8],
      ['i16x8', 16],
      ['i32x4', 32],
    ] as const) {
      for (const [i, lane] of lanes(x, bits).entries()) {
        expect(compute(`extract.${shape}.${i}`, x, 0n, 0)).toBe(lane);
        if (bits < 32) expect(compute(`extractS.${shape}.${i}`, x, 0n, 0)).toBe(u(s(lane, bits), 32));
        const all = lanes(x, bits);
        all[i] = 0x5an;
        expect(compute(`replace.${shape}.${i}`, x, 0n, 0x5a)).toBe(join(all, bits));
      }
    }
  };
  fc.assert(fc.property(edge, check), { numRuns: 3 });
});

it('computes floats by lanes as the scalar operations do', () => {
  const numbers = [1.5, -2.25, 0.1, 3e10, -0, Infinity, 2.5, -3.5];
  const pack = (bits: 32 | 64, values: readonly number[]): bigint => {
    const view = new DataView(new ArrayBuffer(16));
    for (const [i, value] of values.entries())
      bits === 32 ? view.setFloat32(i * 4, value, true) : view.setFloat64(i * 8, value, true);
    return (view.getBigUint64(8, true) << 64n) | view.getBigUint64(0, true);
  };
  const nearest = (x: number): number => {
    const rounded = Math.round(x);
    return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
  };
  const one: Readonly<Record<string, (x: number) => number>> = {
    fabs: Math.abs,
    fneg: (x) => -x,
    fceil: Math.ceil,
    ffloor: Math.floor,
    ftrunc: Math.trunc,
    fnearest: nearest,
  };
  const two: Readonly<Record<string, (x: number, y: number) => number>> = {
    fadd: (x, y) => x + y,
    fsub: (x, y) => x - y,
    fmul: (x, y) => x * y,
    fdiv: (x, y) => x / y,
    fmin: Math.min,
    fmax: Math.max,
  };
  for (const [shape, bits, count] of [
    ['f32x4', 32, 4],
    ['f64x2', 64, 2],
  ] as const) {
    const round = bits === 32 ? Math.fround : (x: number): number => x;
    for (let at = 0; at + count < numbers.length; at++) {
      const x = numbers.slice(at, at + count).map(round);
      const y = x.map((_, i) => round(i + 0.75));
      for (const [name, f] of Object.entries(one)) {
        expect(compute(`v128.${name}.${shape}`, pack(bits, x), 0n, 0), name).toBe(pack(bits, x.map(f)));
      }
      for (const [name, f] of Object.entries(two)) {
        const want = pack(
          bits,
          x.map((value, i) => round(f(value, y[i] ?? 0))),
        );
        expect(compute(`v128.${name}.${shape}`, pack(bits, x), pack(bits, y), 0), name).toBe(want);
      }
      const squares = x.map((value) => round(value * value));
      expect(compute(`v128.fsqrt.${shape}`, pack(bits, squares), 0n, 0)).toBe(
        pack(
          bits,
          squares.map((v) => round(Math.sqrt(v))),
        ),
      );
    }
  }
});
