/** Binary floating point where the reference goes wrong: products that are longer than their factors. */
import { expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrials, SCRATCH, type Trial } from './run.ts';

const INVALID_FLAG = 0x80_0000;

/** Bits of a number in the left of a doubleword: of 32 bits as of 64. */
const short = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat32(0, value);
  return view.getBigUint64(0);
};
const long = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

test('MULTIPLY (short to long) gives the exact product', async () => {
  const pairs = [
    [1.5, 2.5],
    [3.4e38, -3.4e38],
    [1e-40, 1e-3],
    [Number.POSITIVE_INFINITY, -1],
  ] as const;
  const outcomes = await runTrials(
    pairs.map(([x, y]): Trial => ({ code: assemble('mdebr', '--24'), f: { 2: short(x), 4: short(y) } })),
  );
  const exact = pairs.map(([x, y]) => long(Math.fround(x) * Math.fround(y)));
  expect(outcomes.map((o) => o.f(2))).toEqual(exact);
});

test('MULTIPLY (long to extended) gives the exact product', async () => {
  const at = SCRATCH + 0x100;
  const outcomes = await runTrials([
    { code: assemble('mxdbr', '--46'), f: { 4: long(1 + 2 ** -52), 6: long(1 + 2 ** -52) } },
    {
      code: assemble('mxdb', '40 6000 --'),
      f: { 4: long(-1.5) },
      r: { 6: BigInt(at) },
      memory: { [at]: long(2 ** 1000) },
    },
    { code: assemble('mxdbr', '--46'), f: { 4: long(5e-324), 6: long(5e-324) } },
  ]);
  // 1 + 2^-51 + 2^-104; -1.5 * 2^1000; 2^-2148.
  expect(outcomes.map((o) => [o.interruption, o.f(4), o.f(6)])).toEqual([
    [NO_INTERRUPTION, 0x3fff_0000_0000_0000n, (1n << 61n) | (1n << 8n)],
    [NO_INTERRUPTION, (0xc3e7n << 48n) | (1n << 47n), 0n],
    [NO_INTERRUPTION, 0x379bn << 48n, 0n],
  ]);
});

test('of two NaNs a signaling one is the product, though invalid was told before', async () => {
  const [quiet, signaling] = [0x7ff8_0000_0000_0001n, 0x7ff0_0000_0000_0010n];
  const [o] = await runTrials([{ code: assemble('mxdbr', '--46'), f: { 4: quiet, 6: signaling }, fpc: INVALID_FLAG }]);
  expect([o?.f(4), o?.f(6), o?.fpc]).toEqual([0x7fff_8000_0000_0001n, 0n, INVALID_FLAG]);
});
