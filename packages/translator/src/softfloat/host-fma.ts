/**
 * Fused multiply-add on the host's binary64, proved right by the values themselves.
 *
 * The error of a product (Dekker, "A floating-point technique for extending the available precision", 1971) and of a sum
 * (Knuth, TAOCP volume 2, section 4.2.2) are numbers of the same format, so a * b + c is s + t + e without error. Where
 * rounding s + (t + e) gives one result over the whole interval in which the rounded t + e may be off, it is the answer.
 */
import type { IrBuilder, Value } from '../ir/builder.ts';
import type { FloatEnvironment } from './environment.ts';
import { FLOAT_FORMATS, type FloatFormat } from './format.ts';
import { isPlainNormal, mayUseHost, toHost } from './host.ts';
import { anyOf, magnitudeOf } from './parts.ts';

/** Splits 53 bits in halves of at most 26. */
const SPLITTER = 2 ** 27 + 1;
/** Products with exponents within plus and minus this, of operands below it, have exact errors. */
const SAFE_EXPONENT = 900;

/** The operands and rm. */
export type FmaOperands = readonly [left: Value, right: Value, addend: Value, rm: Value];

/** Returns from the helper if the host's arithmetic is enough (rm nearest even and inexact set, as for all of `host.ts`). */
export function tryHostFusedMultiplyAdd(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  operands: FmaOperands,
): void {
  if (f.name === 'f32') tryThroughWiderFormat(b, f, env, operands);
  else if (f.name === 'f64') tryWithErrors(b, env, operands);
}

/**
 * binary32 through binary64: the product is exact there, the sum is rounded once to 53 bits. Rounding it again to 24
 * can only go wrong where it lies halfway between two numbers of 24 bits.
 */
function tryThroughWiderFormat(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  [left, right, addend, rm]: FmaOperands,
): void {
  const dropped = FLOAT_FORMATS.f64.fracBits - f.fracBits;
  b.if(mayUseHost(b, env, rm), () => {
    const wide = (bits: Value): Value => b.promote(toHost(b, f, bits));
    const sum = b.fadd(b.fmul(wide(left), wide(right)), wide(addend));
    const isHalfway = b.eq(b.zext(b.reinterpret(sum), dropped), b.i64(2 ** (dropped - 1)));
    const result = b.extend32U(b.reinterpret(b.demote(sum)));
    const isUsable = b.and(b.eqz(isHalfway), isPlainNormal(b, f, magnitudeOf(b, f, result)));
    b.if(isUsable, () => b.return_(result));
  });
}

function tryWithErrors(b: IrBuilder, env: FloatEnvironment, [left, right, addend, rm]: FmaOperands): void {
  const f = FLOAT_FORMATS.f64;
  const safe = (exponent: number): Value => b.big(BigInt(f.bias + exponent) << BigInt(f.fracBits));
  b.if(mayUseHost(b, env, rm), () => {
    const x = b.reinterpret(left);
    const y = b.reinterpret(right);
    const z = b.reinterpret(addend);
    const product = b.fmul(x, y);
    const least = safe(-SAFE_EXPONENT);
    const span = b.big(BigInt(2 * SAFE_EXPONENT) << BigInt(f.fracBits));
    const productIsSafe = b.ltU(b.sub(magnitudeOf(b, f, b.reinterpret(product)), least), span);
    const largest = safe(SAFE_EXPONENT);
    const isUnsafe = anyOf(
      b,
      b.eqz(productIsSafe),
      b.geU(magnitudeOf(b, f, left), largest),
      b.geU(magnitudeOf(b, f, right), largest),
    );
    b.if(b.eqz(isUnsafe), () => {
      const sum = b.fadd(product, z);
      const rest = b.fadd(errorOfSum(b, product, z, sum), errorOfProduct(b, x, y, product));
      const margin = b.fmul(b.fabs(rest), b.f64(2 ** -52));
      const above = b.fadd(sum, b.fadd(rest, margin));
      const below = b.fadd(sum, b.fsub(rest, margin));
      const result = b.reinterpret(above);
      const isUsable = b.and(b.feq(above, below), isPlainNormal(b, f, magnitudeOf(b, f, result)));
      b.if(isUsable, () => b.return_(result));
    });
  });
}

/** x + y - sum, exactly, where sum is the rounded x + y. */
function errorOfSum(b: IrBuilder, x: Value, y: Value, sum: Value): Value {
  const partOfY = b.fsub(sum, x);
  const partOfX = b.fsub(sum, partOfY);
  return b.fadd(b.fsub(x, partOfX), b.fsub(y, partOfY));
}

/** x * y - product, exactly, where product is the rounded x * y. */
function errorOfProduct(b: IrBuilder, x: Value, y: Value, product: Value): Value {
  const [xHigh, xLow] = halves(b, x);
  const [yHigh, yLow] = halves(b, y);
  const afterHigh = b.fsub(b.fmul(xHigh, yHigh), product);
  const afterCross = b.fadd(b.fadd(afterHigh, b.fmul(xHigh, yLow)), b.fmul(xLow, yHigh));
  return b.fadd(afterCross, b.fmul(xLow, yLow));
}

function halves(b: IrBuilder, x: Value): readonly [high: Value, low: Value] {
  const scaled = b.fmul(x, b.f64(SPLITTER));
  const high = b.fsub(scaled, b.fsub(scaled, x));
  return [high, b.fsub(x, high)];
}
