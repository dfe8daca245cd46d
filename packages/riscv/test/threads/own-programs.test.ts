/**
 * Random programs on four harts at once, in turn and on threads, interpreted and compiled, and on QEMU: each hart comes to the same end.
 * BOARDWALK_SEED is the first program's seed, BOARDWALK_LONG_RUNS their number.
 */
import { Machine, type MachineOptions } from '@boardwalk/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundledThreads } from '../../../translator/test/threads/bundled-threads.ts';
import { virt } from '../../src/boards/virt.ts';
import { RAM_BASE, RAM_SIZE } from '../differential/layout.ts';
import { REFERENCE, runReference } from '../differential/reference.ts';
import { HARTS, hartsImage, hartsResults } from './harts-program.ts';

const FIRST = Number(process.env.BOARDWALK_SEED ?? 1);
const PROGRAMS = Number(process.env.BOARDWALK_LONG_RUNS ?? 2);
const ROUNDS = 40;
const TIMEOUT_MS = 60_000;
const TIER1 = { off: 'off', on: { threshold: 30 } } as const;

const threads = new BundledThreads(new URL('vcpu-program.ts', import.meta.url));
beforeAll(() => threads.prepare());
afterAll(() => threads.dispose());

async function run(image: Uint8Array, options: Pick<MachineOptions, 'tier1' | 'threads'>): Promise<readonly string[]> {
  const smp = { cpus: HARTS };
  const machine = await Machine.create(virt, { ramSize: RAM_SIZE, cpu: 'rv64', firmware: 'none', smp, ...options });
  try {
    const host = machine.addressSpace.hostOffset(RAM_BASE, RAM_SIZE, true);
    const ram = machine.space.u8.subarray(host, host + RAM_SIZE);
    ram.set(image);
    const timer = setTimeout(() => machine.shutdown('host', 1), TIMEOUT_MS);
    machine.start();
    const { cause } = await machine.run();
    clearTimeout(timer);
    return [`ended by the ${cause}`, ...hartsResults(ram)];
  } finally {
    await machine.dispose();
  }
}

/** The first few that are not as expected. */
const unlike = (found: readonly string[], expected: readonly string[]): readonly string[] =>
  found.flatMap((text, i) => (text === expected[i] ? [] : [`${text}, expected ${expected[i]}`])).slice(0, 8);

describe('random programs on four harts', () => {
  it.for(Array.from({ length: PROGRAMS }, (_, i) => FIRST + i))(
    'come to the same end in turn, on threads and on QEMU, seed %d',
    { timeout: 6 * TIMEOUT_MS },
    async (seed) => {
      const image = hartsImage(seed, ROUNDS);
      const expected = await run(image, { tier1: TIER1.off });
      expect(expected[0]).toBe('ended by the guest');
      expect(unlike(await run(image, { tier1: TIER1.on }), expected)).toEqual([]);
      expect(unlike(await run(image, { tier1: TIER1.off, threads }), expected)).toEqual([]);
      expect(unlike(await run(image, { tier1: TIER1.on, threads }), expected)).toEqual([]);
      if (REFERENCE.missing !== undefined) return;
      const reference = await runReference(image, HARTS);
      expect(unlike(hartsResults(reference), expected.slice(1))).toEqual([]);
    },
  );
});
