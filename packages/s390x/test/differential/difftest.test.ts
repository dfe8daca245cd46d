/** Instructions of z/Architecture against qemu-system-s390x: see README.md in this folder. */
import { describe, expect, test } from 'vitest';
import { Program } from './program.ts';
import { REFERENCE } from './reference.ts';
import { runProgram } from './run.ts';
import { CASES, SEED } from './settings.ts';
import { absent } from './suites/absent.ts';
import { control } from './suites/control.ts';
import { decimal } from './suites/decimal.ts';
import { float, floatControl } from './suites/float.ts';
import { execute, general } from './suites/general.ts';
import { locked } from './suites/locked.ts';
import { sequences, vectorSequences } from './suites/sequences.ts';
import { strings } from './suites/strings.ts';
import type { Suite } from './suites/suite.ts';
import { translation } from './suites/translation.ts';
import { vector } from './suites/vector.ts';

if (REFERENCE.missing !== undefined) console.warn(`differential tests skipped: ${REFERENCE.missing}`);

const TIMEOUT_MS = 100_000;

/** Runs programs of a suite until there are enough cases. */
async function runSuite(suite: Suite): Promise<readonly string[]> {
  const wanted = CASES ?? suite.quick;
  const differences: string[] = [];
  for (let seed = SEED, done = 0; done < wanted && differences.length === 0; seed++) {
    const program = new Program(suite.name, seed, suite.options);
    suite.build(program, wanted - done);
    done += program.cases.length;
    const found = await runProgram(program);
    differences.push(...found.map((text) => `seed ${seed}: ${text}`));
  }
  return differences;
}

const suites: readonly Suite[] = [
  general,
  execute,
  sequences,
  float,
  floatControl,
  absent,
  control,
  decimal,
  locked,
  strings,
  translation,
  vector,
  vectorSequences,
];

describe.skipIf(REFERENCE.missing !== undefined)('as on qemu-system-s390x', () => {
  test.each(suites)(
    '$name',
    async (suite) => {
      const differences = await runSuite(suite);
      expect(differences.join('\n')).toBe('');
    },
    CASES === undefined ? TIMEOUT_MS : 0,
  );
});
