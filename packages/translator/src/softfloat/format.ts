/**
 * Binary interchange formats, after IEEE 754-2019 section 3.4: sign, biased exponent, trailing significand.
 *
 * Everything else in this folder is written once, against these figures.
 */

/** IEEE 754 binary16, binary32, binary64. */
export type FloatFormatName = 'f16' | 'f32' | 'f64';

/** And binary128, which is two i64 (`quad/`). */
export type AnyFormatName = FloatFormatName | 'f128';

export interface FloatFormat {
  readonly name: AnyFormatName;
  /** Width of the exponent field in bits. */
  readonly expBits: number;
  /** Width of the trailing significand in bits; the precision is one more. */
  readonly fracBits: number;
  /** Width of the whole format in bits. */
  readonly width: number;
  readonly bias: number;
  /** The exponent field of infinities and NaNs. */
  readonly maxExp: number;
  readonly signBit: bigint;
  /** All bits but the sign. */
  readonly magnitudeMask: bigint;
  readonly infinity: bigint;
  /** The smallest positive normal number. */
  readonly minNormal: bigint;
  /** The bit that tells a quiet NaN from a signaling one (section 6.2.1). */
  readonly quietBit: bigint;
}

function binaryFormat(name: AnyFormatName, expBits: number, fracBits: number): FloatFormat {
  const maxExp = 2 ** expBits - 1;
  const signBit = 1n << BigInt(expBits + fracBits);
  return {
    name,
    expBits,
    fracBits,
    width: 1 + expBits + fracBits,
    bias: 2 ** (expBits - 1) - 1,
    maxExp,
    signBit,
    magnitudeMask: signBit - 1n,
    infinity: BigInt(maxExp) << BigInt(fracBits),
    minNormal: 1n << BigInt(fracBits),
    quietBit: 1n << BigInt(fracBits - 1),
  };
}

export const FLOAT_FORMATS: Readonly<Record<AnyFormatName, FloatFormat>> = {
  f16: binaryFormat('f16', 5, 10),
  f32: binaryFormat('f32', 8, 23),
  f64: binaryFormat('f64', 11, 52),
  f128: binaryFormat('f128', 15, 112),
};
