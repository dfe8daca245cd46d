/** Addition and subtraction, IEEE 754-2019 section 5.4.1; signs of zero results after section 6.3. */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import { type FloatEnvironment, ROUND_DOWN } from './environment.ts';
import type { FloatFormat } from './format.ts';
import {
  anyOf,
  isNotFinite,
  magnitudeOf,
  placeSign,
  returnIfNan,
  returnInvalid,
  shiftRightSticky,
  signOf,
} from './parts.ts';

/** (a, b, rm i32) -> a + b in the format's bits. */
export function defineAdd(f: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${f.name}.addExact`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
    const leftMagnitude = magnitudeOf(b, f, left);
    const rightMagnitude = magnitudeOf(b, f, right);
    b.if(anyOf(b, isNotFinite(b, f, leftMagnitude), isNotFinite(b, f, rightMagnitude)), () =>
      returnNotFinite(b, f, env, left, right),
    );
    const isSwapped = b.ltU(leftMagnitude, rightMagnitude);
    const larger = aligned(b, f, b.select(isSwapped, rightMagnitude, leftMagnitude));
    const smaller = aligned(b, f, b.select(isSwapped, leftMagnitude, rightMagnitude));
    const sign = signOf(b, f, b.select(isSwapped, right, left));
    const distance = b.sub(larger.exponent, smaller.exponent);
    const addend = shiftRightSticky(b, smaller.significand, distance);
    const isDifference = b.ne(signOf(b, f, left), signOf(b, f, right));
    const sum = b.add(larger.significand, b.select(isDifference, b.neg(addend), addend));
    b.if(b.eqz(sum), () => b.return_(zeroSum(b, f, isDifference, sign, rm)));
    const shift = b.clz(sum);
    return b.call(round, sign, b.sub(b.add(larger.exponent, b.i64(1)), shift), b.shl(sum, shift), rm);
  });
}

/** A significand with its leading one, if it has one, at bit 62: room for the carry above, for rounding bits below. */
function aligned(b: IrBuilder, f: FloatFormat, magnitude: Value): { exponent: Value; significand: Value } {
  const field = b.shr(magnitude, b.i64(f.fracBits));
  const isSubnormal = b.eqz(field);
  const fraction = b.extract(magnitude, 0, f.fracBits);
  const integer = b.select(isSubnormal, fraction, b.or(fraction, b.big(f.minNormal)));
  return {
    exponent: b.add(field, b.extend32U(isSubnormal)),
    significand: b.shl(integer, b.i64(62 - f.fracBits)),
  };
}

/** x - x is +0, in rounding down -0; the sum of two zeros of one sign has that sign. */
export function zeroSum(b: IrBuilder, f: FloatFormat, isDifference: Value, sign: Value, rm: Value): Value {
  const ofDifference = b.extend32U(b.eq(rm, b.i32(ROUND_DOWN)));
  return placeSign(b, f, b.select(isDifference, ofDifference, sign));
}

function returnNotFinite(b: IrBuilder, f: FloatFormat, env: FloatEnvironment, left: Value, right: Value): void {
  returnIfNan(b, f, env, [left, right]);
  b.if(isNotFinite(b, f, magnitudeOf(b, f, left)), () => {
    const isOpposite = b.eq(b.xor(left, right), b.big(f.signBit));
    b.if(isOpposite, () => returnInvalid(b, f, env));
    b.return_(left);
  });
  b.return_(right);
}
