// Runs of the built program repeat: time counted in instructions, a seed, a clock that starts at a date.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const monitorPath = fileURLToPath(new URL('../../../tools/guest/prebuilt/monitor.bin', import.meta.url));
const built = existsSync(new URL('../dist/index.js', import.meta.url));

it.skipIf(!built)(
  'a run with -icount, -seed and a clock on virtual time says the same again',
  () => {
    const program = fileURLToPath(new URL('../bin/boardwalk-system-riscv64.js', import.meta.url));
    const machine = ['-M', 'virt', '-m', '32', '-display', 'none', '-serial', 'stdio', '-bios', monitorPath];
    const time = ['-icount', 'shift=1,sleep=off', '-rtc', 'base=2020-01-01,clock=vm', '-seed', '7'];
    const once = () => {
      const input = 'cpu\nsha256 boardwalk\npoweroff 3\n';
      const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...machine, ...time], {
        input,
        timeout: 60_000,
      });
      return { status, out: stdout.toString('latin1'), err: stderr.toString() };
    };
    const first = once();
    expect(first).toMatchObject({ status: 3, err: '' });
    expect(first.out).toContain('df6b182c22b4bdebb364755713f15a8be1f593f164ce0abbfe5ead2e1968ba9c');
    expect(once()).toEqual(first);
  },
  120_000,
);
