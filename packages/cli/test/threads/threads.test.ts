// vCPUs on threads of the host: the built program runs litmus tests on four harts.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../bin/boardwalk-system-riscv64.js', import.meta.url));
const AS = 'riscv64-linux-gnu-as';
const LD = 'riscv64-linux-gnu-ld';
const missing = [
  ...[AS, LD].filter((tool) => spawnSync(tool, ['--version']).status !== 0),
  ...(existsSync(new URL('../../dist/index.js', import.meta.url)) ? [] : ['the built program']),
];
if (missing.length > 0) console.log(`skipped: vCPUs on threads need ${missing.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-threads-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program of this folder, with symbols defined. */
function assemble(name: string, symbols: Readonly<Record<string, number>> = {}): string {
  const path = (ending: string): string => join(folder, `${name}.${ending}`);
  const source = fileURLToPath(new URL(`${name}.s`, import.meta.url));
  const defined = Object.entries(symbols).flatMap(([symbol, value]) => ['--defsym', `${symbol}=${value}`]);
  execFileSync(AS, ['-march=rv64g', ...defined, source, '-o', path('o')]);
  execFileSync(LD, ['-N', '--no-warn-rwx-segments', '-Ttext=0x80000000', path('o'), '-o', path('elf')]);
  return path('elf');
}

const run = (...args: string[]) =>
  spawnSync(process.execPath, [PROGRAM, '-M', 'virt', '-m', '32', '-nographic', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 50_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

const LONG = process.env.BOARDWALK_LONG_TESTS !== undefined;
const ROUNDS = LONG ? 100_000 : 200;
const CODE_ROUNDS = LONG ? 2000 : 30;

describe.skipIf(missing.length > 0)('-accel tcg,thread=multi', () => {
  it.each(['tier1=off', 'tier1-threshold=50'])(
    'keeps atomics, fences and changed code among four harts, %s',
    (tier1) => {
      const elf = assemble('litmus', { NH: 4, N: ROUNDS, CODE_ROUNDS });
      const { stdout, stderr, status } = run('-smp', '4', '-accel', `tcg,thread=multi,${tier1}`, '-bios', elf);
      const sum = (4 * ROUNDS).toString(16).padStart(16, '0');
      const nothing = '0'.repeat(16);
      expect({ lines: stdout.trim().split('\n'), stderr, status }).toEqual({
        lines: [sum, sum, sum, nothing, nothing, nothing],
        stderr: '',
        status: 0,
      });
    },
  );

  it.each(['tier1=off', 'tier1-threshold=50'])(
    'profiles four harts, and answers their semihosting calls, %s',
    (tier1) => {
      const elf = assemble('services');
      const accel = ['-accel', `tcg,thread=multi,${tier1}`, '-smp', '4'];
      const profile = ['-profile', `p,symbols=${elf},every=10007`];
      const { stdout, stderr, status } = run(...accel, ...profile, '-semihosting', '-bios', elf);
      const lines = [0, 1, 2, 3].flatMap((hart) => Array<string>(20).fill(`hart ${hart}`));
      expect({ lines: stdout.trim().split('\n').sort(), status }).toEqual({ lines, status: 7 });
      expect(stderr).toMatch(/profile: \d+ samples of 10007 instructions each in p/);
      // 2 million instructions each.
      const samples = readFileSync(join(folder, 'p'), 'utf8').matchAll(/(count\d)(?:;.*)? (\d+)$/gm);
      expect([...samples].map(([, name, count]) => `${name} ${count}`).sort()).toEqual(
        [0, 1, 2, 3].map((hart) => `count${hart} 199`),
      );
    },
  );

  it.each(['tier1=off', 'tier1-threshold=50'])(
    'writes nothing through a mapping that it was told to forget, %s',
    (tier1) => {
      const elf = assemble('shoot-down', { ROUNDS: LONG ? 1000 : 15 });
      const { stderr, status } = run('-smp', '2', '-accel', `tcg,thread=multi,${tier1}`, '-bios', elf);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    },
  );

  it.each([
    ['-icount 0', '-accel: No MTTCG when icount is enabled'],
    ['-accel tcg,thread=many', "-accel: Invalid 'thread' setting many"],
  ])('refuses %s in one line', (option, message) => {
    const accel = option.startsWith('-accel') ? [] : ['-accel', 'tcg,thread=multi'];
    const { stderr, status } = run(...accel, ...option.split(' '));
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(1);
  });
});
