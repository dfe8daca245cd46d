/** Moves that the reference has not got. */
import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrial, SCRATCH } from './run.ts';

test('LOAD MULTIPLE DISJOINT takes halves of registers from two places, and its bases before it changes them', async () => {
  const [left, right] = [SCRATCH + 0x100, SCRATCH + 0x200];
  const o = await runTrial({
    code: assemble('lmd', 'e1 e004 1008'),
    r: { 14: BigInt(left), 1: BigInt(right) },
    memory: {
      [left]: 0x0000_0000_1111_1111n,
      [left + 8]: 0x2222_2222_3333_3333n,
      [left + 16]: 0x4444_4444_0000_0000n,
      [right + 8]: 0xaaaa_aaaa_bbbb_bbbbn,
      [right + 16]: 0xcccc_cccc_dddd_ddddn,
    },
  });
  expect([o.interruption, o.r(14), o.r(15), o.r(0), o.r(1)]).toEqual([
    NO_INTERRUPTION,
    0x1111_1111_aaaa_aaaan,
    0x2222_2222_bbbb_bbbbn,
    0x3333_3333_cccc_ccccn,
    0x4444_4444_dddd_ddddn,
  ]);
});
