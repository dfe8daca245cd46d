import { describe, expect, it } from 'vitest';
import { IrBuilder, type Value } from '../ir/builder.ts';
import type { Slot } from '../ir/types.ts';
import { define, extensionOf, SIGN, ZERO } from './extension.ts';

const slot = (name: string): Slot => ({ name, offset: 4096, ty: 'i64' });
const [s, z, any] = [slot('s'), slot('z'), slot('any')];
const BOTH = SIGN | ZERO;

/** The extension of a value that is built of a sign-extended one, a zero-extended one and any other. */
function extension(make: (b: IrBuilder, v: { s: Value; z: Value; any: Value }) => Value): number {
  const b = new IrBuilder();
  const value = make(b, { s: b.get(s), z: b.get(z), any: b.get(any) });
  return extensionOf(value, (_, from) => (from === s ? SIGN : from === z ? ZERO : 0));
}

describe('the extension of a value', () => {
  it.each<[string, number, (b: IrBuilder, v: { s: Value; z: Value; any: Value }) => Value]>([
    ['a word, sign-extended', SIGN, (b, v) => b.sext(b.add(v.any, v.any), 32)],
    ['a byte, sign-extended', SIGN, (b, v) => b.sext(v.any, 8)],
    ['a word, zero-extended', ZERO, (b, v) => b.extend32U(b.wrap(v.any))],
    ['a comparison', BOTH, (b, v) => b.extend32U(b.ltS(v.any, v.s))],
    ['a sum of words', 0, (b, v) => b.add(v.s, v.s)],
    ['bits of two alike', SIGN, (b, v) => b.xor(v.s, v.s)],
    ['bits of two unlike', 0, (b, v) => b.or(v.s, v.z)],
    ['bits under a zero-extended mask', ZERO, (b, v) => b.and(v.any, v.z)],
    ['bits under a small mask', BOTH, (b, v) => b.and(v.any, b.i64(255))],
    ['bits under a mask that is negative', SIGN, (b, v) => b.and(v.s, b.i64(-16))],
    ['all but the low half', ZERO, (b, v) => b.shr(v.any, b.i64(32))],
    ['less than that', 0, (b, v) => b.shr(v.any, b.i64(31))],
    ['more than that', BOTH, (b, v) => b.shr(v.any, b.i64(33))],
    ['a sign-extended word, shifted right as an unsigned number', 0, (b, v) => b.shr(v.s, b.i64(1))],
    ['a zero-extended word, shifted right', BOTH, (b, v) => b.shr(v.z, b.i64(1))],
    ['a sign-extended word, shifted right as a signed number', SIGN, (b, v) => b.sar(v.s, b.i64(7))],
    ['a shift by what is not known', 0, (b, v) => b.shr(v.z, v.z)],
    ['one of two', SIGN, (b, v) => b.select(b.wrap(v.any), v.s, b.i64(-1))],
    ['a signed word of memory', SIGN, (b, v) => b.load(v.any, { size: 4, signed: true })],
    ['an unsigned word of memory', ZERO, (b, v) => b.load(v.any, { size: 4 })],
    ['an unsigned halfword of memory', BOTH, (b, v) => b.load(v.any, { size: 2 })],
    ['a double word of memory', 0, (b, v) => b.load(v.any, { size: 8 })],
    ['a number of leading zeros', BOTH, (b, v) => b.clz(v.any)],
    ['2^31', ZERO, (b) => b.i64(2 ** 31)],
    ['-2^31', SIGN, (b) => b.i64(-(2 ** 31))],
    ['2^32', 0, (b) => b.i64(2 ** 32)],
  ])('%s', (_name, expected, make) => {
    expect(extension(make)).toBe(expected);
  });

  it('of a setting depends on slots only where they decide', () => {
    const b = new IrBuilder();
    expect(define(any, b.sext(b.get(s), 32), 0, true)).toMatchObject({ most: SIGN, depends: false });
    expect(define(any, b.xor(b.get(s), b.get(s)), 0, true)).toMatchObject({ most: BOTH, depends: true });
    expect(define(any, b.add(b.get(s), b.get(s)), 0, true)).toMatchObject({ most: 0, depends: false });
    expect(define(any, b.get(s), 0, false)).toMatchObject({ most: 0, depends: false });
  });
});
