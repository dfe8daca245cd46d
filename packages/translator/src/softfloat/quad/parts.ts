/**
 * The parts of operations on binary128: taking a number apart, NaN results, rounding. As ../parts.ts and ../round.ts do for what
 * fits in an i64; a number is two i64, and helpers give the left one and leave the right one in a slot.
 */
import type { IrBuilder, Value } from '../../ir/builder.ts';
import { defineHelper, type IrHelper } from '../../ir/helper.ts';
import type { Slot } from '../../ir/types.ts';
import {
  FLAG_INEXACT,
  FLAG_INVALID,
  FLAG_OVERFLOW,
  FLAG_UNDERFLOW,
  type FloatEnvironment,
  ROUND_ODD,
} from '../environment.ts';
import { FLOAT_FORMATS } from '../format.ts';
import { notZero, raiseFlags, roundingIncrement } from '../parts.ts';
import { overflowsToInfinity } from '../round.ts';
import {
  add,
  choose,
  isBelow,
  isEqual,
  leadingZeros,
  shiftLeft,
  shiftLeftBy,
  shiftRight,
  shiftRightSticky,
  type Wide,
  wide,
  wideLocal,
} from './wide.ts';

export const F = FLOAT_FORMATS.f128;
/** Fraction bits in the left half. */
export const HIGH_FRACTION = F.fracBits - 64;
/** Bits of a normalised significand that the format has no room for. */
export const DISCARDED = 127 - F.fracBits;
const SIGN = 1n << 63n;
const QUIET = 1n << BigInt(HIGH_FRACTION - 1);
const INFINITY = F.infinity >> 64n;

/** What the helpers of one instruction set share. */
export interface QuadEnvironment extends FloatEnvironment {
  /** An i64 slot: the right half of a result. */
  readonly low: Slot;
}

export const signOf = (b: IrBuilder, x: Wide): Value => b.shr(x.high, b.i64(63));
export const placeSign = (b: IrBuilder, sign: Value): Value => b.shl(sign, b.i64(63));
export const magnitudeOf = (b: IrBuilder, x: Wide): Wide => ({ high: b.and(x.high, b.big(SIGN - 1n)), low: x.low });
export const negated = (b: IrBuilder, x: Wide): Wide => ({ high: b.xor(x.high, b.big(SIGN)), low: x.low });

export const isNan = (b: IrBuilder, x: Wide): Value => isBelow(b, wide(b, F.infinity), magnitudeOf(b, x));
export const isNotFinite = (b: IrBuilder, x: Wide): Value => b.geU(magnitudeOf(b, x).high, b.big(INFINITY));
export const isInfinite = (b: IrBuilder, x: Wide): Value => isEqual(b, magnitudeOf(b, x), wide(b, F.infinity));
const isQuiet = (b: IrBuilder, x: Wide): Value => b.geU(magnitudeOf(b, x).high, b.big(INFINITY | QUIET));

/** Leaves a helper with a number. */
export function leave(b: IrBuilder, env: QuadEnvironment, x: Wide): void {
  b.set(env.low, x.low);
  b.return_(x.high);
}

const defaultNan = (env: FloatEnvironment): bigint =>
  (env.defaultNanSign === 1 ? F.signBit : 0n) | F.infinity | F.quietBit;

export function returnInvalid(b: IrBuilder, env: QuadEnvironment): void {
  raiseFlags(b, env, FLAG_INVALID);
  leave(b, env, wide(b, defaultNan(env)));
}

export function raiseIfSignaling(b: IrBuilder, env: FloatEnvironment, operands: readonly Wide[]): void {
  for (const x of operands) {
    b.if(b.and(isNan(b, x), b.eqz(isQuiet(b, x))), () => raiseFlags(b, env, FLAG_INVALID));
  }
}

/** Leaves a helper where an operand is a NaN: with the first, made quiet, or the default one. */
export function returnIfNan(b: IrBuilder, env: QuadEnvironment, operands: readonly Wide[]): void {
  const any = operands.map((x) => isNan(b, x)).reduce((all, one) => b.or(all, one));
  b.if(any, () => {
    raiseIfSignaling(b, env, operands);
    if (env.defaultNan) return leave(b, env, wide(b, defaultNan(env)));
    const chosen = operands.reduceRight((later, one) => choose(b, isNan(b, one), one, later));
    leave(b, env, { high: b.or(chosen.high, b.big(QUIET)), low: chosen.low });
  });
}

