/** Rounding and packing: IEEE 754-2019 sections 4.3 (directions), 7.4 (overflow), 7.5 (underflow), 7.6 (inexact). */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import {
  FLAG_INEXACT,
  FLAG_OVERFLOW,
  FLAG_UNDERFLOW,
  type FloatEnvironment,
  ROUND_DOWN,
  ROUND_NEAREST_AWAY,
  ROUND_NEAREST_EVEN,
  ROUND_ODD,
  ROUND_UP,
} from './environment.ts';
import type { FloatFormat } from './format.ts';
import { anyOf, notZero, placeSign, raiseFlags, roundingIncrement, shiftRightSticky } from './parts.ts';

/**
 * (sign i64 0 or 1, biased exponent i64, significand i64, rm i32) -> bits.
 *
 * The significand has its leading one at bit 63 and a sticky bit 0: set if ones below it were lost.
 * Raises overflow, underflow and inexact.
 */
export function defineRound(f: FloatFormat, env: FloatEnvironment): IrHelper {
  const discarded = 63 - f.fracBits;
  return defineHelper(
    `fp.${f.name}.round`,
    ['i64', 'i64', 'i64', 'i32'],
    'i64',
    (b, sign, exponent, significand, rm) => {
      const kept = b.local('i64');
      const tail = b.local('i64');
      const base = b.local('i64');
      const isTiny = b.local('i32');
      const split = (value: Value): void => {
        b.setLocal(kept, b.shr(value, b.i64(discarded)));
        b.setLocal(tail, b.and(value, b.big((1n << BigInt(discarded)) - 1n)));
      };
      b.setLocal(isTiny, b.i32(0));
      b.if(
        b.gtS(exponent, b.i64(0)),
        () => {
          split(significand);
          // The leading one counts as 1 in the exponent field; far exponents are cut so that they do not wrap.
          const below = b.sub(exponent, b.i64(1));
          const cut = b.select(b.ltS(below, b.i64(f.maxExp)), below, b.i64(f.maxExp));
          b.setLocal(base, b.shl(cut, b.i64(f.fracBits)));
        },
        () => {
          b.setLocal(isTiny, tinyTest(b, env, discarded, { sign, exponent, significand, rm }));
          split(shiftRightSticky(b, significand, b.sub(b.i64(1), exponent)));
          b.setLocal(base, b.i64(0));
        },
      );
      const rest = b.getLocal(tail);
      const odd = b.and(b.getLocal(kept), b.i64(1));
      const carry = b.shr(b.add(rest, roundingIncrement(b, discarded, rm, odd, sign)), b.i64(discarded));
      const magnitude = b.add(b.add(b.getLocal(base), b.getLocal(kept)), carry);
      const signBit = placeSign(b, f, sign);
      b.if(b.geU(magnitude, b.big(f.infinity)), () => {
        raiseFlags(b, env, FLAG_OVERFLOW | FLAG_INEXACT);
        b.return_(b.or(signBit, b.sub(b.big(f.infinity), b.extend32U(b.eqz(overflowsToInfinity(b, rm, sign))))));
      });
      b.if(b.ne(rest, b.i64(0)), () => {
        b.if(
          b.getLocal(isTiny),
          () => raiseFlags(b, env, FLAG_UNDERFLOW | FLAG_INEXACT),
          () => raiseFlags(b, env, FLAG_INEXACT),
        );
      });
      const toOdd = b.and(notZero(b, rest), b.extend32U(b.eq(rm, b.i32(ROUND_ODD))));
      return b.or(b.or(signBit, magnitude), toOdd);
    },
  );
}

interface Rounding {
  readonly sign: Value;
  readonly exponent: Value;
  readonly significand: Value;
  readonly rm: Value;
}

/** Whether a number with an exponent of zero or below is tiny (i32). */
function tinyTest(b: IrBuilder, env: FloatEnvironment, discarded: number, r: Rounding): Value {
  if (env.tininess === 'before') return b.i32(1);
  // After rounding: only what would round up to the smallest normal number, had it a wider exponent range, is not.
  const lost = b.big((1n << BigInt(discarded)) - 1n);
  const odd = b.extract(r.significand, discarded, 1);
  const increment = roundingIncrement(b, discarded, r.rm, odd, r.sign);
  const rounded = b.add(b.and(r.significand, lost), increment);
  const allOnes = b.eq(b.or(r.significand, lost), b.i64(-1));
  const carries = b.and(allOnes, b.gtU(rounded, lost));
  return b.eqz(b.and(b.eqz(r.exponent), carries));
}

/** Whether an overflow delivers infinity rather than the largest finite number (i32). */
export function overflowsToInfinity(b: IrBuilder, rm: Value, sign: Value): Value {
  const away = b.select(b.ne(sign, b.i64(0)), b.i32(ROUND_DOWN), b.i32(ROUND_UP));
  return anyOf(b, b.eq(rm, b.i32(ROUND_NEAREST_EVEN)), b.eq(rm, b.i32(ROUND_NEAREST_AWAY)), b.eq(rm, away));
}
