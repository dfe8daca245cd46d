// Machines whose RAM comes from the host's real mappings: what guest code writes is seen outside, machines share a file, and nothing
// stays when they end.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createObjectTree,
  Machine,
  type MachineOptions,
  type MemoryBackend,
  PipeChar,
  RamSpace,
  registerMemoryBackends,
  requireObject,
  TypeRegistry,
  UserError,
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import type { NumaOption } from '@boardwalk/numa';
import { virt, architecture as virtTypes } from '@boardwalk/riscv';
import { afterAll, describe, expect, it } from 'vitest';
import { guestProgram } from './guest.ts';

const MiB = 2 ** 20;
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-machine-ram-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

const host = await openHostMemory();
const here = !('unavailable' in host);
if (!here) console.log(`skipped: ${host.unavailable}`);

/** A machine on a backend, and what belongs to it. */
async function machineOn(kind: string, props: Record<string, unknown>, more: MachineOptions = {}) {
  const space = RamSpace.create({ bytes: 512 * MiB });
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  const place = { parent: requireObject(root, '/objects'), id: 'm' };
  const backend = types.create(`memory-backend-${kind}`, { size: '32M', ...props }, place) as MemoryBackend;
  const serial = new PipeChar();
  const options = { space, root, memoryBackend: 'm', serials: [serial], firmware: guestProgram(), ...more };
  const machine = await Machine.create(virt, options);
  const end = async (): Promise<void> => {
    await machine.dispose();
    backend.dispose();
  };
  return { machine, backend, serial, space, end };
}

const KINDS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['ram', { prealloc: 'on' }],
  ['ram', { share: 'on' }],
  ['file', { 'mem-path': path('ram'), share: 'on' }],
  ['file', { 'mem-path': folder, prealloc: 'on', 'prealloc-threads': 2 }],
  ['memfd', { prealloc: 'on' }],
  ['shm', {}],
];

/** Starts a machine, lets its guest say hello, and ends it. */
async function runToEnd(machine: Machine): Promise<void> {
  machine.start();
  await new Promise((resolve) => setTimeout(resolve, 2));
  await machine.dispose();
}

/** The built packages, which another process can import. */
const built = existsSync(new URL('../../riscv/dist/index.js', import.meta.url));

describe.skipIf(!here || !built)('a file that is cut short under a machine', () => {
  /** Makes a backend, cuts its file, touches it; gives how the process ended. */
  const end = (kind: string, props: Record<string, unknown>, cut: string): string => {
    const program = `
      import { truncateSync } from 'node:fs';
      import * as core from '@boardwalk/core';
      import { openHostMemory } from '@boardwalk/host-node';
      const space = core.RamSpace.create({ bytes: 2 ** 26 });
      const types = new core.TypeRegistry();
      core.registerMemoryBackends(types, space, await openHostMemory());
      const backend = types.create('memory-backend-${kind}', ${JSON.stringify({ size: '1M', ...props })});
      try { truncateSync(${cut}, 0); } catch (error) { console.log(error.code); }
      backend.region.block.bytes[4096] = 1;
      console.log('alive');`;
    const args = ['--input-type=module', '-e', program];
    const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname });
    return signal ?? stdout.trim().replaceAll('\n', ' ');
  };
  const memfd = "'/proc/self/fd/' + backend.mapping.fd";

  it('ends the process, and cannot be cut where it is sealed', () => {
    const cut = path('cut');
    expect(end('file', { 'mem-path': cut, share: 'on' }, JSON.stringify(cut))).toBe('SIGBUS');
    expect(end('memfd', { seal: 'off' }, memfd)).toBe('SIGBUS');
    expect(end('memfd', {}, memfd)).toBe('EPERM alive');
  });
});

