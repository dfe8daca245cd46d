// A machine saved by a monitor goes on in another program; its memory becomes a core file.

import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
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

/** Waits for the end of a migration. */
const migrated = (qmp: QmpClient, status: string): Promise<void> =>
  vi.waitFor(async () => expect(await qmp.command('query-migrate')).toMatchObject({ return: { status } }), {
    timeout: 20_000,
    interval: 10,
  });

it('migrate saves a machine, -incoming goes on from it', async () => {
  const running = startProgram([
    ...VIRT,
    ...['-serial', `file:${path('first')}`, '-qmp', `unix:${path('q')},server=on,wait=off`],
  ]);
  await soon(() => expect(existsSync(path('first')) && readFileSync(path('first'), 'utf8')).toBe('hello\n'));
  const qmp = await QmpClient.connect(path('q'));
  expect(await qmp.command('query-migrate')).toEqual({ return: {} });
  expect(await qmp.command('migrate', { uri: 'frob:x' })).toMatchObject({
    error: { class: 'GenericError', desc: "Parameter 'uri' expects a valid migration protocol" },
  });
  expect(await qmp.command('migrate', { uri: `file:${path('no/such')}` })).toHaveProperty('error');
  expect(await qmp.command('query-migrate')).toMatchObject({ return: { status: 'failed' } });
  const dump = { paging: false, protocol: `file:${path('core')}` };
  expect(await qmp.command('dump-guest-memory', dump)).toEqual({ return: {} });
  const dumped = { status: 'completed', completed: statSync(path('core')).size, total: statSync(path('core')).size };
  expect(await qmp.event('DUMP_COMPLETED')).toMatchObject({ data: { result: dumped } });
  expect(await qmp.command('query-dump')).toEqual({ return: dumped });
  expect(await qmp.command('dump-guest-memory', { ...dump, protocol: `file:${path('no/such')}` })).toHaveProperty(
    'error',
  );
  expect(await qmp.command('query-dump')).toMatchObject({ return: { status: 'failed' } });
  const detached = { ...dump, paging: true, detach: true, protocol: `file:${path('core2')}` };
  expect(await qmp.command('dump-guest-memory', detached)).toEqual({ return: {} });
  expect(await qmp.command('dump-guest-memory', detached)).toMatchObject({
    error: { desc: 'There is a dump in process, please wait.' },
  });
  expect(await qmp.event('DUMP_COMPLETED')).toMatchObject({ data: { result: dumped } });
  expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'running' } });
  expect(await qmp.command('migrate', { uri: `file:${path('saved')}` })).toEqual({ return: {} });
  await migrated(qmp, 'completed');
  expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'postmigrate', running: false } });
  expect(await qmp.command('migrate', { uri: `file:${path('saved')}` })).toHaveProperty('error');
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

