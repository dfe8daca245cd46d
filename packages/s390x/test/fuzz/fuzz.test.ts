/** Random code on a CPU, in both states and all address-space modes. `BOARDWALK_LONG_RUNS=20000` is the number of programs. */
import { type Cpu, Machine } from '@boardwalk/core';
import { fuzzCode, type Random } from '@boardwalk/testing';
import type { Slot } from '@boardwalk/translator';
import { expect, it } from 'vitest';
import { CR0, LOWCORE, PSW } from '../../src/cpu/bits.ts';
import { ENCODINGS } from '../../src/cpu/decode/decoder.ts';
import { S390Cpu } from '../../src/cpu/s390-cpu.ts';
import { cr } from '../../src/cpu/state.ts';
import { bareBoard } from '../differential/subject.ts';
import { bytesOf, randomNibbles } from '../differential/suites/words.ts';

const CODE = 0x1_0000;
const BYTES = 8192;
const SUPERVISOR = 0x1_8000_0000n;
const PROBLEM = 1n << 48n;
const DAT = 1n << 58n;

/** What mostly ends a program: a PSW that waits or is none, a CPU that stops, interruptions into storage without code. */
const ENDS = /^(lpswe?|sigp|spx|ssm|stosm|stnsm|lctlg?|diag|servc)$/;

function instruction(random: Random): readonly number[] {
  if (random.oneIn(20)) return [random.below(256), random.below(256)];
  // Loops: BRCT back by some instructions.
  if (random.oneIn(15)) return [0xa7, (random.below(16) << 4) | 6, 0xff, 0xe0 + random.below(28)];
  const first = random.pick(ENCODINGS);
  return bytesOf(
    randomNibbles(random, ENDS.test(first.mnemonic) && !random.oneIn(30) ? random.pick(ENCODINGS) : first),
  );
}

/** Where an interruption goes: back to what comes next, by LPSWE of the old PSW. */
const HANDLERS = 0x2000;

/** Some programs run with translation, whose tables are whatever the control registers point to. */
function prepare(cpu: Cpu, random: Random): void {
  if (!(cpu instanceof S390Cpu)) throw new Error('another CPU');
  const { addressSpace } = cpu.machine;
  const psw = new DataView(new ArrayBuffer(16));
  const pairs = [
    [LOWCORE.externalNew, LOWCORE.externalOld],
    [LOWCORE.svcNew, LOWCORE.svcOld],
    [LOWCORE.programNew, LOWCORE.programOld],
    [LOWCORE.ioNew, LOWCORE.ioOld],
    [LOWCORE.restartNew, LOWCORE.restartOld],
  ] as const;
  for (const [n, [at, old]] of pairs.entries()) {
    const handler = HANDLERS + 16 * n;
    psw.setBigUint64(0, SUPERVISOR);
    psw.setBigUint64(8, BigInt(handler));
    addressSpace.writeBytes(at, new Uint8Array(psw.buffer));
    addressSpace.writeBytes(handler, Uint8Array.from([0xb2, 0xb2, old >> 8, old & 255]));
  }
  const extras = random.pick([0n, 0n, PROBLEM, DAT, PROBLEM | DAT | (BigInt(random.below(4)) << 46n)]);
  const programMask = BigInt(random.below(16)) << 40n;
  // External calls interrupt half of the programs.
  const external = random.pick([0n, PSW.EXT]);
  if (external !== 0n) cpu.setRegister(cr[0] as Slot, cpu.controlRegister(0) | CR0.EXTERNAL_CALL);
  cpu.setPsw(SUPERVISOR | extras | external | programMask, BigInt(CODE));
  cpu.startCpu();
}

function interrupt(cpu: Cpu, random: Random): void {
  if (!(cpu instanceof S390Cpu)) throw new Error('another CPU');
  cpu.externalCall(random.below(4));
}

it('runs random code alike in the interpreter and in compiled regions', async () => {
  const rounds = Number(process.env.BOARDWALK_LONG_RUNS ?? 80);
  const result = await fuzzCode({
    boot: (options) =>
      Machine.create(
        bareBoard(() => {}),
        { ramSize: 8 * 2 ** 20, rtcBaseMs: 1e12, ...options },
      ),
    at: CODE,
    bytes: BYTES,
    instruction,
    prepare,
    forget: (cpu) => cpu instanceof S390Cpu && cpu.engine.cache.flush(),
    interrupt,
    rounds,
    seed: Number(process.env.BOARDWALK_SEED ?? 1),
  });
  expect(result.executed).toBeGreaterThan(rounds * 10);
  expect(result.stops).toBeGreaterThan(0);
}, 3_600_000);
