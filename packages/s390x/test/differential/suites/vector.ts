/** The vector facility: every instruction with every size of element; registers are made of what its elements find interesting. */
import { interestingDouble, interestingExtended, interestingSingle, type Random } from '@boardwalk/testing';
import { ENCODINGS, type Encoding } from '../../../src/cpu/decode/decoder.ts';
import type { Format } from '../../../src/cpu/decode/formats.ts';
import { requirement } from '../../../src/cpu/isa/requirements.ts';
import { vectorFloatSemantics } from '../../../src/cpu/isa/vector/float.ts';
import { vectorSemantics } from '../../../src/cpu/isa/vector/index.ts';
import type { Program } from '../program.ts';
import { ONLY } from '../settings.ts';
import type { Suite } from './suite.ts';
import { addWordCase } from './words.ts';

/** Packed decimal in vectors is not in the reference: a test of its own compares it with numbers. */
export const vectorForms = ENCODINGS.filter(
  ({ mnemonic }) => Object.hasOwn(vectorSemantics, mnemonic) && ONLY.test(mnemonic) && requirement(mnemonic) !== 'vxpd',
);

/** Nibbles that hold the size of an element, by format, and flags behind it. */
const SIZE: Readonly<Record<string, number>> = {
  'VRI-a': 8,
  'VRI-b': 8,
  'VRI-c': 8,
  'VRI-d': 8,
  'VRR-a': 8,
  'VRR-b': 8,
  'VRR-c': 8,
  'VRR-d': 5,
  'VRS-a': 8,
  'VRS-b': 8,
  'VRS-c': 8,
  VRX: 8,
  VRV: 8,
};

function bytes(of: () => number): bigint {
  let value = 0n;
  for (let n = 0; n < 16; n++) value = (value << 8n) | BigInt(of() & 255);
  return value;
}

/** A vector: numbers at the limits, few different bytes, an element many times, or ends of strings. */
export function interestingVector(random: Random, integer: () => bigint): bigint {
  const wide = (): bigint => (BigInt.asUintN(64, integer()) << 64n) | BigInt.asUintN(64, integer());
  switch (random.below(5)) {
    case 0:
      return bytes(() => random.pick([0, 1, 0x7f, 0x80, 0xff, 0x41]));
    case 1: {
      const element = random.below(1 << 16);
      return bytes(() => (random.oneIn(8) ? 0 : random.oneIn(2) ? element : element >> 8));
    }
    case 2: {
      const width = 8n << BigInt(random.below(4));
      const element = BigInt.asUintN(Number(width), integer());
      let value = 0n;
      for (let at = 0n; at < 128n; at += width) value |= (random.oneIn(4) ? 0n : element) << at;
      return value;
    }
    default:
      return wide();
  }
}

/** Registers, of which some are the same or nearly. */
export function vectorRegisters(program: Program): Record<number, bigint> {
  const { random } = program;
  const v: Record<number, bigint> = {};
  for (let n = 0; n < 32; n++) {
    const other = v[random.below(32)];
    const made = interestingVector(random, () => program.integer());
    v[n] =
      other !== undefined && random.oneIn(3) ? other ^ (random.oneIn(2) ? 0n : 1n << BigInt(random.below(128))) : made;
  }
  return v;
}

/** What the reference does not do as the manual says, or leaves open. */
export function adjustVector(random: Random, { mnemonic, format }: Encoding, nibbles: number[]): void {
  const at = SIZE[format.name];
  if (at !== undefined && !random.oneIn(12)) nibbles[at] = random.below(5);
  // The number of an element is at most what there is of them.
  if (mnemonic === 'vrep' && !random.oneIn(8)) for (const n of [4, 5, 6]) nibbles[n] = 0;
  if (/^(vgbm|verim)$/.test(mnemonic)) nibbles[8] = random.below(4);
  if (Object.hasOwn(vectorFloatSemantics, mnemonic)) adjustFloat(random, mnemonic, format, nibbles);
}

