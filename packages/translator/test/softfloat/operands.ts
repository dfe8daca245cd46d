/** Operands that look for trouble: the same ones in every run. */
import { type AnyFormatName, FLOAT_FORMATS, type FloatFormat, type IntegerFormat } from '../../src/softfloat/index.ts';

/** xorshift64*: a small generator with a fixed seed. */
export class Random {
  #state: bigint;

  constructor(seed: bigint) {
    this.#state = seed;
  }

  bits(width: number): bigint {
    let x = this.#state;
    x ^= x >> 12n;
    x ^= BigInt.asUintN(64, x << 25n);
    x ^= x >> 27n;
    this.#state = x;
    return BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn) >> BigInt(64 - width);
  }

  below(limit: number): number {
    return Number(this.bits(32)) % limit;
  }

  pick<T>(from: readonly T[]): T {
    const chosen = from[this.below(from.length)];
    if (chosen === undefined) throw new Error('nothing to pick from');
    return chosen;
  }
}

/** Zero, the ends of every range, neighbours of one, infinity, NaNs quiet and signaling with payloads; of both signs. */
export function edges(f: FloatFormat): bigint[] {
  const one = BigInt(f.bias) << BigInt(f.fracBits);
  const positive = [
    0n,
    1n,
    f.minNormal >> 1n,
    f.minNormal - 1n,
    f.minNormal,
    f.minNormal + 1n,
    one >> 1n,
    one - 1n,
    one,
    one + 1n,
    one + f.minNormal,
    f.infinity - 1n,
    f.infinity,
    f.infinity + 1n,
    f.infinity | f.quietBit,
    f.infinity | f.quietBit | 5n,
    f.magnitudeMask,
  ];
  return positive.flatMap((magnitude) => [magnitude, magnitude | f.signBit]);
}

/** A fraction with runs of equal bits, so that sums, products and roundings meet ties. */
function sparseFraction(random: Random, f: FloatFormat): bigint {
  const mask = f.minNormal - 1n;
  const run = mask >> BigInt(random.below(f.fracBits + 1));
  const bit = 1n << BigInt(random.below(f.fracBits));
  return random.pick([0n, bit, run, mask ^ run, run ^ bit, (mask ^ run) | 1n]) & mask;
}

/** A number, often with an exponent that makes trouble with the operands before it. */
function floatOperand(random: Random, f: FloatFormat, earlier: readonly bigint[]): bigint {
  const choice = random.below(16);
  if (choice === 0) return random.pick(edges(f));
  if (choice <= 3) return random.bits(f.width);
  const fraction = choice <= 9 ? sparseFraction(random, f) : random.bits(f.fracBits);
  const sign = random.bits(1) === 1n ? f.signBit : 0n;
  const spread = random.pick([1, 3, f.fracBits + 3, 2 * f.fracBits + 4]);
  const centre = random.pick(centres(f, earlier));
  const exponent = Math.min(Math.max(centre + random.below(2 * spread + 1) - spread, 0), f.maxExp - 1);
  return sign | (BigInt(exponent) << BigInt(f.fracBits)) | fraction;
}

/** Exponents: of one, of subnormal numbers, and next to the first operand, its inverse, what underflows with it, the product. */
function centres(f: FloatFormat, earlier: readonly bigint[]): number[] {
  const [a, b] = earlier.map((bits) => Number((bits >> BigInt(f.fracBits)) & BigInt(f.maxExp)));
  if (a === undefined) return [f.bias, f.bias, 1, Math.trunc(f.bias / 2)];
  if (b === undefined) return [a, a, f.bias, 1, 2 * f.bias - a, f.bias + 1 - a];
  const product = a + b - f.bias;
  return [product, product, product + f.fracBits, product - f.fracBits, f.bias, 1];
}

function integerOperand(random: Random, integer: IntegerFormat): bigint {
  const length = 1 + random.below(integer.bits);
  const value = random.pick([
    1n << BigInt(length - 1),
    (1n << BigInt(length)) - 1n,
    random.bits(length),
    random.bits(64),
  ]);
  // The upper half of a 32-bit operand is not looked at.
  return BigInt.asUintN(64, random.bits(1) === 1n ? value : -value);
}

export function randomOperands(random: Random, kinds: readonly (AnyFormatName | IntegerFormat)[]): bigint[] {
  const operands: bigint[] = [];
  for (const kind of kinds) {
    if (typeof kind !== 'string') operands.push(integerOperand(random, kind));
    else operands.push(floatOperand(random, FLOAT_FORMATS[kind], operands));
  }
  return operands;
}
