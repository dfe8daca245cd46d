/** Moves that the reference has not got. */
import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { RAM_SIZE } from '../differential/layout.ts';
import { NO_INTERRUPTION, runTrial, runTrials, SCRATCH } from './run.ts';

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

test('LOAD MULTIPLE has its base among what it loads, wherever that is', async () => {
  const memory = Object.fromEntries([0, 1, 2, 3, 4].map((n) => [SCRATCH + n * 8, BigInt(0x1111 * (n + 1))]));
  const outcomes = await runTrials(
    [2, 3, 4, 5, 6].map((base) => {
      // LMG %r2,%r6,0(base)
      return { code: [0xeb, 0x26, base << 4, 0, 0, 0x04], r: { [base]: BigInt(SCRATCH) }, memory };
    }),
  );
  for (const o of outcomes) {
    expect([2, 3, 4, 5, 6].map((n) => o.r(n))).toEqual([0x1111n, 0x2222n, 0x3333n, 0x4444n, 0x5555n]);
  }
});

test('LOAD MULTIPLE loads nothing where its last page is not there, or its first', async () => {
  const ADDRESSING = 5;
  const before = { 2: 2n, 3: 3n, 4: 4n, 5: 5n, 6: 6n };
  // RAM ends within the operand, which LMG and LM of registers 2 to 6 load, or before it.
  const trials = (
    [
      [[0xeb, 0x26, 0x10, 0, 0, 0x04], 8],
      [[0x98, 0x26, 0x10, 0], 4],
    ] as const
  ).flatMap(([code, size]) =>
    [0, 1, 3].map((inside) => ({ code, r: { ...before, 1: BigInt(RAM_SIZE - inside * size) } })),
  );
  for (const o of await runTrials(trials)) {
    expect([o.interruption, ...[2, 3, 4, 5, 6].map((n) => o.r(n))]).toEqual([ADDRESSING, 2n, 3n, 4n, 5n, 6n]);
  }
});

test('loops that change low halves of registers leave high halves as they are', async () => {
  const code = [
    ...assemble('ahi', '4 0001'),
    ...assemble('lr', '69'),
    // Every second time TMLL finds the bit, and LHI is not jumped over.
    ...[0xa7, 0x31, 0, 1],
    ...assemble('brc', '8 0004'),
    ...assemble('lhi', '6 0007'),
    ...assemble('ar', '76'),
    ...assemble('brct', '3 fff6'),
    ...assemble('lgr', '--54'),
    ...assemble('lgr', '--86'),
    ...assemble('lhi', '9 0000'),
  ];
  const high = 0x1122_3344_0000_0000n;
  const r = { 3: 300n, 4: high | 0x5566_7788n, 6: high, 7: high, 9: high | 1n };
  const o = await runTrial({ code, r });
  const sum = high | BigInt(0x5566_7788 + 300);
  expect([4, 5, 6, 7, 8, 9].map((n) => o.r(n))).toEqual([sum, sum, high | 7n, high | 1200n, high | 7n, high]);
});

test('loops reach the first bytes of storage from below address 0, where addresses begin anew', async () => {
  const code = [
    // LLC %r4,16(%r2), STC %r4,24(%r2), STH %r4,26(%r2), LLH %r5,26(%r2)
    ...[0xe3, 0x40, 0x20, 0x10, 0, 0x94],
    ...[0x42, 0x40, 0x20, 0x18],
    ...[0x40, 0x40, 0x20, 0x1a],
    ...[0xe3, 0x50, 0x20, 0x1a, 0, 0x95],
    ...assemble('brct', '3 fff6'),
  ];
  const o = await runTrial({
    code,
    r: { 2: 2n ** 64n - 8n, 3: 300n, 4: 0n, 5: 0n },
    memory: { 8: 0x5500_0000_0000_0000n, 16: 0n },
  });
  expect([o.interruption, o.r(3), o.r(4), o.r(5)]).toEqual([NO_INTERRUPTION, 0n, 0x55n, 0x55n]);
  expect(o.memory(16)).toBe(0x5500_0055_0000_0000n);
});
