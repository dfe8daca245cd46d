/** Where the two machines may differ, each with its reason: the manual leaves a choice, or QEMU 7.2 is wrong. All else fails. */
import type { Difference } from './compare.ts';
import type { Case, Program } from './program.ts';

/** Differences of these groups alone are looked at. */
const REASONS: readonly (readonly [group: RegExp, field: RegExp, reason: string])[] = [
  [/^lt[ed]br$/, /^(f\d+|fpc)$/, 'LOAD AND TEST lets a signaling NaN through'],
];

const isNan = (bits: bigint): boolean => /^[7f](ff|f[89a-f])/.test(bits.toString(16).padStart(16, '0'));

/** The reason why a difference is none, if there is one. */
export function explain(
  { field }: Difference,
  all: readonly Difference[],
  { group }: Case,
  _program: Program,
): string | undefined {
  if (!all.some((one) => /^f\d/.test(one.field) && isNan(one.theirs) && isNan(one.ours))) return undefined;
  return REASONS.find(([groups, fields]) => groups.test(group) && fields.test(field))?.[2];
}
