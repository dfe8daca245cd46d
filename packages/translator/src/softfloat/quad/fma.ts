/** Fused multiply-add of binary128: one rounding, of the exact x * y + z in 256 bits. */
import type { IrBuilder, Value } from '../../ir/builder.ts';
import { defineHelper, type IrHelper } from '../../ir/helper.ts';
import type { Slot } from '../../ir/types.ts';
import { FLAG_INVALID } from '../environment.ts';
import { notZero, raiseFlags } from '../parts.ts';
import { signed, zeroSum } from './arithmetic.ts';
import {
  F,
  isInfinite,
  isNan,
  isNotFinite,
  leave,
  magnitudeOf,
  type QuadEnvironment,
  returnIfNan,
  returnInvalid,
  signOf,
  unpack,
} from './parts.ts';
import {
  add,
  choose,
  isBelow,
  isEqual,
  isZero,
  leadingZeros,
  multiplyHigh,
  shiftLeft,
  shiftLeftBy,
  shiftRight,
  shiftRightBy,
  shiftRightSticky,
  subtract,
  type Wide,
  wide,
  wideLocal,
} from './wide.ts';

/** An unsigned integer of 256 bits. */
interface Double {
  readonly high: Wide;
  readonly low: Wide;
}

/** A number: its integer / 2^254 * 2^(exponent - bias). */
interface Term {
  readonly exponent: Value;
  readonly bits: Double;
}

const chooseTerm = (b: IrBuilder, condition: Value, x: Term, y: Term): Term => ({
  exponent: b.select(condition, x.exponent, y.exponent),
  bits: { high: choose(b, condition, x.bits.high, y.bits.high), low: choose(b, condition, x.bits.low, y.bits.low) },
});

const both = (b: IrBuilder, x: Wide, y: Wide): Wide => ({ high: b.or(x.high, y.high), low: b.or(x.low, y.low) });
const one = (b: IrBuilder, condition: Value): Wide => ({ high: b.i64(0), low: b.extend32U(condition) });

function addDoubles(b: IrBuilder, x: Double, y: Double): Double {
  const low = add(b, x.low, y.low);
  return { high: add(b, add(b, x.high, y.high), one(b, isBelow(b, low, x.low))), low };
}

function subtractDoubles(b: IrBuilder, x: Double, y: Double): Double {
  const borrow = one(b, isBelow(b, x.low, y.low));
  return { high: subtract(b, subtract(b, x.high, y.high), borrow), low: subtract(b, x.low, y.low) };
}

/** Shifts right by an unsigned count; bit 0 is set if a one was lost. */
function alignRight(b: IrBuilder, { high, low }: Double, count: Value): Double {
  const [newHigh, newLow] = [wideLocal(b, wide(b, 0n)), wideLocal(b, wide(b, 0n))];
  b.if(
    b.ltU(count, b.i64(128)),
    () => {
      // In two steps, because a count of 128 would be one of 0.
      const fromHigh = shiftLeftBy(b, shiftLeft(b, high, 1), b.xor(count, b.i64(127)));
      newHigh.set(shiftRightBy(b, high, count));
      newLow.set(both(b, shiftRightSticky(b, low, count), fromHigh));
    },
    () => {
      const down = shiftRightSticky(b, high, b.sub(count, b.i64(128)));
      newLow.set({ high: down.high, low: b.or(down.low, notZero(b, b.or(low.high, low.low))) });
    },
  );
  return { high: newHigh.get(), low: newLow.get() };
}

/** The left 128 bits from the leading one on, with a sticky bit 0, and where that one was. */
function normalise(b: IrBuilder, { high, low }: Double): { significand: Wide; shift: Value } {
  const isLowOnly = isZero(b, high);
  const [top, rest] = [choose(b, isLowOnly, low, high), choose(b, isLowOnly, wide(b, 0n), low)];
  const shift = leadingZeros(b, top);
  const fromRest = shiftRightBy(b, shiftRight(b, rest, 1), b.xor(shift, b.i64(127)));
  const left = shiftLeftBy(b, rest, shift);
  const sticky = notZero(b, b.or(left.high, left.low));
  const kept = both(b, shiftLeftBy(b, top, shift), fromRest);
  return {
    significand: { high: kept.high, low: b.or(kept.low, sticky) },
    shift: b.add(shift, b.select(isLowOnly, b.i64(128), b.i64(0))),
  };
}

