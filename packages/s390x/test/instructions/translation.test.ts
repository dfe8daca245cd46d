/** LOAD REAL ADDRESS, of which the reference tells less: what it loads with each condition code. */
import { describe, expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { runTrial, SCRATCH, type Trial } from './run.ts';

const [SEGMENTS, PAGES, DESIGNATION] = [SCRATCH + 0x4000, SCRATCH + 0x8000, SCRATCH + 0x100];
const [INVALID, INVALID_PAGE, LARGE] = [0x20n, 0x400n, 0x400n];
const FRAME = BigInt(SCRATCH);
const BEFORE = 0x1234_5678_9abc_def0n;

/** Loads control register 1 with a segment table of 512 entries, then LRAG %r1,0(%r2). */
const trial = (address: bigint): Trial => ({
  code: [...assemble('lctlg', `117000${'00'}`), ...assemble('lrag', '10200000')],
  r: { 1: BEFORE, 2: address, 7: BigInt(DESIGNATION) },
  memory: {
    [DESIGNATION]: BigInt(SEGMENTS),
    [SEGMENTS]: BigInt(PAGES),
    [SEGMENTS + 8]: BigInt(PAGES) | INVALID,
    [SEGMENTS + 16]: FRAME | LARGE,
    [PAGES]: FRAME + 0x5000n,
    [PAGES + 8]: INVALID_PAGE,
  },
});

describe('LOAD REAL ADDRESS', () => {
  test.each([
    ['the real address', 0x123n, 0, FRAME + 0x5123n],
    ['within a frame of 1 MiB', 0x20_4567n, 0, FRAME + 0x4567n],
    ['the entry of an invalid segment', 0x10_0000n, 1, BigInt(SEGMENTS + 8)],
    ['the entry of an invalid page', 0x1008n, 2, BigInt(PAGES + 8)],
    ['the code where the table is too short', 0x2000_0000n, 3, (BEFORE & ~0xffff_ffffn) | 0x8000_0010n],
    ['the code where the address is too long', 1n << 31n, 3, (BEFORE & ~0xffff_ffffn) | 0x8000_0038n],
  ])('%s', async (_, address, cc, result) => {
    const o = await runTrial(trial(address));
    expect([o.cc, o.r(1).toString(16)]).toEqual([cc, result.toString(16)]);
  });
});
