/**
 * Division and square root, IEEE 754-2019 section 5.4.1.
 *
 * The host's own correctly rounded division (square root) of 53-bit significands gives the 53 bits nearest to the quotient
 * (root). The remainder, computed modulo 2^64 where it fits with its sign, says on which side of them the exact value is:
 * a one added or taken away far below them rounds as that value does, in every direction and to every precision up to 53.
 */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { FLAG_DIVIDE_BY_ZERO, type FloatEnvironment } from './environment.ts';
import type { FloatFormat } from './format.ts';
import {
  anyOf,
  isNotFinite,
  isZeroOrNotFinite,
  magnitudeOf,
  notZero,
  placeSign,
  raiseFlags,
  returnIfNan,
  returnInvalid,
  signOf,
  unpack,
} from './parts.ts';

/** Fraction bits of a quotient or root in [1, 2], and what normalises it. */
const FRACTION_BITS = 52;
const NORMALISE = 63 - FRACTION_BITS;

/** (a, b, rm i32) -> a / b in the format's bits. */
export function defineDivide(f: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${f.name}.divExact`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
    const sign = signOf(b, f, b.xor(left, right));
    const leftMagnitude = magnitudeOf(b, f, left);
    const rightMagnitude = magnitudeOf(b, f, right);
    b.if(anyOf(b, isZeroOrNotFinite(b, f, leftMagnitude), isZeroOrNotFinite(b, f, rightMagnitude)), () =>
      returnSpecialQuotient(b, f, env, left, right),
    );
    const x = unpack(b, f, leftMagnitude);
    const y = unpack(b, f, rightMagnitude);
    const divisor = b.shr(y.significand, b.i64(11));
    // A quotient below one is doubled.
    const isLess = b.extend32U(b.ltU(x.significand, y.significand));
    const dividend = b.shl(b.shr(x.significand, b.i64(11)), isLess);
    const exponent = b.add(b.sub(b.sub(x.exponent, y.exponent), isLess), b.i64(f.bias));
    return b.call(round, sign, exponent, quotient(b, dividend, divisor), rm);
  });
}

/** Normalised quotient, bit 0 sticky, of integers below 2^54 and 2^53 whose quotient lies in [1, 2). */
function quotient(b: IrBuilder, dividend: Value, divisor: Value): Value {
  const estimate = b.fdiv(b.convert(dividend, 'f64', false), b.convert(divisor, 'f64', false));
  const near = b.truncSat(b.fmul(estimate, b.f64(2 ** FRACTION_BITS)), 'i64', false);
  return beside(b, near, b.sub(b.shl(dividend, b.i64(FRACTION_BITS)), b.mul(near, divisor)));
}

/** `near` normalised, and a little more or less as the remainder's sign says. 2 with less wraps to just below 2. */
function beside(b: IrBuilder, near: Value, remainder: Value): Value {
  const sign = b.or(b.sar(remainder, b.i64(63)), notZero(b, remainder));
  return b.add(b.shl(near, b.i64(NORMALISE)), sign);
}

function returnSpecialQuotient(b: IrBuilder, f: FloatFormat, env: FloatEnvironment, left: Value, right: Value): void {
  returnIfNan(b, f, env, [left, right]);
  const leftMagnitude = magnitudeOf(b, f, left);
  const rightMagnitude = magnitudeOf(b, f, right);
  const zero = placeSign(b, f, signOf(b, f, b.xor(left, right)));
  const infinity = b.or(zero, b.big(f.infinity));
  b.if(isNotFinite(b, f, leftMagnitude), () => {
    b.if(isNotFinite(b, f, rightMagnitude), () => returnInvalid(b, f, env));
    b.return_(infinity);
  });
  b.if(b.eqz(rightMagnitude), () => {
    b.if(b.eqz(leftMagnitude), () => returnInvalid(b, f, env));
    raiseFlags(b, env, FLAG_DIVIDE_BY_ZERO);
    b.return_(infinity);
  });
  b.return_(zero);
}

/** (a, rm i32) -> the square root of a in the format's bits. */
export function defineSquareRoot(f: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${f.name}.sqrtExact`, ['i64', 'i32'], 'i64', (b, bits, rm) => {
    const magnitude = magnitudeOf(b, f, bits);
    b.if(b.eqz(magnitude), () => b.return_(bits));
    b.if(b.geU(bits, b.big(f.infinity)), () => {
      returnIfNan(b, f, env, [bits]);
      b.if(b.ne(bits, b.big(f.infinity)), () => returnInvalid(b, f, env));
      b.return_(bits);
    });
    const x = unpack(b, f, bits);
    const power = b.sub(x.exponent, b.i64(f.bias));
    const radicand = b.shl(b.shr(x.significand, b.i64(11)), b.and(power, b.i64(1)));
    const exponent = b.add(b.sar(power, b.i64(1)), b.i64(f.bias));
    return b.call(round, b.i64(0), exponent, root(b, radicand), rm);
  });
}

/** Normalised square root, bit 0 sticky, of an integer in [2^52, 2^54) that has at most 53 significant bits. */
function root(b: IrBuilder, radicand: Value): Value {
  // 2^52 under the root is 2^26; as much again makes 52 fraction bits.
  const scale = FRACTION_BITS / 2;
  const estimate = b.fsqrt(b.convert(radicand, 'f64', false));
  const near = b.truncSat(b.fmul(estimate, b.f64(2 ** scale)), 'i64', false);
  return beside(b, near, b.sub(b.shl(radicand, b.i64(2 * scale)), b.mul(near, near)));
}
