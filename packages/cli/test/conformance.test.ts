// Every board, through its monitors: it starts under qtest, every `info` answers, every object and property can be listed and read, and
// every type of device can be introspected without a trace in the machine.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoardRegistry } from '@boardwalk/core';
import { afterAll, describe, expect, it } from 'vitest';
import { architecturePackages } from './architectures.ts';
import { syntheticArchitecture } from './numa-list.ts';
import { QmpClient } from './qmp-client.ts';
import { startProgram } from './start-program.ts';

const folder = mkdtempSync(join(tmpdir(), 'boardwalk-conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Architectures that are there, and the one of the boards for tests: each with its boards and the empty one. */
const INSTALLED = [...(await architecturePackages()), syntheticArchitecture].flatMap((architecture) => {
  const boards = new BoardRegistry(architecture.boards);
  const importModule = (): Promise<object> => Promise.resolve({ architecture });
  return architecture.names.flatMap((arch) => boards.list(arch).map(({ name }) => ({ arch, name, importModule })));
});

/** A program whose architecture's package is not there has the empty board. */
const MISSING = ['m68k', 'riscv32'].map((arch) => ({ arch, name: 'none', importModule: notThere }));

function notThere(name: string): Promise<object> {
  return Promise.reject(Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' }));
}

const BOARDS = [...INSTALLED, ...MISSING];

interface Property {
  readonly name: string;
  readonly type: string;
}

async function hmp(qmp: QmpClient, line: string): Promise<string> {
  const answer = await qmp.command('human-monitor-command', { 'command-line': line });
  expect(answer, line).toHaveProperty('return');
  return String(answer.return);
}

/** Reads everything at and below a path; gives how many properties there were. */
async function readTree(qmp: QmpClient, path: string): Promise<number> {
  const { return: list } = await qmp.command('qom-list', { path });
  expect(list, path).toBeInstanceOf(Array);
  let count = 0;
  for (const { name, type } of list as Property[]) {
    const below = `${path === '/' ? '' : path}/${name}`;
    if (type.startsWith('child<')) count += await readTree(qmp, below);
    else expect(await qmp.command('qom-get', { path, property: name }), `${path} ${name}`).toHaveProperty('return');
    count++;
  }
  return count;
}

/** `info registers` and others speak of a CPU; a machine without one says so. */
const WITHOUT_CPU = /^(?:Error: )?No CPU available/;

describe.each(BOARDS)('$arch $name', ({ arch, name, importModule }) => {
  it('starts under qtest and tells all of itself', async () => {
    const socket = join(folder, `${arch}-${name}`);
    const running = startProgram(
      ['-M', name, '-accel', 'qtest', '-display', 'none', '-qmp', `unix:${socket},server=on,wait=off`],
      arch,
      { importModule },
    );
    const qmp = await QmpClient.connect(socket);
    expect(await qmp.command('query-status')).toMatchObject({ return: { status: 'running' } });

    const names = [...(await hmp(qmp, 'help info')).matchAll(/^info ([\w-]+)/gm)].map(([, info]) => info ?? '');
    expect(names.length).toBeGreaterThan(20);
    for (const info of names) {
      const text = await hmp(qmp, `info ${info}`);
      expect(text, info).not.toMatch(/unknown command|not available|internal error/i);
      if (name !== 'none') expect(text, info).not.toMatch(WITHOUT_CPU);
    }

    expect(await readTree(qmp, '/')).toBeGreaterThan(10);
    const before = [await hmp(qmp, 'info qtree'), await hmp(qmp, 'info qom-tree')];
    const { return: types } = await qmp.command('qom-list-types', { implements: 'device', abstract: false });
    for (const type of types as Property[]) {
      const answer = await qmp.command('device-list-properties', { typename: type.name });
      expect(answer, type.name).toHaveProperty('return');
    }
    const { return: all } = await qmp.command('qom-list-types', { abstract: true });
    for (const type of all as Property[]) {
      const answer = await qmp.command('qom-list-properties', { typename: type.name });
      expect(answer, type.name).toHaveProperty('return');
    }
    expect([await hmp(qmp, 'info qtree'), await hmp(qmp, 'info qom-tree')]).toEqual(before);
    await qmp.command('quit');
    expect(await running.ended).toEqual({ status: 0, out: '', err: '' });
  });
});
