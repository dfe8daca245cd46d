/** Conversions of binary128 to and from the other formats and integers, and rounding to an integral number. */
import type { IrBuilder, Value } from '../../ir/builder.ts';
import { defineHelper, type IrHelper } from '../../ir/helper.ts';
import { returnInvalidInteger } from '../convert.ts';
import { FLAG_INEXACT, ROUND_ODD } from '../environment.ts';
import type { FloatFormat } from '../format.ts';
import { type IntegerFormat, integerName, integerRange } from '../integer.ts';
import * as narrow from '../parts.ts';
import {
  F,
  HIGH_FRACTION,
  isNan,
  isNotFinite,
  leave,
  magnitudeOf,
  placeSign,
  type QuadEnvironment,
  raiseIfSignaling,
  returnIfNan,
  signOf,
  unpack,
} from './parts.ts';
import { add, isZero, leadingZeros, shiftLeftBy, shiftRightBy, shiftRightSticky, type Wide } from './wide.ts';

const QUIET = 1n << BigInt(HIGH_FRACTION - 1);

/** A number of at most 64 significant bits, whose leading one is at bit 63: exact. */
function packExact(b: IrBuilder, sign: Value, exponent: Value, significand: Value): Wide {
  const fraction = b.shl(significand, b.i64(1));
  const field = b.shl(exponent, b.i64(HIGH_FRACTION));
  return {
    high: b.or(b.or(placeSign(b, sign), field), b.shr(fraction, b.i64(64 - HIGH_FRACTION))),
    low: b.shl(fraction, b.i64(HIGH_FRACTION)),
  };
}

/** (bits of a shorter format) -> the same number. */
export function defineWiden(from: FloatFormat, env: QuadEnvironment): IrHelper {
  return defineHelper(`fp.${from.name}.to.f128`, ['i64'], 'i64', (b, bits) => {
    const magnitude = narrow.magnitudeOf(b, from, bits);
    const sign = narrow.signOf(b, from, bits);
    b.if(narrow.isNotFinite(b, from, magnitude), () => {
      const fraction = b.shl(b.extract(bits, 0, from.fracBits), b.i64(64 - from.fracBits));
      const high = b.or(placeSign(b, sign), b.or(b.big(F.infinity >> 64n), b.shr(fraction, b.i64(64 - HIGH_FRACTION))));
      b.if(narrow.isNanMagnitude(b, from, magnitude), () => {
        narrow.raiseIfSignaling(b, from, env, [bits]);
        if (env.defaultNan) return returnIfNan(b, env, [{ high: b.big((F.infinity >> 64n) | QUIET), low: b.i64(0) }]);
        leave(b, env, { high: b.or(high, b.big(QUIET)), low: b.shl(fraction, b.i64(HIGH_FRACTION)) });
      });
      leave(b, env, { high, low: b.i64(0) });
    });
    b.if(b.eqz(magnitude), () => leave(b, env, { high: placeSign(b, sign), low: b.i64(0) }));
    const x = narrow.unpack(b, from, magnitude);
    const result = packExact(b, sign, b.add(x.exponent, b.i64(F.bias - from.bias)), x.significand);
    b.set(env.low, result.low);
    return result.high;
  });
}

