// A machine saved by a monitor goes on in another program; its memory becomes a core file.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { guestProgram } from './guest.ts';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-snapshot-'));
const path = (name: string): string => join(folder, name);
writeFileSync(path('guest'), guestProgram());
writeFileSync(path('keys'), 'abq');
afterAll(() => rmSync(folder, { recursive: true }));

const VIRT = ['-M', 'virt', '-m', '32', '-bios', path('guest'), '-display', 'none'];
const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });

it('migrate saves a machine, -incoming goes on from it', async () => {
  const running = startProgram([
    ...VIRT,
    ...['-serial', `file:${path('first')}`, '-qmp', `unix:${path('q')},server=on,wait=off`],
  ]);
  await soon(() => expect(existsSync(path('first')) && readFileSync(path('first'), 'utf8')).toBe('hello\n'));
  const qmp = await QmpClient.connect(path('q'));
  expect(await qmp.command('query-migrate')).toEqual({ return: {} });
  expect(await qmp.command('migrate', { uri: 'tcp:localhost:4444' })).toMatchObject({
    error: { class: 'GenericError', desc: 'unknown migration protocol: tcp:localhost:4444; file:PATH is there' },
  });
  expect(await qmp.command('migrate', { uri: `file:${path('no/such')}` })).toHaveProperty('error');
  expect(await qmp.command('query-migrate')).toEqual({ return: { status: 'failed' } });
  const dump = { paging: false, protocol: `file:${path('core')}` };
  expect(await qmp.command('dump-guest-memory', dump)).toEqual({ return: {} });
  expect(await qmp.command('dump-guest-memory', { ...dump, paging: true })).toHaveProperty('error');
  expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'running' } });
  expect(await qmp.command('migrate', { uri: `file:${path('saved')}` })).toEqual({ return: {} });
  expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'paused' } });
  expect(await qmp.command('query-migrate')).toEqual({ return: { status: 'completed' } });
  await qmp.command('quit');
  await running.ended;

  const core = readFileSync(path('core'));
  expect(core.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
  expect(core.includes(Buffer.from(guestProgram()))).toBe(true);
  expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);

  const lines = ['-chardev', `file,id=c,path=${path('second')},input-path=${path('keys')}`, '-serial', 'chardev:c'];
  const incoming = (name: string): string[] => ['-incoming', `file:${path(name)}`];
  expect(await startProgram([...VIRT, ...lines, ...incoming('saved')]).ended).toEqual({ status: 7, out: '', err: '' });
  // It was greeted before it was saved.
  expect(readFileSync(path('second'), 'utf8')).toBe('ab');

  writeFileSync(path('cut'), readFileSync(path('saved')).subarray(0, -5));
  for (const [name, more, message] of [
    ['missing', [], 'no such file or directory'],
    ['cut', [], 'the snapshot is cut short'],
    ['guest', [], 'this is no snapshot'],
    ['saved', ['-m', '64'], 'the snapshot has another RAM size: 33554432, this machine 67108864'],
  ] as const) {
    const { status, err } = await startProgram([...VIRT, ...lines, ...more, ...incoming(name)]).ended;
    expect(status).toBe(1);
    expect(err).toBe(`boardwalk-system-riscv64: -incoming: ${path(name)}: ${message}\n`);
  }
}, 60_000);
