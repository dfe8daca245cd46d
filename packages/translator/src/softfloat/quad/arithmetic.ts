/** Arithmetic and comparison of binary128. Quotients and roots are found bit by bit. */
import type { IrBuilder, Value } from '../../ir/builder.ts';
import { defineHelper, type IrHelper } from '../../ir/helper.ts';
import { FLAG_DIVIDE_BY_ZERO, FLAG_INVALID, ROUND_DOWN } from '../environment.ts';
import { notZero, raiseFlags } from '../parts.ts';
import {
  F,
  HIGH_FRACTION,
  isInfinite,
  isNan,
  isNotFinite,
  leave,
  magnitudeOf,
  negated,
  placeSign,
  type QuadEnvironment,
  raiseIfSignaling,
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
  shiftRightSticky,
  subtract,
  type Wide,
  wide,
  wideLocal,
} from './wide.ts';

type Binary = (b: IrBuilder, x: Wide, y: Wide, rm: Value) => Value | undefined;

/** A helper of two numbers and a rounding mode; it gives the left half of the result. */
function defineBinary(name: string, body: Binary): IrHelper {
  return defineHelper(`fp.f128.${name}`, ['i64', 'i64', 'i64', 'i64', 'i32'], 'i64', (b, xh, xl, yh, yl, rm) =>
    body(b, { high: xh, low: xl }, { high: yh, low: yl }, rm),
  );
}

export const signed = (b: IrBuilder, sign: Value, value: bigint): Wide => {
  const { high, low } = wide(b, value);
  return { high: b.or(placeSign(b, sign), high), low };
};

/** A significand with its leading one, if it has one, at bit 126: room for the carry above. */
function aligned(b: IrBuilder, magnitude: Wide): { exponent: Value; significand: Wide } {
  const field = b.shr(magnitude.high, b.i64(HIGH_FRACTION));
  const isSubnormal = b.eqz(field);
  const one = 1n << BigInt(HIGH_FRACTION);
  const high = b.and(magnitude.high, b.big(one - 1n));
  const integer = { high: b.select(isSubnormal, high, b.or(high, b.big(one))), low: magnitude.low };
  return {
    exponent: b.add(field, b.extend32U(isSubnormal)),
    significand: shiftLeft(b, integer, 126 - F.fracBits),
  };
}

/** x - x is +0, in rounding down -0; the sum of two zeros of one sign has that sign. */
export function zeroSum(b: IrBuilder, isDifference: Value, sign: Value, rm: Value): Wide {
  const ofDifference = b.extend32U(b.eq(rm, b.i32(ROUND_DOWN)));
  return { high: placeSign(b, b.select(isDifference, ofDifference, sign)), low: b.i64(0) };
}

export function defineAdd(env: QuadEnvironment, round: IrHelper, subtracts: boolean): IrHelper {
  return defineBinary(subtracts ? 'sub' : 'add', (b, x, right, rm) => {
    returnIfNan(b, env, [x, right]);
    const y = subtracts ? negated(b, right) : right;
    b.if(isNotFinite(b, x), () => {
      const isOpposite = isEqual(b, x, negated(b, y));
      b.if(isOpposite, () => returnInvalid(b, env));
      leave(b, env, x);
    });
    b.if(isNotFinite(b, y), () => leave(b, env, y));
    const [left, other] = [magnitudeOf(b, x), magnitudeOf(b, y)];
    const isSwapped = isBelow(b, left, other);
    const larger = aligned(b, choose(b, isSwapped, other, left));
    const smaller = aligned(b, choose(b, isSwapped, left, other));
    const sign = b.select(isSwapped, signOf(b, y), signOf(b, x));
    const addend = shiftRightSticky(b, smaller.significand, b.sub(larger.exponent, smaller.exponent));
    const isDifference = b.ne(signOf(b, x), signOf(b, y));
    const sum = choose(b, isDifference, subtract(b, larger.significand, addend), add(b, larger.significand, addend));
    b.if(isZero(b, sum), () => leave(b, env, zeroSum(b, isDifference, sign, rm)));
    const shift = leadingZeros(b, sum);
    const normal = shiftLeftBy(b, sum, shift);
    const exponent = b.sub(b.add(larger.exponent, b.i64(1)), shift);
    return b.call(round, sign, exponent, normal.high, normal.low, rm);
  });
}