/** Formats, single elements, rounding modes, kinds of minimum that there are, mostly. */
function adjustFloat(random: Random, mnemonic: string, { places }: Format, nibbles: number[]): void {
  const put = (field: string, values: readonly number[]): void => {
    const place = places.get(field);
    if (place !== undefined && !random.oneIn(16)) nibbles[place] = random.pick(values);
  };
  const isConversion = /^(vc|vled|vfi)/.test(mnemonic);
  const isInteger = mnemonic.startsWith('vc');
  const single = isConversion ? [0, 0, 4, 8, 12] : [0, 0, 8];
  const size = mnemonic === 'vlde' ? [2, 3] : mnemonic === 'vled' ? [3, 4] : isInteger ? [2, 3] : [2, 3, 4];
  if (/^vfn?m[as]$/.test(mnemonic)) {
    put('m6', size);
    put('m5', single);
  } else if (/^(vc|vl|vfi|vfsq|vfpso|wf)/.test(mnemonic)) {
    put('m3', size);
    put('m4', mnemonic.startsWith('wf') ? [0] : single);
    put('m5', mnemonic === 'vfpso' ? [0, 1, 2] : [0, 1, 3, 4, 5, 6, 7]);
  } else {
    put('m4', size);
    put('m5', /^vfc/.test(mnemonic) ? [0, 4, 8, 12] : single);
    put('m6', /^vfc/.test(mnemonic) ? [0, 1] : [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]);
  }
}

/** Numbers of all formats, of the same or different size. */
function floatRegisters(random: Random): Record<number, bigint> {
  if (random.oneIn(3)) {
    return Object.fromEntries(Array.from({ length: 32 }, (_, n) => [n, interestingExtended(random)]));
  }
  const isShort = random.oneIn(2);
  const single = (): bigint => interestingSingle(random) & 0xffff_ffffn;
  const half = (): bigint => (isShort ? (single() << 32n) | single() : BigInt.asUintN(64, interestingDouble(random)));
  return Object.fromEntries(Array.from({ length: 32 }, (_, n) => [n, (half() << 64n) | half()]));
}

/** A vector whose eighth byte is a length, of whole elements mostly. */
function withLength(random: Random, value: bigint): bigint {
  const length = BigInt(4 * random.below(5));
  return random.oneIn(2) ? (value & ~(0xffn << 64n)) | (length << 64n) : value;
}

export const vector: Suite = {
  name: 'vector',
  quick: 800,
  options: { vectors: true },
  build: (program, cases) => {
    const { random } = program;
    for (let n = 0; n < cases && !program.isFull; n++) {
      const form = vectorForms[n % vectorForms.length];
      if (form === undefined) continue;
      const v = vectorRegisters(program);
      if (form.format.name === 'VRV') {
        // Offsets that stay in reach.
        const small = (): bigint => BigInt(random.below(0x400));
        for (let k = 0; k < 32; k++) v[k] = (small() << 96n) | (small() << 64n) | (small() << 32n) | small();
        if (form.mnemonic.endsWith('g')) for (let k = 0; k < 32; k++) v[k] = (small() << 64n) | small();
      }
      if (Object.hasOwn(vectorFloatSemantics, form.mnemonic)) {
        // Flags, rounding mode, and now and then exceptions that are enabled.
        const masks = random.oneIn(3) ? random.below(32) << 27 : 0;
        const fpc = masks | (random.below(32) << 19) | random.below(4);
        const adjust = (nibbles: number[]): void => adjustVector(random, form, nibbles);
        addWordCase(program, form, { v: floatRegisters(random), fpc, adjust });
        continue;
      }
      // The length of what is searched for is at most a register.
      if (form.mnemonic === 'vstrs') for (let k = 0; k < 32; k++) v[k] = withLength(random, v[k] ?? 0n);
      addWordCase(program, form, { v, adjust: (nibbles) => adjustVector(random, form, nibbles) });
    }
  },
};