/** (number, rm) -> bits of a shorter format. */
export function defineNarrow(to: FloatFormat, env: QuadEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.f128.to.${to.name}`, ['i64', 'i64', 'i32'], 'i64', (b, high, low, rm) => {
    const x = { high, low };
    const sign = signOf(b, x);
    const magnitude = magnitudeOf(b, x);
    const signBit = narrow.placeSign(b, to, sign);
    b.if(isNotFinite(b, x), () => {
      b.if(isNan(b, x), () => {
        raiseIfSignaling(b, env, [x]);
        if (env.defaultNan) return b.return_(b.big(narrow.defaultNan(to, env)));
        const fraction = b.or(b.shl(high, b.i64(64 - HIGH_FRACTION)), b.shr(low, b.i64(HIGH_FRACTION)));
        const payload = b.shr(fraction, b.i64(64 - to.fracBits));
        b.return_(b.or(b.or(signBit, payload), b.big(to.infinity | to.quietBit)));
      });
      b.return_(b.or(signBit, b.big(to.infinity)));
    });
    b.if(isZero(b, magnitude), () => b.return_(signBit));
    const { exponent, significand } = unpack(b, magnitude);
    const shortened = b.or(significand.high, narrow.notZero(b, significand.low));
    return b.call(round, sign, b.add(exponent, b.i64(to.bias - F.bias)), shortened, rm);
  });
}

/** (v i64) -> the integer in the low bits of v, which is exact. */
export function defineFromInteger(integer: IntegerFormat, env: QuadEnvironment): IrHelper {
  return defineHelper(`fp.${integerName(integer)}.to.f128`, ['i64'], 'i64', (b, value) => {
    const widened = integer.signed ? b.sext(value, integer.bits) : b.zext(value, integer.bits);
    b.if(b.eqz(widened), () => leave(b, env, { high: b.i64(0), low: b.i64(0) }));
    const sign = integer.signed ? b.shr(widened, b.i64(63)) : b.i64(0);
    const magnitude = b.select(b.eqz(sign), widened, b.neg(widened));
    const shift = b.clz(magnitude);
    const result = packExact(b, sign, b.sub(b.i64(F.bias + 63), shift), b.shl(magnitude, shift));
    b.set(env.low, result.low);
    return result.high;
  });
}

/** Fraction bits that rounding to an integer looks at, the lowest sticky. */
const TAIL_BITS = 63;

/** Rounds a number below 2^127 to an integer. */
function toIntegral(
  b: IrBuilder,
  magnitude: Wide,
  sign: Value,
  rm: Value,
): { readonly whole: Wide; readonly tail: Value } {
  const { exponent, significand } = unpack(b, magnitude);
  const power = b.sub(exponent, b.i64(F.bias));
  const hasWhole = b.geS(power, b.i64(0));
  // Below one nothing is whole, and the fraction has zeros in front.
  const count = b.select(hasWhole, b.sub(b.i64(127), power), b.i64(127));
  const all = shiftRightBy(b, significand, count);
  const floor = { high: b.select(hasWhole, all.high, b.i64(0)), low: b.select(hasWhole, all.low, b.i64(0)) };
  const behind = shiftLeftBy(b, shiftLeftBy(b, significand, b.select(hasWhole, power, b.i64(0))), b.i64(1));
  const small = shiftRightSticky(b, significand, b.sub(b.i64(-1), power));
  const fraction = {
    high: b.select(hasWhole, behind.high, small.high),
    low: b.select(hasWhole, behind.low, small.low),
  };
  const sticky = narrow.notZero(b, b.or(b.and(fraction.high, b.i64(1)), fraction.low));
  const tail = b.or(b.shr(fraction.high, b.i64(1)), sticky);
  const odd = b.and(floor.low, b.i64(1));
  const increment = narrow.roundingIncrement(b, TAIL_BITS, rm, odd, sign);
  const carry = b.shr(b.add(tail, increment), b.i64(TAIL_BITS));
  const sum = add(b, floor, { high: b.i64(0), low: carry });
  const toOdd = b.and(narrow.notZero(b, tail), b.extend32U(b.eq(rm, b.i32(ROUND_ODD))));
  return { whole: { high: sum.high, low: b.or(sum.low, toOdd) }, tail };
}

/** (number, rm) -> the integer, sign-extended from its width; invalid where it does not fit. */
export function defineToInteger(integer: IntegerFormat, env: QuadEnvironment): IrHelper {
  const name = `fp.f128.to.${integerName(integer)}`;
  return defineHelper(name, ['i64', 'i64', 'i32'], 'i64', (b, high, low, rm) => {
    const x = { high, low };
    const sign = signOf(b, x);
    const isNegative = b.ne(sign, b.i64(0));
    const magnitude = magnitudeOf(b, x);
    const refuse = (): void => returnInvalidInteger(b, integer, env, isNegative, isNan(b, x));
    b.if(b.geU(magnitude.high, b.big(BigInt(F.bias + 64) << BigInt(HIGH_FRACTION))), refuse);
    b.if(isZero(b, magnitude), () => b.return_(b.i64(0)));
    const { whole, tail } = toIntegral(b, magnitude, sign, rm);
    const { lowest, highest } = integerRange(integer);
    const limit = b.select(isNegative, b.big(-lowest), b.big(highest));
    b.if(b.or(b.ne(whole.high, b.i64(0)), b.gtU(whole.low, limit)), refuse);
    b.if(b.ne(tail, b.i64(0)), () => narrow.raiseFlags(b, env, FLAG_INEXACT));
    return b.sext(b.select(isNegative, b.neg(whole.low), whole.low), integer.bits);
  });
}

/** (number, rm) -> the integral number; inexact where it is another. */
export function defineRoundToIntegral(env: QuadEnvironment, round: IrHelper): IrHelper {
  return defineHelper('fp.f128.integral', ['i64', 'i64', 'i32'], 'i64', (b, high, low, rm) => {
    const x = { high, low };
    returnIfNan(b, env, [x]);
    const magnitude = magnitudeOf(b, x);
    const isIntegral = b.geU(magnitude.high, b.big(BigInt(F.bias + F.fracBits) << BigInt(HIGH_FRACTION)));
    b.if(b.or(isIntegral, isZero(b, magnitude)), () => leave(b, env, x));
    const sign = signOf(b, x);
    const { whole, tail } = toIntegral(b, magnitude, sign, rm);
    b.if(b.ne(tail, b.i64(0)), () => narrow.raiseFlags(b, env, FLAG_INEXACT));
    b.if(isZero(b, whole), () => leave(b, env, { high: placeSign(b, sign), low: b.i64(0) }));
    const shift = leadingZeros(b, whole);
    const normal = shiftLeftBy(b, whole, shift);
    return b.call(round, sign, b.sub(b.i64(F.bias + 127), shift), normal.high, normal.low, rm);
  });
}
