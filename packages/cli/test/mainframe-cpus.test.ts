// The places for a mainframe's CPUs over QMP: the same answers as qemu-system-s390x 7.2 gives for this command line.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

it('tells which CPUs there are, and which may come', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-cpus-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socket = join(folder, 'qmp');
  const options = [
    '-nodefaults',
    '-display',
    'none',
    '-bios',
    'none',
    '-S',
    '-qmp',
    `unix:${socket},server=on,wait=off`,
  ];
  const { ended } = startProgram([...options, '-smp', '2,maxcpus=3'], 's390x');
  const qmp = await QmpClient.connect(socket);
  const answer = async (command: string) => (await qmp.command(command)).return;
  expect(await answer('query-cpus-fast')).toMatchObject([
    { 'cpu-index': 0, props: { 'core-id': 0 }, target: 's390x' },
    { 'cpu-index': 1, props: { 'core-id': 1 }, target: 's390x' },
  ]);
  const fast = (await answer('query-cpus-fast')) as { 'qom-path': string }[];
  const place = { type: 'qemu-s390x-cpu', 'vcpus-count': 1 };
  expect(await answer('query-hotpluggable-cpus')).toEqual([
    { ...place, props: { 'core-id': 2 } },
    { ...place, props: { 'core-id': 1 }, 'qom-path': fast[1]?.['qom-path'] },
    { ...place, props: { 'core-id': 0 }, 'qom-path': fast[0]?.['qom-path'] },
  ]);
  const machines = (await answer('query-machines')) as { name: string }[];
  expect(machines.find(({ name }) => name === 's390-ccw-virtio')).toMatchObject({ 'hotpluggable-cpus': true });
  await qmp.command('quit');
  expect(await ended).toMatchObject({ status: 0, err: '' });
});
