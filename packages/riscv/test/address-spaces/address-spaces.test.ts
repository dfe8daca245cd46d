/**
 * An operating system of our own (kernel.c) that does to the translation of addresses and of code what Linux does with programs that
 * are linked dynamically, thousands of times a second of its own, with processes whose results are known. Here it runs for a moment,
 * interpreted and compiled, by the host's clock and by instructions, with one hart and several, and on QEMU. BOARDWALK_LONG_RUNS is how
 * many seeds run long, from BOARDWALK_SEED on. Skipped with a printed reason where the compiler is missing.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstructionClockSource, Machine, type MachineOptions, VirtualClock } from '@boardwalk/core';
import { CodeInMemory } from '@boardwalk/testing';
import { TranslatedCpu } from '@boardwalk/translator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BundledThreads } from '../../../translator/test/threads/bundled-threads.ts';
import { virt } from '../../src/boards/virt.ts';

const [GCC, OBJCOPY, QEMU] = ['riscv64-linux-gnu-gcc', 'riscv64-linux-gnu-objcopy', 'qemu-system-riscv64'];
const FLAGS = [
  ['-O1', '-ffreestanding', '-fno-pic', '-no-pie', '-mcmodel=medany', '-march=rv64imac_zicsr_zifencei', '-mabi=lp64'],
  ['-mno-relax', '-fno-jump-tables', '-fno-stack-protector', '-Wall', '-Wextra', '-Werror', '-nostdlib', '-static'],
  ['-Wl,-T,link.ld', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
].flat();
const MINUTES = 60_000;
const FIRST = Number(process.env.BOARDWALK_SEED ?? 1);
const SEEDS = Number(process.env.BOARDWALK_LONG_RUNS ?? 0);

const has = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
const missing = [GCC, OBJCOPY].filter((tool) => !has(tool));
if (missing.length > 0) console.log(`skipped: ${missing.join(', ')} not installed`);
if (SEEDS === 0) console.log('skipped: long runs of address spaces (BOARDWALK_LONG_RUNS=10 runs ten seeds)');

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-spaces-'));
const threads = new BundledThreads(new URL('../threads/vcpu-program.ts', import.meta.url));
let built = new Uint8Array();
beforeAll(async () => {
  if (missing.length > 0) return;
  const [elf, image] = [join(folder, 'guest.elf'), join(folder, 'guest.bin')];
  execFileSync(GCC, [...FLAGS, 'entry.S', 'kernel.c', 'library.c', '-o', elf], { cwd: import.meta.dirname });
  execFileSync(OBJCOPY, ['-O', 'binary', elf, image]);
  built = new Uint8Array(readFileSync(image));
  await threads.prepare();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  threads.dispose();
});

/** What the guest is to do: `struct parameters` of kernel.h. */
interface Task {
  readonly seed: number;
  /** Calls of processes that the guest checks. */
  readonly calls: number;
  /** From one timer interrupt to the next at least and at most, in ticks of 100 ns. */
  readonly timer: readonly [shortest: number, longest: number];
  readonly harts?: number;
  /** Every space has ASID 0. */
  readonly noAsids?: boolean;
  /** Levels of page tables; 5, as Linux has here, unless said otherwise. */
  readonly levels?: 3 | 4 | 5;
}

/** How the emulator runs it. */
interface Setting extends Pick<MachineOptions, 'tier1' | 'threads' | 'codeStore'> {
  /** Time is counted in instructions that take so long. */
  readonly nsPerInstruction?: number;
  /** All code is taken for code that runs at several addresses. */
  readonly slides?: boolean;
}

const PARAMETERS = 8;

function imageOf({
  seed,
  calls,
  timer: [shortest, longest],
  harts = 1,
  noAsids = false,
  levels = 5,
}: Task): Uint8Array {
  const image = built.slice();
  const view = new DataView(image.buffer, PARAMETERS);
  view.setBigUint64(0, BigInt(seed), true);
  view.setBigUint64(8, BigInt(calls), true);
  const flags = (noAsids ? 1 : 0) | ((levels - 3) << 1);
  for (const [i, word] of [shortest, longest, harts, flags].entries()) view.setUint32(16 + i * 4, word, true);
  return image;
}

/** What the guest says at its end, and how many instructions each hart executed. */
async function run(task: Task, { nsPerInstruction, slides = false, ...options }: Setting) {
  const source = nsPerInstruction && new InstructionClockSource({ nsPerInstruction, sleep: false });
  const clock = source ? { clock: new VirtualClock(source) } : {};
  let said = '';
  const serial = {
    write: (bytes: Uint8Array) => {
      said += Buffer.from(bytes).toString('latin1');
    },
    onData: () => {},
    close: () => {},
  };
  const machine = await Machine.create(virt, {
    ramSize: 32 * 2 ** 20,
    firmware: imageOf(task),
    smp: { cpus: task.harts ?? 1 },
    serials: [serial],
    ...clock,
    ...options,
  });
  try {
    const cpus = machine.cpus.filter((cpu) => cpu instanceof TranslatedCpu);
    for (const cpu of cpus) cpu.engine.slidesAlways = slides;
    machine.start();
    const timer = setTimeout(() => machine.shutdown('host', 1), 20 * MINUTES);
    await machine.run();
    clearTimeout(timer);
    return { said, instructions: cpus.map((cpu) => cpu.instructionCount) };
  } finally {
    await machine.dispose();
  }
}

