// Cables for network cards that come and go while the program runs: the same calls to us and to QEMU 7, the same answers.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-netdev-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Call = readonly [command: string, args?: object];

const hmp = (line: string): Call => ['human-monitor-command', { 'command-line': line }];
const info = hmp('info network');
const socket = (id: string): object => ({ type: 'socket', id, listen: '127.0.0.1:0' });
const stream = (id: string, name: string): object => ({
  ...{ type: 'stream', id, server: true },
  addr: { type: 'unix', path: join(folder, name) },
});

const done = { return: {} };
const says = (...lines: readonly string[]) => ({ return: lines.map((line) => `${line}\r\n`).join('') });
const fails = (desc: string, type = 'GenericError') => ({ error: { class: type, desc } });
const CARD = 'c0: index=0,type=nic,model=virtio-net-device,macaddr=52:54:00:12:34:56';

/** Each call with what comes of it. Nothing makes a stream: QEMU 7.2 dies when one is taken away, as often as not. */
const CALLS: readonly (readonly [Call, object])[] = [
  [info, says(CARD, ' \\ n0: index=0,type=socket,')],
  [['netdev_add', socket('n1')], done],
  [['netdev_add', socket('n1')], fails("Duplicate ID 'n1'")],
  [['netdev_add', socket('n2')], done],
  [info, says(CARD, ' \\ n0: index=0,type=socket,', 'n1: index=0,type=socket,', 'n2: index=0,type=socket,')],
  [['netdev_add', { type: 'nosuch', id: 'n3' }], fails("Parameter 'type' does not accept value 'nosuch'")],
  [['netdev_add', { type: 'stream', id: 'n3' }], fails("Parameter 'addr' is missing")],
  [
    ['netdev_add', { type: 'stream', id: 'n3', server: true, addr: { type: 'unix' } }],
    fails("Parameter 'addr.path' is missing"),
  ],
  [['netdev_add', socket('n 3')], fails("Parameter 'id' expects an identifier")],
  [['netdev_add', { type: 'stream' }], fails("Parameter 'id' is missing")],
  [['netdev_add', { id: 'n3' }], fails("Parameter 'type' is missing")],
  [['netdev_del', { id: 'c0' }], fails("Device 'c0' not found", 'DeviceNotFound')],
  [['netdev_del', { id: 'n1' }], done],
  // What has gone can come again.
  [['netdev_add', socket('n1')], done],
  [hmp('netdev_del n1'), says()],
  [hmp('netdev_del n1'), says("Error: Device 'n1' not found")],
  [hmp('netdev_add nosuch,id=n3'), says("Error: Parameter 'type' does not accept value 'nosuch'")],
  [hmp('netdev_add socket,listen=:0'), says("Error: Parameter 'id' is missing")],
  [hmp('netdev_add socket,id=n3,listen=127.0.0.1:0'), says()],
  [info, says(CARD, ' \\ n0: index=0,type=socket,', 'n2: index=0,type=socket,', 'n3: index=0,type=socket,')],
  // A card that uses it stays.
  [['netdev_del', { id: 'n0' }], done],
  [['netdev_del', { id: 'n0' }], fails("Device 'n0' not found", 'DeviceNotFound')],
  [['qom-get', { path: '/machine/peripheral/c0', property: 'type' }], { return: 'virtio-net-device' }],
  [['netdev_add', socket('n0')], done],
];

const machine = (name: string, cable = 'socket,id=n0,listen=127.0.0.1:0'): string[] => [
  ...['-M', 'virt', '-m', '32', '-bios', 'none', '-S', '-nodefaults', '-display', 'none'],
  ...['-netdev', cable],
  ...['-device', 'virtio-net-device,id=c0,netdev=n0', '-qmp', `unix:${join(folder, name)},server=on,wait=off`],
];

/** Makes the calls; gives what came of each. */
async function play(socket: string, calls: readonly Call[]): Promise<unknown[]> {
  const qmp = await QmpClient.connect(join(folder, socket));
  const answers: unknown[] = [];
  for (const [command, args] of calls) answers.push(await qmp.command(command, args));
  await qmp.command('quit');
  return answers;
}

const expected = (calls: typeof CALLS) => calls.map(([call, answer]) => ({ call, ...answer }));

/** A socket that has gone can come again. */
const STREAM_CALLS: typeof CALLS = [
  [['netdev_add', stream('n1', 'cable')], done],
  [info, says(CARD, ' \\ n0: index=0,type=socket,', 'n1: index=0,type=stream,')],
  [['netdev_del', { id: 'n1' }], done],
  [['netdev_add', stream('n1', 'cable')], done],
];

