/** Where the two machines may differ, each with its reason: the manual leaves a choice, or QEMU 7.2 is wrong. All else fails. */
import type { Difference } from './compare.ts';
import type { Case, Program } from './program.ts';

type Reason = readonly [group: RegExp, field: RegExp, reason: string];

/** Differences of these groups alone are looked at; those of results that are NaNs. */
const NAN_REASONS: readonly Reason[] = [[/^lt[ed]br$/, /^(f\d+|fpc)$/, 'LOAD AND TEST lets a signaling NaN through']];
const REASONS: readonly Reason[] = [
  [/^vcksm$/, /^[fv]\d+$/, 'VECTOR CHECKSUM adds its sum twice: vector.test.ts has what it should be'],
];

const isNan = (bits: bigint): boolean => /^[7f](ff|f[89a-f])/.test(bits.toString(16).padStart(16, '0'));

/** The reason why a difference is none, if there is one. */
export function explain(
  { field }: Difference,
  all: readonly Difference[],
  { group }: Case,
  _program: Program,
): string | undefined {
  const isReason = ([groups, fields]: Reason): boolean => groups.test(group) && fields.test(field);
  const known = REASONS.find(isReason);
  if (known !== undefined) return known[2];
  if (!all.some((one) => /^f\d/.test(one.field) && isNan(one.theirs) && isNan(one.ours))) return undefined;
  return NAN_REASONS.find(isReason)?.[2];
}
