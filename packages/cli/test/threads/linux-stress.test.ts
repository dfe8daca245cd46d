/**
 * Debian's Linux on four vCPUs under threads, signals, processes and mappings that come and go (stress.c), in both threading modes: an
 * hour each with BOARDWALK_LONG_RUNS=1, or so many seconds as BOARDWALK_STRESS_SECONDS says. Skipped with a printed reason where
 * something is missing.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipeChar } from '@boardwalk/core';
import { CpioWriter } from '@boardwalk/initramfs';
import { ifReachable, prepareLinux, prepareMainframeLinux } from '@boardwalk/launch';
import { afterAll, describe, expect, it } from 'vitest';

const MINUTE_MS = 60_000;
const SOURCE = fileURLToPath(new URL('stress.c', import.meta.url));
const built = existsSync(new URL('../../dist/index.js', import.meta.url));
/** How long the guest is busy, in its own seconds. */
const SECONDS =
  process.env.BOARDWALK_LONG_RUNS === undefined ? 0 : Number(process.env.BOARDWALK_STRESS_SECONDS ?? 3600);
if (SECONDS === 0) console.log('skipped: an hour of Linux on four vCPUs (BOARDWALK_LONG_RUNS=1 runs it)');

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-stress-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The guest's RAM, and what an emulator may be resident with over it, in MiB. */
const RAM = 512;
const OVER_RAM = 600;

/** Looks at a program's resident memory, in MiB, until it is told to stop; where the host does not say, at nothing. */
function watchMemory(pid: number | undefined): { readonly samples: readonly number[]; stop(): void } {
  const samples: number[] = [];
  const look = (): void => {
    const path = `/proc/${pid}/status`;
    const kib = existsSync(path) ? /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(path, 'utf8'))?.[1] : undefined;
    if (kib !== undefined) samples.push(Number(kib) / 1024);
  };
  const timer = setInterval(look, 5000);
  return { samples, stop: () => clearInterval(timer) };
}

/** A run has warmed up by its half: what it then needs at most in a quarter of the run, it needs in the last one too. */
function expectSteady(samples: readonly number[]): void {
  const quarter = (which: number): number =>
    Math.max(...samples.slice((samples.length * which) / 4, (samples.length * (which + 1)) / 4));
  expect(Math.max(...samples)).toBeLessThan(RAM + OVER_RAM);
  expect(quarter(3)).toBeLessThan(quarter(2) * 1.1);
}

/** What a kernel's log must not have. */
const TROUBLE = 'BUG:|Oops|stall|lockup|Call Trace|segfault';

interface Guest {
  readonly arch: string;
  readonly compiler: string;
  readonly modes: readonly string[];
  /** The machine's options, with an initramfs that has the program. */
  machine(withProgram: (initrd: string) => string): Promise<readonly string[] | undefined>;
}

const GUESTS: readonly Guest[] = [
  {
    arch: 'riscv64',
    compiler: 'riscv64-linux-gnu-gcc',
    modes: ['multi', 'single'],
    machine: async (withProgram) => {
      const files = await ifReachable(prepareLinux());
      if (files === undefined) return undefined;
      const boot = ['-bios', files.firmware, '-kernel', files.kernel, '-initrd', withProgram(files.initrd)];
      return ['-M', 'virt', ...boot, '-append', 'console=ttyS0 quiet'];
    },
  },
  {
    arch: 's390x',
    compiler: 's390x-linux-gnu-gcc',
    modes: ['multi', 'single'],
    machine: async (withProgram) => {
      const files = await ifReachable(prepareMainframeLinux());
      if (files === undefined) return undefined;
      const boot = ['-kernel', files.kernel, '-initrd', withProgram(files.initrd)];
      return [...boot, '-append', 'console=ttysclp0 quiet'];
    },
  },
];

/** The initramfs and behind it an archive with the program: a kernel unpacks both. */
function withProgram({ arch, compiler }: Guest, initrd: string): string {
  const program = join(folder, `stress-${arch}`);
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-pthread'];
  execFileSync(compiler, [...flags, SOURCE, '-o', program]);
  const archive = new CpioWriter().file('bin/stress', readFileSync(program), 0o755).build();
  const path = join(folder, `initrd-${arch}`);
  writeFileSync(path, Buffer.concat([readFileSync(initrd), archive]));
  return path;
}

describe.each(GUESTS)('an hour of Linux on $arch', (guest) => {
  const here = built && spawnSync(guest.compiler, ['--version']).status === 0;
  if (SECONDS > 0 && !here) console.log(`skipped: ${guest.arch} needs ${guest.compiler} and the built program`);

  it.skipIf(SECONDS === 0 || !here).for(guest.modes)(
    'loses and corrupts nothing with thread=%s',
    { timeout: SECONDS * 4000 + 20 * MINUTE_MS },
    async (mode, { skip }) => {
      const machine = (await guest.machine((initrd) => withProgram(guest, initrd))) ?? skip('no Debian packages here');
      const cli = fileURLToPath(new URL(`../../bin/boardwalk-system-${guest.arch}.js`, import.meta.url));
      const args = [...machine, '-m', `${RAM}M`, '-smp', '4', '-nographic', '-accel', `tcg,thread=${mode}`];
      const program = spawn(process.execPath, [cli, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
      const console2 = new PipeChar();
      program.stdout.on('data', (bytes: Buffer) => console2.write(bytes));
      console2.onData((bytes) => void program.stdin.write(bytes));
      const ended = new Promise<number | null>((resolve) => program.on('close', (status) => resolve(status)));
      try {
        await console2.waitFor('~ # ', { timeoutMs: 15 * MINUTE_MS });
        const memory = watchMemory(program.pid);
        console2.send(`stress ${SECONDS}; echo trouble: $(dmesg | grep -cE '${TROUBLE}'); echo en""d\n`);
        const wait = console2.waitFor(/^end\r?$/m, { timeoutMs: SECONDS * 3000 + 5 * MINUTE_MS });
        const { before } = await wait.finally(() => memory.stop());
        expect(before).toMatch(/^stress: ok locked \d+ turns \d+ signals \d+ forks \d+ remaps \d+ sums \d+\r?$/m);
        expect(before).toMatch(/^trouble: 0\r?$/m);
        const told = before.split('\n').find((line) => line.startsWith('stress: ok'));
        console.log(`thread=${mode}: ${told?.trim()}, at most ${Math.ceil(Math.max(...memory.samples))} MiB`);
        if (memory.samples.length > 100) expectSteady(memory.samples);
        console2.send('exit\n');
        expect(await ended).toBe(0);
      } finally {
        program.kill('SIGKILL');
      }
    },
  );
});
