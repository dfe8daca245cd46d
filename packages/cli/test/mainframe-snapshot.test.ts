// Debian's Linux on a mainframe is saved half-way through its start, and goes on in another process to the same end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { afterAll, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';

const PROGRAM = fileURLToPath(new URL('../bin/boardwalk-system-s390x.js', import.meta.url));
const MINUTES = 60_000;
const HALF_WAY = 'devtmpfs: initialized';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-mainframe-snapshot-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const text = (name: string): string => (existsSync(path(name)) ? readFileSync(path(name), 'latin1') : '');

/** A process with the machine; its console is the file `name`, its disk `name.img`. */
function start(name: string, args: readonly string[]) {
  const child = spawn(
    process.execPath,
    [
      PROGRAM,
      ...['-m', '256', '-smp', '2', '-display', 'none', '-monitor', 'none', '-serial', `file:${path(name)}`],
      ...['-icount', 'shift=1,sleep=off', '-rtc', 'base=2020-01-01,clock=vm', '-seed', '7'],
      ...['-drive', `file=${path(`${name}.img`)},format=raw,if=virtio`, '-device', 'virtio-rng-ccw'],
      ...args,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  return { ended: once(child, 'exit').then(([status]) => ({ status, errors })) };
}

it(
  'Linux on s390x goes on from a snapshot, in another process, to the same end',
  async (context) => {
    const files = (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
    const linux = ['-kernel', files.kernel, '-initrd', files.initrd];
    const append = ['-append', 'console=ttysclp0 boardwalk.test=snapshot'];
    writeFileSync(path('first.img'), new Uint8Array(2 ** 20).fill(0x5a));
    const first = start('first', [...linux, ...append, '-qmp', `unix:${path('q')},server=on,wait=off`]);
    await vi.waitFor(() => expect(text('first')).toContain(HALF_WAY), { timeout: 8 * MINUTES, interval: 20 });
    const qmp = await QmpClient.connect(path('q'));
    await qmp.command('migrate', { uri: `file:${path('saved')}` });
    await vi.waitFor(() => expect(existsSync(path('saved'))).toBe(true), { timeout: MINUTES, interval: 20 });
    const before = text('first');
    copyFileSync(path('first.img'), path('second.img'));
    await qmp.command('cont');
    expect(await first.ended).toEqual({ status: 0, errors: '' });
    expect(text('first')).toMatch(/boardwalk-test: end snapshot passed=\d+ failed=0/);

    const second = start('second', [...linux, ...append, '-incoming', `file:${path('saved')}`]);
    expect(await second.ended).toEqual({ status: 0, errors: '' });
    expect(before + text('second')).toBe(text('first'));
    expect(readFileSync(path('second.img')).equals(readFileSync(path('first.img')))).toBe(true);
  },
  20 * MINUTES,
);
