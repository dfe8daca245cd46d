/**
 * Exceptions of control instructions, and of PSWs, which the reference of the differential tests lacks or does not recognize. Principles
 * of Operation, SA22-7832, chapters "Control Instructions", "Program Execution" and "Interruptions".
 */
import { describe, expect, test } from 'vitest';
import { PGM } from '../../src/cpu/bits.ts';
import { assemble } from '../differential/assembler.ts';
import { CONTROL_0, PROBLEM, SUPERVISOR } from '../differential/program.ts';
import { NO_INTERRUPTION, runTrial, runTrials, SCRATCH, type Trial } from './run.ts';

const codeOf = async (trial: Trial): Promise<number> => (await runTrial(trial)).interruption;

describe('in the problem state', () => {
  test('what is privileged is refused', async () => {
    const privileged = { crdte: '1-23', pfmf: '--12', palb: '----', strag: '10002000', tprot: '10002000' };
    const trials = Object.entries(privileged).map(([name, operands]) => ({
      code: assemble(name, operands),
      pswMask: PROBLEM,
    }));
    const outcomes = await runTrials(trials);
    expect(outcomes.map(({ interruption }) => interruption)).toEqual(trials.map(() => PGM.privileged));
  });

  // No bit of the PSW-key mask is one; the key that is allowed in the supervisor state may read storage of key 0, and not write it.
  test.each([
    ['mvck', '12 4000 5000', { 1: 8n, 2: 0x10n }, NO_INTERRUPTION],
    ['mvcsk', '4000 5000', { 0: 7n, 1: 0x10n }, NO_INTERRUPTION],
    ['mvcdk', '4000 5000', { 0: 7n, 1: 0x10n }, PGM.protection],
    ['spka', '1000', { 1: 0x10n }, NO_INTERRUPTION],
  ])('%s needs the key to be allowed', async (mnemonic, operands, registers, otherwise) => {
    const r = { ...registers, 4: BigInt(SCRATCH), 5: BigInt(SCRATCH + 64) };
    const code = assemble(mnemonic, operands);
    const outcomes = await runTrials([PROBLEM, SUPERVISOR].map((pswMask) => ({ code, r, pswMask })));
    expect(outcomes.map(({ interruption }) => interruption)).toEqual([PGM.privileged, otherwise]);
  });

  test('ipk needs extraction authority', async () => {
    const withControl = (control: bigint): Trial => ({
      code: [...assemble('lctlg', '00300000'), ...assemble('lpswe', '4000'), ...assemble('ipk', '----')],
      r: { 2: -1n, 3: BigInt(SCRATCH), 4: BigInt(SCRATCH + 16) },
      memory: { [SCRATCH]: control, [SCRATCH + 16]: PROBLEM | (9n << 52n), [SCRATCH + 24]: BigInt(0x2_1000 + 10) },
    });
    const allowed = await runTrial(withControl(CONTROL_0));
    expect([allowed.interruption, allowed.r(2) & 0xffn]).toEqual([NO_INTERRUPTION, 0x90n]);
    expect(await codeOf(withControl(CONTROL_0 & ~(1n << 27n)))).toBe(PGM.privileged);
  });
});

test('what needs DAT is a special operation without, in both states', async () => {
  const moves = { mvcp: '12 4000 5000', mvcs: '12 4000 5000' };
  const all = Object.entries({ iac: '--1-', epar: '--1-', esar: '--1-', sac: '1000', sacf: '1000', ...moves });
  for (const pswMask of [SUPERVISOR, PROBLEM]) {
    const outcomes = await runTrials(
      all.map(([name, operands]) => ({ code: assemble(name, operands), r: { 1: 0n }, pswMask })),
    );
    expect(outcomes.map(({ interruption, length }) => [interruption, length])).toEqual(
      all.map(([name]) => [PGM.specialOperation, name in moves ? 6 : 4]),
    );
  }
});

test.each([
  ['lura', 4],
  ['stura', 4],
  ['lurag', 8],
  ['sturg', 8],
] as const)('%s takes only real addresses that are multiples of %i', async (mnemonic, bytes) => {
  const code = assemble(mnemonic, '--12');
  const outcomes = await runTrials([1, bytes / 2, 0].map((off) => ({ code, r: { 2: BigInt(SCRATCH + off) } })));
  expect(outcomes.map(({ interruption }) => interruption)).toEqual([
    PGM.specification,
    PGM.specification,
    NO_INTERRUPTION,
  ]);
});

test('EXECUTE takes only targets at even addresses', async () => {
  const code = assemble('ex', '102000');
  const { interruption, length } = await runTrial({ code, r: { 1: 0n, 2: BigInt(SCRATCH + 1) } });
  expect([interruption, length]).toEqual([PGM.specification, 4]);
});

describe('a PSW that is invalid', () => {
  test('a bit is one that must not be: found before the next instruction, which has no length', async () => {
    const bits = [0, 2, 3, 4, 24, 33, 43, 63].map((n) => 1n << BigInt(63 - n));
    const outcomes = await runTrials(bits.map((bit) => ({ code: [], pswMask: SUPERVISOR | bit })));
    expect(outcomes.map(({ interruption, length, pswAddress }) => [interruption, length, pswAddress % 2])).toEqual(
      bits.map(() => [PGM.specification, 0, 0]),
    );
  });

  test.each([
    ['64-bit addressing alone', 1n << 32n],
    ['an address beyond 24 bits', 0n],
  ])('%s', async (_, pswMask) => {
    const entry = pswMask === 0n ? 0x100_0000 : 0;
    const { interruption, length } = await runTrial({ code: [], pswMask, entry });
    expect([interruption, length]).toEqual([PGM.specification, 0]);
  });

  test('an odd address: found when the instruction is fetched', async () => {
    const { interruption, pswAddress } = await runTrial({ code: [7, 7, 7, 7], entry: 1 });
    expect([interruption, pswAddress % 2]).toEqual([PGM.specification, 1]);
  });

  test.each([
    ['stosm', '10 2000'],
    ['stosm', '80 2000'],
  ])('%s makes one', async (mnemonic, operands) => {
    const { interruption, length } = await runTrial({ code: assemble(mnemonic, operands), r: { 2: BigInt(SCRATCH) } });
    expect([interruption, length]).toEqual([PGM.specification, 0]);
  });

  test('LPSW without bit 12', async () => {
    const { interruption } = await runTrial({
      code: assemble('lpsw', '--2000'),
      r: { 2: BigInt(SCRATCH) },
      memory: { [SCRATCH]: 0x0000_0000_8002_1000n },
    });
    expect(interruption).toBe(PGM.specification);
  });
});
