// -daemonize: the built program starts another and leaves it running.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { guestProgram } from './guest.ts';
import { QmpClient } from './qmp-client.ts';

const PROGRAM = fileURLToPath(new URL('../bin/boardwalk-system-riscv64.js', import.meta.url));
const built = existsSync(new URL('../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-daemon-'));
const path = (name: string): string => join(folder, name);
writeFileSync(path('guest'), guestProgram());
afterAll(() => rmSync(folder, { recursive: true }));

const start = (args: string[], fds: number[] = []) =>
  spawnSync(process.execPath, [PROGRAM, '-M', 'virt', '-m', '32', '-display', 'none', '-daemonize', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
  });

describe.skipIf(!built || process.platform === 'win32')('-daemonize', () => {
  it('returns when the machine runs, which goes on in a session of its own', async () => {
    const monitor = ['-qmp', 'unix:q,server=on,wait=off'];
    const guest = openSync(path('guest'), 'r');
    const files = ['-add-fd', 'fd=3,set=1', '-bios', '/dev/fdset/1', '-pidfile', 'pid', '-serial', 'file:out'];
    const { status, stdout, stderr } = start([...files, ...monitor], [guest]);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    const pid = Number(readFileSync(path('pid'), 'utf8'));
    expect(process.kill(pid, 0)).toBe(true);
    const qmp = await QmpClient.connect(path('q'));
    expect(await qmp.command('query-status')).toMatchObject({ return: { running: true } });
    await vi.waitFor(() => expect(statSync(path('out')).size).toBe(6), { timeout: 20_000 });
    await qmp.command('quit');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 20_000 });
    expect(existsSync(path('pid'))).toBe(false);
  });

  it('tells of a mistake, with its status', () => {
    const { status, stderr } = start(['-bios', 'guest', '-device', 'frob']);
    expect(stderr).toBe("boardwalk-system-riscv64: -device frob: 'frob' is not a valid device model name\n");
    expect(status).toBe(1);
  });
});
