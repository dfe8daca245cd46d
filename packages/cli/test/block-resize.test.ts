// Disks that get another size while the program runs: the same calls to us and to QEMU 7, the same answers.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-resize-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;

type Call = readonly [command: string, args?: object];

const resize = (where: object, size: number): Call => ['block_resize', { ...where, size }];
const hmp = (line: string): Call => ['human-monitor-command', { 'command-line': line }];
const done = { return: {} };
const fails = (desc: string) => ({ error: { class: 'GenericError', desc } });

const CALLS: readonly (readonly [Call, object])[] = [
  [resize({ device: 'd0' }, 2 * MIB), done],
  [resize({ 'node-name': 'n1' }, 3 * MIB), done],
  [resize({ 'node-name': 'ro' }, 2 * MIB), fails('Image is read-only')],
  [resize({ device: 'v1' }, MIB), fails("Cannot find device='v1' nor node-name=''")],
  [resize({ 'node-name': 'nope' }, MIB), fails("Cannot find device='' nor node-name='nope'")],
  [resize({}, MIB), fails("Cannot find device='' nor node-name=''")],
  [resize({ device: 'd0' }, -1), fails("Parameter 'size' expects a >0 size")],
  [hmp('block_resize nope 3'), { return: "Error: Cannot find device='nope' nor node-name=''\r\n" }],
  [hmp('block_resize n1 3'), { return: "Error: Cannot find device='n1' nor node-name=''\r\n" }],
  // Megabytes, unless it says otherwise; shorter, too.
  [hmp('block_resize d0 4'), { return: '' }],
  [resize({ 'node-name': 'n1' }, MIB / 2), done],
];

const file = (name: string): string => join(folder, name);

function machine(name: string): string[] {
  for (const image of ['d0', 'n1', 'ro', 'kept']) {
    writeFileSync(file(`${name}-${image}`), '');
    truncateSync(file(`${name}-${image}`), MIB);
  }
  return [
    ...['-M', 'virt', '-m', '32', '-bios', 'none', '-S', '-nodefaults', '-display', 'none'],
    ...['-drive', `file=${file(`${name}-d0`)},format=raw,if=none,id=d0`, '-device', 'virtio-blk-device,drive=d0'],
    ...['-blockdev', `file,filename=${file(`${name}-n1`)},node-name=n1`, '-device', 'virtio-blk-device,drive=n1,id=v1'],
    ...['-blockdev', `file,filename=${file(`${name}-ro`)},node-name=ro,read-only=on`],
    ...['-qmp', `unix:${file(name)},server=on,wait=off`],
  ];
}

/** Makes the calls; gives what came of each. */
async function play(name: string): Promise<unknown[]> {
  const qmp = await QmpClient.connect(file(name));
  const answers: unknown[] = [];
  for (const [[command, args]] of CALLS) answers.push(await qmp.command(command, args));
  await qmp.command('quit');
  return answers;
}

const sizes = (name: string): number[] => ['d0', 'n1', 'ro'].map((image) => statSync(file(`${name}-${image}`)).size);

const ANSWERS = CALLS.map(([, answer]) => answer);
const SIZES = [4 * MIB, MIB / 2, MIB];

const QEMU = 'qemu-system-riscv64';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');

describe('block_resize', () => {
  it('gives files another size', async () => {
    const { ended } = startProgram(machine('ours'));
    expect(await play('ours')).toEqual(ANSWERS);
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
    expect(sizes('ours')).toEqual(SIZES);
  });

  it.skipIf(!isReference)('says what QEMU says', async () => {
    const qemu = spawn(QEMU, machine('theirs'), { stdio: 'ignore' });
    const ended = new Promise((resolve) => qemu.once('close', resolve));
    expect(await play('theirs')).toEqual(ANSWERS);
    expect(await ended).toBe(0);
    expect(sizes('theirs')).toEqual(SIZES);
  });

  it('refuses what no disk has, and disks whose guest cannot be told', async () => {
    const { ended } = startProgram(
      [
        ...machine('odd'),
        ...['-device', 'virtio-scsi-device', '-device', 'scsi-hd,drive=ro'],
        ...['-drive', `file=${file('odd-kept')},format=raw,if=none,id=kept,snapshot=on`],
        ...['-device', 'virtio-blk-device,drive=kept'],
      ].map((word) => word.replace(',read-only=on', '')),
    );
    const qmp = await QmpClient.connect(file('odd'));
    const why = async (...[command, args]: Call) => ((await qmp.command(command, args)).error as { desc: string }).desc;
    for (const size of [0, 1000]) {
      expect(await why(...resize({ device: 'd0' }, size))).toBe(
        "Parameter 'size' expects a multiple of 512 that is not 0",
      );
    }
    expect(await why(...resize({ 'node-name': 'ro' }, 2 * MIB))).toBe(
      "'scsi-hd' cannot tell the guest of another size",
    );
    expect(await why(...resize({ device: 'kept' }, 2 * MIB))).toContain('odd-kept: what is kept apart');
    await qmp.command('quit');
    expect(await ended).toEqual({ status: 0, out: '', err: '' });
    expect(sizes('odd')).toEqual([MIB, MIB, MIB]);
  });
});

it('a mainframe’s disk is told, and gives its node back when it goes', async () => {
  machine('s390');
  const { ended } = startProgram(
    [
      ...['-nodefaults', '-display', 'none', '-bios', 'none', '-S', '-qmp', `unix:${file('s390')},server=on,wait=off`],
      ...['-blockdev', `file,filename=${file('s390-n1')},node-name=n1`],
    ],
    's390x',
  );
  const qmp = await QmpClient.connect(file('s390'));
  for (let n = 0; n < 2; n++) {
    expect(await qmp.command('device_add', { driver: 'virtio-blk-ccw', id: 'v1', drive: 'n1' })).toEqual(done);
    expect(await qmp.command(...resize({ 'node-name': 'n1' }, (2 + n) * MIB))).toEqual(done);
    expect(await qmp.command('device_del', { id: 'v1' })).toEqual(done);
  }
  expect(await qmp.command('blockdev-del', { 'node-name': 'n1' })).toEqual(done);
  await qmp.command('quit');
  expect(await ended).toMatchObject({ status: 0, err: '' });
  expect(sizes('s390')[1]).toBe(3 * MIB);
});
