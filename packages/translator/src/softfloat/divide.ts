/**
 * Division and square root, IEEE 754-2019 section 5.4.1.
 *
 * The host's own correctly rounded division (square root) of the 53-bit significands gives a quotient (root) of 55 bits that
 * is less than two units off: an exact one cannot lie halfway between two numbers of 53 bits. The remainder, computed
 * modulo 2^64 where it fits with its sign, corrects it and tells whether the result is exact.
 */
import type { IrBuilder, Local, Value } from '../ir/builder.ts';
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

/** Fraction bits of a corrected quotient or root in [1, 2). */
const RESULT_BITS = 54;
const UNNORMALISE = 63 - RESULT_BITS;

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
  const near = b.truncSat(b.fmul(estimate, b.f64(2 ** RESULT_BITS)), 'i64', false);
  const q = b.local('i64', b.sub(near, b.i64(2)));
  const product = b.mul(b.getLocal(q), divisor);
  const remainder = b.local('i64', b.sub(b.shl(dividend, b.i64(RESULT_BITS)), product));
  for (const step of [2, 1]) {
    const next = b.sub(b.getLocal(remainder), b.shl(divisor, b.i64(step - 1)));
    keepIfNotNegative(b, remainder, next, q, step);
  }
  return b.or(b.shl(b.getLocal(q), b.i64(UNNORMALISE)), notZero(b, b.getLocal(remainder)));
}

/** Takes a correction step where it leaves a remainder. */
function keepIfNotNegative(b: IrBuilder, remainder: Local, next: Value, result: Local, step: number): void {
  const isKept = b.geS(next, b.i64(0));
  b.setLocal(remainder, b.select(isKept, next, b.getLocal(remainder)));
  b.setLocal(result, b.add(b.getLocal(result), b.select(isKept, b.i64(step), b.i64(0))));
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
  const scale = RESULT_BITS - 52 / 2;
  const estimate = b.fsqrt(b.convert(radicand, 'f64', false));
  const near = b.truncSat(b.fmul(estimate, b.f64(2 ** scale)), 'i64', false);
  const r = b.local('i64', b.sub(near, b.i64(2)));
  const square = b.mul(b.getLocal(r), b.getLocal(r));
  const remainder = b.local('i64', b.sub(b.shl(radicand, b.i64(2 * scale)), square));
  for (const step of [2, 1]) {
    // (r + step)^2 is r^2 + 2 step r + step^2.
    const growth = b.add(b.shl(b.getLocal(r), b.i64(step)), b.i64(step * step));
    keepIfNotNegative(b, remainder, b.sub(b.getLocal(remainder), growth), r, step);
  }
  return b.or(b.shl(b.getLocal(r), b.i64(UNNORMALISE)), notZero(b, b.getLocal(remainder)));
}
