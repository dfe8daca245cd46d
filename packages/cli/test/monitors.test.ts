// Monitors on every kind of line, in this process, and the built program as clients start it.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { ARCHITECTURES } from '../src/architectures.ts';
import { guestProgram } from './guest.ts';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-monitors-'));
const path = (name: string): string => join(folder, name);
writeFileSync(path('guest'), guestProgram());
afterAll(() => rmSync(folder, { recursive: true }));

const patient = { timeout: 20_000 };
const VIRT = ['-M', 'virt', '-m', '32', '-bios', path('guest'), '-display', 'none'];
const NONE = ['-M', 'none', '-display', 'none'];

describe('QMP', () => {
  it('is served on a private Unix socket, answers quit, then ends with status 0', async () => {
    const running = startProgram([...VIRT, '-qmp', `unix:${path('q1')},server=on,wait=off`]);
    const qmp = await QmpClient.connect(path('q1'));
    expect(statSync(path('q1')).mode & 0o077).toBe(0);
    expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'running', running: true } });
    expect(await qmp.command('quit')).toEqual({ return: {} });
    expect(await qmp.event('SHUTDOWN')).toMatchObject({ data: { guest: false, reason: 'host-qmp-quit' } });
    await qmp.closed;
    expect(await running.ended).toEqual({ status: 0, out: '', err: '' });
  });

  it('connects to a client that listens, through -chardev and -mon', async () => {
    const accepted = new Promise<Socket>((resolve) => {
      const server = createServer((socket) => {
        resolve(socket);
        server.close();
      });
      server.listen(path('q2'));
    });
    const running = startProgram([
      ...NONE,
      ...['-chardev', `socket,path=${path('q2')},id=char0`, '-mon', 'chardev=char0,mode=control'],
    ]);
    const qmp = await QmpClient.over(await accepted);
    expect(qmp.greeting).toMatchObject({ QMP: { capabilities: ['oob'] } });
    await qmp.command('quit');
    expect((await running.ended).status).toBe(0);
  });

  it('serves several monitors at once', async () => {
    const running = startProgram([
      ...NONE,
      ...['-qmp', `unix:${path('q3')},server=on,wait=off`, '-qmp', `unix:${path('q4')},server=on,wait=off`],
    ]);
    const [first, second] = [await QmpClient.connect(path('q3')), await QmpClient.connect(path('q4'))];
    await first.command('stop');
    expect(await second.event('STOP')).toMatchObject({ event: 'STOP' });
    await second.command('quit');
    expect((await running.ended).status).toBe(0);
  });

  it('shows what the program has, and saves memory into files', async () => {
    const running = startProgram([...VIRT, '-S', '-qmp', `unix:${path('q5')},server=on,wait=off`]);
    const qmp = await QmpClient.connect(path('q5'));
    const answer = async (name: string, args?: object) => (await qmp.command(name, args)).return;
    expect(await answer('query-status')).toMatchObject({ status: 'prelaunch', running: false });
    expect(await answer('query-machines')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'none' }),
        expect.objectContaining({ name: 'virt', 'is-default': true, 'default-ram-id': 'riscv_virt_board.ram' }),
      ]),
    );
    expect(await answer('query-cpu-definitions')).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'rv64' })]),
    );
    expect(await answer('query-cpus-fast')).toMatchObject([
      { 'cpu-index': 0, target: 'riscv64', 'thread-id': process.pid },
    ]);
    expect(await answer('qom-list-types', { implements: 'machine' })).toContainEqual({
      name: 'virt-machine',
      parent: 'machine',
    });
    await answer('pmemsave', { val: 0x8000_0000, size: guestProgram().length, filename: path('saved') });
    expect(readFileSync(path('saved'))).toEqual(Buffer.from(guestProgram()));
    expect(await qmp.command('pmemsave', { val: 0, size: 1, filename: path('no/where') })).toEqual({
      error: { class: 'GenericError', desc: `Could not open '${path('no/where')}': No such file or directory` },
    });
    await qmp.command('quit');
    expect((await running.ended).status).toBe(0);
  });

  it('tells of a signal before it ends', async () => {
    const running = startProgram([...VIRT, '-qmp', `unix:${path('q5')},server=on,wait=off`]);
    const qmp = await QmpClient.connect(path('q5'));
    process.kill(process.pid, 'SIGTERM');
    expect(await qmp.event('SHUTDOWN')).toMatchObject({ data: { guest: false, reason: 'host-signal' } });
    expect((await running.ended).status).toBe(0);
  });

  it('-S leaves the machine standing until cont', async () => {
    const running = startProgram([
      ...VIRT,
      ...['-S', '-serial', `file:${path('out')}`, '-qmp', `unix:${path('q6')},server=on,wait=off`],
    ]);
    const qmp = await QmpClient.connect(path('q6'));
    expect(await qmp.command('query-status')).toMatchObject({ return: { running: false } });
    expect(statSync(path('out')).size).toBe(0);
    await qmp.command('cont');
    await vi.waitFor(() => expect(statSync(path('out')).size).toBe(6), patient);
    await qmp.command('quit');
    await running.ended;
  });
});

