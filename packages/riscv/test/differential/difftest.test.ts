/** Every instruction, trap and translation of RV64 against qemu-system-riscv64: see README.md in this folder. */
import { describe, expect, test } from 'vitest';
import { Program } from './program.ts';
import { REFERENCE } from './reference.ts';
import { runProgram } from './run.ts';
import { CASES, SEED } from './settings.ts';
import { suites } from './suites/index.ts';
import type { Suite } from './suites/suite.ts';

if (REFERENCE.missing !== undefined) console.warn(`differential tests skipped: ${REFERENCE.missing}`);

const TIMEOUT_MS = 100_000;
const report = process.env.DIFFTEST_REPORT !== undefined;

/** Runs programs of a suite until there are enough cases. */
async function runSuite(suite: Suite): Promise<readonly string[]> {
  const wanted = suite.quick === 0 ? 1 : (CASES ?? suite.quick);
  const differences: string[] = [];
  for (let seed = SEED, done = 0; done < wanted; seed++) {
    const program = new Program(suite.name, seed, suite.csrs);
    suite.build(program, wanted - done);
    done += program.cases.length;
    const outcome = await runProgram(program);
    if (report) {
      const times = `ours ${outcome.oursMs.toFixed(0)} ms, reference ${outcome.theirsMs.toFixed(0)} ms`;
      console.log(
        `${suite.name}, seed ${seed}: ${outcome.cases} cases, ${times}`,
        Object.fromEntries(outcome.explained),
      );
    }
    differences.push(...outcome.differences.map((text) => `seed ${seed}: ${text}`));
    if (differences.length > 0) break;
  }
  return differences;
}

describe.skipIf(REFERENCE.missing !== undefined)('as on qemu-system-riscv64', () => {
  test.each(suites)(
    '$name',
    async (suite) => {
      const differences = await runSuite(suite);
      expect(differences.join('\n')).toBe('');
    },
    CASES === undefined ? TIMEOUT_MS : 0,
  );
});
