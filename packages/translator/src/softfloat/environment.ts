/**
 * What an instruction set decides about IEEE 754 arithmetic: where the flags lie, what a NaN result is,
 * when a result counts as tiny, and what an invalid conversion to an integer delivers.
 */
import type { Slot } from '../ir/types.ts';

/** Exception flags as they lie in the flags slot (the order of RISC-V's fflags). */
export const FLAG_INEXACT = 1;
export const FLAG_UNDERFLOW = 2;
export const FLAG_OVERFLOW = 4;
export const FLAG_DIVIDE_BY_ZERO = 8;
export const FLAG_INVALID = 16;

/** Rounding modes as the helpers take them (the order of RISC-V's rm); other values are the caller's mistake. */
export const ROUND_NEAREST_EVEN = 0;
export const ROUND_TOWARD_ZERO = 1;
export const ROUND_DOWN = 2;
export const ROUND_UP = 3;
export const ROUND_NEAREST_AWAY = 4;
/** Truncated; where that is inexact, the lowest bit is one, so that rounding once more to a shorter format rounds only once. */
export const ROUND_ODD = 5;

/** Where an architecture differs from another in what IEEE 754 leaves open. */
export interface SoftFloatOptions {
  /** An i32 slot; helpers OR {@link FLAG_INEXACT} and its fellows into it and read only the inexact flag. */
  readonly flags: Slot;
  /**
   * true: every NaN result is the default NaN (RISC-V, ARM with FPCR.DN).
   * false: the first operand that is a NaN, made quiet (x86 SSE); the default NaN where no operand is one.
   */
  readonly defaultNan: boolean;
  /** Sign of the default NaN: 0 (RISC-V, ARM; the default) or 1 (x86). Its payload is zero but for the quiet bit. */
  readonly defaultNanSign?: 0 | 1;
  /**
   * Whether fma of infinity and zero with a quiet NaN raises invalid: section 7.2(c) leaves it open.
   * 'invalid' (the default): RISC-V, ARM. 'quiet': x86.
   */
  readonly infinityTimesZeroPlusNan?: 'invalid' | 'quiet';
  /** Whether tininess, and with it underflow, is found before or after rounding (section 7.5). */
  readonly tininess: 'before' | 'after';
  /**
   * What toInt delivers for an invalid operand.
   * 'saturate' (the default): the nearest representable integer, the largest for a NaN (RISC-V).
   * 'saturate-nan-zero': the same, zero for a NaN (ARM). 'indefinite': the top bit alone when signed, all ones when not (x86).
   */
  readonly invalidInteger?: 'saturate' | 'saturate-nan-zero' | 'indefinite';
}

/** The options with every choice made. */
export type FloatEnvironment = Required<SoftFloatOptions>;

/** @throws RangeError if the flags slot is not an i32. */
export function floatEnvironment(options: SoftFloatOptions): FloatEnvironment {
  if (options.flags.ty !== 'i32') {
    throw new RangeError(`floating point flags need an i32 slot, ${options.flags.name} is ${options.flags.ty}`);
  }
  return { defaultNanSign: 0, infinityTimesZeroPlusNan: 'invalid', invalidInteger: 'saturate', ...options };
}