export function defineMultiply(env: QuadEnvironment, round: IrHelper): IrHelper {
  return defineBinary('mul', (b, x, y, rm) => {
    returnIfNan(b, env, [x, y]);
    const sign = b.xor(signOf(b, x), signOf(b, y));
    const [left, right] = [magnitudeOf(b, x), magnitudeOf(b, y)];
    const hasZero = b.or(isZero(b, left), isZero(b, right));
    b.if(b.or(isNotFinite(b, x), isNotFinite(b, y)), () => {
      b.if(hasZero, () => returnInvalid(b, env));
      leave(b, env, signed(b, sign, F.infinity));
    });
    b.if(hasZero, () => leave(b, env, signed(b, sign, 0n)));
    const [p, q] = [unpack(b, left), unpack(b, right)];
    const { product, rest } = multiplyHigh(b, p.significand, q.significand);
    // A product in [1, 2) has its leading one at bit 126.
    const isLarge = b.ltS(product.high, b.i64(0));
    const doubled = shiftLeft(b, product, 1);
    const moved = { high: doubled.high, low: b.or(doubled.low, b.shr(rest.high, b.i64(63))) };
    const normal = choose(b, isLarge, product, moved);
    const below = b.select(isLarge, rest.high, b.shl(rest.high, b.i64(1)));
    const sticky = notZero(b, b.or(below, rest.low));
    const exponent = b.add(b.sub(b.add(p.exponent, q.exponent), b.i64(F.bias)), b.extend32U(isLarge));
    return b.call(round, sign, exponent, normal.high, b.or(normal.low, sticky), rm);
  });
}

/** Bits of quotients and roots: those of the format, one to round by, and some to spare; the rest is sticky. */
const RESULT_BITS = 116;

/** The bits of a result, its leading one at bit 127. */
function finish(b: IrBuilder, bits: Wide, rest: Wide): Wide {
  const { high, low } = shiftLeft(b, bits, 128 - RESULT_BITS);
  return { high, low: b.or(low, notZero(b, b.or(rest.high, rest.low))) };
}

function times(b: IrBuilder, count: number, body: () => void): void {
  const left = b.local('i32', b.i32(count));
  b.loop((breakIf) => {
    body();
    b.setLocal(left, b.sub(b.getLocal(left), b.i32(1)));
    breakIf(b.eqz(b.getLocal(left)));
  });
}

export function defineDivide(env: QuadEnvironment, round: IrHelper): IrHelper {
  return defineBinary('div', (b, x, y, rm) => {
    returnIfNan(b, env, [x, y]);
    const sign = b.xor(signOf(b, x), signOf(b, y));
    const [left, right] = [magnitudeOf(b, x), magnitudeOf(b, y)];
    b.if(isInfinite(b, x), () => {
      b.if(isInfinite(b, y), () => returnInvalid(b, env));
      leave(b, env, signed(b, sign, F.infinity));
    });
    b.if(isInfinite(b, y), () => leave(b, env, signed(b, sign, 0n)));
    b.if(isZero(b, right), () => {
      b.if(isZero(b, left), () => returnInvalid(b, env));
      raiseFlags(b, env, FLAG_DIVIDE_BY_ZERO);
      leave(b, env, signed(b, sign, F.infinity));
    });
    b.if(isZero(b, left), () => leave(b, env, signed(b, sign, 0n)));
    const [p, q] = [unpack(b, left), unpack(b, right)];
    const divisor = shiftRight(b, q.significand, 15);
    const dividend = shiftRight(b, p.significand, 15);
    const isSmaller = isBelow(b, dividend, divisor);
    const rest = wideLocal(b, choose(b, isSmaller, shiftLeft(b, dividend, 1), dividend));
    const quotient = wideLocal(b, wide(b, 0n));
    times(b, RESULT_BITS, () => {
      const fits = b.eqz(isBelow(b, rest.get(), divisor));
      const { high, low } = shiftLeft(b, quotient.get(), 1);
      quotient.set({ high, low: b.or(low, b.extend32U(fits)) });
      b.if(fits, () => rest.set(subtract(b, rest.get(), divisor)));
      rest.set(shiftLeft(b, rest.get(), 1));
    });
    const normal = finish(b, quotient.get(), rest.get());
    const exponent = b.sub(b.add(b.sub(p.exponent, q.exponent), b.i64(F.bias)), b.extend32U(isSmaller));
    return b.call(round, sign, exponent, normal.high, normal.low, rm);
  });
}

