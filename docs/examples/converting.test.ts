import { readFileSync } from 'node:fs';
import {
  type BoardDefinition,
  createObjectTree,
  createRamBackend,
  Machine,
  type MachineOptions,
  MiB,
  PipeChar,
  RamSpace,
  requireObject,
} from '@boardwalk/core';
import { boardConformance } from '@boardwalk/testing';
import { describe, expect, it } from 'vitest';
import { atlas } from './atlas-after.ts';
import { atlasBefore } from './atlas-before.ts';

const firmware = new Uint8Array(readFileSync(new URL('hello.bin', import.meta.url)));

/** What a machine's end says: bytes of RAM that its CPU saw, or the error. */
async function attempt(board: BoardDefinition, options: MachineOptions): Promise<number | string> {
  try {
    const machine = await Machine.create(board, { firmware, ...options });
    const ranges = machine.addressSpace.flatView().ranges.filter(({ host, base }) => host >= 0 && base > 0);
    await machine.dispose();
    return ranges.reduce((sum, { size }) => sum + size, 0);
  } catch (error) {
    return String(error instanceof Error ? error.message : error);
  }
}

/** A backend of the user's, as `-object memory-backend-ram,id=ram0,size=128M` makes it. */
function ram0(): MachineOptions {
  const space = RamSpace.create();
  const root = createObjectTree();
  createRamBackend(space, { id: 'ram0', size: MiB(128), parent: requireObject(root, '/objects') });
  return { space, root, memoryBackend: 'ram0' };
}

/** Names of the suite's tests that a board fails. */
async function failures(board: BoardDefinition): Promise<string[]> {
  const tests = new Map<string, () => Promise<void> | void>();
  const runner = { describe: (_: string, body: () => void) => body(), it: tests.set.bind(tests) as never };
  const facts = {
    ramId: 'atlas.ram',
    defaultRamSize: MiB(128),
    refuses: [{ bytes: MiB(512), text: 'RAM size more than 256 MiB is not supported' }],
  };
  boardConformance(board, { ...runner, facts, options: () => ({ firmware }) });
  const failed: string[] = [];
  for (const [name, body] of tests) {
    if (/^runs on memory-backend-(?!file,share=on)/.test(name)) continue;
    await Promise.resolve()
      .then(body)
      .catch(() => failed.push(name));
  }
  return failed;
}

describe.each([
  ['before', atlasBefore],
  ['after', atlas],
])('the atlas board, %s', (_, board) => {
  it.each([16, 128, 200])('boots with %i MiB', async (mib) => {
    const serial = new PipeChar();
    const machine = await Machine.create(board, { firmware, ramSize: MiB(mib), serials: [serial] });
    expect(await machine.run()).toMatchObject({ status: 0 });
    expect(serial.sent).toBe('Hello from the guest\n');
    await machine.dispose();
    expect(await attempt(board, { ramSize: MiB(mib) })).toBe(MiB(mib));
  });
});

describe('what a user sees', () => {
  it.each([
    ['-m 512M', { ramSize: MiB(512) }, MiB(256), 'RAM size more than 256 MiB is not supported'],
    [
      '-mem-path',
      { memPath: '/dev/shm/guest' },
      "machine 'atlas' does not support -mem-path",
      'memory-backend-file cannot be had: this host has no memory mappings of its own',
    ],
  ])('with %s', async (_, options, before, after) => {
    expect(await attempt(atlasBefore, options)).toBe(before);
    expect(await attempt(atlas, options)).toBe(after);
  });

  it('with memory-backend=', async () => {
    const refused = "machine 'atlas' has no RAM that a memory backend could provide";
    expect(await attempt(atlasBefore, ram0())).toBe(refused);
    expect(await attempt(atlas, ram0())).toBe(MiB(128));
    expect(await attempt(atlas, { ...ram0(), ramSize: MiB(64) })).toBe(
      "Size specified by -m option must match size of explicitly specified 'memory-backend' property",
    );
  });
});

it('the board that makes its own RAM leaves it behind, and loses its firmware', async () => {
  const space = RamSpace.create();
  for (const [board, left] of [
    [atlas, 0],
    [atlasBefore, 1],
  ] as const) {
    const machine = await Machine.create(board, { firmware, space });
    machine.addressSpace.store(0x8000_0000, 4, 0);
    machine.reset();
    expect(machine.addressSpace.load(0x8000_0000, 1) === firmware[0]).toBe(board === atlas);
    await machine.dispose();
    expect(space.blocks).toHaveLength(left);
  }
});

it('the conformance suite says what is to be done, and then that it is done', async () => {
  expect(await failures(atlasBefore)).toEqual([
    'has the RAM id and the default size that it should',
    'refuses 512 MiB of RAM',
    "takes a memory backend of the user's as RAM, and leaves it when it ends",
    'refuses a size that is not that of the backend',
    "runs on memory-backend-file,share=on, and the guest's stores are where they should be",
    'gives back everything when it is disposed',
  ]);
  expect(await failures(atlas)).toEqual([]);
});
