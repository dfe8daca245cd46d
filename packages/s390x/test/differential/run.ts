/** Runs a program on both machines and says what differs. */
import { compare, describeDifference, describeMismatch, describeStop } from './compare.ts';
import type { Program } from './program.ts';
import { runReference, StoppedError } from './reference.ts';
import { runSubject, type Tier } from './subject.ts';

const SHOWN_PER_GROUP = 2;

async function run(work: () => Promise<Uint8Array>, program: Program, who: string): Promise<Uint8Array> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    throw new Error(`${who}: ${describeStop(program, error.ram)}`);
  }
}

/** Texts of the differences, the first few of each group. */
export async function runProgram(
  program: Program,
  tiers: readonly Tier[] = ['tier0', 'tier1', 'sliding'],
): Promise<readonly string[]> {
  const image = program.finish();
  const theirs = await run(() => runReference(image), program, 'reference');
  const differences: string[] = [];
  for (const tier of tiers) {
    const ours = await run(() => runSubject(image, tier), program, tier);
    const { mismatches, memory } = compare(program, ours, theirs);
    const perGroup = new Map<string, number>();
    for (const mismatch of mismatches) {
      const count = (perGroup.get(mismatch.case.group) ?? 0) + 1;
      perGroup.set(mismatch.case.group, count);
      if (count <= SHOWN_PER_GROUP) differences.push(`${tier}: ${describeMismatch(program, mismatch)}`);
    }
    for (const [group, count] of perGroup) {
      if (count > SHOWN_PER_GROUP) differences.push(`${tier}: ${group}: ${count} cases differ`);
    }
    if (memory.length > 0) {
      const shown = memory.slice(0, 8).map(describeDifference);
      differences.push([`${tier}: memory differs in ${memory.length} doublewords`, ...shown].join('\n'));
    }
  }
  return differences;
}
