/** Fused multiply-add, IEEE 754-2019 section 5.4.1: one rounding, of the exact a * b + c. */
import type { IrBuilder, Local, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { zeroSum } from './add.ts';
import { FLAG_INVALID, type FloatEnvironment } from './environment.ts';
import type { FloatFormat } from './format.ts';
import { fitsHalfWord } from './multiply.ts';
import {
  anyOf,
  chooseNan,
  isNan,
  isNotFinite,
  isZeroOrNotFinite,
  magnitudeOf,
  notZero,
  raiseFlags,
  raiseIfSignaling,
  returnInvalid,
  shiftRightSticky,
  signOf,
  unpack,
} from './parts.ts';

/** Below the exponent of every product, so that an addend of zero is the smaller one. */
const EXPONENT_OF_ZERO = -0x10000;

/** A magnitude in two words. Where one word is enough, there is no low one. */
interface Wide {
  readonly high: Value;
  readonly low: Value | undefined;
}

/** (a, b, c, rm i32) -> a * b + c in the format's bits. */
export function defineFusedMultiplyAdd(f: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${f.name}.fmaExact`, ['i64', 'i64', 'i64', 'i32'], 'i64', (b, left, right, addend, rm) => {
    const productSign = signOf(b, f, b.xor(left, right));
    const addendSign = signOf(b, f, addend);
    const [leftMagnitude, rightMagnitude, addendMagnitude] = [left, right, addend].map((v) => magnitudeOf(b, f, v));
    if (!leftMagnitude || !rightMagnitude || !addendMagnitude) throw new Error('fma takes three operands');
    const isSpecialProduct = anyOf(b, isZeroOrNotFinite(b, f, leftMagnitude), isZeroOrNotFinite(b, f, rightMagnitude));
    b.if(anyOf(b, isSpecialProduct, isNotFinite(b, f, addendMagnitude)), () =>
      returnSpecial(b, f, env, { left, right, addend, rm }),
    );
    const x = unpack(b, f, leftMagnitude);
    const y = unpack(b, f, rightMagnitude);
    const z = unpack(b, f, addendMagnitude);
    const hasAddend = b.ne(addendMagnitude, b.i64(0));
    const productExponent = b.sub(b.add(x.exponent, y.exponent), b.i64(f.bias));
    const addendExponent = b.select(hasAddend, z.exponent, b.i64(EXPONENT_OF_ZERO));
    const distance = b.sub(productExponent, addendExponent);
    const isProductLarger = b.geS(distance, b.i64(0));
    const product = exactProduct(b, f, x.significand, y.significand);
    const term = placeAddend(b, f, z.significand);
    const high = pick(b, isProductLarger, product, term);
    const count = b.select(isProductLarger, distance, b.neg(distance));
    const low = alignRight(b, pick(b, isProductLarger, term, product), count);
    const isDifference = b.ne(productSign, addendSign);
    const sum = addOrSubtract(b, high, low, isDifference);
    const anyBit = sum.low === undefined ? sum.high : b.or(sum.high, sum.low);
    b.if(b.eqz(anyBit), () => b.return_(zeroSum(b, f, isDifference, productSign, rm)));
    const sign = b.xor(b.select(isProductLarger, productSign, addendSign), b.extend32U(sum.isNegative));
    const larger = b.select(isProductLarger, productExponent, addendExponent);
    const normal = normalise(b, sum);
    // The leading one of a product in [1, 2) is two places below the top.
    const exponent = b.sub(b.add(larger, b.i64(2)), normal.shift);
    return b.call(round, sign, exponent, normal.significand, rm);
  });
}

/** Product of normalised significands with two bits free above [1, 2). */
function exactProduct(b: IrBuilder, f: FloatFormat, x: Value, y: Value): Wide {
  if (fitsHalfWord(f)) return { high: b.mul(b.shr(x, b.i64(32)), b.shr(y, b.i64(33))), low: undefined };
  const half = b.shr(y, b.i64(1));
  return { high: b.mulHighU(x, half), low: b.mul(x, half) };
}

/** The addend at the scale of the product. Its significand has zeros below: no bit is lost. */
function placeAddend(b: IrBuilder, f: FloatFormat, significand: Value): Wide {
  return { high: b.shr(significand, b.i64(2)), low: fitsHalfWord(f) ? undefined : b.i64(0) };
}

function pick(b: IrBuilder, condition: Value, x: Wide, y: Wide): Wide {
  const low = x.low === undefined || y.low === undefined ? undefined : b.select(condition, x.low, y.low);
  return { high: b.select(condition, x.high, y.high), low };
}

/** Shifts right by an unsigned count, sticky. */
function alignRight(b: IrBuilder, value: Wide, count: Value): Wide {
  if (value.low === undefined) return { high: shiftRightSticky(b, value.high, count), low: undefined };
  const valueLow = value.low;
  const high = b.local('i64', b.i64(0));
  const low = b.local('i64');
  b.if(
    b.ltU(count, b.i64(64)),
    () => {
      // In two steps, because a count of 64 would be one of 0.
      const fromHigh = b.shl(b.shl(value.high, b.i64(1)), b.xor(count, b.i64(63)));
      b.setLocal(low, b.or(shiftRightSticky(b, valueLow, count), fromHigh));
      b.setLocal(high, b.shr(value.high, count));
    },
    () => {
      const down = shiftRightSticky(b, value.high, b.sub(count, b.i64(64)));
      b.setLocal(low, b.or(down, notZero(b, valueLow)));
    },
  );
  return { high: b.getLocal(high), low: b.getLocal(low) };
}

/** |x + y| or |x - y|, and whether x - y was negative (i32). */
function addOrSubtract(b: IrBuilder, x: Wide, y: Wide, isDifference: Value): Wide & { readonly isNegative: Value } {
  const high = b.local('i64');
  const negative = b.local('i32', b.i32(0));
  if (x.low === undefined || y.low === undefined) {
    b.setLocal(high, b.add(x.high, b.select(isDifference, b.neg(y.high), y.high)));
    // A sum may reach bit 63 without being negative.
    b.setLocal(negative, b.and(isDifference, b.ltS(b.getLocal(high), b.i64(0))));
    b.setLocal(high, b.select(b.getLocal(negative), b.neg(b.getLocal(high)), b.getLocal(high)));
    return { high: b.getLocal(high), low: undefined, isNegative: b.getLocal(negative) };
  }
  const low = b.local('i64');
  const [xLow, yLow] = [x.low, y.low];
  b.if(
    isDifference,
    () => {
      b.setLocal(low, b.sub(xLow, yLow));
      b.setLocal(high, b.sub(b.sub(x.high, y.high), b.extend32U(b.ltU(xLow, yLow))));
      b.if(b.ltS(b.getLocal(high), b.i64(0)), () => negate(b, high, low, negative));
    },
    () => {
      b.setLocal(low, b.add(xLow, yLow));
      b.setLocal(high, b.add(b.add(x.high, y.high), b.extend32U(b.ltU(b.getLocal(low), xLow))));
    },
  );
  return { high: b.getLocal(high), low: b.getLocal(low), isNegative: b.getLocal(negative) };
}

function negate(b: IrBuilder, high: Local, low: Local, negative: Local): void {
  b.setLocal(negative, b.i32(1));
  const borrow = b.ne(b.getLocal(low), b.i64(0));
  b.setLocal(high, b.sub(b.neg(b.getLocal(high)), b.extend32U(borrow)));
  b.setLocal(low, b.neg(b.getLocal(low)));
}

/** Shifts a value other than zero left until bit 63 of the high word is set; what stays in the low word becomes sticky. */
function normalise(b: IrBuilder, value: Wide): { readonly significand: Value; readonly shift: Value } {
  if (value.low === undefined) {
    const shift = b.clz(value.high);
    return { significand: b.shl(value.high, shift), shift };
  }
  const isLowOnly = b.eqz(value.high);
  const high = b.select(isLowOnly, value.low, value.high);
  const low = b.select(isLowOnly, b.i64(0), value.low);
  const words = b.select(isLowOnly, b.i64(64), b.i64(0));
  const shift = b.clz(high);
  // In two steps, because a count of 64 would be one of 0.
  const fromLow = b.shr(b.shr(low, b.i64(1)), b.xor(shift, b.i64(63)));
  const significand = b.or(b.or(b.shl(high, shift), fromLow), notZero(b, b.shl(low, shift)));
  return { significand, shift: b.add(words, shift) };
}

interface Operands {
  readonly left: Value;
  readonly right: Value;
  readonly addend: Value;
  readonly rm: Value;
}

/** Returns from the helper: an operand is an infinity or a NaN, or the product is zero. */
function returnSpecial(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  { left, right, addend, rm }: Operands,
): void {
  const leftMagnitude = magnitudeOf(b, f, left);
  const rightMagnitude = magnitudeOf(b, f, right);
  const infinity = b.big(f.infinity);
  const isInvalidProduct = anyOf(
    b,
    b.and(b.eq(leftMagnitude, infinity), b.eqz(rightMagnitude)),
    b.and(b.eqz(leftMagnitude), b.eq(rightMagnitude, infinity)),
  );
  const operands = [left, right, addend];
  b.if(anyOf(b, isNan(b, f, left), isNan(b, f, right), isNan(b, f, addend)), () => {
    raiseIfSignaling(b, f, env, operands);
    if (env.infinityTimesZeroPlusNan === 'invalid') b.if(isInvalidProduct, () => raiseFlags(b, env, FLAG_INVALID));
    b.return_(chooseNan(b, f, env, operands));
  });
  b.if(isInvalidProduct, () => returnInvalid(b, f, env));
  const productSignBit = b.and(b.xor(left, right), b.big(f.signBit));
  const isAddendInfinite = isNotFinite(b, f, magnitudeOf(b, f, addend));
  b.if(anyOf(b, isNotFinite(b, f, leftMagnitude), isNotFinite(b, f, rightMagnitude)), () => {
    const product = b.or(productSignBit, infinity);
    const cancels = b.and(isAddendInfinite, b.ne(product, addend));
    b.if(cancels, () => returnInvalid(b, f, env));
    b.return_(product);
  });
  const isZeroAddend = b.eqz(magnitudeOf(b, f, addend));
  b.if(isZeroAddend, () => {
    const isDifference = b.ne(productSignBit, addend);
    b.return_(zeroSum(b, f, isDifference, signOf(b, f, addend), rm));
  });
  b.return_(addend);
}
