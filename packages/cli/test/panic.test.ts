// A guest that cannot go on, and what -action makes of it, here and on QEMU: Linux's last resort on s390x is a disabled wait.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const QEMU = 'qemu-system-s390x';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');
if (!isReference)
  console.log(`skipped in part: what follows a panic is compared with ${QEMU} 7 (Debian: qemu-system-misc)`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-panic-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRY = 0x10000;
const PSW = ENTRY + 0x10;

/** A kernel: LARL of a disabled wait's PSW, LPSWE. */
function kernel(): string {
  const bytes = new DataView(new ArrayBuffer(PSW + 16));
  bytes.setBigUint64(0, 0x0008_0000_8000_0000n | BigInt(ENTRY));
  for (const [i, half] of [0xc010, 0x0000, 0x0008, 0xb2b2, 0x1000].entries()) bytes.setUint16(ENTRY + 2 * i, half);
  bytes.setBigUint64(PSW, 0x0002_0001_8000_0000n);
  bytes.setBigUint64(PSW + 8, 0xdeadn);
  const file = join(folder, 'kernel');
  writeFileSync(file, new Uint8Array(bytes.buffer));
  return file;
}

const KERNEL = kernel();

type Start = (argv: readonly string[]) => Promise<number | null>;
const ours: Start = async (argv) => (await startProgram(argv, 's390x').ended).status;
const theirs: Start = (argv) =>
  new Promise((resolve) => spawn(QEMU, argv, { stdio: 'ignore' }).on('close', (status) => resolve(status)));

let sockets = 0;

/** Runs the kernel: what the event says, the state after it and after a reset, or the exit status of a program that ended. */
async function outcome(start: Start, action: string): Promise<readonly unknown[]> {
  const socket = join(folder, `qmp${sockets++}`);
  const qmpLine = `unix:${socket},server=on,wait=off`;
  const ended = start(['-kernel', KERNEL, '-display', 'none', '-S', '-qmp', qmpLine, ...action.split(' ')]);
  const qmp = await QmpClient.connect(socket);
  const panicked = qmp.event('GUEST_PANICKED');
  const gone = qmp.closed.then(() => 'gone');
  await Promise.race([qmp.command('cont'), gone]);
  const { data } = (await panicked) as { data: { action: string } };
  if (data.action === 'poweroff') return [data.action, await ended];
  const status = async () => ((await qmp.command('query-status')).return as { status: string }).status;
  const after = data.action === 'pause' ? await vi.waitFor(async () => expectStopped(await status())) : await status();
  await qmp.command('system_reset');
  const afterReset = await status();
  await qmp.command('quit').catch(() => {});
  await ended;
  return [data.action, after, afterReset];
}

function expectStopped(status: string): string {
  expect(status).not.toBe('running');
  return status;
}

describe.each([
  ['-action panic=pause', ['pause', 'guest-panicked', 'prelaunch']],
  ['-no-shutdown', ['pause', 'guest-panicked', 'prelaunch']],
  ['-action panic=none', ['run', 'running', 'running']],
  ['-action panic=shutdown', ['poweroff', 0]],
  ['-action panic=exit-failure', ['poweroff', 1]],
] as const)('%s', (action, expected) => {
  it(`leads to ${expected.join(', ')}`, async () => expect(await outcome(ours, action)).toEqual(expected));
  it.skipIf(!isReference)('as on QEMU', async () => expect(await outcome(theirs, action)).toEqual(expected));
});
