/**
 * A second IEEE 754-2019 model for tests: numbers are rationals of bigints, each operation is exact, and one function
 * rounds. It shares nothing with the library but the figures of the formats.
 */
import {
  type AnyFormatName,
  FLAG_DIVIDE_BY_ZERO,
  FLAG_INEXACT,
  FLAG_INVALID,
  FLAG_OVERFLOW,
  FLAG_UNDERFLOW,
  FLOAT_FORMATS,
  type FloatFormat,
  type IntegerFormat,
  ROUND_DOWN,
  ROUND_NEAREST_AWAY,
  ROUND_NEAREST_EVEN,
  ROUND_ODD,
  ROUND_UP,
} from '../../src/softfloat/index.ts';

export interface Outcome {
  readonly bits: bigint;
  readonly flags: number;
}

/** How the instruction set chooses where IEEE 754 leaves a choice. */
export interface ReferenceRules {
  readonly rm: number;
  readonly tininess: 'before' | 'after';
}

/** numerator / denominator, the denominator positive. */
interface Rational {
  readonly n: bigint;
  readonly d: bigint;
}

type Decoded =
  | { readonly kind: 'nan'; readonly signaling: boolean }
  | { readonly kind: 'infinity'; readonly negative: boolean }
  | { readonly kind: 'finite'; readonly negative: boolean; readonly value: Rational };

const abs = (n: bigint): bigint => (n < 0n ? -n : n);
const power2 = (exponent: number): Rational =>
  exponent >= 0 ? { n: 1n << BigInt(exponent), d: 1n } : { n: 1n, d: 1n << BigInt(-exponent) };
const times = (x: Rational, y: Rational): Rational => ({ n: x.n * y.n, d: x.d * y.d });
const plus = (x: Rational, y: Rational): Rational => ({ n: x.n * y.d + y.n * x.d, d: x.d * y.d });
const compare = (x: Rational, y: Rational): bigint => x.n * y.d - y.n * x.d;

function decode(f: FloatFormat, bits: bigint): Decoded {
  const negative = (bits & f.signBit) !== 0n;
  const exponent = Number((bits >> BigInt(f.fracBits)) & BigInt(f.maxExp));
  const fraction = bits & (f.minNormal - 1n);
  if (exponent === f.maxExp) {
    if (fraction === 0n) return { kind: 'infinity', negative };
    return { kind: 'nan', signaling: (fraction & f.quietBit) === 0n };
  }
  const significand = exponent === 0 ? fraction : fraction | f.minNormal;
  const scale = power2(Math.max(exponent, 1) - f.bias - f.fracBits);
  return { kind: 'finite', negative, value: times({ n: negative ? -significand : significand, d: 1n }, scale) };
}

/** Rounds a non-negative rational to an integer. */
function roundToInteger(
  x: Rational,
  negative: boolean,
  rm: number,
): { readonly integer: bigint; readonly exact: boolean } {
  const floor = x.n / x.d;
  const rest = x.n % x.d;
  if (rest === 0n) return { integer: floor, exact: true };
  const against = 2n * rest - x.d;
  let up = false;
  if (rm === ROUND_NEAREST_EVEN) up = against > 0n || (against === 0n && floor % 2n === 1n);
  else if (rm === ROUND_NEAREST_AWAY) up = against >= 0n;
  else if (rm === ROUND_DOWN) up = negative;
  else if (rm === ROUND_UP) up = !negative;
  else if (rm === ROUND_ODD) up = floor % 2n === 0n;
  return { integer: up ? floor + 1n : floor, exact: false };
}

/** floor(log2(x)) of a positive rational. */
function binaryExponent(x: Rational): number {
  const guess = x.n.toString(2).length - x.d.toString(2).length;
  return compare(x, power2(guess)) < 0n ? guess - 1 : guess;
}

function pack(f: FloatFormat, x: Rational, zeroIsNegative: boolean, rules: ReferenceRules): Outcome {
  if (x.n === 0n) return { bits: zeroIsNegative ? f.signBit : 0n, flags: 0 };
  const negative = x.n < 0n;
  const sign = negative ? f.signBit : 0n;
  const magnitude = { n: abs(x.n), d: x.d };
  const minExponent = 1 - f.bias;
  const exponent = binaryExponent(magnitude);
  const roundAt = (e: number): { readonly integer: bigint; readonly exact: boolean } =>
    roundToInteger(times(magnitude, power2(f.fracBits - e)), negative, rules.rm);
  const { integer, exact } = roundAt(Math.max(exponent, minExponent));
  const unbounded = times({ n: roundAt(exponent).integer, d: 1n }, power2(exponent - f.fracBits));
  const judged = rules.tininess === 'before' ? magnitude : unbounded;
  const isTiny = compare(judged, power2(minExponent)) < 0n;
  // Counted in steps of the format from zero, numbers of one sign are consecutive.
  const steps = integer + BigInt(Math.max(exponent, minExponent) - minExponent) * f.minNormal;
  if (steps >= f.infinity) {
    const awayFromZero = negative ? ROUND_DOWN : ROUND_UP;
    const toInfinity = [ROUND_NEAREST_EVEN, ROUND_NEAREST_AWAY, awayFromZero].includes(rules.rm);
    return { bits: sign | (toInfinity ? f.infinity : f.infinity - 1n), flags: FLAG_OVERFLOW | FLAG_INEXACT };
  }
  const underflow = isTiny && !exact ? FLAG_UNDERFLOW : 0;
  return { bits: sign | steps, flags: underflow | (exact ? 0 : FLAG_INEXACT) };
}

