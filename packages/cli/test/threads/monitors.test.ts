// vCPUs on threads under a monitor: they stand still for whoever looks at them, and go on.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { QmpClient } from '../qmp-client.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/boardwalk-system-riscv64.js', import.meta.url));
const built = existsSync(new URL('../../dist/index.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-threads-'));

/** csrr a0, mhartid; li a1, 0; addi a1, a1, 1; j -4: a hart counts for ever. */
const COUNTER = Uint32Array.of(0xf1402573, 0x00000593, 0x00158593, 0xffdff06f);

/** A busy host runs a thread now and then. */
const PATIENT = { timeout: 20_000 };

describe.skipIf(!built || process.platform === 'win32')('a monitor of vCPUs on threads', () => {
  let program: ChildProcess;
  let qmp: QmpClient;

  beforeAll(async () => {
    writeFileSync(join(folder, 'guest'), COUNTER);
    const args = ['-M', 'virt', '-m', '32', '-smp', '2', '-accel', 'tcg,thread=multi', '-bios', 'guest'];
    const lines = ['-display', 'none', '-serial', 'null', '-monitor', 'none', '-qmp', 'unix:q,server=on,wait=off'];
    program = spawn(process.execPath, [PROGRAM, ...args, ...lines], { cwd: folder, stdio: 'inherit' });
    qmp = await QmpClient.connect(join(folder, 'q'));
  }, 60_000);

  afterAll(() => {
    program.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const hmp = async (line: string): Promise<string> => {
    const answer = await qmp.command('human-monitor-command', { 'command-line': line });
    return String(answer.return);
  };
  /** Each hart's a0 and a1. */
  const registers = async (): Promise<{ readonly ids: readonly number[]; readonly counts: readonly number[] }> => {
    const text = await hmp('info registers -a');
    const all = (name: string): number[] =>
      [...text.matchAll(new RegExp(`/${name} +([0-9a-f]{16})`, 'g'))].map(([, hex]) => Number.parseInt(hex ?? '', 16));
    return { ids: all('a0'), counts: all('a1') };
  };

  it('sees every hart go on', async () => {
    const before = await registers();
    await vi.waitFor(async () => {
      const { ids, counts } = await registers();
      expect(ids).toEqual([0, 1]);
      expect(counts.every((count, hart) => count > (before.counts[hart] ?? 0))).toBe(true);
    }, PATIENT);
  });

  it('names the threads', async () => {
    const { return: cpus } = (await qmp.command('query-cpus-fast')) as { return: readonly { 'thread-id': number }[] };
    const ids = cpus.map((cpu) => cpu['thread-id']);
    expect(new Set([...ids, program.pid]).size).toBe(3);
    if (process.platform === 'linux') {
      for (const id of ids) expect(existsSync(`/proc/${program.pid}/task/${id}`)).toBe(true);
    }
  });

  it('stops them all, and lets them go on', async () => {
    await qmp.command('stop');
    const stopped = await registers();
    expect(await registers()).toEqual(stopped);
    await qmp.command('cont');
    await vi.waitFor(async () => expect((await registers()).counts[1]).not.toBe(stopped.counts[1]), PATIENT);
  });

  it('resets them while they run', async () => {
    await qmp.command('system_reset');
    await qmp.event('RESET');
    expect(await qmp.command('query-status')).toMatchObject({ return: { running: true } });
    const first = await registers();
    await vi.waitFor(async () => expect((await registers()).counts[0]).toBeGreaterThan(first.counts[0] ?? 0), PATIENT);
  });

  it('tells what each translated', async () => {
    const text = await hmp('info jit');
    expect(text).toMatch(/CPU #0.*blocks translated +[1-9].*CPU #1.*blocks translated +[1-9]/s);
    // Their interpreter was linked by the device thread.
    expect(text.match(/helper modules +(\d+)/g)).toEqual(['helper modules      0', 'helper modules      0']);
  });

  it('ends them with the program', async () => {
    const ended = new Promise((resolve) => program.once('exit', resolve));
    await qmp.command('quit');
    expect(await ended).toBe(0);
  });
});
