/** What storage keys tell of accesses without page tables in between, which tier 1 makes without a walk. */
import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrial, SCRATCH } from './run.ts';

const REFERENCED = 4n;
const CHANGED = 2n;

test('a program that sets a key finds out by reference bits which pages it loads from', async () => {
  const [page, other] = [SCRATCH, SCRATCH + 0x4000];
  const loadOther = assemble('lg', '40 3000 00');
  const code = [
    ...loadOther,
    ...assemble('sske', '--02'),
    ...loadOther,
    ...assemble('iske', '--52'),
    ...assemble('lg', '40 2000 00'),
    ...assemble('iske', '--62'),
    ...assemble('rrbe', '--02'),
    ...loadOther,
    ...assemble('iske', '--72'),
  ];
  const outcome = await runTrial({ code, r: { 0: 0n, 2: BigInt(page), 3: BigInt(other) } });
  expect(outcome.interruption).toBe(NO_INTERRUPTION);
  expect([5, 6, 7].map((n) => outcome.r(n) & 0xffn)).toEqual([0n, REFERENCED, 0n]);
  expect(outcome.cc).toBe(2);
});

test('a program that looks at keys finds which pages a loop has stored into, both where a store goes on in the next', async () => {
  const late = SCRATCH + 180 * 0x1000;
  const code = [
    ...assemble('stg', '40 2000 00'),
    ...assemble('aghi', '2 3000'),
    ...assemble('brctg', '4 fffb'),
    ...[5, 6, 7].flatMap((n) => assemble('iske', `--${n}${(n + 5).toString(16)}`)),
  ];
  const pages = { 10: BigInt(late), 11: BigInt(late + 0x1000), 12: BigInt(late + 0x2000) };
  const outcome = await runTrial({ code, r: { 2: BigInt(SCRATCH + 0xffc), 4: 80n, ...pages } });
  expect(outcome.interruption).toBe(NO_INTERRUPTION);
  expect([5, 6, 7].map((n) => outcome.r(n) & CHANGED)).toEqual([CHANGED, CHANGED, 0n]);
});

test('a program that looks at keys finds both pages that a loop of STORE MULTIPLE has stored into', async () => {
  const [early, late] = [SCRATCH, SCRATCH + 180 * 0x1000];
  const code = [
    // STMG %r6,%r9,0(%r2)
    ...[0xeb, 0x69, 0x20, 0, 0, 0x24],
    ...assemble('aghi', '2 3000'),
    ...assemble('brctg', '4 fffb'),
    ...[10, 11, 12, 13].map((n) => n.toString(16)).flatMap((n) => assemble('iske', `--${n}${n}`)),
  ];
  const pages = { 10: BigInt(early), 11: BigInt(late), 12: BigInt(late + 0x1000), 13: BigInt(late + 0x2000) };
  const outcome = await runTrial({
    code,
    r: { 2: BigInt(early + 0xff0), 4: 80n, 6: 6n, 7: 7n, 8: 8n, 9: 9n, ...pages },
  });
  expect(outcome.interruption).toBe(NO_INTERRUPTION);
  expect([10, 11, 12, 13].map((n) => outcome.r(n) & CHANGED)).toEqual([CHANGED, CHANGED, CHANGED, 0n]);
  expect([0xff0, 0xff8, 0x1000, 0x1008].map((n) => outcome.memory(late + n))).toEqual([6n, 7n, 8n, 9n]);
});