const nanOf = (f: FloatFormat): bigint => f.infinity | f.quietBit;
const invalid = (f: FloatFormat): Outcome => ({ bits: nanOf(f), flags: FLAG_INVALID });

function nanOutcome(f: FloatFormat, ...operands: readonly Decoded[]): Outcome | undefined {
  const nans = operands.filter((o) => o.kind === 'nan');
  if (nans.length === 0) return undefined;
  return { bits: nanOf(f), flags: nans.some((o) => o.signaling) ? FLAG_INVALID : 0 };
}

const isNegative = (x: Decoded): boolean => x.kind !== 'nan' && x.negative;
const isZero = (x: Decoded): boolean => x.kind === 'finite' && x.value.n === 0n;
const infinityOf = (f: FloatFormat, negative: boolean): Outcome => ({
  bits: f.infinity | (negative ? f.signBit : 0n),
  flags: 0,
});

export function fma(name: AnyFormatName, a: bigint, b: bigint, c: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[name];
  const [x, y, z] = [decode(f, a), decode(f, b), decode(f, c)] as const;
  const productIsNegative = isNegative(x) !== isNegative(y);
  const isInvalidProduct = (x.kind === 'infinity' && isZero(y)) || (isZero(x) && y.kind === 'infinity');
  const nan = nanOutcome(f, x, y, z);
  if (nan !== undefined) return { bits: nan.bits, flags: nan.flags | (isInvalidProduct ? FLAG_INVALID : 0) };
  if (isInvalidProduct) return invalid(f);
  if (x.kind === 'infinity' || y.kind === 'infinity') {
    if (z.kind === 'infinity' && z.negative !== productIsNegative) return invalid(f);
    return infinityOf(f, productIsNegative);
  }
  if (x.kind !== 'finite' || y.kind !== 'finite') throw new Error('NaNs were handled');
  if (z.kind !== 'finite') return infinityOf(f, isNegative(z));
  const sum = plus(times(x.value, y.value), z.value);
  const zeroIsNegative = productIsNegative === z.negative ? z.negative : rules.rm === ROUND_DOWN;
  return pack(f, sum, zeroIsNegative, rules);
}

export function add(name: AnyFormatName, a: bigint, b: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[name];
  return fma(name, a, BigInt(f.bias) << BigInt(f.fracBits), b, rules);
}

export function sub(name: AnyFormatName, a: bigint, b: bigint, rules: ReferenceRules): Outcome {
  return add(name, a, b ^ FLOAT_FORMATS[name].signBit, rules);
}

export function mul(name: AnyFormatName, a: bigint, b: bigint, rules: ReferenceRules): Outcome {
  // Adding a zero of the product's own sign changes nothing.
  return fma(name, a, b, (a ^ b) & FLOAT_FORMATS[name].signBit, rules);
}

export function div(name: AnyFormatName, a: bigint, b: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[name];
  const [x, y] = [decode(f, a), decode(f, b)] as const;
  const nan = nanOutcome(f, x, y);
  if (nan !== undefined) return nan;
  const negative = isNegative(x) !== isNegative(y);
  if (x.kind === 'infinity') return y.kind === 'infinity' ? invalid(f) : infinityOf(f, negative);
  if (x.kind !== 'finite') throw new Error('NaNs were handled');
  if (y.kind !== 'finite') return { bits: negative ? f.signBit : 0n, flags: 0 };
  if (y.value.n === 0n) {
    return isZero(x) ? invalid(f) : { ...infinityOf(f, negative), flags: FLAG_DIVIDE_BY_ZERO };
  }
  const inverse = y.value.n < 0n ? { n: -y.value.d, d: -y.value.n } : { n: y.value.d, d: y.value.n };
  return pack(f, times(x.value, inverse), negative, rules);
}

export function sqrt(name: AnyFormatName, a: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[name];
  const x = decode(f, a);
  const nan = nanOutcome(f, x);
  if (nan !== undefined) return nan;
  if (isZero(x)) return { bits: a, flags: 0 };
  if (isNegative(x)) return invalid(f);
  if (x.kind !== 'finite') return infinityOf(f, false);
  // floor(sqrt(x) * 2^k) for a large k; where that is not the root, a half above it rounds like the root itself.
  const k = BigInt(f.bias + 2 * f.fracBits);
  const scaled = (x.value.n << (2n * k)) / x.value.d;
  const root = integerRoot(scaled);
  const isExact = root * root * x.value.d === x.value.n << (2n * k);
  return pack(f, { n: 2n * root + (isExact ? 0n : 1n), d: 2n << k }, false, rules);
}

