/** Instructions on strings that the reference does not have, and where it goes wrong. */
import { describe, expect, test } from 'vitest';
import { assemble } from '../differential/assembler.ts';
import { NO_INTERRUPTION, runTrial, runTrials, SCRATCH, type Trial } from './run.ts';

const SPECIFICATION = 6;
const [TEXT, TABLE, TO] = [SCRATCH + 0x100, SCRATCH + 0x1000, SCRATCH + 0x8000];

describe('TRANSLATE AND TEST EXTENDED', () => {
  /** The function code of character 0x44 is 7, of two bytes too; that of 0x0144, as a character of two bytes, 9. */
  const memory = {
    [TEXT]: 0x41_42_43_44_41_42_01_44n,
    [TABLE + 0x40]: 0x0000_0000_0700_0000n,
    [TABLE + 0x80]: 0n,
    [TABLE + 0x88]: 0x0007n << 48n,
    [TABLE + 0x140]: 0x0000_0000_0900_0000n,
  };
  const trial = (mnemonic: string, m3: number, address: number, length: number): Trial => ({
    code: assemble(mnemonic, `${m3.toString(16)}-46`),
    r: { 1: BigInt(TABLE), 4: BigInt(address), 5: BigInt(length), 6: 0x55n },
    memory,
  });

  test.each([
    ['bytes from the left', trial('trte', 0, TEXT, 8), 1, TEXT + 3, 5, 7n],
    ['functions of two bytes', trial('trte', 4, TEXT, 8), 1, TEXT + 3, 5, 7n],
    ['characters of two bytes', trial('trte', 8, TEXT + 6, 2), 1, TEXT + 6, 2, 9n],
    ['characters above 255 have no function', trial('trte', 10, TEXT + 6, 2), 0, TEXT + 8, 0, 0n],
    ['nothing is found', trial('trte', 0, TEXT, 3), 0, TEXT + 3, 0, 0n],
    ['bytes from the right', trial('trtre', 0, TEXT + 5, 6), 1, TEXT + 3, 4, 7n],
  ])('%s', async (_, one, cc, address, left, code) => {
    const o = await runTrial(one);
    expect([o.interruption, o.cc]).toEqual([NO_INTERRUPTION, cc]);
    expect([o.r(4), o.r(5), o.r(6)]).toEqual([BigInt(address), BigInt(left), code]);
  });

  test('half a character, or an odd register, is a specification exception', async () => {
    const odd = { ...trial('trte', 0, TEXT, 8), code: assemble('trte', '0-56') };
    const outcomes = await runTrials([trial('trte', 8, TEXT, 3), odd]);
    expect(outcomes.map((o) => o.interruption)).toEqual([SPECIFICATION, SPECIFICATION]);
  });
});

test('CONVERT UTF-8 TO UTF-16 takes three bytes for what two have no room for', async () => {
  const o = await runTrial({
    code: assemble('cu12', '1-46'),
    r: { 4: BigInt(TO), 5: 8n, 6: BigInt(TEXT), 7: 3n },
    memory: { [TEXT]: 0xe0ae_a100_0000_0000n, [TO]: 0n },
  });
  expect([o.cc, o.r(5), o.r(7), o.memory(TO)]).toEqual([0, 6n, 0n, 0x0ba1_0000_0000_0000n]);
});

test('CONVERT UTF-8 TO UTF-16 refuses what is not well-formed, where it is asked to', async () => {
  const sequences = [0xc080n << 48n, 0xe080_80n << 40n, 0xeda0_80n << 40n, 0xf08f_bfbfn << 32n, 0xf490_8080n << 32n];
  for (const m3 of [1, 0]) {
    const outcomes = await runTrials(
      sequences.map((bytes, n) => ({
        code: assemble('cu12', `${m3}-46`),
        r: { 4: BigInt(TO), 5: 8n, 6: BigInt(TEXT + 8 * n), 7: n === 0 ? 2n : n < 3 ? 3n : 4n },
        memory: { [TEXT + 8 * n]: bytes },
      })),
    );
    expect(outcomes.map((o) => o.cc)).toEqual(sequences.map(() => (m3 === 1 ? 2 : 0)));
  }
});

test('TRANSLATE ONE TO ONE of nothing is done at once', async () => {
  const r = { 1: BigInt(TABLE), 4: BigInt(TO), 5: 0n, 6: BigInt(TEXT) };
  const o = await runTrial({ code: assemble('troo', '--46'), r });
  expect([o.interruption, o.cc, o.r(4), o.r(5)]).toEqual([NO_INTERRUPTION, 0, BigInt(TO), 0n]);
});

test('COMPARE LOGICAL STRING insists on zeros in front of the character', async () => {
  const r = { 0: 0x100n, 4: BigInt(TEXT), 6: BigInt(TEXT) };
  expect((await runTrial({ code: assemble('clst', '--46'), r })).interruption).toBe(SPECIFICATION);
});
