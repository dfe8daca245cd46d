/** Reference bits, which loads without page tables in between set for all storage at once: exact from the first look at a key on. */
import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrial, SCRATCH } from './run.ts';

const REFERENCED = 4n;

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