function integerRoot(n: bigint): bigint {
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1);
  for (;;) {
    const next = (x + n / x) >> 1n;
    if (next >= x) return x;
    x = next;
  }
}

export function convert(from: AnyFormatName, to: AnyFormatName, a: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[to];
  const x = decode(FLOAT_FORMATS[from], a);
  const nan = nanOutcome(f, x);
  if (nan !== undefined) return nan;
  return x.kind === 'finite' ? pack(f, x.value, x.negative, rules) : infinityOf(f, isNegative(x));
}

export function roundToIntegral(name: AnyFormatName, a: bigint, rules: ReferenceRules): Outcome {
  const f = FLOAT_FORMATS[name];
  const x = decode(f, a);
  const nan = nanOutcome(f, x);
  if (nan !== undefined) return nan;
  if (x.kind !== 'finite') return { bits: a, flags: 0 };
  const { integer, exact } = roundToInteger({ n: abs(x.value.n), d: x.value.d }, x.negative, rules.rm);
  const { bits } = pack(f, { n: x.negative ? -integer : integer, d: 1n }, x.negative, rules);
  return { bits, flags: exact ? 0 : FLAG_INEXACT };
}

export function fromInt(name: AnyFormatName, integer: IntegerFormat, v: bigint, rules: ReferenceRules): Outcome {
  const n = integer.signed ? BigInt.asIntN(integer.bits, v) : BigInt.asUintN(integer.bits, v);
  return pack(FLOAT_FORMATS[name], { n, d: 1n }, false, rules);
}

/** The RISC-V choice for what does not fit: the nearest integer, the largest for a NaN. */
export function toInt(name: AnyFormatName, integer: IntegerFormat, a: bigint, rules: ReferenceRules): Outcome {
  const x = decode(FLOAT_FORMATS[name], a);
  const width = BigInt(integer.bits);
  const least = integer.signed ? -(1n << (width - 1n)) : 0n;
  const most = integer.signed ? (1n << (width - 1n)) - 1n : (1n << width) - 1n;
  const register = (n: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(integer.bits, n));
  if (x.kind !== 'finite') {
    return { bits: register(x.kind === 'infinity' && x.negative ? least : most), flags: FLAG_INVALID };
  }
  const { integer: rounded, exact } = roundToInteger({ n: abs(x.value.n), d: x.value.d }, x.negative, rules.rm);
  const n = x.negative ? -rounded : rounded;
  if (n < least || n > most) return { bits: register(n < least ? least : most), flags: FLAG_INVALID };
  return { bits: register(n), flags: exact ? 0 : FLAG_INEXACT };
}

export function relation(name: AnyFormatName, kind: 'eq' | 'lt' | 'le', a: bigint, b: bigint): Outcome {
  const f = FLOAT_FORMATS[name];
  const [x, y] = [decode(f, a), decode(f, b)] as const;
  const nan = nanOutcome(f, x, y);
  if (nan !== undefined) return { bits: 0n, flags: kind === 'eq' ? nan.flags : FLAG_INVALID };
  const order = compare(ordered(x), ordered(y));
  const holds = kind === 'eq' ? order === 0n : kind === 'lt' ? order < 0n : order <= 0n;
  return { bits: holds ? 1n : 0n, flags: 0 };
}

/** An infinity as a number larger than every finite one. */
function ordered(x: Decoded): Rational {
  if (x.kind === 'finite') return x.value;
  return { n: (isNegative(x) ? -1n : 1n) << 20000n, d: 1n };
}

export function extreme(name: AnyFormatName, kind: 'min' | 'max', a: bigint, b: bigint): Outcome {
  const f = FLOAT_FORMATS[name];
  const [x, y] = [decode(f, a), decode(f, b)] as const;
  const nan = nanOutcome(f, x, y);
  if (nan !== undefined) {
    if (x.kind !== 'nan') return { bits: a, flags: nan.flags };
    return y.kind === 'nan' ? nan : { bits: b, flags: nan.flags };
  }
  const order = compare(ordered(x), ordered(y));
  const aIsLess = order < 0n || (order === 0n && isNegative(x));
  return { bits: aIsLess === (kind === 'min') ? a : b, flags: 0 };
}

export function classify(name: AnyFormatName, a: bigint): Outcome {
  const f = FLOAT_FORMATS[name];
  const x = decode(f, a);
  if (x.kind === 'nan') return { bits: x.signaling ? 1n << 8n : 1n << 9n, flags: 0 };
  const magnitude = ordered(x);
  const least = power2(1 - f.bias);
  const size = { n: abs(magnitude.n), d: magnitude.d };
  let rank = compare(size, least) < 0n ? 2 : 1;
  if (x.kind === 'infinity') rank = 0;
  if (size.n === 0n) rank = 3;
  return { bits: 1n << BigInt(isNegative(x) ? rank : 7 - rank), flags: 0 };
}
