// `npm test`: installs, builds, checks style and types, runs every test; `npm test -- FILTER` only some tests.
// Ends with the line `N passed, N failed`; a failed check counts as one failure. BOARDWALK_NODE24=PROGRAM runs some of the tests
// on that Node.js too, with 64-bit WebAssembly memories.
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

/** Suites that run guest code, for memories with 64-bit indexes. */
const INDEX64 = [
  'packages/translator/test/lowering',
  'packages/translator/test/engine',
  'packages/riscv/test/high-memory',
];

/** @param {string | undefined} node24 */
async function checkIndex64(node24) {
  if (node24 === undefined) {
    console.error('64-bit memories: skipped, BOARDWALK_NODE24 names no Node.js that has them');
    return true;
  }
  const config = ['--config', 'vitest.index64.config.ts'];
  return check('64-bit memories', [node24, ...localProgram('vitest').slice(1), 'run', ...config, ...INDEX64]);
}

await main(async () => {
  await prepare();
  const checks = [
    await check('Style', [...localProgram('@biomejs/biome', 'biome'), 'check', '.']),
    await check('Types', [...localProgram('typescript', 'tsc'), '-b']),
    await check('Types of the tests', [...localProgram('typescript', 'tsc'), '-p', 'tsconfig.tests.json']),
  ];
  if (process.argv.length === 2) checks.push(await checkIndex64(process.env.BOARDWALK_NODE24));
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
