// What QEMU's own clients expect of a command line and of monitors, one after the other: options in every spelling, and every command.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-control-plane-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** A client's socket: it listens, and the emulator connects. */
function listen(name: string): Promise<Socket> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      resolve(socket);
      server.close();
    });
    server.listen(path(name));
  });
}

/** Starts a program as a test program does. @param line the machine's options */
async function launch(name: string, line: readonly string[]) {
  const sockets = [listen(`${name}-qtest`), listen(`${name}-qmp`)] as const;
  const running = startProgram([
    ...['-qtest', `unix:${path(`${name}-qtest`)}`, '-qtest-log', '/dev/null'],
    ...['-chardev', `socket,path=${path(`${name}-qmp`)},id=char0`, '-mon', 'chardev=char0,mode=control'],
    ...['-display', 'none', ...line, '-accel', 'qtest'],
  ]);
  const [qtest, control] = await Promise.all(sockets);
  const qmp = await QmpClient.over(control);
  const lines = createInterface(qtest)[Symbol.asyncIterator]();
  return {
    qmp,
    ask: async (text: string): Promise<string> => {
      qtest.write(`${text}\n`);
      return String((await lines.next()).value);
    },
    hmp: async (text: string): Promise<string> =>
      String((await qmp.command('human-monitor-command', { 'command-line': text })).return),
    quit: async () => {
      expect(await qmp.command('quit')).toEqual({ return: {} });
      expect(await qmp.event('SHUTDOWN')).toMatchObject({ data: { guest: false, reason: 'host-qmp-quit' } });
      await qmp.closed;
      return running.ended;
    },
  };
}

const ENDED = { status: 0, out: '', err: '' };

describe('the line by which test programs start an emulator', () => {
  it('connects to both of their sockets, without a kernel or firmware', async () => {
    const program = await launch('plain', ['-machine', 'virt']);
    expect(await program.ask('endianness')).toBe('OK little');
    expect(await program.ask('inb 0x60')).toBe('OK 0x00ff');
    expect(await program.ask('clock_step 1000')).toBe('OK 1000');
    expect(await program.quit()).toEqual(ENDED);
  });

  it('may say the same in several ways, and more than once', async () => {
    const program = await launch('spelt', [
      // Twice the same option; -M for -machine; two dashes; a comma at the end; -smp by the machine; the first accelerator that is usable.
      ...['-M', 'virt,', '--machine', 'smp.cpus=8,smp.sockets=2', '-boot', 'order=c', '--boot', 'menu=off'],
      ...['-accel', 'kvm', '-accel', 'hvf', '-m', '64'],
      ...['-device', '{"driver": "virtio-rng-device", "id": "rng0", "max-bytes": 1024}'],
    ]);
    expect((await program.qmp.command('query-cpus-fast')).return).toHaveLength(8);
    expect(await program.hmp('info qtree')).toContain('max-bytes = 1024 (0x400)');
    expect(await program.quit()).toEqual(ENDED);
  });

  it.each([
    ['-frob', '-frob: invalid option'],
    ['-machine frob', "-machine: unsupported machine type 'frob'"],
    ['-machine virt,frob=1', "-machine: Property 'virt-machine.frob' not found"],
    ['-machine virt -m 5frob', '-m: '],
    ['-machine virt -accel kvm -accel hvf', '-accel: '],
  ])('%s is one line and status 1', async (line, text) => {
    const { status, out, err } = await startProgram([...line.split(' '), '-display', 'none']).ended;
    expect({ status, out, lines: err.trimEnd().split('\n').length }).toEqual({ status: 1, out: '', lines: 1 });
    expect(err).toContain(`boardwalk-system-riscv64: ${text}`);
  });
});

/** Every command that clients begin with. */
const QMP = `query-version query-name query-status query-commands query-qmp-schema query-machines qom-list qom-get qom-set qom-list-types
  qom-list-properties device-list-properties query-cpus-fast query-hotpluggable-cpus query-cpu-definitions query-memdev
  query-memory-size-summary query-memory-devices object-add object-del device_add device_del set-numa-node x-exit-preconfig stop cont
  system_reset system_powerdown quit human-monitor-command memsave pmemsave query-block blockdev-add query-chardev chardev-add migrate
  query-migrate dump-guest-memory`;
const INFO = `numa memdev mtree qtree qom-tree registers cpus irq pic tlb mem chardev block network version status roms
  memory_size_summary`;
const HMP = 'x xp p o i stop cont system_reset savevm loadvm sum gpa2hva quit';

const words = (text: string): string[] => text.split(/\s+/);

it('monitors have every command that clients begin with, and each `info` answers', async () => {
  const program = await launch('commands', ['-machine', 'virt']);
  const { qmp, hmp } = program;
  const commands = (await qmp.command('query-commands')).return as { name: string }[];
  expect(words(QMP).filter((name) => !commands.some((command) => command.name === name))).toEqual([]);
  const help = await hmp('help info');
  for (const name of words(INFO)) {
    expect(help, name).toMatch(new RegExp(`^info ${name}\\b`, 'm'));
    expect(await hmp(`info ${name}`), name).not.toMatch(/unknown command|internal error/);
  }
  for (const name of words(HMP)) expect(await hmp(`help ${name}`), name).not.toContain('unknown command');
  expect(await hmp('info mtree -f')).toContain('FlatView');
  expect((await hmp('info status')).endsWith('\r\n')).toBe(true);
  // The event comes after the reset, which is done when the command is answered or soon afterwards.
  await qmp.command('system_reset');
  expect(await qmp.event('RESET')).toMatchObject({ data: { guest: false, reason: 'host-qmp-system-reset' } });
  expect(await qmp.command('system_powerdown')).toEqual({ return: {} });
  expect(await qmp.event('POWERDOWN')).toHaveProperty('timestamp.microseconds');
  expect(await program.quit()).toEqual(ENDED);
});
