/**
 * Linux with 8 GiB in a file, by the command line: a debugger looks at it while it runs, its memory is dumped, it is saved and goes on in
 * another program. Some minutes, so with BOARDWALK_LONG_RUNS=1; needs Node.js 24, gdb-multiarch and Debian's packages.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { has64BitMemory, PipeChar } from '@boardwalk/core';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const GiB = 2 ** 30;
const MINUTES = 60_000;
const RAM_BASE = 0x8000_0000;
/** What files of the guest's have lies in its upper 3 GiB. */
const APPEND = 'console=ttyS0 movablecore=3G';
const MARKER = 'in-the-upper-memory-42';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-large-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const long = process.env.BOARDWALK_LONG_RUNS !== undefined;
const has64 = has64BitMemory();
const hasGdb = spawnSync('gdb-multiarch', ['--version']).status === 0;
if (!long) console.log('skipped: Linux with 8 GiB in a file (BOARDWALK_LONG_RUNS=1 runs it)');
else if (!has64 || !hasGdb) console.log('skipped: Linux with 8 GiB in a file needs Node.js 24 and gdb-multiarch');

/** The other end of a serial port that listens on a Unix socket. */
async function talk(socket: string): Promise<PipeChar> {
  const line = new PipeChar();
  const connection = await connectWhenListening(socket, 5 * MINUTES);
  connection.on('data', (bytes: Buffer) => line.write(bytes));
  line.onData((bytes) => void connection.write(bytes));
  return line;
}

/** Where a text lies in a file, from an offset on. */
async function find(file: string, text: string, from: number): Promise<number> {
  const handle = await open(file);
  const buffer = Buffer.alloc(2 ** 26);
  try {
    for (let at = from; ; at += buffer.length - text.length) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      const found = buffer.subarray(0, bytesRead).indexOf(text);
      if (found >= 0) return at + found;
      if (bytesRead < buffer.length) return -1;
    }
  } finally {
    await handle.close();
  }
}

async function gdb(socket: string, commands: readonly string[]): Promise<string> {
  const lines = ['set architecture riscv:rv64', `target remote ${socket}`, ...commands, 'detach'];
  const args = ['-nx', '-q', '-batch', ...lines.flatMap((line) => ['-ex', line])];
  return (await promisify(execFile)('gdb-multiarch', args)).stdout;
}

/** A program with 8 GiB of RAM in a file, and its console and monitor. */
async function start(name: string, more: readonly string[]) {
  const socket = (what: string): string => path(`${name}-${what}`);
  const line = (what: string): string => `unix:${socket(what)},server=on,wait=off`;
  const running = startProgram([
    ...['-object', `memory-backend-file,id=ram0,size=8G,mem-path=${path(name)},share=on`],
    ...['-M', 'virt,memory-backend=ram0', '-m', '8G', '-smp', '2', '-display', 'none'],
    ...['-serial', line('serial'), '-qmp', line('qmp'), '-gdb', line('gdb'), ...more],
  ]);
  const early = running.ended.then((outcome) => Promise.reject(new Error(`ended: ${JSON.stringify(outcome)}`)));
  const console = await Promise.race([talk(socket('serial')), early]);
  early.catch(() => {});
  return { running, console, qmp: await QmpClient.connect(socket('qmp')), gdbSocket: socket('gdb') };
}

it.skipIf(!long || !has64 || !hasGdb)(
  'Linux with 8 GiB in a file is debugged, dumped, saved, and goes on elsewhere',
  async (context) => {
    const files = (await ifReachable(prepareLinux())) ?? context.skip("Debian's packages cannot be had here");
    const boot = ['-bios', files.firmware, '-kernel', files.kernel, '-initrd', files.initrd, '-append', APPEND];
    const first = await start('first', boot);
    await first.console.waitFor('~ # ', { timeoutMs: 8 * MINUTES });
    first.console.send(
      'head -1 /proc/meminfo; echo in-the-upper-memory-$((6 * 7)) > /tmp/marker; sync; echo wr""itten\n',
    );
    await first.console.waitFor(/MemTotal: +8[01]\d{5} kB/, { timeoutMs: MINUTES });
    await first.console.waitFor('written', { timeoutMs: MINUTES });

    // Another process than the emulator's could read it as this one does: it is in the file.
    const offset = await find(path('first'), MARKER, 4 * GiB);
    expect(offset).toBeGreaterThan(4 * GiB);
    expect(statSync(path('first')).blocks * 512).toBeLessThan(GiB);

    const address = RAM_BASE + offset;
    const seen = await gdb(first.gdbSocket, [
      'info threads',
      'maintenance packet Qqemu.PhyMemMode:1',
      `x/s 0x${address.toString(16)}`,
      'maintenance packet Qqemu.PhyMemMode:0',
    ]);
    expect(seen).toContain(MARKER);
    expect(seen).toMatch(/2 +Thread/);
    const dump = { paging: false, protocol: `file:${path('core')}`, begin: address - (address % 4096), length: 4096 };
    expect(await first.qmp.command('dump-guest-memory', dump)).toEqual({ return: {} });
    expect(readFileSync(path('core')).includes(MARKER)).toBe(true);
    expect(await first.qmp.command('query-status')).toMatchObject({ return: { status: 'running' } });
    first.console.send('echo still $((40 + 2))\n');
    await first.console.waitFor('still 42', { timeoutMs: MINUTES });

    await first.qmp.command('migrate', { uri: `file:${path('saved')}` });
    await vi.waitFor(
      async () => {
        expect(await first.qmp.command('query-migrate')).toMatchObject({ return: { status: 'completed' } });
      },
      { timeout: 5 * MINUTES, interval: 200 },
    );
    await first.qmp.command('quit');
    await first.running.ended;

    const second = await start('second', [...boot, '-incoming', `file:${path('saved')}`]);
    second.console.send('cat /tmp/marker\n');
    await second.console.waitFor(MARKER, { timeoutMs: 5 * MINUTES });
    expect(await find(path('second'), MARKER, offset)).toBe(offset);
    second.console.send('exit\n');
    expect(await second.running.ended).toMatchObject({ status: 0 });
  },
  30 * MINUTES,
);
