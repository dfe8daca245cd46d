// Every board under its monitors: each `info` answers, each object and property can be listed and read, each type introspected, and
// none of that changes what `info qtree` and `info qom-tree` show.

import { describe, expect, it } from 'vitest';
import { HmpClient, QmpClient, testEmulator } from '../../monitor/src/fixtures.ts';
import { infoCommands } from '../../monitor/src/hmp/info.ts';
import { architecturePackages } from './architectures.ts';

const BOARDS = (await architecturePackages()).flatMap((architecture) =>
  architecture.boards.map((board) => [board.name, board, architecture] as const),
);

interface Property {
  readonly name: string;
  readonly type: string;
}

/** Lists and reads everything at and below an object. @returns how many objects */
async function readAll(qmp: QmpClient, path: string): Promise<number> {
  let objects = 1;
  for (const { name, type } of (await qmp.execute('qom-list', { path })) as Property[]) {
    await qmp.execute('qom-get', { path, property: name });
    if (type.startsWith('child<')) objects += await readAll(qmp, `${path === '/' ? '' : path}/${name}`);
  }
  return objects;
}

describe.each(BOARDS)('%s', (_name, board, architecture) => {
  it('answers every question of a monitor, and is the same afterwards', async () => {
    const emulator = await testEmulator({
      board,
      types: (types) => architecture.registerTypes?.(types),
      machine: { firmware: 'none' },
      emulator: { boards: architecture.boards, cpuModels: architecture.cpuModels(board.arch) },
    });
    const qmp = await QmpClient.ready(emulator);
    const hmp = new HmpClient(emulator);
    const trees = async () => [await hmp.enter('info qtree'), await hmp.enter('info qom-tree')];
    const before = await trees();
    for (const { name } of infoCommands) {
      expect(await hmp.enter(`info ${name}`), `info ${name}`).not.toMatch(/internal error|unknown command/);
    }
    expect(await readAll(qmp, '/')).toBeGreaterThan(10);
    const types = (await qmp.execute('qom-list-types', { abstract: true })) as { name: string }[];
    for (const { name } of types) await qmp.execute('qom-list-properties', { typename: name });
    const devices = (await qmp.execute('qom-list-types', { implements: 'device' })) as { name: string }[];
    for (const { name } of devices) await qmp.execute('device-list-properties', { typename: name });
    expect(devices.length).toBeGreaterThan(3);
    expect(await trees()).toEqual(before);
    await emulator.machine.dispose();
  });
});
