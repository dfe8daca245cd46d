/** Atomic operations of 16 bytes among vCPUs on threads: they lose nothing, to each other and to narrower ones of the same bytes. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { jmp, movImm, rr, X } from '../frontends/x86ish.ts';
import { slotOf, TestThreads } from './test-threads.ts';

const WORK_MS = 300;
const WIDE_CPUS = 3;
const SHARED = 0x4000;
const SCRATCH = 0x6000;
const NARROW_CODE = 0x100;
/** Not zero: all end. */
const OVER = 0x5000;

/** `[X.jz, i(n)]` and the like are 5 bytes. */
const jz = (from: number, to: number): number[] => [X.jz, ...jmp(from, to).slice(1)];

/** A loop until the word at OVER is not zero, which counts in e5 how often the body's end finds the zero flag set: the exchange has happened. */
function untilOver(base: number, body: readonly number[]): number[] {
  const end = base + body.length;
  const look = [X.add, rr(5, 6), ...movImm(0, OVER), X.load, rr(0, 0), X.add, rr(0, 0)];
  const again = end + 10 + look.length;
  return [...body, ...jz(end, end + 10), ...jmp(end + 5, base), ...look, ...jz(again, base), X.hlt];
}

/** Adds 1 to the first and 3 to the third word of 16 bytes by way of a copy, which e3 and e4 point into. */
const WIDE = untilOver(0, [
  ...[X.movdqaLoad, rr(0, 1), X.movdqaStore, rr(3, 0)],
  ...[X.load, rr(2, 3), X.add, rr(2, 6), X.store, rr(3, 2)],
  ...[X.load, rr(2, 4), X.add, rr(2, 7), X.store, rr(4, 2)],
  ...[X.movdqaLoad, rr(1, 3), X.cmpxchg16b, rr(1, 1)],
]);
/** Adds 1 to the second word. */
const NARROW = untilOver(NARROW_CODE, [...[X.load, rr(0, 1), X.mov, rr(2, 0), X.add, rr(2, 6), X.cmpxchg, rr(1, 2)]]);

describe('a compare and swap of 16 bytes on a thread', () => {
  const threads = new TestThreads();
  beforeAll(() => threads.prepare());
  afterAll(() => threads.dispose());

  it.each(['off', { threshold: 20 }] as const)('loses nothing, tier1 %o', async (tier1) => {
    const made = await threads.machine(WIDE_CPUS + 1, tier1);
    const { machine, cpus } = made;
    machine.addressSpace.writeBytes(0, Uint8Array.from(WIDE));
    machine.addressSpace.writeBytes(NARROW_CODE, Uint8Array.from(NARROW));
    for (const [n, cpu] of cpus.entries()) {
      const isWide = n < WIDE_CPUS;
      const scratch = SCRATCH + n * 0x100;
      const registers = {
        e1: isWide ? SHARED : SHARED + 4,

        e3: scratch,
        e4: scratch + 8,
        e5: 0,
        e6: 1,
        e7: 3,
      };
      for (const [name, value] of Object.entries(registers)) cpu.setRegister(slotOf(name), BigInt(value));
      cpu.pc = BigInt(isWide ? 0 : NARROW_CODE);
    }
    machine.start();
    const counts = (): number[] => cpus.map((cpu) => Number(cpu.register(slotOf('e5'))));
    const soon = (check: () => void): Promise<void> =>
      vi.waitFor(
        () => {
          if (made.failure !== undefined) throw made.failure;
          check();
        },
        { timeout: 25_000, interval: 10 },
      );
    await soon(() => expect(Math.min(...counts())).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, WORK_MS));
    machine.addressSpace.store(OVER, 4, 1);
    await soon(() => expect(cpus.every((cpu) => cpu.halted)).toBe(true));
    machine.pause();
    const words = [0, 4, 8, 12].map((at) => machine.addressSpace.load(SHARED + at, 4));
    const wide = counts()
      .slice(0, WIDE_CPUS)
      .reduce((sum, count) => sum + count, 0);
    expect(words).toEqual([wide, counts()[WIDE_CPUS], 3 * wide, 0]);
    await machine.dispose();
  });
});
