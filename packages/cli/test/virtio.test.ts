// What monitors show of virtio devices, held against QEMU: a request lies in a queue that a test program has set up.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectWhenListening } from '@boardwalk/testing';
import { afterAll, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const QEMU = 'qemu-system-riscv64';
const isReference = /version 7\./.test(spawnSync(QEMU, ['--version'], { encoding: 'utf8' }).stdout ?? '');
if (!isReference) console.log(`virtio queues are not compared: that needs ${QEMU} 7 (Debian: qemu-system-misc)`);

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-virtio-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** An entropy device that may give nothing, so that what it is asked for stays in its queue. */
const machine = (name: string): string[] => [
  ...['-M', 'virt', '-m', '32', '-bios', 'none', '-display', 'none', '-serial', 'null', '-monitor', 'none', '-S'],
  ...['-global', 'virtio-mmio.force-legacy=on', '-device', 'virtio-rng-device,id=r,max-bytes=0'],
  ...['-device', 'virtio-scsi-device,id=s', '-qtest-log', '/dev/null'],
  ...['-qtest', `unix:${path(`${name}-qtest`)},server=on,wait=off`, '-qmp', `unix:${path(name)},server=on,wait=off`],
];

/** Registers of the last virtio-mmio transport, by their offsets (VIRTIO 1.2, 4.2.4). */
const SET_UP = [
  ...[0x70, 3, 0x20, 0x3000_0000, 0x28, 4096, 0x30, 0, 0x38, 8, 0x3c, 4096, 0x40, 0x8_0001],
  // DRIVER_OK
  ...[0x70, 7],
].flatMap((value, i, all) => (i % 2 === 0 ? [`writel ${0x1000_8000 + value} ${all[i + 1]}`] : []));

/** A chain of two buffers, in the first place of the available ring. */
const REQUEST = [
  ...['writeq 0x80001000 0x80010000', 'writel 0x80001008 64', 'writew 0x8000100c 3', 'writew 0x8000100e 1'],
  ...['writeq 0x80001010 0x80020000', 'writel 0x80001018 32', 'writew 0x8000101c 2'],
  ...['writew 0x80001080 0', 'writew 0x80001082 1', 'writew 0x80001084 0'],
];

type Answer = Readonly<Record<string, unknown>>;

/** Sets the queue up, and asks all there is to ask of it. */
async function examine(name: string) {
  const line = await connectWhenListening(path(`${name}-qtest`));
  const answers = createInterface(line)[Symbol.asyncIterator]();
  for (const command of [...REQUEST, ...SET_UP]) {
    line.write(`${command}\n`);
    expect((await answers.next()).value).toBe('OK');
  }
  const qmp = await QmpClient.connect(path(name));
  const r = '/machine/peripheral/r';
  const ask = (what: string, args?: object) => qmp.command(`x-query-virtio${what}`, args);
  const hmp = async (text: string) => {
    const { return: shown } = await qmp.command('human-monitor-command', { 'command-line': text });
    return String(shown).replaceAll('\r\n', '\n').trimEnd();
  };
  const queue = (await ask('-queue-status', { path: r, queue: 0 })).return as Answer;
  const { 'signalled-used-valid': _, 'shadow-avail-idx': __, ...queueStatus } = queue;
  const seen = {
    list: await ask(''),
    queueStatus,
    element: await ask('-queue-element', { path: r, queue: 0 }),
    otherElement: await ask('-queue-element', { path: r, queue: 0, index: 9 }),
    errors: [
      await ask('-status', { path: '/machine' }),
      await ask('-queue-status', { path: r, queue: 5 }),
      await ask('-queue-element', { path: '/machine/peripheral/s', queue: 0 }),
    ],
    shown: [await hmp('info virtio'), await hmp(`info virtio-queue-element ${r} 0`)],
  };
  const status = (await ask('-status', { path: r })).return as Answer;
  const text = await hmp(`info virtio-status ${r}`);
  const queueText = await hmp(`info virtio-queue-status ${r} 0`);
  await qmp.command('quit');
  return { seen, status, text, queueText };
}

it('shows devices, queues and requests as QEMU does', async () => {
  const running = startProgram(machine('ours'));
  const ours = await examine('ours');
  expect((await running.ended).status).toBe(0);
  expect(ours.seen.element).toMatchObject({
    return: { avail: { idx: 1 }, descs: [{ flags: ['write'] }, { flags: ['write', 'next'] }] },
  });
  expect(ours.status).toMatchObject({
    name: 'virtio-rng',
    'device-id': 4,
    started: true,
    'guest-features': { transports: [expect.stringContaining('EVENT_IDX'), expect.stringContaining('INDIRECT_DESC')] },
  });
  expect(ours.queueText).toContain('    desc:         0x0000000080001000\n    avail:        0x0000000080001080');
  if (!isReference) return;
  const qemu = spawn(QEMU, machine('theirs'), { stdio: 'ignore' });
  const ended = new Promise((resolve) => qemu.once('close', resolve));
  const theirs = await examine('theirs');
  expect(await ended).toBe(0);
  expect(ours.seen).toEqual(theirs.seen);
  // QEMU tells more of itself, and its devices offer more: what both say is the same.
  const { 'host-features': _, ...told } = ours.status;
  expect(theirs.status).toMatchObject(told);
  const same = (ourText: string, theirText: string) => {
    const known = theirText.split('\n').map((line) => line.replace(/,$/, ''));
    return ourText.split('\n').filter((line) => !known.includes(line.replace(/,$/, '')));
  };
  const theirTexts = [theirs.text.replace('virtio-rng ', 'virtio-rng'), theirs.queueText];
  expect(same(ours.text, theirTexts[0] ?? '')).toEqual([]);
  expect(same(ours.queueText, theirTexts[1] ?? '').filter((line) => !line.includes('shadow_avail_idx'))).toEqual([]);
}, 60_000);