/** Leaves the helper where an operand is no finite number, or the product is zero. */
function special(b: IrBuilder, env: QuadEnvironment, x: Wide, y: Wide, z: Wide, rm: Value): void {
  const [xSize, ySize] = [magnitudeOf(b, x), magnitudeOf(b, y)];
  const hasZero = b.or(isZero(b, xSize), isZero(b, ySize));
  const hasInfinity = b.or(isInfinite(b, x), isInfinite(b, y));
  const isInvalid = b.and(hasZero, hasInfinity);
  if (env.infinityTimesZeroPlusNan === 'invalid') {
    b.if(b.and(isInvalid, isNan(b, z)), () => raiseFlags(b, env, FLAG_INVALID));
  }
  returnIfNan(b, env, [x, y, z]);
  b.if(isInvalid, () => returnInvalid(b, env));
  const sign = b.xor(signOf(b, x), signOf(b, y));
  b.if(hasInfinity, () => {
    const product = signed(b, sign, F.infinity);
    b.if(b.and(isInfinite(b, z), b.eqz(isEqual(b, product, z))), () => returnInvalid(b, env));
    leave(b, env, product);
  });
  b.if(b.or(isNotFinite(b, z), hasZero), () => {
    const isZeroSum = b.and(hasZero, isZero(b, magnitudeOf(b, z)));
    b.if(isZeroSum, () => leave(b, env, zeroSum(b, b.ne(sign, signOf(b, z)), sign, rm)));
    leave(b, env, z);
  });
}

/** (x, y, rm) -> the left half of x * y + z, with z in two slots. */
export function defineFusedMultiplyAdd(env: QuadEnvironment, round: IrHelper, high: Slot, low: Slot): IrHelper {
  return defineHelper('fp.f128.fma', ['i64', 'i64', 'i64', 'i64', 'i32'], 'i64', (b, xh, xl, yh, yl, rm) => {
    const [x, y] = [
      { high: xh, low: xl },
      { high: yh, low: yl },
    ];
    const z = { high: b.get(high), low: b.get(low) };
    special(b, env, x, y, z, rm);
    const [p, q] = [unpack(b, magnitudeOf(b, x)), unpack(b, magnitudeOf(b, y))];
    const { product, rest } = multiplyHigh(b, p.significand, q.significand);
    const isZeroAddend = isZero(b, magnitudeOf(b, z));
    const r = unpack(b, magnitudeOf(b, z));
    // The leading one of the product is at bit 254 or 255: at 254 there is room for a carry above.
    const isLarge = b.ltS(product.high, b.i64(0));
    const whole: Double = { high: product, low: rest };
    const half = halved(b, whole);
    const ofProduct: Term = {
      exponent: b.add(b.sub(b.add(p.exponent, q.exponent), b.i64(F.bias)), b.extend32U(isLarge)),
      bits: { high: choose(b, isLarge, half.high, whole.high), low: choose(b, isLarge, half.low, whole.low) },
    };
    const zero = wide(b, 0n);
    const ofAddend: Term = {
      exponent: b.select(isZeroAddend, b.i64(-0x10000), r.exponent),
      bits: { high: shiftRight(b, choose(b, isZeroAddend, zero, r.significand), 1), low: zero },
    };
    const productSign = b.xor(signOf(b, x), signOf(b, y));
    const isAddendLarger = isLarger(b, ofAddend, ofProduct);
    const larger = chooseTerm(b, isAddendLarger, ofAddend, ofProduct);
    const smaller = chooseTerm(b, isAddendLarger, ofProduct, ofAddend);
    const sign = b.select(isAddendLarger, signOf(b, z), productSign);
    const isDifference = b.ne(productSign, signOf(b, z));
    const aligned = alignRight(b, smaller.bits, b.sub(larger.exponent, smaller.exponent));
    const [total, difference] = [addDoubles(b, larger.bits, aligned), subtractDoubles(b, larger.bits, aligned)];
    const sum: Double = {
      high: choose(b, isDifference, difference.high, total.high),
      low: choose(b, isDifference, difference.low, total.low),
    };
    b.if(b.and(isZero(b, sum.high), isZero(b, sum.low)), () =>
      leave(b, env, zeroSum(b, isDifference, productSign, rm)),
    );
    const { significand, shift } = normalise(b, sum);
    const exponent = b.sub(b.add(larger.exponent, b.i64(1)), shift);
    return b.call(round, sign, exponent, significand.high, significand.low, rm);
  });
}

/** A product one bit lower; the bit that leaves is zero, because the formats' significands end in zeros. */
const halved = (b: IrBuilder, { high, low }: Double): Double => {
  const shifted = shiftRight(b, low, 1);
  return {
    high: shiftRight(b, high, 1),
    low: { high: b.or(shifted.high, b.shl(high.low, b.i64(63))), low: shifted.low },
  };
};

/** Whether x is larger than y; both have their leading ones at bit 254. */
function isLarger(b: IrBuilder, x: Term, y: Term): Value {
  const isEqualExponent = b.eq(x.exponent, y.exponent);
  const isHigher = isBelow(b, y.bits.high, x.bits.high);
  const isSameHigh = isEqual(b, x.bits.high, y.bits.high);
  const byBits = b.or(isHigher, b.and(isSameHigh, isBelow(b, y.bits.low, x.bits.low)));
  return b.select(isEqualExponent, byBits, b.gtS(x.exponent, y.exponent));
}
