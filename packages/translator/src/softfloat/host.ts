/**
 * Arithmetic on the host's numbers. WebAssembly rounds to nearest, ties to even, and reports no exceptions, so its
 * result is the whole answer only where that direction is asked for, the inexact flag is set already and the result
 * shows that nothing else was raised. Each function here returns from the helper if so, and otherwise goes on.
 */
import type { IrBuilder, Value } from '../ir/builder.ts';
import {
  FLAG_INEXACT,
  type FloatEnvironment,
  ROUND_DOWN,
  ROUND_NEAREST_EVEN,
  ROUND_TOWARD_ZERO,
  ROUND_UP,
} from './environment.ts';
import type { FloatFormat } from './format.ts';
import type { IntegerFormat } from './integer.ts';
import { anyOf, isNan, isNotFinite, magnitudeOf, raiseFlags } from './parts.ts';

type HostFormat = FloatFormat & { readonly name: 'f32' | 'f64' };

function isHostFormat(f: FloatFormat): f is HostFormat {
  return f.name === 'f32' || f.name === 'f64';
}

export function toHost(b: IrBuilder, f: FloatFormat, bits: Value): Value {
  return b.reinterpret(f.width === 32 ? b.wrap(bits) : bits);
}

function fromHost(b: IrBuilder, f: FloatFormat, number: Value): Value {
  const bits = b.reinterpret(number);
  return f.width === 32 ? b.extend32U(bits) : bits;
}

/** i32, not zero where the host's rounding is the one asked for and inexact need not be found out. */
export function mayUseHost(b: IrBuilder, env: FloatEnvironment, rm: Value): Value {
  return b.and(b.extract(b.get(env.flags), Math.log2(FLAG_INEXACT), 1), b.eqz(rm));
}

/** Above the smallest normal number (which a tiny one may have been rounded to) and finite. */
export function isPlainNormal(b: IrBuilder, f: FloatFormat, magnitude: Value): Value {
  const first = f.minNormal + 1n;
  return b.ltU(b.sub(magnitude, b.big(first)), b.big(f.infinity - first));
}

/** Sums cannot underflow: a tiny one is exact. A result that is finite had finite operands. */
export function tryHostSum(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  operation: 'fadd' | 'fsub',
  [left, right, rm]: readonly [Value, Value, Value],
): void {
  if (!isHostFormat(f)) return;
  b.if(mayUseHost(b, env, rm), () => {
    const result = fromHost(b, f, b[operation](toHost(b, f, left), toHost(b, f, right)));
    b.if(b.eqz(isNotFinite(b, f, magnitudeOf(b, f, result))), () => b.return_(result));
  });
}

/** Products and quotients: normal numbers, and the zeros that are exact. */
export function tryHostProduct(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  operation: 'fmul' | 'fdiv',
  [left, right, rm]: readonly [Value, Value, Value],
): void {
  if (!isHostFormat(f)) return;
  b.if(mayUseHost(b, env, rm), () => {
    const result = fromHost(b, f, b[operation](toHost(b, f, left), toHost(b, f, right)));
    const magnitude = magnitudeOf(b, f, result);
    b.if(isPlainNormal(b, f, magnitude), () => b.return_(result));
    const leftIsZero = b.eqz(magnitudeOf(b, f, left));
    const hasZero = operation === 'fmul' ? anyOf(b, leftIsZero, b.eqz(magnitudeOf(b, f, right))) : leftIsZero;
    b.if(b.and(b.eqz(magnitude), hasZero), () => b.return_(result));
  });
}

/** Roots neither overflow nor underflow. */
export function tryHostRoot(
  b: IrBuilder,
  f: FloatFormat,
  env: FloatEnvironment,
  [bits, rm]: readonly [Value, Value],
): void {
  if (!isHostFormat(f)) return;
  b.if(mayUseHost(b, env, rm), () => {
    const result = fromHost(b, f, b.fsqrt(toHost(b, f, bits)));
    b.if(b.eqz(isNotFinite(b, f, magnitudeOf(b, f, result))), () => b.return_(result));
  });
}

/** binary32 to binary64 is exact; binary64 to binary32 where the result is normal. */
export function tryHostConvert(
  b: IrBuilder,
  from: FloatFormat,
  to: FloatFormat,
  env: FloatEnvironment,
  [bits, rm]: readonly [Value, Value],
): void {
  if (from.name === 'f32' && to.name === 'f64') {
    b.if(b.eqz(isNan(b, from, bits)), () => b.return_(fromHost(b, to, b.promote(toHost(b, from, bits)))));
  } else if (from.name === 'f64' && to.name === 'f32') {
    b.if(mayUseHost(b, env, rm), () => {
      const result = fromHost(b, to, b.demote(toHost(b, from, bits)));
      b.if(isPlainNormal(b, to, magnitudeOf(b, to, result)), () => b.return_(result));
    });
  }
}

/** Integers of 32 bits are exact in binary64; others round. None is tiny or too large. */
export function tryHostFromInteger(
  b: IrBuilder,
  f: FloatFormat,
  integer: IntegerFormat,
  env: FloatEnvironment,
  [value, rm]: readonly [Value, Value],
): void {
  if (!isHostFormat(f)) return;
  const source = integer.bits === 32 ? b.wrap(value) : value;
  const returnConverted = (): void => b.return_(fromHost(b, f, b.convert(source, f.name, integer.signed)));
  if (integer.bits <= f.fracBits) returnConverted();
  else b.if(mayUseHost(b, env, rm), returnConverted);
}

/** Rounds to an integral number on the host, finds inexact by comparing, and takes what lies within the integer format. */
export function tryHostToInteger(
  b: IrBuilder,
  f: FloatFormat,
  integer: IntegerFormat,
  env: FloatEnvironment,
  [bits, rm]: readonly [Value, Value],
): void {
  if (!isHostFormat(f)) return;
  const number = toHost(b, f, bits);
  const integral = b.local(f.name, number);
  const round = (mode: number, operation: string, otherwise?: () => void): void =>
    b.if(b.eq(rm, b.i32(mode)), () => b.setLocal(integral, b.pure(`${operation}.${f.name}`, number)), otherwise);
  b.if(b.leU(rm, b.i32(ROUND_UP)), () => {
    round(ROUND_TOWARD_ZERO, 'ftrunc', () =>
      round(ROUND_NEAREST_EVEN, 'fnearest', () => round(ROUND_DOWN, 'ffloor', () => round(ROUND_UP, 'fceil'))),
    );
    const rounded = fromHost(b, f, b.getLocal(integral));
    // A negative number is above every limit of an unsigned format when its bits are compared.
    const compared = integer.signed ? magnitudeOf(b, f, rounded) : rounded;
    const exponent = f.bias + integer.bits - (integer.signed ? 1 : 0);
    b.if(b.ltU(compared, b.big(BigInt(exponent) << BigInt(f.fracBits))), () => {
      b.if(b.eqz(b.feq(b.getLocal(integral), number)), () => raiseFlags(b, env, FLAG_INEXACT));
      b.return_(b.sext(b.truncSat(b.getLocal(integral), 'i64', integer.signed), integer.bits));
    });
  });
}
