/**
 * Linux on the virt board with its RAM from each kind of memory backend. One kind is always run; all of them with
 * BOARDWALK_LONG_RUNS=1 (a few minutes). Skipped with a printed reason where Debian's packages, or mappings, cannot be had.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addUserObject,
  createObjectTree,
  type MachineOptions,
  MemoryBackend,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { machineBooter } from '@boardwalk/testing';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { virt } from '../src/boards/virt.ts';

const MINUTES = 60_000;
const SIZE = 256 * 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-linux-ram-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string): string => join(folder, name);
const boot = machineBooter(afterEach);

const host = await openHostMemory();
const here = !('unavailable' in host);
if (!here) console.log(`skipped: ${host.unavailable}`);

type Kind = readonly [type: string, properties: Record<string, unknown>];
const ALWAYS: readonly Kind[] = [['file', { 'mem-path': file('shared'), share: 'on' }]];
const MORE: readonly Kind[] = [
  ['memfd', { prealloc: 'on', policy: 'bind', 'host-nodes': '0' }],
  ['ram', {}],
  ['ram', { share: 'on' }],
  ['ram', { policy: 'bind', 'host-nodes': '0' }],
  ['ram', { policy: 'interleave', 'host-nodes': '0', prealloc: 'on', 'prealloc-threads': 2 }],
  ['file', { 'mem-path': file('private'), share: 'off' }],
  ['file', { 'mem-path': folder, prealloc: 'on' }],
  ['memfd', {}],
  ['memfd', { share: 'off', seal: 'off' }],
  ['shm', {}],
  ['shm', { prealloc: 'on', merge: 'off', dump: 'off' }],
];
const SUGAR: readonly MachineOptions[] = [
  { memPath: file('sugar') },
  { memPath: folder, memPrealloc: true },
  { memPrealloc: true },
];
const long = process.env.BOARDWALK_LONG_RUNS !== undefined;
if (!long) console.log('skipped: Linux on the other kinds of backend (BOARDWALK_LONG_RUNS=1 runs them)');

/** Boots to our init, lets it run its checks, and waits for the power to go off. */
async function runLinux(options: MachineOptions, skip: (reason: string) => never): Promise<void> {
  const files = (await ifReachable(prepareLinux())) ?? skip("Debian's packages cannot be had here");
  const guest = await boot({
    board: virt,
    firmware: await readFile(files.firmware),
    kernel: await readFile(files.kernel),
    initrd: await readFile(files.initrd),
    append: 'console=ttyS0 boardwalk.test=ram',
    ...options,
  });
  try {
    await guest.expectSerial(/boardwalk-test: end ram passed=\d+ failed=0/, { timeoutMs: 6 * MINUTES });
    expect((await guest.exit()).status).toBe(0);
  } finally {
    await guest.dispose();
  }
}

describe.skipIf(!here)('Linux boots', () => {
  it.for(long ? [...ALWAYS, ...MORE] : ALWAYS)(
    'on memory-backend-%s %o',
    { timeout: 8 * MINUTES },
    async ([type, properties], { skip }) => {
      const space = RamSpace.create();
      const root = createObjectTree();
      const types = new TypeRegistry();
      registerMemoryBackends(types, space, host);
      const spec = { type: `memory-backend-${type}`, id: 'm', properties: { size: SIZE, ...properties } };
      const backend = addUserObject(root, types, spec);
      if (!(backend instanceof MemoryBackend)) throw new Error('no backend');
      try {
        await runLinux({ space, root, memoryBackend: 'm' }, skip);
        expect(backend.mapping?.size).toBe(SIZE);
      } finally {
        backend.dispose();
      }
    },
  );

  it.for(long ? SUGAR : [])('with %o', { timeout: 8 * MINUTES }, async (options, { skip }) => {
    await runLinux({ hostMemory: host, ramSize: SIZE, ...options }, skip);
  });
});