async function played(name: string, expectations: typeof CALLS): Promise<unknown[]> {
  const calls = expectations.map(([call]) => call);
  const answers = await play(name, calls);
  return answers.map((answer, i) => ({ call: calls[i], ...(answer as object) }));
}

const QEMU = 'qemu-system-riscv64';
const isReference = (program: string): boolean =>
  /version 7\./.test(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '');

describe('netdev_add and netdev_del', () => {
  it('make cables and take them away', async () => {
    const { ended } = startProgram(machine('ours'));
    expect(await played('ours', CALLS)).toEqual(expected(CALLS));
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
  });

  it('make streams and take them away', async () => {
    const { ended } = startProgram(machine('streams'));
    expect(await played('streams', STREAM_CALLS)).toEqual(expected(STREAM_CALLS));
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
  });

  it.skipIf(!isReference(QEMU))('say what QEMU says', async () => {
    const qemu = spawn(QEMU, machine('theirs'), { stdio: 'ignore' });
    const ended = new Promise((resolve) => qemu.once('close', resolve));
    expect(await played('theirs', CALLS)).toEqual(expected(CALLS));
    expect(await ended).toBe(0);
  });
});

const MAINFRAME = 's390x';
/** A card comes with its cable, and goes, and comes again with the same. */
const PLUGGED: readonly (readonly [Call, object])[] = ['virtio-net-ccw', 'virtio-net-ccw'].flatMap((driver) => {
  const card = `c0: index=0,type=nic,model=${driver},macaddr=52:54:00:12:34:56`;
  const use = { driver, id: 'c0', netdev: 'n0', mac: '52:54:00:12:34:56' };
  const add: readonly [Call, object] = [['device_add', use], done];
  return [
    add,
    [info, says(card, ' \\ n0: index=0,type=socket,')],
    [
      ['device_add', { ...use, id: 'c1' }],
      fails(`Property 'virtio-net-device.netdev' can't take value 'n0', it's in use`),
    ],
    [['device_del', { id: 'c0' }], done],
  ] as const;
});
const MAINFRAME_CALLS: readonly (readonly [Call, object])[] = [
  [['netdev_add', { type: 'socket', id: 'n0', listen: '127.0.0.1:0' }], done],
  ...PLUGGED,
  [['netdev_del', { id: 'n0' }], done],
  [
    ['device_add', { driver: 'virtio-net-ccw', id: 'c0', netdev: 'n0' }],
    fails("Property 'virtio-net-device.netdev' can't find value 'n0'"),
  ],
];

const mainframe = (name: string): string[] => [
  ...['-nodefaults', '-display', 'none', '-S', '-qmp', `unix:${join(folder, name)},server=on,wait=off`],
];

describe('a card of a mainframe', () => {
  const calls = MAINFRAME_CALLS.map(([call]) => call);
  const answers = MAINFRAME_CALLS.map(([, answer]) => answer);

  it('is plugged on a new cable', async () => {
    const { ended } = startProgram([...mainframe('s390'), '-bios', 'none'], MAINFRAME);
    expect(await play('s390', calls)).toEqual(answers);
    expect(await ended).toMatchObject({ status: 0, err: '' });
  });

  it.skipIf(!isReference('qemu-system-s390x'))('as on QEMU', async () => {
    const qemu = spawn('qemu-system-s390x', mainframe('s390-theirs'), { stdio: 'ignore' });
    const ended = new Promise((resolve) => qemu.once('close', resolve));
    expect(await play('s390-theirs', calls)).toEqual(answers);
    expect(await ended).toBe(0);
  });
});

it('tells where a cable leads while somebody is at its other end', async () => {
  const path = join(folder, 'led-0');
  const { ended } = startProgram(machine('led', `stream,id=n0,server=on,addr.type=unix,addr.path=${path}`));
  const qmp = await QmpClient.connect(join(folder, 'led'));
  const other = await connectWhenListening(path);
  const network = async (): Promise<unknown> => (await qmp.command(...info)).return;
  await expect.poll(network).toBe(says(CARD, ` \\ n0: index=0,type=stream,unix:${path},server=on`).return);
  const gone = new Promise((resolve) => other.once('close', resolve));
  other.resume();
  await qmp.command('netdev_del', { id: 'n0' });
  await gone;
  expect(await network()).toBe(says(CARD).return);
  // Not there to be connected to, it is not made.
  const nobody = { type: 'stream', id: 'n1', addr: { type: 'unix', path: join(folder, 'nobody') } };
  for (let n = 0; n < 2; n++) {
    const { error } = await qmp.command('netdev_add', nobody);
    expect(error).toMatchObject({ desc: expect.stringContaining('nobody') });
  }
  await qmp.command('quit');
  expect(await ended).toEqual({ status: 0, out: '', err: '' });
});
