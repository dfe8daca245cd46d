#!/usr/bin/env node
/**
 * A longer run of the differential tests: `pnpm --filter @boardwalk/riscv difftest -- --seed 7 --cases 100000 --suite float`.
 * Each suite runs so many cases; one that is always the same runs once.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, '../../../..');

const { values } = parseArgs({
  // pnpm hands over the `--` that stands before the script's own options.
  args: process.argv.slice(2).filter((argument) => argument !== '--'),
  options: {
    seed: { type: 'string', default: '1' },
    cases: { type: 'string', default: '100000' },
    suite: { type: 'string' },
  },
});

const filter = values.suite === undefined ? [] : ['--testNamePattern', values.suite];
const { status } = spawnSync(
  'pnpm',
  ['exec', 'vitest', 'run', 'packages/riscv/test/differential', '--disableConsoleIntercept', ...filter],
  {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, DIFFTEST_SEED: values.seed, DIFFTEST_CASES: values.cases, DIFFTEST_REPORT: '1' },
  },
);
process.exit(status ?? 1);