describe('--preconfig', () => {
  it('makes the machine at x-exit-preconfig', async () => {
    const running = startProgram([
      ...VIRT,
      ...['--preconfig', '-serial', `file:${path('late')}`, '-qmp', `unix:${path('q7')},server=on,wait=off`],
    ]);
    const qmp = await QmpClient.connect(path('q7'));
    expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'prelaunch', running: false } });
    expect(await qmp.command('x-exit-preconfig')).toEqual({ return: {} });
    await vi.waitFor(() => expect(statSync(path('late')).size).toBe(6), patient);
    expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'running' } });
    await qmp.command('quit');
    expect((await running.ended).status).toBe(0);
  });
});

const built = existsSync(new URL('../dist/index.js', import.meta.url));

describe.skipIf(!built)('the built program', () => {
  const program = (arch: string): string =>
    fileURLToPath(new URL(`../bin/boardwalk-system-${arch}.js`, import.meta.url));

  it('has monitor and console on one terminal', async () => {
    writeFileSync(path('disk'), new Uint8Array(1024));
    const write = 'await drives.all[0].backend.write(512, Uint8Array.of(7))';
    writeFileSync(
      path('write.mjs'),
      `export async function onMachine({ drives }) { ${write}; return () => console.log('ended'); }`,
    );
    const child = spawn(process.execPath, [
      program('riscv64'),
      '-M',
      'virt',
      '-m',
      '32',
      '-bios',
      path('guest'),
      '-nographic',
      ...['-snapshot', '-drive', `file=${path('disk')},if=virtio`, '-load', path('write.mjs')],
    ]);
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
    });
    const shows = (what: string): Promise<void> => vi.waitFor(() => expect(text).toContain(what), patient);
    try {
      await shows('hello\n');
      child.stdin.write('a\x01cinfo status\r');
      await shows('VM status: running');
      child.stdin.write('\x01cb');
      await shows('ab'.slice(1));
      child.stdin.write('\x01h');
      await shows('C-a c    switch between console and monitor');
      expect(readFileSync(path('disk'))[512]).toBe(0);
      child.stdin.write('\x01s');
      await vi.waitFor(() => expect(readFileSync(path('disk'))[512]).toBe(7), patient);
      child.stdin.write('\x01ccommit frob\r');
      await shows("Error: Device 'frob' not found");
      child.stdin.write('commit all\r');
      child.stdin.write('quit\r');
      expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
      expect(text).toContain('ended\n');
    } finally {
      child.kill('SIGKILL');
    }
  });

  it.each(ARCHITECTURES)('boardwalk-system-%s greets for -machine none', async (arch) => {
    const child = spawn(process.execPath, [program(arch), ...NONE, '-qmp', 'stdio']);
    try {
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      expect(JSON.parse((await lines.next()).value)).toMatchObject({ QMP: { capabilities: ['oob'] } });
      child.stdin.write('{"execute":"qmp_capabilities"}{"execute":"quit"}');
      expect((await lines.next()).value).toBe('{"return": {}}');
      expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
