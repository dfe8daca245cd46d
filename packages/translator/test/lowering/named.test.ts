/** Operations of the builder that are made of several: carries, overflows, wide products, shuffles. */
import type { IrBuilder, Slot, Value } from '@boardwalk/translator';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { boot, type TestMachine } from '../frontends/harness.ts';
import { RECORD, REGISTERS } from './program.ts';
import { execute, programs } from './programs.ts';

let m: TestMachine;
beforeAll(async () => {
  m = await boot(programs, []);
});
afterAll(() => m.dispose());

const slot = (type: 'i32' | 'i64' | 'v128', n: number) => {
  const found = REGISTERS[type][n];
  if (found === undefined) throw new Error('no such register');
  return found;
};
const edge = (bits: number) =>
  fc.oneof(
    fc.constantFrom(0n, 1n, (1n << BigInt(bits)) - 1n, 1n << BigInt(bits - 1), (1n << BigInt(bits - 1)) - 1n),
    fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n }),
  );

it.each([32, 64] as const)('carries and overflows, at %i bits', (bits) => {
  const ty = bits === 32 ? 'i32' : 'i64';
  const [x, y, sum, difference] = [0, 1, 2, 3].map((n) => slot(ty, n)) as [Slot, Slot, Slot, Slot];
  const flags = slot(bits === 32 ? 'i64' : 'i32', 3);
  const emission = (withCarry: boolean) => (b: IrBuilder) => {
    const [p, q] = [b.get(x), b.get(y)];
    const one = withCarry ? b.i32(1) : undefined;
    const a = b.addCarry(p, q, one);
    const s = b.subBorrow(p, q, one);
    b.set(sum, a.sum);
    b.set(difference, s.difference);
    const all = [a.carry, s.borrow, b.addOverflow(p, q, a.sum), b.subOverflow(p, q, s.difference)];
    const packed = all.reduce((n, flag, i) => b.or(n, b.shl(flag, b.i32(i))), b.i32(0));
    b.set(flags, bits === 32 ? b.extend32U(packed) : packed);
  };
  const check = (p: bigint, q: bigint, withCarry: boolean): void => {
    m.cpu.setRegister(x, p);
    m.cpu.setRegister(y, q);
    execute(m, emission(withCarry));
    const c = withCarry ? 1n : 0n;
    const signed = (v: bigint): bigint => BigInt.asIntN(bits, v);
    const fits = (v: bigint): boolean => signed(v) === v;
    expect(m.cpu.register(sum)).toBe(BigInt.asUintN(bits, p + q + c));
    expect(m.cpu.register(difference)).toBe(BigInt.asUintN(bits, p - q - c));
    const expected = [(p + q + c) >> BigInt(bits) !== 0n, p - q - c < 0n];
    expected.push(!fits(signed(p) + signed(q) + c), !fits(signed(p) - signed(q) - c));
    expect(m.cpu.register(flags)).toBe(expected.reduce((n, on, i) => n | (on ? 1n << BigInt(i) : 0n), 0n));
  };
  fc.assert(fc.property(edge(bits), edge(bits), fc.boolean(), check), { numRuns: 300 });
});

it('multiplies to twice the width', () => {
  const check = (p: bigint, q: bigint, signed: boolean): void => {
    m.cpu.setRegister(slot('i64', 0), p);
    m.cpu.setRegister(slot('i64', 1), q);
    execute(m, (b) => {
      const [x, y] = [b.get(slot('i64', 0)), b.get(slot('i64', 1))];
      const { low, high } = b.mulWide(x, y, signed);
      const half = b.mulWide32(b.wrap(x), b.wrap(y), signed);
      b.set(slot('i64', 2), low);
      b.set(slot('i64', 3), high);
      b.set(slot('i64', 0), half);
    });
    const as = (v: bigint, bits: number): bigint => (signed ? BigInt.asIntN(bits, v) : BigInt.asUintN(bits, v));
    const product = BigInt.asUintN(128, as(p, 64) * as(q, 64));
    expect((m.cpu.register(slot('i64', 3)) << 64n) | m.cpu.register(slot('i64', 2))).toBe(product);
    expect(m.cpu.register(slot('i64', 0))).toBe(BigInt.asUintN(64, as(p, 32) * as(q, 32)));
  };
  fc.assert(fc.property(edge(64), edge(64), fc.boolean(), check), { numRuns: 200 });
});

it('shuffles the bytes of two vectors by constant numbers', () => {
  const bytes = (v: bigint): number[] => Array.from({ length: 16 }, (_, i) => Number((v >> BigInt(8 * i)) & 255n));
  const check = (p: bigint, q: bigint, lanes: number[]): void => {
    m.cpu.setRegister(slot('v128', 0), p);
    m.cpu.setRegister(slot('v128', 1), q);
    execute(m, (b) => b.set(slot('v128', 2), b.shuffle(b.get(slot('v128', 0)), b.get(slot('v128', 1)), lanes)));
    const both = [...bytes(p), ...bytes(q)];
    expect(bytes(m.cpu.register(slot('v128', 2)))).toEqual(lanes.map((lane) => both[lane]));
  };
  const lanes = fc.array(fc.nat(31), { minLength: 16, maxLength: 16 });
  fc.assert(fc.property(edge(128), edge(128), lanes, check), { numRuns: 100 });
});

it('sets a constant and one or two values behind it', () => {
  const [word, wide] = [slot('i32', 0), slot('i64', 0)];
  const widenings: readonly ((b: IrBuilder) => Value)[] = [
    (b) => b.get(wide),
    (b) => b.sext(b.get(wide), 32),
    (b) => b.zext(b.get(wide), 32),
    (b) => b.extend32S(b.get(word)),
    (b) => b.extend32U(b.get(word)),
    (b) => b.i64(-5),
    // What the record itself held.
    (b) => b.get(RECORD.second),
    (b) => b.get(RECORD.first),
  ];
  const value = (n: number, p: bigint, q: bigint, held: readonly bigint[]): bigint =>
    [p, BigInt.asIntN(32, p), BigInt.asUintN(32, p), BigInt.asIntN(32, q), q, -5n, held[1] ?? 0n, held[0] ?? 0n][n] ??
    0n;
  const check = (p: bigint, q: bigint, x: number, y: number, constant: number): void => {
    m.cpu.setRegister(wide, p);
    m.cpu.setRegister(word, q);
    const held = [p ^ 1n, p ^ 2n];
    m.cpu.setRegister(RECORD.first, p ^ 1n);
    m.cpu.setRegister(RECORD.second, p ^ 2n);
    execute(m, (b) => {
      const [one, two] = [widenings[x]?.(b), widenings[y]?.(b)];
      if (one !== undefined) b.set(RECORD.first, one);
      if (two !== undefined) b.set(RECORD.second, two);
      b.set(RECORD.kind, b.i32(constant));
    });
    expect(m.cpu.register(RECORD.kind)).toBe(BigInt.asUintN(32, BigInt(constant)));
    expect(m.cpu.register(RECORD.first)).toBe(BigInt.asUintN(64, value(x, p, q, held)));
    const second = y < widenings.length ? value(y, p, q, held) : p ^ 2n;
    expect(m.cpu.register(RECORD.second)).toBe(BigInt.asUintN(64, second));
  };
  const constants = fc.constantFrom(0, 13, 0xffff, 0x10000, -1);
  fc.assert(fc.property(edge(64), edge(32), fc.nat(7), fc.nat(8), constants, check), { numRuns: 500 });
});
