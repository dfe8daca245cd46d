// What limits a migration: the same calls to us and to QEMU 7, the same answers; and that the limit is kept.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-parameters-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

type Call = readonly [command: string, args?: object];

const set = (parameters: object): Call => ['migrate-set-parameters', parameters];
const hmp = (line: string): Call => ['human-monitor-command', { 'command-line': line }];
const limit = (bytes: number): readonly [Call, object] => [
  ['query-migrate-parameters'],
  { return: expect.objectContaining({ 'max-bandwidth': bytes }) },
];
const fails = (desc: string) => ({ error: { class: 'GenericError', desc } });

const CALLS: readonly (readonly [Call, object])[] = [
  [set({ 'max-bandwidth': 1_000_000 }), { return: {} }],
  limit(1_000_000),
  [set({}), { return: {} }],
  limit(1_000_000),
  [set({ nonsense: 1 }), fails("Parameter 'nonsense' is unexpected")],
  [set({ 'max-bandwidth': 'x' }), fails("Parameter 'max-bandwidth' expects uint64")],
  [hmp('migrate_set_parameter max-bandwidth 32'), { return: '' }],
  limit(32 * 2 ** 20),
  [hmp('migrate_set_parameter max-bandwidth 1k'), { return: '' }],
  [hmp('info migrate_parameters'), { return: expect.stringContaining('max-bandwidth: 1024 bytes/second\r\n') }],
  [hmp('migrate_set_parameter nonsense 32'), { return: 'Error: invalid parameter value: nonsense\r\n' }],
  [set({ 'max-bandwidth': 0 }), { return: {} }],
  limit(0),
];

const machine = (name: string): string[] => [
  ...['-M', 'virt', '-m', '32', '-bios', 'none', '-S', '-nodefaults', '-display', 'none'],
  ...['-qmp', `unix:${path(name)},server=on,wait=off`],
];

async function play(name: string): Promise<unknown[]> {
  const qmp = await QmpClient.connect(path(name));
  const answers: unknown[] = [];
  for (const [[command, args]] of CALLS) answers.push(await qmp.command(command, args));
  await qmp.command('quit');
  return answers;
}

const ANSWERS = CALLS.map(([, answer]) => answer);
const QEMU = 'qemu-system-riscv64';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');

describe('migrate-set-parameters', () => {
  it('takes the limit that there is', async () => {
    const { ended } = startProgram(machine('ours'));
    expect(await play('ours')).toEqual(ANSWERS);
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
  });

  it.skipIf(!isReference)('says what QEMU says', async () => {
    const qemu = spawn(QEMU, machine('theirs'), { stdio: 'ignore' });
    const ended = new Promise((resolve) => qemu.once('close', resolve));
    expect(await play('theirs')).toEqual(ANSWERS);
    expect(await ended).toBe(0);
  });

  it('is kept to, can be lifted on the way, and lets a migration be cancelled', async () => {
    const { ended } = startProgram(machine('slow'));
    const qmp = await QmpClient.connect(path('slow'));
    const status = async () => ((await qmp.command('query-migrate')).return as { status: string }).status;
    const becomes = (wanted: string) => vi.waitFor(async () => expect(await status()).toBe(wanted), 20_000);
    const migrate = (): Promise<unknown> => qmp.command('migrate', { uri: `file:${path('saved')}` });
    expect((await qmp.command('migrate-set-parameters', { 'downtime-limit': 300 })).error).toEqual({
      class: 'GenericError',
      desc: "Parameter 'downtime-limit' is unexpected",
    });

    // At a byte a second it would take hours.
    await qmp.command('migrate-set-parameters', { 'max-bandwidth': 1 });
    await migrate();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await status()).toBe('active');
    await qmp.command('migrate_cancel');
    await becomes('cancelled');

    await migrate();
    expect(await status()).toBe('active');
    await qmp.command('migrate-set-parameters', { 'max-bandwidth': 0 });
    await becomes('completed');

    const bytes = statSync(path('saved')).size;
    await qmp.command('cont');
    await qmp.command('stop');
    await qmp.command('migrate-set-parameters', { 'max-bandwidth': bytes });
    await migrate();
    await becomes('completed');
    const { 'total-time': ms } = (await qmp.command('query-migrate')).return as { 'total-time': number };
    expect(ms).toBeGreaterThan(900);
    await qmp.command('quit');
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
  }, 60_000);
});
