/** Comparisons (IEEE 754-2019 section 5.11), minimumNumber and maximumNumber (section 9.6), class (section 5.7.2). */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { FLAG_INVALID, type FloatEnvironment } from './environment.ts';
import type { FloatFormat } from './format.ts';
import {
  anyOf,
  chooseNan,
  isNan,
  isNanMagnitude,
  isSignalingNan,
  magnitudeOf,
  raiseFlags,
  raiseIfSignaling,
  signOf,
} from './parts.ts';

/** A signed integer ordered as the number is; both zeros give 0. */
function orderOf(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  const magnitude = magnitudeOf(b, f, bits);
  return b.select(b.eqz(signOf(b, f, bits)), magnitude, b.neg(magnitude));
}

/** (a, b) -> i32 0 or 1: a = b. Only a signaling NaN raises invalid. */
export function defineEqual(f: FloatFormat, env: FloatEnvironment): IrHelper {
  return defineHelper(`fp.${f.name}.eq`, ['i64', 'i64'], 'i32', (b, left, right) => {
    b.if(anyOf(b, isNan(b, f, left), isNan(b, f, right)), () => {
      raiseIfSignaling(b, f, env, [left, right]);
      b.return_(b.i32(0));
    });
    return b.eq(orderOf(b, f, left), orderOf(b, f, right));
  });
}

/** (a, b) -> i32 0 or 1: a < b or a <= b. Every NaN raises invalid. */
export function defineLess(f: FloatFormat, env: FloatEnvironment, relation: 'lt' | 'le'): IrHelper {
  return defineHelper(`fp.${f.name}.${relation}`, ['i64', 'i64'], 'i32', (b, left, right) => {
    b.if(anyOf(b, isNan(b, f, left), isNan(b, f, right)), () => {
      raiseFlags(b, env, FLAG_INVALID);
      b.return_(b.i32(0));
    });
    const [x, y] = [orderOf(b, f, left), orderOf(b, f, right)];
    return relation === 'lt' ? b.ltS(x, y) : b.leS(x, y);
  });
}

/** (a, b) -> the smaller or larger number; a number rather than a NaN; -0 is below +0. */
export function defineExtreme(f: FloatFormat, env: FloatEnvironment, which: 'min' | 'max'): IrHelper {
  return defineHelper(`fp.${f.name}.${which}`, ['i64', 'i64'], 'i64', (b, left, right) => {
    const leftIsNan = isNan(b, f, left);
    const rightIsNan = isNan(b, f, right);
    b.if(anyOf(b, leftIsNan, rightIsNan), () => {
      raiseIfSignaling(b, f, env, [left, right]);
      const number = b.select(leftIsNan, right, left);
      b.return_(b.select(b.and(leftIsNan, rightIsNan), chooseNan(b, f, env, [left, right]), number));
    });
    const total = (bits: Value): Value => {
      const magnitude = magnitudeOf(b, f, bits);
      return b.select(b.eqz(signOf(b, f, bits)), magnitude, b.not(magnitude));
    };
    const isLeftSmaller = b.ltS(total(left), total(right));
    return which === 'min' ? b.select(isLeftSmaller, left, right) : b.select(isLeftSmaller, right, left);
  });
}

/** Bits of the class mask, as RISC-V's FCLASS has them. */
export const FLOAT_CLASS = {
  negativeInfinity: 1 << 0,
  negativeNormal: 1 << 1,
  negativeSubnormal: 1 << 2,
  negativeZero: 1 << 3,
  positiveZero: 1 << 4,
  positiveSubnormal: 1 << 5,
  positiveNormal: 1 << 6,
  positiveInfinity: 1 << 7,
  signalingNan: 1 << 8,
  quietNan: 1 << 9,
} as const;

/** (a) -> i64 with the one bit of {@link FLOAT_CLASS} set that says what a is. Raises nothing. */
export function defineClassify(f: FloatFormat): IrHelper {
  return defineHelper(`fp.${f.name}.classify`, ['i64'], 'i64', (b, bits) => {
    const magnitude = magnitudeOf(b, f, bits);
    const isNegative = b.ne(signOf(b, f, bits), b.i64(0));
    const bySign = (negative: number, positive: number): Value =>
      b.select(isNegative, b.i64(negative), b.i64(positive));
    const c = FLOAT_CLASS;
    const nan = b.select(isSignalingNan(b, f, bits), b.i64(c.signalingNan), b.i64(c.quietNan));
    const infinity = bySign(c.negativeInfinity, c.positiveInfinity);
    const normal = bySign(c.negativeNormal, c.positiveNormal);
    const subnormal = bySign(c.negativeSubnormal, c.positiveSubnormal);
    const zero = bySign(c.negativeZero, c.positiveZero);
    const finite = b.select(b.ltU(magnitude, b.big(f.minNormal)), b.select(b.eqz(magnitude), zero, subnormal), normal);
    const number = b.select(b.eq(magnitude, b.big(f.infinity)), infinity, finite);
    return b.select(isNanMagnitude(b, f, magnitude), nan, number);
  });
}
