/** The profiler on a compiled program: functions by their symbols, callers by their frames. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine, type MachineOptions, parseElf } from '@boardwalk/core';
import { Profiler, SymbolTable } from '@boardwalk/translator/profile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';

const GCC = 'riscv64-linux-gnu-gcc';
const FLAGS = [
  ['-O1', '-fno-omit-frame-pointer', '-fno-pic', '-no-pie', '-mcmodel=medany', '-march=rv64gc', '-mabi=lp64d'],
  ['-ffreestanding', '-nostdlib', '-static', '-Wl,--section-start=.start=0x80000000'],
  ['-Wl,-Ttext=0x80001000', '-Wl,-N', '-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
].flat();

describe.skipIf(spawnSync(GCC, ['--version']).status !== 0)('a profile of a compiled program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-profile-'));
  const elf = join(folder, 'program.elf');
  let symbols: SymbolTable;
  let report = '';
  beforeAll(() => {
    execFileSync(GCC, [...FLAGS, 'program.c', '-o', elf], { cwd: import.meta.dirname });
    symbols = SymbolTable.fromElf(parseElf(readFileSync(elf)));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function profile(options: MachineOptions, every: number): Promise<Profiler> {
    const kernel = readFileSync(elf);
    const machine = await Machine.create(virt, { firmware: 'none', kernel, ...options });
    const profiler = new Profiler({ every, symbols: [symbols] });
    profiler.attach(machine);
    await machine.run();
    report = profiler.describe().join('\n');
    await machine.dispose();
    return profiler;
  }

  it('has a function’s share of the instructions, under the functions that called it', async () => {
    const profiler = await profile({}, 997);
    const stacks = new Map(
      profiler
        .folded()
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    );
    const share = (stack: string): number => Number(stacks.get(stack) ?? 0) / profiler.samples;
    expect(profiler.samples).toBeGreaterThan(200);
    expect(share('_start;work;thrice;leaf')).toBeCloseTo(0.74, 1);
    expect(share('_start;work;once;leaf')).toBeCloseTo(0.25, 1);
    const [leaf] = profiler.functions();
    expect(leaf?.name).toBe('leaf');
    expect((leaf?.self ?? 0) / profiler.samples).toBeGreaterThan(0.95);
    expect(profiler.functions().find((f) => f.name === 'work')).toMatchObject({ total: profiler.samples });
  });

  it('is the same whatever is compiled', async () => {
    const interpreted = await profile({ tier1: 'off' }, 499);
    const compiled = await profile({ tier1: { threshold: 5 } }, 499);
    expect(compiled.folded()).toBe(interpreted.folded());
    expect(report).toMatch(/regions left, by reason:\n +\d+ {2}0x[0-9a-f]+ \w+: \w+ \d+/);
  });
});
