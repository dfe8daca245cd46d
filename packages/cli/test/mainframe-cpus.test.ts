// The places for a mainframe's CPUs over QMP: the same answers as qemu-system-s390x 7.2 gives for this command line.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-cpus-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('tells which CPUs there are, and which may come', async () => {
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

it('answers what is asked of CPU models', async () => {
  const socket = join(folder, 'models');
  const { ended } = startProgram(
    ['-nodefaults', '-display', 'none', '-M', 'none', '-qmp', `unix:${socket},server=on,wait=off`],
    's390x',
  );
  const qmp = await QmpClient.connect(socket);
  const names = (await qmp.command('query-commands')).return as { name: string }[];
  expect(names).toContainEqual({ name: 'query-cpu-model-baseline' });
  const definitions = (await qmp.command('query-cpu-definitions')).return as { name: string }[];
  const common = { 'migration-safe': true, deprecated: false };
  expect(definitions).toContainEqual({ ...common, name: 'z13', static: false, typename: 'z13-s390x-cpu' });
  expect(definitions).toContainEqual({ ...common, name: 'z13-base', static: true, typename: 'z13-base-s390x-cpu' });
  const expand = (model: object) => qmp.command('query-cpu-model-expansion', { type: 'static', model });
  expect((await expand({ name: 'z13-base' })).return).toEqual({ model: { name: 'z13-base' } });
  expect((await expand({ name: 'z196', props: { edat: false } })).return).toEqual({
    model: { name: 'z196-base', props: { ipter: true, aefsi: true } },
  });
  expect((await expand({ name: 'z13', props: [] })).error).toMatchObject({
    desc: "Invalid parameter type for 'props', expected: dict",
  });
  const [modela, modelb] = [{ name: 'zEC12' }, { name: 'z13' }];
  expect((await qmp.command('query-cpu-model-comparison', { modela, modelb })).return).toEqual({
    result: 'subset',
    'responsible-properties': ['stfle53', 'vx', 'type'],
  });
  expect((await qmp.command('query-cpu-model-baseline', { modela, modelb: { name: 'z13-base' } })).return).toEqual({
    model: { name: 'zEC12-base' },
  });
  await qmp.command('quit');
  expect(await ended).toMatchObject({ status: 0, err: '' });
});