it('a machine moves to another program over a socket, and is saved through a command', async () => {
  const start = (name: string, more: string[]) =>
    startProgram([...VIRT, '-serial', 'null', '-qmp', `unix:${path(`q-${name}`)},server=on,wait=off`, ...more]);
  const connect = (name: string): Promise<QmpClient> => QmpClient.connect(path(`q-${name}`));
  const source = start('source', []);
  const from = await connect('source');
  const status = async (qmp: QmpClient) => (await qmp.command('query-status')).return;
  const events = { capabilities: [{ capability: 'events', state: true }] };
  await from.command('migrate-set-capabilities', events);
  expect(await from.command('query-migrate-capabilities')).toEqual({ return: events.capabilities });

  // What fails leaves the machine running, and says why.
  await from.command('migrate', { uri: 'exec:exit 3' });
  await migrated(from, 'failed');
  expect(await status(from)).toMatchObject({ status: 'running' });
  await from.command('migrate', { uri: `exec:cat > ${path('through')}` });
  await migrated(from, 'completed');
  expect(readFileSync(path('through')).subarray(0, 6).toString('latin1')).toBe('BWSNAP');
  await from.command('cont');
  expect(await status(from)).toMatchObject({ status: 'running' });

  const target = start('target', ['-incoming', 'defer', '-S']);
  const to = await connect('target');
  expect(await status(to)).toMatchObject({ status: 'inmigrate' });
  expect(await to.command('migrate', { uri: 'exec:true' })).toHaveProperty('error');
  const uri = `unix:${path('moving')}`;
  expect(await to.command('migrate-incoming', { uri })).toEqual({ return: {} });
  await soon(() => expect(existsSync(path('moving'))).toBe(true));
  await from.command('migrate', { uri });
  await migrated(from, 'completed');
  await vi.waitFor(async () => expect(await status(to)).toMatchObject({ status: 'paused' }), { timeout: 20_000 });
  await to.command('cont');
  expect(await status(to)).toMatchObject({ status: 'running' });
  await Promise.all([from.command('quit'), to.command('quit')]);
  expect((await Promise.all([source.ended, target.ended])).map((outcome) => outcome.status)).toEqual([0, 0]);

  // Through a command, at once.
  const { err, status: code } = await startProgram([...VIRT, '-serial', 'null', '-incoming', 'exec:echo no']).ended;
  expect({ err, code }).toEqual({
    err: 'boardwalk-system-riscv64: -incoming: exec:echo no: this is no snapshot\n',
    code: 1,
  });
}, 60_000);

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('a machine moves over TCP, comes from an open file, and stays when that is called off', async () => {
  const start = (name: string, more: string[]) =>
    startProgram([...VIRT, '-serial', 'null', '-qmp', `unix:${path(`q-${name}`)},server=on,wait=off`, ...more]);
  const connect = (name: string): Promise<QmpClient> => QmpClient.connect(path(`q-${name}`));
  const state = async (qmp: QmpClient) => ((await qmp.command('query-status')).return as { status: string }).status;
  const becomes = (qmp: QmpClient, wanted: string) =>
    vi.waitFor(async () => expect(await state(qmp)).toBe(wanted), { timeout: 20_000, interval: 10 });
  const source = start('a', []);
  const from = await connect('a');
  await from.command('migrate-set-capabilities', { capabilities: [{ capability: 'events', state: true }] });

  // A command that does not end: the machine waits for it, until that is called off.
  const pid = path('pid');
  await from.command('migrate', { uri: `exec:echo $$ > ${pid}; exec sleep 600` });
  await migrated(from, 'active');
  await soon(() => expect(existsSync(pid) && readFileSync(pid, 'utf8')).toMatch(/^\d+\n$/));
  expect(await state(from)).toBe('paused');
  expect(await from.command('migrate_cancel')).toEqual({ return: {} });
  await migrated(from, 'cancelled');
  await becomes(from, 'running');
  await soon(() => expect(() => process.kill(Number(readFileSync(pid, 'utf8')), 0)).toThrow());

  // Nobody answers: told by how it ends, as on QEMU, and the machine runs on.
  const port = await freePort();
  expect(await from.command('migrate', { uri: `tcp:127.0.0.1:${port}` })).toEqual({ return: {} });
  await migrated(from, 'failed');
  const refused = `Failed to connect to '127.0.0.1:${port}': Connection refused`;
  expect(await from.command('query-migrate')).toMatchObject({ return: { 'error-desc': refused } });
  expect(await state(from)).toBe('running');
  const target = start('b', ['-incoming', `tcp:127.0.0.1:${port}`]);
  const to = await connect('b');
  expect(await state(to)).toBe('inmigrate');
  await from.command('migrate', { uri: `tcp:127.0.0.1:${port}` });
  await migrated(from, 'completed');
  await becomes(to, 'running');
  expect(await state(from)).toBe('postmigrate');
  await from.command('quit');

  await to.command('migrate', { uri: `file:${path('for-fd')}` });
  await migrated(to, 'completed');
  await to.command('quit');
  const file = openSync(path('for-fd'), 'r');
  const last = start('c', ['-incoming', `fd:${file}`]);
  const at = await connect('c');
  await becomes(at, 'running');
  await at.command('quit');
  for (const { ended } of [source, target, last]) expect((await ended).status).toBe(0);
}, 60_000);
