/**
 * Random code on four vCPUs at once, which share, patch and jump into each other's: whatever it does, the host's threads do not fail,
 * and stop when they are told to.
 */
import { Random } from '@boardwalk/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PORT } from '../frontends/harness.ts';
import { i, X, x86ish } from '../frontends/x86ish.ts';
import { slotOf, TestThreads } from './test-threads.ts';

const CPUS = 4;
const CODE_BYTES = 0x2000;
const ROUNDS = process.env.BOARDWALK_LONG_RUNS === undefined ? 30 : 1200;
const RUN_MS = 5;
/** All may come to a stop early. */
const LONGEST_MS = 100;
const ENOUGH = 2000n;

const WITH_REGISTERS = [
  ...[X.mov, X.add, X.sub, X.load, X.store, X.store, X.cmpxchg, X.mulHigh, X.divU, X.push, X.pop],
  ...[X.movdquLoad, X.movdquStore, X.movdqaStore, X.movbeStore, X.cmpxchg16b, X.xchg16b],
];
const JUMPS = [X.jmp, X.jz, X.jc, X.call, X.fpush];
const ALONE = [X.repMovsb, X.movsd, X.int, X.iret, X.ret, X.sti, X.nop];
/** Numbers that are addresses of code, of data, of nothing. */
const NUMBERS = [0x10, 0x40, 0xffe, 0x1000, 0x1ffe, 0x4000, 0x1ffffe, PORT, -1, 1, 16];

function instruction(random: Random): number[] {
  const registers = random.below(128);
  switch (random.below(6)) {
    case 0:
      return [X.movImm, registers & 0x70, ...i(random.pick(NUMBERS))];
    case 1:
      return [X.storeImm8, registers & 0x70, ...i(random.below(256))];
    case 2:
      return [random.pick(JUMPS), ...i(random.below(80) - 40)];
    case 3:
      return [random.pick(ALONE)];
    default:
      return [random.pick(WITH_REGISTERS), registers & 0x77];
  }
}

function program(random: Random): Uint8Array {
  const bytes: number[] = [];
  while (bytes.length < CODE_BYTES - 8) bytes.push(...instruction(random));
  return Uint8Array.from(bytes.slice(0, CODE_BYTES));
}

const threads = new TestThreads();
beforeAll(() => threads.prepare());
afterAll(() => threads.dispose());

it.each(['off', { threshold: 10 }] as const)(
  'random code runs on threads that go on and stop, tier1 %o',
  async (tier1) => {
    const random = new Random(tier1 === 'off' ? 1 : 2);
    const made = await threads.machine(CPUS, tier1);
    const { machine, cpus } = made;
    const { pc, mode, insnCount } = x86ish.state.common;
    let executed = 0n;
    for (let round = 0; round < ROUNDS; round++) {
      machine.addressSpace.writeBytes(0, program(random));
      for (const cpu of cpus) {
        for (let n = 0; n < 8; n++) cpu.setRegister(slotOf(`e${n}`), BigInt(random.below(CODE_BYTES)));
        cpu.setRegister(pc, BigInt(random.below(CODE_BYTES)));
        cpu.setRegister(mode, 0n);
        cpu.halted = false;
      }
      const before = cpus.map((cpu) => cpu.register(insnCount));
      machine.resume();
      const count = (): bigint => cpus.reduce((sum, cpu, n) => sum + cpu.register(insnCount) - (before[n] ?? 0n), 0n);
      const deadline = performance.now() + LONGEST_MS;
      do await new Promise((resolve) => setTimeout(resolve, RUN_MS));
      while (count() < ENOUGH && performance.now() < deadline);
      machine.pause();
      if (made.failure !== undefined) throw made.failure;
      const after = cpus.map((cpu) => cpu.register(insnCount));
      executed += after.reduce((sum, count, n) => sum + count - (before[n] ?? 0n), 0n);
      // They stand still.
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(cpus.map((cpu) => cpu.register(insnCount))).toEqual(after);
    }
    expect(executed).toBeGreaterThan(ENOUGH);
    await machine.dispose();
  },
);
