// A client of QMP that others wrote: ganeti's, as Debian has it, makes the same calls to the program and, where it is there, to QEMU.

import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fetchDebianFiles } from '@boardwalk/debian';
import { ifReachable } from '@boardwalk/launch';
import { afterAll, describe, expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const CLIENT = fileURLToPath(new URL('ganeti.py', import.meta.url));
const QEMU = 'qemu-system-riscv64';
const hasPython = spawnSync('python3', ['--version']).status === 0;
if (!hasPython) console.log("not run with ganeti's client: that is written in Python 3, which is not here");
const hasQemu = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');
if (!hasQemu) console.log(`ganeti's client is not run with QEMU: that needs ${QEMU} 7 (Debian: qemu-system-misc)`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-ganeti-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const DISK_BYTES = 1 << 20;
const BLOCKDEV = {
  driver: 'raw',
  'node-name': 'disk1',
  discard: 'ignore',
  cache: { direct: false, 'no-flush': false },
  file: { driver: 'file', filename: path('disk'), aio: 'threads' },
};
const DEVICE = {
  driver: 'scsi-hd',
  id: 'disk1',
  bus: 'scsi.0',
  channel: 0,
  'scsi-id': 1,
  lun: 0,
  vif_script: 'unused',
};

const returns = (result: unknown) => ({ result });
const fails = (kind: string, message: string) => ({ error: [kind, expect.stringContaining(message)] });
const execute = (command: string, args?: object) => ['execute_qmp', command, ...(args === undefined ? [] : [args])];

/** What the client is made to do, in order, and what its user is given. */
const CALLS: readonly (readonly [call: readonly unknown[], said: object])[] = [
  [['version'], returns([7, 2, expect.any(Number)])],
  [execute('query-status'), returns({ status: 'running', singlestep: false, running: true })],
  [['StopGuestEmulation'], returns(null)],
  [execute('query-status'), returns({ status: 'paused', singlestep: false, running: false })],
  [['GetCpuInformation'], returns([expect.objectContaining({ 'cpu-index': 0, target: 'riscv64' })])],
  [['HasDynamicAutoReadOnly'], returns(expect.any(Boolean))],
  [['SetBalloonMemory', 16], returns(null)],
  [['Powerdown'], returns(null)],
  [execute('no-such-command'), fails('QmpCommandNotSupported', "'no-such-command'")],
  [
    execute('qom-get', { path: '/machine/nothing', property: 'type' }),
    fails('HypervisorError', "Device '/machine/nothing' not found (DeviceNotFound)"),
  ],
  [execute('human-monitor-command', { 'command-line': 'info status' }), returns('VM status: paused\r\n')],

  // A disk: its file is passed over the socket, and named by its set. QEMU lets it go only while the guest stands still.
  [['CheckDiskHotAddSupport'], returns(null)],
  [['HasDynamicAutoReadOnly'], returns(true)],
  [['hot_add_disk', DEVICE, BLOCKDEV], returns(null)],
  [execute('query-block'), returns(expect.arrayContaining([expect.objectContaining({ qdev: 'disk1' })]))],
  [['hot_add_disk', DEVICE, BLOCKDEV], fails('HypervisorError', "Duplicate nodes with node-name='disk1'")],
  [execute('blockdev-del', { 'node-name': 'disk1' }), fails('HypervisorError', 'disk1 is in use (GenericError)')],
  [['HotDelDisk', 'disk1'], returns(null)],
  [execute('query-named-block-nodes'), returns([])],
  [['HotDelDisk', 'disk1'], fails('HypervisorError', "Device 'disk1' not found (DeviceNotFound)")],

  [['ContinueGuestEmulation'], returns(null)],
  [execute('query-status'), returns({ status: 'running', singlestep: false, running: true })],

  // Open files by name.
  [['passed', path('file')], returns(null)],
  [execute('closefd', { fdname: 'file' }), returns({})],
  [execute('closefd', { fdname: 'file' }), fails('HypervisorError', "File descriptor named 'file' not found")],

  // A migration, into a file that the client has opened.
  [['SetMigrationCapabilities', ['events'], true], returns(null)],
  [
    ['SetMigrationCapabilities', ['nonsense'], true],
    fails('HypervisorError', "Parameter 'capability' does not accept value 'nonsense' (GenericError)"),
  ],
  [['GetMigrationStatus'], returns({})],
  [['passed', path('state')], returns(null)],
  [execute('migrate', { uri: 'fd:state' }), returns({})],
  [['migrated'], returns('completed')],
  [execute('quit'), returns({})],
];

const machine = (socket: string): string[] => [
  ...['-M', 'virt', '-m', '32', '-bios', 'none', '-display', 'none', '-serial', 'null', '-monitor', 'none'],
  ...['-device', 'virtio-scsi-device,id=scsi', '-device', 'virtio-balloon-device'],
  ...['-qmp', `unix:${socket},server=on,wait=off`],
];

/** Makes the calls; gives what came of each. */
async function play(socket: string, ganeti: string): Promise<unknown[]> {
  writeFileSync(path('disk'), new Uint8Array(DISK_BYTES));
  writeFileSync(path('calls'), CALLS.map(([call]) => `${JSON.stringify(call)}\n`).join(''));
  const { stdout } = await promisify(execFile)('python3', [CLIENT, ganeti, socket, path('calls')]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

const EXPECTED = CALLS.map(([call, said]) => ({ call, ...said }));

describe.skipIf(!hasPython)("ganeti's client", () => {
  it('drives the program', async ({ skip }) => {
    const ganeti = (await ganetiFolder()) ?? skip("Debian's packages cannot be had here");
    const running = startProgram(machine(path('ours')));
    expect(await play(path('ours'), ganeti)).toEqual(EXPECTED);
    expect(await running.ended).toEqual({ status: 0, out: '', err: '' });
    expect(statSync(path('state')).size).toBeGreaterThan(1000);
  }, 120_000);

  it.skipIf(!hasQemu)(
    'is given the same by QEMU',
    async ({ skip }) => {
      const ganeti = (await ganetiFolder()) ?? skip("Debian's packages cannot be had here");
      const qemu = spawn(QEMU, machine(path('theirs')), { stdio: 'ignore' });
      const ended = new Promise((resolve) => qemu.once('close', resolve));
      expect(await play(path('theirs'), ganeti)).toEqual(EXPECTED);
      expect(await ended).toBe(0);
    },
    120_000,
  );
});

/** Where its Python packages are. */
async function ganetiFolder(): Promise<string | undefined> {
  const [found] = (await ifReachable(fetchDebianFiles({ packages: ['ganeti-3.1'] }))) ?? [];
  return found && join(found.dir, 'usr/share/ganeti/3.1');
}
