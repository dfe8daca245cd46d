// `npm test`: installs, builds, checks style and types, runs every test; `npm test -- FILTER` only some tests.
// Ends with the line `N passed, N failed`; a failed check counts as one failure.
import './node-version.mjs';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { main } from './main.mjs';
import { countTests, formatCounts } from './report.mjs';
import { run } from './steps.mjs';
import { localProgram, prepare, ROOT } from './workspace.mjs';

const REPORT = join(ROOT, 'node_modules', '.boardwalk', 'vitest.json');

/**
 * @param {string} title
 * @param {string[]} command
 * @returns {Promise<boolean>} whether it succeeded
 */
async function check(title, command) {
  console.error(`${title} ...`);
  const status = await run(command, ROOT);
  if (status !== 0) console.error(`${title}: failed`);
  return status === 0;
}

await main(async () => {
  await prepare();
  const checks = [
    await check('Style', [...localProgram('@biomejs/biome', 'biome'), 'check', '.']),
    await check('Types', [...localProgram('typescript', 'tsc'), '-b']),
    await check('Types of the tests', [...localProgram('typescript', 'tsc'), '-p', 'tsconfig.tests.json']),
  ];
  rmSync(REPORT, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${REPORT}`];
  const tests = await run([...localProgram('vitest'), 'run', ...reporters, ...process.argv.slice(2)], ROOT);
  const counts = existsSync(REPORT)
    ? countTests(JSON.parse(readFileSync(REPORT, 'utf8')))
    : { passed: 0, failed: 1, skipped: 0 };
  counts.failed += checks.filter((good) => !good).length;
  if (tests !== 0 && counts.failed === 0) counts.failed = 1;
  console.log(formatCounts(counts));
  return counts.failed === 0 ? 0 : 1;
});