export function defineSquareRoot(env: QuadEnvironment, round: IrHelper): IrHelper {
  return defineHelper('fp.f128.sqrt', ['i64', 'i64', 'i32'], 'i64', (b, high, low, rm) => {
    const x = { high, low };
    returnIfNan(b, env, [x]);
    b.if(isZero(b, magnitudeOf(b, x)), () => leave(b, env, x));
    b.if(signOf64(b, high), () => returnInvalid(b, env));
    b.if(isNotFinite(b, x), () => leave(b, env, x));
    const p = unpack(b, x);
    const power = b.sub(p.exponent, b.i64(F.bias));
    const isOdd = b.ne(b.and(power, b.i64(1)), b.i64(0));
    // Two bits in front of the point: 1 to below 4.
    const radicand = wideLocal(b, choose(b, isOdd, p.significand, shiftRight(b, p.significand, 1)));
    const rest = wideLocal(b, wide(b, 0n));
    const root = wideLocal(b, wide(b, 0n));
    times(b, RESULT_BITS, () => {
      const down = shiftLeft(b, rest.get(), 2);
      rest.set({ high: down.high, low: b.or(down.low, b.shr(radicand.get().high, b.i64(62))) });
      radicand.set(shiftLeft(b, radicand.get(), 2));
      const tried = shiftLeft(b, root.get(), 2);
      const trial = { high: tried.high, low: b.or(tried.low, b.i64(1)) };
      const fits = b.eqz(isBelow(b, rest.get(), trial));
      const next = shiftLeft(b, root.get(), 1);
      root.set({ high: next.high, low: b.or(next.low, b.extend32U(fits)) });
      b.if(fits, () => rest.set(subtract(b, rest.get(), trial)));
    });
    const normal = finish(b, root.get(), rest.get());
    const exponent = b.add(b.sar(power, b.i64(1)), b.i64(F.bias));
    return b.call(round, b.i64(0), exponent, normal.high, normal.low, rm);
  });
}

const signOf64 = (b: IrBuilder, high: Value): Value => b.ltS(high, b.i64(0));

/** (x, y) -> i32 0 or 1: x = y, where only a signaling NaN is invalid; or x < y, where every NaN is. */
export function defineRelation(env: QuadEnvironment, relation: 'eq' | 'lt'): IrHelper {
  return defineHelper(`fp.f128.${relation}`, ['i64', 'i64', 'i64', 'i64'], 'i32', (b, xh, xl, yh, yl) => {
    const [x, y] = [
      { high: xh, low: xl },
      { high: yh, low: yl },
    ];
    b.if(b.or(isNan(b, x), isNan(b, y)), () => {
      if (relation === 'eq') raiseIfSignaling(b, env, [x, y]);
      else raiseFlags(b, env, FLAG_INVALID);
      b.return_(b.i32(0));
    });
    const [left, right] = [magnitudeOf(b, x), magnitudeOf(b, y)];
    const bothZero = b.and(isZero(b, left), isZero(b, right));
    if (relation === 'eq') return b.or(isEqual(b, x, y), bothZero);
    const [xNegative, yNegative] = [signOf64(b, xh), signOf64(b, yh)];
    const ofOneSign = b.select(xNegative, isBelow(b, right, left), isBelow(b, left, right));
    return b.and(b.eqz(bothZero), b.select(b.eq(xNegative, yNegative), ofOneSign, xNegative));
  });
}