/** A finite number other than zero: significand / 2^127 * 2^(exponent - bias), the leading one at bit 127. */
export interface Unpacked {
  readonly exponent: Value;
  readonly significand: Wide;
}

export function unpack(b: IrBuilder, magnitude: Wide): Unpacked {
  const field = b.shr(magnitude.high, b.i64(HIGH_FRACTION));
  const isSubnormal = b.eqz(field);
  const fraction = shiftLeft(b, magnitude, DISCARDED);
  const leading = b.select(isSubnormal, b.i64(0), b.big(SIGN));
  const raw = { high: b.or(b.and(fraction.high, b.big(SIGN - 1n)), leading), low: fraction.low };
  const shift = leadingZeros(b, raw);
  return {
    exponent: b.sub(b.add(field, b.extend32U(isSubnormal)), shift),
    significand: shiftLeftBy(b, raw, b.and(shift, b.i64(127))),
  };
}

/** (sign, biased exponent, significand with its leading one at bit 127 and a sticky bit 0, rm) -> the number. */
export function defineQuadRound(env: QuadEnvironment): IrHelper {
  return defineHelper(
    'fp.f128.round',
    ['i64', 'i64', 'i64', 'i64', 'i32'],
    'i64',
    (b, sign, exponent, high, low, rm) => {
      const value = wideLocal(b, { high, low });
      const base = b.local('i64', b.i64(0));
      const isTiny = b.local('i32', b.i32(0));
      b.if(
        b.gtS(exponent, b.i64(0)),
        () => {
          const below = b.sub(exponent, b.i64(1));
          const cut = b.select(b.ltS(below, b.i64(F.maxExp)), below, b.i64(F.maxExp));
          b.setLocal(base, b.shl(cut, b.i64(HIGH_FRACTION)));
        },
        () => {
          b.setLocal(isTiny, tinyTest(b, env, { high, low }, sign, exponent, rm));
          value.set(shiftRightSticky(b, value.get(), b.sub(b.i64(1), exponent)));
        },
      );
      const tail = b.and(value.get().low, b.big((1n << BigInt(DISCARDED)) - 1n));
      const kept = shiftRight(b, value.get(), DISCARDED);
      const odd = b.and(kept.low, b.i64(1));
      const carry = b.shr(b.add(tail, roundingIncrement(b, DISCARDED, rm, odd, sign)), b.i64(DISCARDED));
      const sum = add(b, { high: b.add(b.getLocal(base), kept.high), low: kept.low }, { high: b.i64(0), low: carry });
      const signBit = placeSign(b, sign);
      b.if(b.geU(sum.high, b.big(INFINITY)), () => {
        raiseFlags(b, env, FLAG_OVERFLOW | FLAG_INEXACT);
        const result = choose(b, overflowsToInfinity(b, rm, sign), wide(b, F.infinity), wide(b, F.infinity - 1n));
        leave(b, env, { high: b.or(signBit, result.high), low: result.low });
      });
      b.if(b.ne(tail, b.i64(0)), () => {
        b.if(
          b.getLocal(isTiny),
          () => raiseFlags(b, env, FLAG_UNDERFLOW | FLAG_INEXACT),
          () => raiseFlags(b, env, FLAG_INEXACT),
        );
      });
      const toOdd = b.and(notZero(b, tail), b.extend32U(b.eq(rm, b.i32(ROUND_ODD))));
      b.set(env.low, b.or(sum.low, toOdd));
      return b.or(signBit, sum.high);
    },
  );
}

/** Whether a number with an exponent of zero or below is tiny (i32). */
function tinyTest(b: IrBuilder, env: FloatEnvironment, x: Wide, sign: Value, exponent: Value, rm: Value): Value {
  if (env.tininess === 'before') return b.i32(1);
  const lost = b.big((1n << BigInt(DISCARDED)) - 1n);
  const increment = roundingIncrement(b, DISCARDED, rm, b.extract(x.low, DISCARDED, 1), sign);
  const rounded = b.add(b.and(x.low, lost), increment);
  const allOnes = b.and(b.eq(x.high, b.i64(-1)), b.eq(b.or(x.low, lost), b.i64(-1)));
  return b.eqz(b.and(b.eqz(exponent), b.and(allOnes, b.gtU(rounded, lost))));
}