describe.skipIf(!here)('a machine', () => {
  it.each(KINDS)('runs guest code on memory-backend-%s %o', async (kind, props) => {
    const { machine, serial, end } = await machineOn(kind, props);
    expect(machine.ramSize).toBe(32 * MiB);
    const running = machine.run();
    await serial.waitFor(/hello/);
    serial.send('q');
    expect((await running).status).toBe(7);
    await end();
  });

  it('shares a file with another machine, and both with other processes', async () => {
    const file = { 'mem-path': path('both'), share: 'on' };
    const first = await machineOn('file', file);
    const second = await machineOn('file', file);
    first.machine.addressSpace.store(0x8100_0000, 4, 0x0102_0304);
    expect(second.machine.addressSpace.load(0x8100_0000, 4)).toBe(0x0102_0304);
    const read = `const fs = require('fs'); const b = Buffer.alloc(4);
      fs.readSync(fs.openSync(process.argv[1]), b, 0, 4, 0x1000000); process.stdout.write(b.toString('hex'));`;
    expect(spawnSync(process.execPath, ['-e', read, path('both')], { encoding: 'utf8' }).stdout).toBe('04030201');
    await first.end();
    expect(second.machine.addressSpace.load(0x8100_0000, 4)).toBe(0x0102_0304);
    await second.end();
    expect(statSync(path('both')).size).toBe(32 * MiB);
  });

  it('gives everything back, a hundred times, one after another and ten at a time', async () => {
    const space = RamSpace.create({ bytes: 4096 * MiB });
    const make = (i: number): Promise<Machine> =>
      Machine.create(
        { ...virt, build: (machine) => machine.map(0, machine.ram) },
        { space, hostMemory: host, ramSize: 32 * MiB, memPrealloc: true, ...(i % 2 === 0 ? { memPath: folder } : {}) },
      );
    const files = (): number => readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 4; i++) await (await make(i)).dispose();
    const before = { rss: process.memoryUsage.rss(), files: files() };
    for (let i = 0; i < 50; i++) await (await make(i)).dispose();
    for (let round = 0; round < 5; round++) {
      const machines = await Promise.all(Array.from({ length: 10 }, (_, i) => make(i)));
      await Promise.all(machines.map((machine) => machine.dispose()));
    }
    expect(process.memoryUsage.rss() - before.rss).toBeLessThan(64 * MiB);
    expect(files()).toBe(before.files);
    expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain(folder);
    expect(space.blocks).toEqual([]);
  });

  it('is let go of with all that its board and its vCPUs took, in a space that goes on', async () => {
    const space = RamSpace.create({ bytes: 1024 * MiB });
    const make = (i: number): Promise<Machine> => {
      const more = i % 2 === 0 ? { memPath: folder } : {};
      return Machine.create(virt, { space, hostMemory: host, ramSize: 32 * MiB, firmware: guestProgram(), ...more });
    };
    const room = (): number => {
      const place = space.reserve(512 * MiB);
      space.release(place, 512 * MiB);
      return place;
    };
    await runToEnd(await make(0));
    const before = { rss: process.memoryUsage.rss(), room: room() };
    for (let i = 0; i < 8; i++) await runToEnd(await make(i));
    for (let round = 0; round < 2; round++) {
      const machines = await Promise.all(Array.from({ length: 3 }, (_, i) => make(i)));
      await Promise.all(machines.map((machine) => machine.dispose()));
    }
    expect(space.blocks).toEqual([]);
    expect(room()).toBe(before.room);
    expect(process.memoryUsage.rss() - before.rss).toBeLessThan(96 * MiB);
  });

  it('that cannot be made leaves nothing, a thousand times in one process', { timeout: 300_000 }, async () => {
    const space = RamSpace.create({ bytes: 256 * MiB });
    const board = { ...virt, build: () => Promise.reject(new UserError('no such chip')) };
    const size = 4 * MiB;
    const memory = { hostMemory: host, ramSize: size, memPrealloc: true };
    const node = (memdev: string): NumaOption => ({ type: 'node', memdev });
    const wrong: readonly (readonly [text: string, options: MachineOptions, of?: typeof board])[] = [
      ['no such chip', { ...memory, memPath: path('made') }, board],
      ['no such chip', { ...memory, memPath: folder }, board],
      ['no such chip', memory, board],
      ['no such chip', { memoryBackend: 'shared' }, board],
      ['no such chip', { numa: [node('near'), node('far')], smp: { cpus: 2 }, ramSize: 2 * size }, board],
      ["can't open backing store", { ...memory, memPath: '/nowhere/ram' }],
      ['Cannot allocate memory', { ...memory, memPath: path('large'), ramSize: 512 * MiB }],
      ['must match size of explicitly', { memoryBackend: 'shared', ramSize: 2 * size }],
      ["can't be used multiple times", { numa: [node('near'), node('near')], smp: { cpus: 2 }, ramSize: 2 * size }],
      ['should equal RAM size', { numa: [node('near'), node('far')], smp: { cpus: 2 }, ramSize: size }],
      ['not a valid device', { ...memory, memPath: path('device'), devices: [{ driver: 'frob' }] }],
      ['drive property not set', { memoryBackend: 'shared', devices: [{ driver: 'virtio-blk-device' }] }],
    ];
    const root = createObjectTree();
    const types = new TypeRegistry();
    registerMemoryBackends(types, space, host);
    virtTypes.registerTypes?.(types);
    const parent = requireObject(root, '/objects');
    const backends = [
      types.create('memory-backend-file', { size, 'mem-path': path('kept'), share: 'on' }, { parent, id: 'shared' }),
      types.create('memory-backend-memfd', { size, prealloc: 'on' }, { parent, id: 'near' }),
      types.create('memory-backend-ram', { size }, { parent, id: 'far' }),
    ] as MemoryBackend[];
    const attempt = async (i: number): Promise<void> => {
      const [text, options, of = virt] = wrong[i % wrong.length] ?? ['', {}];
      const making = Machine.create(of, { space, root, types, firmware: 'none', ...options });
      await expect(making).rejects.toThrow(text);
    };
    const held = () => {
      const maps = readFileSync('/proc/self/maps', 'latin1').split('\n');
      return {
        files: readdirSync('/proc/self/fd').length,
        names: readdirSync(folder).sort(),
        mapped: maps.filter((line) => line.includes(folder) || line.includes('memfd:')).length,
        blocks: space.blocks.map(({ name }) => name),
        inUse: backends.map(({ mapped }) => mapped),
        objects: [...root.children.keys(), ...parent.children.keys()],
      };
    };
    for (let i = 0; i < 3 * wrong.length; i++) await attempt(i);
    const before = held();
    for (let i = 0; i < 1000; i++) await attempt(i);
    expect(held()).toEqual(before);
    expect(before.blocks).toEqual(['shared', 'near', 'far']);
    for (const backend of backends) backend.dispose();
    rmSync(path('kept'));
  });

  it('that cannot be built leaves no file of its RAM', async () => {
    const board = { ...virt, build: () => Promise.reject(new Error('no such chip')) };
    const options = { hostMemory: host, memPath: path('never'), ramSize: 32 * MiB };
    await expect(Machine.create(board, options)).rejects.toThrow('no such chip');
    expect(readdirSync(folder)).not.toContain('never');
  });
});
