/** Numbers that look random and are the same for the same seed, and the values that instructions are most likely to get wrong. */

/** Generator of 32-bit numbers (sfc32: Chris Doty-Humphrey's Small Fast Counting generator). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e37_79b9;
    this.#c = 0x243f_6a88;
    for (let round = 0; round < 12; round++) this.u32();
  }

  /** 0 to 2^32-1. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** 0 to `n`-1. */
  below(n: number): number {
    return Math.floor((this.u32() / 2 ** 32) * n);
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError('nothing to choose from');
    return item;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }
}

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const f64Bits = new DataView(new ArrayBuffer(8));

export function doubleBits(value: number): bigint {
  f64Bits.setFloat64(0, value);
  return f64Bits.getBigUint64(0);
}

export function singleBits(value: number): bigint {
  f64Bits.setFloat32(0, value);
  return BigInt(f64Bits.getUint32(0));
}

/** How a single lies in a 64-bit register. */
export const box = (single: bigint): bigint => 0xffff_ffff_0000_0000n | single;

/** An integer near a power of two, of few bits, of repeated bytes, or any. */
export function interestingInteger(random: Random): bigint {
  const power = 1n << BigInt(random.below(64));
  switch (random.below(10)) {
    case 0:
      return u64(BigInt(random.below(5)) - 2n);
    case 1:
      return u64(power);
    case 2:
      return u64(power + BigInt(random.below(5)) - 2n);
    case 3:
      return u64(-power + BigInt(random.below(5)) - 2n);
    case 4:
      return random.pick([0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 63n, (1n << 63n) - 1n, u64(-1n)]);
    case 5:
      return u64(BigInt(random.u32() | 0));
    case 6:
      return BigInt(random.u32());
    case 7:
      return u64(0x0101_0101_0101_0101n * BigInt(random.below(256)) * (random.oneIn(2) ? 1n : 0xff00n));
    case 8:
      return BigInt(random.below(70));
    default:
      return random.u64();
  }
}

/** Layout of a binary floating-point format. */
interface Format {
  readonly bits: number;
  readonly fraction: number;
}
const SINGLE: Format = { bits: 32, fraction: 23 };
const DOUBLE: Format = { bits: 64, fraction: 52 };
const EXTENDED: Format = { bits: 128, fraction: 112 };

/** A fraction with few bits set or cleared, at either end: where rounding ties and carries happen. */
function interestingFraction(random: Random, bits: number): bigint {
  const all = (1n << BigInt(bits)) - 1n;
  const bit = 1n << BigInt(random.below(bits));
  switch (random.below(7)) {
    case 0:
      return 0n;
    case 1:
      return all;
    case 2:
      return bit;
    case 3:
      return all ^ bit;
    case 4:
      return (bit - 1n) & all;
    case 5:
      return all & ~(bit - 1n);
    default:
      return (bits > 64 ? (random.u64() << 64n) | random.u64() : random.u64()) & all;
  }
}

function interestingFloat(random: Random, { bits, fraction }: Format): bigint {
  const exponentBits = bits - fraction - 1;
  const top = (1 << exponentBits) - 1;
  const bias = top >> 1;
  const exponents = [
    0, // zero and subnormals
    top, // infinity and NaNs
    random.below(4),
    top - 1 - random.below(3),
    bias + random.below(7) - 3,
    bias + random.below(2 * fraction) - fraction,
    bias + random.pick([23, 31, 32, 52, 53, 62, 63, 64]) + random.below(3) - 1,
    bias - random.pick([126, 127, 149, 150]) + random.below(3) - 1,
    random.below(top + 1),
  ];
  const exponent = BigInt(Math.min(top, Math.max(0, random.pick(exponents))));
  const sign = BigInt(random.below(2));
  return (sign << BigInt(bits - 1)) | (exponent << BigInt(fraction)) | interestingFraction(random, fraction);
}

/** Bits of a double: zeros, subnormals, ties, extremes, infinities, NaNs of both kinds. */
export const interestingDouble = (random: Random): bigint => interestingFloat(random, DOUBLE);

/** Bits of a number of 128. */
export const interestingExtended = (random: Random): bigint => interestingFloat(random, EXTENDED);

/** A single in its box; one in twelve is not boxed, and must read as a NaN. */
export function interestingSingle(random: Random): bigint {
  const bits = interestingFloat(random, SINGLE);
  return random.oneIn(12) ? u64((random.u64() << 32n) | bits) : box(bits);
}
