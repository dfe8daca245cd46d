/**
 * The parts floating point operations are made of: taking a number apart, NaN results, flags, shifts that
 * remember what they lost. Each function emits IR in place; bits, exponents and significands are i64 values.
 */
import type { IrBuilder, Value } from '../ir/builder.ts';
import {
  FLAG_INVALID,
  type FloatEnvironment,
  ROUND_DOWN,
  ROUND_NEAREST_AWAY,
  ROUND_NEAREST_EVEN,
  ROUND_UP,
} from './environment.ts';
import type { FloatFormat } from './format.ts';

/** Bit 63: the leading one of a normalised significand. */
export const LEADING_ONE = 1n << 63n;

/** ORs `flags` into the flags slot. */
export function raiseFlags(b: IrBuilder, env: FloatEnvironment, flags: number): void {
  b.set(env.flags, b.or(b.get(env.flags), b.i32(flags)));
}

/** The sign as 0 or 1. */
export function signOf(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  return b.extract(bits, f.width - 1, 1);
}

/** The sign moved to its place above the magnitude. */
export function placeSign(b: IrBuilder, f: FloatFormat, sign: Value): Value {
  return b.shl(sign, b.i64(f.width - 1));
}

export function magnitudeOf(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  return b.and(bits, b.big(f.magnitudeMask));
}

export function isNanMagnitude(b: IrBuilder, f: FloatFormat, magnitude: Value): Value {
  return b.gtU(magnitude, b.big(f.infinity));
}

export function isNan(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  return isNanMagnitude(b, f, magnitudeOf(b, f, bits));
}

export function isSignalingNan(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  const aboveInfinity = b.sub(magnitudeOf(b, f, bits), b.big(f.infinity + 1n));
  return b.ltU(aboveInfinity, b.big(f.quietBit - 1n));
}

/** True for infinities and NaNs. */
export function isNotFinite(b: IrBuilder, f: FloatFormat, magnitude: Value): Value {
  return b.geU(magnitude, b.big(f.infinity));
}

/** True for zeros, infinities and NaNs: the operands that multiplication and division treat apart. */
export function isZeroOrNotFinite(b: IrBuilder, f: FloatFormat, magnitude: Value): Value {
  return b.geU(b.sub(magnitude, b.i64(1)), b.big(f.infinity - 1n));
}

export function anyOf(b: IrBuilder, first: Value, ...rest: Value[]): Value {
  return rest.reduce((all, one) => b.or(all, one), first);
}

export function defaultNan(f: FloatFormat, env: FloatEnvironment): bigint {
  return (env.defaultNanSign === 1 ? f.signBit : 0n) | f.infinity | f.quietBit;
}

/** Raises invalid and returns the default NaN from the helper. */
export function returnInvalid(b: IrBuilder, f: FloatFormat, env: FloatEnvironment): void {
  raiseFlags(b, env, FLAG_INVALID);
  b.return_(b.big(defaultNan(f, env)));
}

/** The NaN that an operation with these operands delivers, at least one of which is a NaN. Raises nothing. */
export function chooseNan(b: IrBuilder, f: FloatFormat, env: FloatEnvironment, operands: readonly Value[]): Value {
  if (env.defaultNan) return b.big(defaultNan(f, env));
  const chosen = operands.reduceRight((later, one) => b.select(isNan(b, f, one), one, later));
  return b.or(chosen, b.big(f.quietBit));
}

/** Returns the NaN result from the helper if an operand is a NaN; a signaling one raises invalid (section 6.2). */
export function returnIfNan(b: IrBuilder, f: FloatFormat, env: FloatEnvironment, operands: readonly Value[]): void {
  const [first, ...rest] = operands.map((v) => isNan(b, f, v));
  if (first === undefined) return;
  b.if(anyOf(b, first, ...rest), () => {
    raiseIfSignaling(b, f, env, operands);
    b.return_(chooseNan(b, f, env, operands));
  });
}

export function raiseIfSignaling(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  operands: readonly Value[],
): void {
  const [first, ...rest] = operands.map((v) => isSignalingNan(b, f, v));
  if (first === undefined) return;
  b.if(anyOf(b, first, ...rest), () => raiseFlags(b, env, FLAG_INVALID));
}

/** A finite number other than zero: significand / 2^63 * 2^(exponent - bias), bit 63 of the significand set. */
export interface Unpacked {
  /** Biased; zero and below for subnormal numbers. */
  readonly exponent: Value;
  readonly significand: Value;
}

/** Takes a magnitude apart. For zero the significand is 0 and the exponent means nothing. */
export function unpack(b: IrBuilder, f: FloatFormat, magnitude: Value): Unpacked {
  const field = b.shr(magnitude, b.i64(f.fracBits));
  const isSubnormal = b.eqz(field);
  const fraction = b.shl(magnitude, b.i64(63 - f.fracBits));
  const raw = b.select(isSubnormal, fraction, b.or(fraction, b.big(LEADING_ONE)));
  const shift = b.clz(raw);
  return {
    exponent: b.sub(b.add(field, b.extend32U(isSubnormal)), shift),
    significand: b.shl(raw, shift),
  };
}

/** `value` >> `count`, bit 0 set if a one was lost. `count` is unsigned and may be 64 and above. */
export function shiftRightSticky(b: IrBuilder, value: Value, count: Value): Value {
  const lostMask = b.sub(b.shl(b.i64(1), count), b.i64(1));
  const shifted = b.or(b.shr(value, count), notZero(b, b.and(value, lostMask)));
  return b.select(b.ltU(count, b.i64(64)), shifted, notZero(b, value));
}

/** 1 if any bit of an i64 is set, else 0, as an i64. */
export function notZero(b: IrBuilder, value: Value): Value {
  return b.extend32U(b.ne(value, b.i64(0)));
}

/**
 * What to add to the lowest `discarded` bits of a significand so that their carry is the rounding
 * (sections 4.3.1, 4.3.2). `odd` and `sign` are i64 0 or 1: the lowest bit that stays, and the sign.
 */
export function roundingIncrement(b: IrBuilder, discarded: number, rm: Value, odd: Value, sign: Value): Value {
  const half = 1n << BigInt(discarded - 1);
  const allOnes = b.big(2n * half - 1n);
  const increment = b.local('i64');
  b.if(
    b.eq(rm, b.i32(ROUND_NEAREST_EVEN)),
    () => b.setLocal(increment, b.add(b.big(half - 1n), odd)),
    () => {
      const isNegative = b.ne(sign, b.i64(0));
      const away = b.select(isNegative, b.i32(ROUND_DOWN), b.i32(ROUND_UP));
      const directed = b.select(b.eq(rm, away), allOnes, b.i64(0));
      b.setLocal(increment, b.select(b.eq(rm, b.i32(ROUND_NEAREST_AWAY)), b.big(half), directed));
    },
  );
  return b.getLocal(increment);
}
