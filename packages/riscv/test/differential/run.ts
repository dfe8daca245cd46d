/** Runs a program on both machines and says what differs. */
import { compare, describeDifference, describeMismatch, describeStop } from './compare.ts';
import type { Program } from './program.ts';
import { runReference, StoppedError } from './reference.ts';
import { runSubject } from './subject.ts';

/** What became of a program. */
export interface Outcome {
  readonly name: string;
  readonly cases: number;
  /** Texts of the differences, the first few of each group. */
  readonly differences: readonly string[];
  readonly explained: ReadonlyMap<string, number>;
  /** Milliseconds each machine took. */
  readonly oursMs: number;
  readonly theirsMs: number;
}

const SHOWN_PER_GROUP = 2;

async function timed(run: (image: Uint8Array) => Promise<Uint8Array>, program: Program, who: string) {
  const start = performance.now();
  try {
    const ram = await run(program.image);
    return { ram, ms: performance.now() - start };
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error;
    throw new Error(`${who}: ${describeStop(program, error.ram)}`);
  }
}

export async function runProgram(program: Program): Promise<Outcome> {
  program.finish();
  const theirs = await timed(runReference, program, 'reference');
  const ours = await timed((image) => runSubject(image, false), program, 'ours');
  const sliding = await timed((image) => runSubject(image, true), program, 'sliding blocks');
  const { texts, explained } = differences(program, ours.ram, theirs.ram);
  const slid = differences(program, sliding.ram, theirs.ram).texts.map((text) => `sliding blocks: ${text}`);
  return {
    name: program.name,
    cases: program.cases.length,
    differences: [...texts, ...slid],
    explained,
    oursMs: ours.ms,
    theirsMs: theirs.ms,
  };
}

/** Texts of what differs, the first few of each group, and what is known to. */
function differences(program: Program, ours: Uint8Array, theirs: Uint8Array) {
  const { mismatches, memory, explained } = compare(program, ours, theirs);
  const perGroup = new Map<string, number>();
  const texts: string[] = [];
  for (const mismatch of mismatches) {
    const count = (perGroup.get(mismatch.case.group) ?? 0) + 1;
    perGroup.set(mismatch.case.group, count);
    if (count <= SHOWN_PER_GROUP) texts.push(describeMismatch(program, mismatch));
  }
  for (const [group, count] of perGroup) {
    if (count > SHOWN_PER_GROUP) texts.push(`${group}: ${count} cases differ`);
  }
  if (memory.length > 0) {
    const shown = memory.slice(0, 8).map(describeDifference);
    texts.push([`memory differs in ${memory.length} doublewords`, ...shown].join('\n'));
  }
  return { texts, explained };
}
