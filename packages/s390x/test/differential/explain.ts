/** Where the two machines may differ, each with its reason: the manual leaves a choice, or QEMU 7.2 is wrong. All else fails. */
import { PGM } from '../../src/cpu/bits.ts';
import { fieldsOf, findEncoding } from '../../src/cpu/decode/decoder.ts';
import { vectorFloatSemantics } from '../../src/cpu/isa/vector/float.ts';
import type { Difference } from './compare.ts';
import type { Case, Program } from './program.ts';

type Reason = readonly [group: RegExp, field: RegExp, reason: string];

/** Differences of these groups alone are looked at; those of results that are NaNs. */
const NAN_REASONS: readonly Reason[] = [[/^lt[ed]br$/, /^(f\d+|fpc)$/, 'LOAD AND TEST lets a signaling NaN through']];
const REASONS: readonly Reason[] = [
  [/^vcksm$/, /^[fv]\d+$/, 'VECTOR CHECKSUM adds its sum twice: vector.test.ts has what it should be'],
];

const isNan = (bits: bigint): boolean => /^[7f](ff|f[89a-f])/.test(bits.toString(16).padStart(16, '0'));

/** Vector floating point: what of it is anything, and where the reference differs. */
function explainVectorFloat({ field, ours, theirs }: Difference, { code }: Case, program: Program): string | undefined {
  const half = (at: number): number => ((program.image[at] ?? 0) << 8) | (program.image[at + 1] ?? 0);
  const words = { a: half(code), b: half(code + 2), c: half(code + 4) };
  const encoding = findEncoding(words);
  if (encoding === undefined || !Object.hasOwn(vectorFloatSemantics, encoding.mnemonic)) return undefined;
  const f = fieldsOf(encoding, words);
  const flags = encoding.format.name === 'VRR-a' ? f.m4 : f.m5;
  if (field === `v${f.v1}.low` && (flags & 8) !== 0) return 'the rest of a single result is anything';
  const isShort = (encoding.format.name === 'VRR-a' ? f.m3 : f.m4) === 2;
  if (new RegExp(`^[fv]${f.v1}$`).test(field) && (flags & 8) !== 0 && isShort && (ours ^ theirs) >> 32n === 0n) {
    return 'the rest of a single result is anything';
  }
  if (field === 'psw address' && ours - theirs === 6n)
    return 'a vector-processing exception suppresses: it does not nullify';
  if (
    field === 'fpc' &&
    (ours ^ theirs) === 0x8_0000n &&
    /^(vc|vled|vfi)/.test(encoding.mnemonic) &&
    (flags & 4) !== 0
  ) {
    return 'inexact is not told where the instruction says so';
  }
  return undefined;
}

/** Addressing and translation-specification exceptions, of which the reference identifies the address all the same. */
const NO_IDENTIFICATION = new Set([PGM.addressing, PGM.translationSpecification] as number[]);

/** Of LRA the reference gives the exception's code wherever there is one: for an address without storage, and an entry that is invalid. */
const isWithoutEntry = ({ field, theirs }: Difference): boolean =>
  field === 'r1' && [0x8000_0005n, 0x8000_0010n, 0x8000_0011n].includes(theirs);

/** The reason why a difference is none, if there is one. `interruption`: the program interruption that ended the case here. */
export function explain(
  difference: Difference,
  all: readonly Difference[],
  one: Case,
  program: Program,
  interruption: number,
): string | undefined {
  const { field } = difference;
  if (field === 'teid' && difference.ours === 0n && NO_IDENTIFICATION.has(interruption))
    return 'no address is identified';
  if (one.group === 'lra' && all.some(isWithoutEntry))
    return 'LRA does not look whether there is storage, and tells the entry that is invalid';
  const isReason = ([groups, fields]: Reason): boolean => groups.test(one.group) && fields.test(field);
  const known = REASONS.find(isReason)?.[2] ?? explainVectorFloat(difference, one, program);
  if (known !== undefined) return known;
  if (!all.some((other) => /^f\d/.test(other.field) && isNan(other.theirs) && isNan(other.ours))) return undefined;
  return NAN_REASONS.find(isReason)?.[2];
}
