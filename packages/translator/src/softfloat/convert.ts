/** Conversions among formats and integers, IEEE 754-2019 sections 5.4.1, 5.4.2 and 5.8. */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { FLAG_INEXACT, FLAG_INVALID, type FloatEnvironment, ROUND_ODD } from './environment.ts';
import type { FloatFormat } from './format.ts';
import { type IntegerFormat, integerName, integerRange } from './integer.ts';
import {
  defaultNan,
  isNan,
  isNanMagnitude,
  isNotFinite,
  magnitudeOf,
  notZero,
  placeSign,
  raiseFlags,
  raiseIfSignaling,
  roundingIncrement,
  shiftRightSticky,
  signOf,
  unpack,
} from './parts.ts';

/** (a in `from`, rm i32) -> a in `to`. */
export function defineConvert(from: FloatFormat, to: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${from.name}.to.${to.name}.exact`, ['i64', 'i32'], 'i64', (b, bits, rm) => {
    const magnitude = magnitudeOf(b, from, bits);
    const sign = signOf(b, from, bits);
    b.if(isNotFinite(b, from, magnitude), () => {
      b.if(isNanMagnitude(b, from, magnitude), () => {
        raiseIfSignaling(b, from, env, [bits]);
        b.return_(convertNan(b, from, to, env, bits));
      });
      b.return_(b.or(placeSign(b, to, sign), b.big(to.infinity)));
    });
    b.if(b.eqz(magnitude), () => b.return_(placeSign(b, to, sign)));
    const x = unpack(b, from, magnitude);
    return b.call(round, sign, b.add(x.exponent, b.i64(to.bias - from.bias)), x.significand, rm);
  });
}

/** Keeps sign and upper bits of the payload where NaNs propagate. */
function convertNan(b: IrBuilder, from: FloatFormat, to: FloatFormat, env: FloatEnvironment, bits: Value): Value {
  if (env.defaultNan) return b.big(defaultNan(to, env));
  const payload = b.extract(bits, 0, from.fracBits);
  const distance = to.fracBits - from.fracBits;
  const moved = distance >= 0 ? b.shl(payload, b.i64(distance)) : b.shr(payload, b.i64(-distance));
  return b.or(b.or(placeSign(b, to, signOf(b, from, bits)), moved), b.big(to.infinity | to.quietBit));
}

/** (v i64, rm i32) -> the low bits of v, an integer, in `f`. */
export function defineFromInteger(f: FloatFormat, integer: IntegerFormat, round: IrHelper): IrHelper {
  const name = `fp.${integerName(integer)}.to.${f.name}.exact`;
  return defineHelper(name, ['i64', 'i32'], 'i64', (b, value, rm) => {
    const widened = integer.signed ? b.sext(value, integer.bits) : b.zext(value, integer.bits);
    b.if(b.eqz(widened), () => b.return_(b.i64(0)));
    const sign = integer.signed ? b.shr(widened, b.i64(63)) : b.i64(0);
    const magnitude = integer.signed ? b.select(b.eqz(sign), widened, b.neg(widened)) : widened;
    const shift = b.clz(magnitude);
    return b.call(round, sign, b.sub(b.i64(f.bias + 63), shift), b.shl(magnitude, shift), rm);
  });
}

/** (a, rm i32) -> the integer, sign-extended from its width whether signed or not; invalid where it does not fit. */
export function defineToInteger(f: FloatFormat, integer: IntegerFormat, env: FloatEnvironment): IrHelper {
  const name = `fp.${f.name}.to.${integerName(integer)}.exact`;
  return defineHelper(name, ['i64', 'i32'], 'i64', (b, bits, rm) => {
    const sign = signOf(b, f, bits);
    const isNegative = b.ne(sign, b.i64(0));
    const magnitude = magnitudeOf(b, f, bits);
    const x = unpack(b, f, magnitude);
    const power = b.sub(x.exponent, b.i64(f.bias));
    const isTooLarge = b.or(isNotFinite(b, f, magnitude), b.gtS(power, b.i64(63)));
    const refuse = (): void => returnInvalidInteger(b, integer, env, isNegative, isNan(b, f, bits));
    b.if(isTooLarge, refuse);
    const { whole, tail } = splitInteger(b, power, x.significand);
    const odd = b.and(whole, b.i64(1));
    const carry = b.shr(b.add(tail, roundingIncrement(b, TAIL_BITS, rm, odd, sign)), b.i64(TAIL_BITS));
    const toOdd = b.and(notZero(b, tail), b.extend32U(b.eq(rm, b.i32(ROUND_ODD))));
    const rounded = b.or(b.add(whole, carry), toOdd);
    const { lowest, highest } = integerRange(integer);
    b.if(b.gtU(rounded, b.select(isNegative, b.big(-lowest), b.big(highest))), refuse);
    b.if(b.ne(tail, b.i64(0)), () => raiseFlags(b, env, FLAG_INEXACT));
    return b.sext(b.select(isNegative, b.neg(rounded), rounded), integer.bits);
  });
}

/** Fraction bits that rounding to an integer looks at, the lowest sticky. */
const TAIL_BITS = 63;

/** Integer and fraction of significand / 2^63 * 2^power, power at most 63. */
function splitInteger(b: IrBuilder, power: Value, significand: Value): { readonly whole: Value; readonly tail: Value } {
  const hasWhole = b.geS(power, b.i64(0));
  const whole = b.select(hasWhole, b.shr(significand, b.sub(b.i64(63), power)), b.i64(0));
  // Two shifts, because at power 63 the count would be 64.
  const fraction = b.shl(b.shl(significand, power), b.i64(1));
  const tailOfWhole = b.or(b.shr(fraction, b.i64(1)), b.and(fraction, b.i64(1)));
  const tail = b.select(hasWhole, tailOfWhole, shiftRightSticky(b, significand, b.neg(power)));
  return { whole, tail };
}

/** Leaves a helper of a conversion with what an operand that does not fit gives. */
export function returnInvalidInteger(
  b: IrBuilder,
  integer: IntegerFormat,
  env: FloatEnvironment,
  isNegative: Value,
  isNotNumber: Value,
): void {
  const { lowest, highest } = integerRange(integer);
  raiseFlags(b, env, FLAG_INVALID);
  const extended = (value: bigint): Value => b.big(BigInt.asIntN(integer.bits, value));
  if (env.invalidInteger === 'indefinite') {
    b.return_(extended(integer.signed ? lowest : highest));
    return;
  }
  const saturated = b.select(isNegative, extended(lowest), extended(highest));
  const ofNan = extended(env.invalidInteger === 'saturate' ? highest : 0n);
  b.return_(b.select(isNotNumber, ofNan, saturated));
}
