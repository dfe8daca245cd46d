/** Unsigned integers of 128 bits, as two i64. Each function emits IR in place. */
import type { IrBuilder, Value } from '../../ir/builder.ts';
import { notZero } from '../parts.ts';

export interface Wide {
  readonly high: Value;
  readonly low: Value;
}

export const wide = (b: IrBuilder, value: bigint): Wide => ({
  high: b.big(value >> 64n),
  low: b.big(value & 0xffff_ffff_ffff_ffffn),
});

export const isZero = (b: IrBuilder, x: Wide): Value => b.eqz(b.or(x.high, x.low));

export const isEqual = (b: IrBuilder, x: Wide, y: Wide): Value => b.and(b.eq(x.high, y.high), b.eq(x.low, y.low));

export const isBelow = (b: IrBuilder, x: Wide, y: Wide): Value =>
  b.or(b.ltU(x.high, y.high), b.and(b.eq(x.high, y.high), b.ltU(x.low, y.low)));

export const choose = (b: IrBuilder, condition: Value, x: Wide, y: Wide): Wide => ({
  high: b.select(condition, x.high, y.high),
  low: b.select(condition, x.low, y.low),
});

/** A number that changes. */
export interface WideLocal {
  get(): Wide;
  set(value: Wide): void;
}

export function wideLocal(b: IrBuilder, initial?: Wide): WideLocal {
  const [high, low] = [b.local('i64', initial?.high), b.local('i64', initial?.low)];
  return {
    get: () => ({ high: b.getLocal(high), low: b.getLocal(low) }),
    set: (value) => {
      b.setLocal(high, value.high);
      b.setLocal(low, value.low);
    },
  };
}

export function add(b: IrBuilder, x: Wide, y: Wide): Wide {
  const { sum: low, carry } = b.addCarry(x.low, y.low);
  return { high: b.add(b.add(x.high, y.high), b.extend32U(carry)), low };
}

export function subtract(b: IrBuilder, x: Wide, y: Wide): Wide {
  const { difference: low, borrow } = b.subBorrow(x.low, y.low);
  return { high: b.sub(b.sub(x.high, y.high), b.extend32U(borrow)), low };
}

/** Shifts by a constant of 1 to 63. */
export const shiftLeft = (b: IrBuilder, { high, low }: Wide, count: number): Wide => ({
  high: b.or(b.shl(high, b.i64(count)), b.shr(low, b.i64(64 - count))),
  low: b.shl(low, b.i64(count)),
});
export const shiftRight = (b: IrBuilder, { high, low }: Wide, count: number): Wide => ({
  high: b.shr(high, b.i64(count)),
  low: b.or(b.shr(low, b.i64(count)), b.shl(high, b.i64(64 - count))),
});

/** Shifts by a count that is computed: 0 to 127. */
export function shiftLeftBy(b: IrBuilder, { high, low }: Wide, count: Value): Wide {
  const isFar = b.geU(count, b.i64(64));
  // In two steps, because a count of 64 would be one of 0.
  const fromLow = b.shr(b.shr(low, b.i64(1)), b.xor(b.and(count, b.i64(63)), b.i64(63)));
  const near = b.or(b.shl(high, count), fromLow);
  return {
    high: b.select(isFar, b.shl(low, count), near),
    low: b.select(isFar, b.i64(0), b.shl(low, count)),
  };
}

export function shiftRightBy(b: IrBuilder, { high, low }: Wide, count: Value): Wide {
  const isFar = b.geU(count, b.i64(64));
  const fromHigh = b.shl(b.shl(high, b.i64(1)), b.xor(b.and(count, b.i64(63)), b.i64(63)));
  return {
    high: b.select(isFar, b.i64(0), b.shr(high, count)),
    low: b.select(isFar, b.shr(high, count), b.or(b.shr(low, count), fromHigh)),
  };
}

/** Shifts right by an unsigned count, which may be 128 and above; bit 0 is set if a one was lost. */
export function shiftRightSticky(b: IrBuilder, x: Wide, count: Value): Wide {
  const isOut = b.geU(count, b.i64(128));
  const within = b.select(isOut, b.i64(127), count);
  const shifted = shiftRightBy(b, x, within);
  const back = shiftLeftBy(b, shifted, within);
  const lost = b.or(b.xor(back.high, x.high), b.xor(back.low, x.low));
  const kept = b.select(isOut, b.i64(0), shifted.low);
  const any = b.select(isOut, b.or(x.high, x.low), lost);
  return { high: shifted.high, low: b.or(kept, notZero(b, any)) };
}

export function leadingZeros(b: IrBuilder, { high, low }: Wide): Value {
  return b.select(b.eqz(high), b.add(b.clz(low), b.i64(64)), b.clz(high));
}

/** The left 128 of the 256 bits of a product, and whether any of the others is set (i64). */
export function multiplyHigh(b: IrBuilder, x: Wide, y: Wide): { readonly product: Wide; readonly rest: Wide } {
  const lowLow = b.mulWide(x.low, y.low, false);
  const highLow = b.mulWide(x.high, y.low, false);
  const lowHigh = b.mulWide(x.low, y.high, false);
  const highHigh = b.mulWide(x.high, y.high, false);
  const first = b.addCarry(lowLow.high, highLow.low);
  const second = b.addCarry(first.sum, lowHigh.low);
  const carry = b.add(b.extend32U(first.carry), b.extend32U(second.carry));
  const third = b.addCarry(highHigh.low, highLow.high);
  const fourth = b.addCarry(third.sum, lowHigh.high);
  const fifth = b.addCarry(fourth.sum, carry);
  const carries = b.add(b.add(b.extend32U(third.carry), b.extend32U(fourth.carry)), b.extend32U(fifth.carry));
  return {
    product: { high: b.add(highHigh.high, carries), low: fifth.sum },
    rest: { high: second.sum, low: lowLow.low },
  };
}
