// CPUs of the mainframe on threads of the host: the built program runs litmus tests on four.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { afterAll, describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../bin/boardwalk-system-s390x.js', import.meta.url));
const AS = 's390x-linux-gnu-as';
const LD = 's390x-linux-gnu-ld';
const missing = [
  ...[AS, LD].filter((tool) => spawnSync(tool, ['--version']).status !== 0),
  ...(existsSync(new URL('../../dist/index.js', import.meta.url)) ? [] : ['the built program']),
];
if (missing.length > 0) console.log(`skipped: CPUs on threads need ${missing.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-mainframe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CPUS = 4;
const LONG = process.env.BOARDWALK_LONG_TESTS !== undefined;
const N = LONG ? 20_000 : 160;
const TIMES = LONG ? 2000 : 20;
const TICK_ROUNDS = LONG ? 200 : 4;
const MINUTE = 60_000;

/** Where the program leaves its results, and how far they are apart. */
const RESULTS = 0xd0000;
const STEP = 64;
const NAMES = [
  ...['laag', 'csg', 'lock', 'cdsg', 'plo', 'plo1', 'plo2', 'csst', 'copy of csst'],
  ...['messages', 'buffered stores', 'code', 'clock', 'tables', 'signals', 'timers', 'over', 'program check'],
];

interface Run {
  readonly results: readonly number[];
  readonly stderr: string;
  readonly status: number | null;
}

/** Assembles a program with some symbols, and runs it until the machine ends. @returns what it left at RESULTS */
function run(name: string, symbols: Record<string, number>, cpus: number, accel: string, timeout: number): Run {
  const source = fileURLToPath(new URL(`${name}.s`, import.meta.url));
  const [object, elf, ram] = [join(folder, 'object'), join(folder, 'elf'), join(folder, 'ram')];
  const defined = Object.entries(symbols).flatMap(([symbol, value]) => ['--defsym', `${symbol}=${value}`]);
  execFileSync(AS, ['-march=arch13', ...defined, source, '-o', object]);
  execFileSync(LD, ['-N', '--no-warn-rwx-segments', '-Ttext=0x10000', object, '-o', elf]);
  const memory = `memory-backend-file,id=m,size=32M,share=on,mem-path=${ram}`;
  const machine = ['-m', '32', '-object', memory, '-M', 's390-ccw-virtio,memory-backend=m', '-smp', `${cpus}`];
  const { stderr, status } = spawnSync(
    process.execPath,
    [PROGRAM, ...machine, '-display', 'none', '-accel', `tcg,${accel}`, '-kernel', elf],
    { encoding: 'utf8', timeout, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const storage = readFileSync(ram);
  rmSync(ram);
  const results = NAMES.map((_, n) => Number(storage.readBigUInt64BE(RESULTS + STEP * n)));
  return { results, stderr, status };
}

describe.skipIf(missing.length > 0)('-accel tcg,thread=multi of the mainframe', () => {
  it.each(['thread=multi,tier1=off', 'thread=multi,tier1-threshold=50', 'thread=single'])(
    'keeps interlocked updates, orders, tables, keys and clocks among four CPUs, %s',
    (accel) => {
      const symbols = { NH: CPUS, N, CODE_ROUNDS: LONG ? 2000 : 30, TIMES, TICK_ROUNDS };
      const { results, ...end } = run('litmus-s390x', symbols, CPUS, accel, (LONG ? 20 : 3) * MINUTE);
      const found = NAMES.map((name, n) => [name, results[n]]);
      const sum = CPUS * N;
      expect({ ...Object.fromEntries(found), ...end }).toEqual({
        ...{ laag: sum, csg: sum, lock: sum, cdsg: sum, plo: sum, plo1: sum, plo2: 3 * sum, csst: sum },
        ...{ 'copy of csst': sum, messages: 0, 'buffered stores': 0, code: 0, clock: 0, tables: 0 },
        signals: CPUS * (CPUS - 1) * 2 * TIMES,
        timers: CPUS * 2 * TICK_ROUNDS,
        ...{ over: 1, 'program check': 0, stderr: '', status: 0 },
      });
    },
    LONG ? 20 * MINUTE : 4 * MINUTE,
  );

  it.each(['thread=multi', 'thread=single'])(
    'orders reach a CPU in the middle of an instruction, %s',
    (accel) => {
      const rounds = 200;
      const { results, ...end } = run('orders-s390x', { N: rounds }, 2, accel, 2 * MINUTE);
      const [restarts, busy, running] = results;
      expect({ restarts, busy, running, ...end }).toEqual({
        ...{ restarts: 2 * rounds, busy: 0, running: 0, stderr: '', status: 0 },
      });
    },
    3 * MINUTE,
  );

  it.each(['thread=multi', 'thread=single'])(
    'a CPU that is to be alone is not kept waiting by one that comes out of a call, %s',
    (accel) => {
      const most = 2 ** 14;
      // In turn, what the second CPU waits for comes when its turn is over.
      const rounds = accel === 'thread=single' ? 500 : (LONG ? 16 : 2) * most;
      const { results, ...end } = run('alone-s390x', { N: rounds, MOST: most }, 2, accel, 2 * MINUTE);
      const [counted, swapped] = [results[0], results[2]];
      expect({ counted, swapped, ...end }).toEqual({ counted: rounds, swapped: rounds, stderr: '', status: 0 });
    },
    3 * MINUTE,
  );

  it(
    "boots Debian's kernel on four CPUs to our init, and turns off",
    async (context) => {
      const files =
        (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
      const disk = join(folder, 'disk');
      writeFileSync(disk, new Uint8Array(2 ** 20));
      const boot = ['-kernel', files.kernel, '-initrd', files.initrd, '-append', 'console=ttysclp0 boardwalk.test=ci'];
      const machine = ['-m', '256', '-smp', '4', '-nographic', '-drive', `file=${disk},format=raw`];
      const { stdout, stderr, status } = spawnSync(
        process.execPath,
        [PROGRAM, ...machine, '-accel', 'tcg,thread=multi', ...boot],
        { encoding: 'utf8', timeout: 9 * MINUTE, stdio: ['ignore', 'pipe', 'pipe'] },
      );
      expect(stdout).toContain('smp: Brought up 1 node, 4 CPUs');
      expect(stdout).toContain('boardwalk-test: ok disk write and read');
      expect(stdout).toMatch(/boardwalk-test: end ci passed=\d+ failed=0/);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    },
    10 * MINUTE,
  );
});
