/** Targets of EXECUTE whose length comes from the register: one translation does for all lengths. */
import { expect, test } from 'vitest';
import { type Outcome, runTrials, SCRATCH, type Trial } from './run.ts';

const OPCODES = { mvc: 0xd2, nc: 0xd4, clc: 0xd5, oc: 0xd6, xc: 0xd7, tr: 0xdc };
const LENGTHS = [1, 2, 8, 33, 128, 129, 256];
/** Where a trial has its operands, which are 512 bytes apart, and the target behind them. */
const areaOf = (n: number): number => SCRATCH + n * 0x800;
const [FROM, TARGET] = [0x200, 0x400];

/** Operands of 256 bytes, alike in the first half. */
function operands(area: number, seed: number): Record<number, bigint> {
  const memory: Record<number, bigint> = {};
  for (let at = 0; at < 256; at += 8) {
    const word = BigInt.asUintN(64, BigInt(at + seed) * 0x9e37_79b9_7f4a_7c15n);
    memory[area + FROM + at] = word;
    memory[area + at] = at < 128 ? word : BigInt.asUintN(64, ~word);
  }
  return memory;
}

/** OPCODE 0(bytes,%r6),0(%r7), or EX %r3,0(%r5) of it. */
function trial(area: number, opcode: number, bytes: number, isExecuted: boolean): Trial {
  const target = (BigInt(opcode) << 56n) | 0x0000_6000_7000_0000n;
  return {
    code: isExecuted ? [0x44, 0x30, 0x50, 0] : [opcode, bytes - 1, 0x60, 0, 0x70, 0],
    r: { 3: BigInt(0xabcd_ef00 + bytes - 1), 5: BigInt(area + TARGET), 6: BigInt(area), 7: BigInt(area + FROM) },
    memory: { ...operands(area, bytes), [area + TARGET]: target },
  };
}

const found = (o: Outcome | undefined, area: number): unknown => [
  o?.cc,
  o?.interruption,
  Array.from({ length: 32 }, (_, n) => o?.memory(area + n * 8)),
];

test('an instruction does under EXECUTE what it does with that length', async () => {
  const cases = Object.values(OPCODES).flatMap((opcode) => LENGTHS.map((bytes) => ({ opcode, bytes })));
  const run = (isExecuted: boolean) =>
    runTrials(cases.map(({ opcode, bytes }, n) => trial(areaOf(n), opcode, bytes, isExecuted)));
  const [executed, plain] = [await run(true), await run(false)];
  for (const [n, what] of cases.entries()) {
    expect({ ...what, found: found(executed[n], areaOf(n)) }).toEqual({ ...what, found: found(plain[n], areaOf(n)) });
  }
});

test('the same target is executed with one length after the other', async () => {
  const run = (isExecuted: boolean) =>
    runTrials(
      [3, 200, 3, 1, 256, 17].map((bytes, n) => {
        const { memory = {}, ...rest } = trial(SCRATCH, OPCODES.xc, bytes, isExecuted);
        return { ...rest, memory: n === 0 ? memory : {} };
      }),
    );
  const [executed, plain] = [await run(true), await run(false)];
  expect(executed.map((o) => found(o, SCRATCH))).toEqual(plain.map((o) => found(o, SCRATCH)));
});
