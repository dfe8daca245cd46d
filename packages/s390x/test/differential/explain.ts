/** Where the two machines may differ, each with its reason: the manual leaves a choice, or QEMU 7.2 is wrong. All else fails. */
import type { Difference } from './compare.ts';
import type { Case, Program } from './program.ts';

/** The reason why a difference is none, if there is one. */
export function explain(
  _difference: Difference,
  _all: readonly Difference[],
  _one: Case,
  _program: Program,
): string | undefined {
  return undefined;
}
