/** Multiplication, IEEE 754-2019 section 5.4.1. */
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, type IrHelper } from '../ir/helper.ts';
import type { FloatEnvironment } from './environment.ts';
import type { FloatFormat } from './format.ts';
import {
  anyOf,
  isNotFinite,
  isZeroOrNotFinite,
  magnitudeOf,
  notZero,
  placeSign,
  returnIfNan,
  returnInvalid,
  signOf,
  unpack,
} from './parts.ts';

/** (a, b, rm i32) -> a * b in the format's bits. */
export function defineMultiply(f: FloatFormat, env: FloatEnvironment, round: IrHelper): IrHelper {
  return defineHelper(`fp.${f.name}.mulExact`, ['i64', 'i64', 'i32'], 'i64', (b, left, right, rm) => {
    const sign = signOf(b, f, b.xor(left, right));
    const leftMagnitude = magnitudeOf(b, f, left);
    const rightMagnitude = magnitudeOf(b, f, right);
    b.if(anyOf(b, isZeroOrNotFinite(b, f, leftMagnitude), isZeroOrNotFinite(b, f, rightMagnitude)), () => {
      returnIfNan(b, f, env, [left, right]);
      const signBit = placeSign(b, f, sign);
      b.if(anyOf(b, isNotFinite(b, f, leftMagnitude), isNotFinite(b, f, rightMagnitude)), () => {
        const hasZero = anyOf(b, b.eqz(leftMagnitude), b.eqz(rightMagnitude));
        b.if(hasZero, () => returnInvalid(b, f, env));
        b.return_(b.or(signBit, b.big(f.infinity)));
      });
      b.return_(signBit);
    });
    const x = unpack(b, f, leftMagnitude);
    const y = unpack(b, f, rightMagnitude);
    const product = productWithSticky(b, f, x.significand, y.significand);
    const shift = b.clz(product);
    const exponent = b.sub(b.add(x.exponent, y.exponent), b.add(b.i64(f.bias - 1), shift));
    return b.call(round, sign, exponent, b.shl(product, shift), rm);
  });
}

/** The product of two normalised significands with its leading one at bit 63 or 62, bit 0 sticky. */
function productWithSticky(b: IrBuilder, f: FloatFormat, x: Value, y: Value): Value {
  if (fitsHalfWord(f)) return b.mul(b.shr(x, b.i64(32)), b.shr(y, b.i64(32)));
  return b.or(b.mulHighU(x, y), notZero(b, b.mul(x, y)));
}

/** Whether normalised significands lie in their upper 32 bits, so that 64 bits hold a product. */
export function fitsHalfWord(f: FloatFormat): boolean {
  return f.fracBits < 32;
}