function runOnQemu(task: Task): string {
  const [image, said] = [join(folder, 'qemu.bin'), join(folder, 'qemu.out')];
  writeFileSync(image, imageOf(task));
  const board = ['-M', 'virt', '-m', '32', '-smp', `${task.harts ?? 1}`, '-display', 'none', '-monitor', 'none'];
  spawnSync(QEMU, [...board, '-serial', `file:${said}`, '-bios', image], { timeout: 20 * MINUTES });
  return readFileSync(said, 'latin1');
}

const PASSED = /^passed: trace=[0-9a-f]+ faults=\d+/;

describe.skipIf(missing.length > 0)('an operating system that changes address spaces all the time', () => {
  const byInstructions = { nsPerInstruction: 16 };
  const task: Task = { seed: 1, calls: 120, timer: [20, 800] };

  it('does the same interpreted, compiled, and with code for all addresses', { timeout: 5 * MINUTES }, async () => {
    const interpreted = await run(task, { ...byInstructions, tier1: 'off' });
    expect(interpreted.said).toMatch(PASSED);
    const tier1 = { threshold: 100, codeBytes: 400_000 };
    expect(await run(task, { ...byInstructions, tier1 })).toEqual(interpreted);
    expect(await run(task, { ...byInstructions, tier1, slides: true })).toEqual(interpreted);
  });

  it('does the same with code kept from one run to the next', { timeout: 5 * MINUTES }, async () => {
    const interpreted = await run(task, { ...byInstructions, tier1: 'off' });
    for (const slides of [false, true]) {
      const codeStore = new CodeInMemory();
      const kept = { ...byInstructions, tier1: { threshold: 100 }, codeStore, slides };
      for (let n = 0; n < 4; n++) expect(await run(task, kept)).toEqual(interpreted);
      // Other processes with the same programs.
      const other = { ...task, seed: 3 };
      const expected = await run(other, { ...byInstructions, tier1: 'off' });
      for (let n = 0; n < 2; n++) expect(await run(other, kept)).toEqual(expected);
      expect(codeStore.saves).toBeGreaterThan(0);
    }
  });

  it.each([
    ['one hart by the host’s clock', { ...task, timer: [500, 5000] }, {}],
    ['spaces without ASIDs', { ...task, seed: 2, noAsids: true, levels: 3 }, byInstructions],
    ['four harts', { ...task, calls: 150, timer: [2000, 20_000], harts: 4 }, {}],
  ] as const)('comes to its end with %s', { timeout: 5 * MINUTES }, async (_, of, setting) => {
    expect((await run(of, { ...setting, tier1: { threshold: 100 } })).said).toMatch(PASSED);
  });

  it.skipIf(!has(QEMU))('comes to its end on QEMU', { timeout: 5 * MINUTES }, () => {
    expect(runOnQemu({ ...task, timer: [500, 5000] })).toMatch(PASSED);
  });

  it.for(Array.from({ length: SEEDS }, (_, i) => FIRST + i))(
    'comes to its end in long runs, seed %d',
    { timeout: 120 * MINUTES },
    async (seed) => {
      const dense: Task = { seed, calls: 4000, timer: [20, 800] };
      const interpreted = await run(dense, { nsPerInstruction: 32, tier1: 'off' });
      expect(interpreted.said).toMatch(PASSED);
      for (const slides of [false, true]) {
        for (const tier1 of [{ threshold: 20, codeBytes: 400_000 }, { threshold: 1000 }])
          expect(await run(dense, { nsPerInstruction: 32, tier1, slides })).toEqual(interpreted);
        const codeStore = new CodeInMemory();
        const kept = { nsPerInstruction: 32, tier1: { threshold: 100 }, slides, codeStore };
        for (let n = 0; n < 4; n++) expect(await run(dense, kept)).toEqual(interpreted);
      }
      const hosts: Task = { ...dense, calls: 40_000, timer: [500, 5000], noAsids: seed % 2 === 1 };
      const harts: Task = { ...hosts, calls: 8000, timer: [2000, 20_000], harts: 4 };
      for (const tier1 of ['off', { threshold: 50 }, { threshold: 20_000 }] as const) {
        expect((await run(hosts, { tier1 })).said).toMatch(PASSED);
        expect((await run(harts, { tier1 })).said).toMatch(PASSED);
        expect((await run(harts, { tier1, threads })).said).toMatch(PASSED);
      }
      if (has(QEMU)) expect(runOnQemu({ ...hosts, calls: 8000 })).toMatch(PASSED);
    },
  );
});
