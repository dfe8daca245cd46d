// Machines whose RAM comes from the host's real mappings: what guest code writes is seen outside, machines share a file, and nothing
// stays when they end.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
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
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { virt } from '@boardwalk/riscv';
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

  // The board here is RAM alone: virt's own two flash chips, erased to ones, are 64 MiB whatever the size of its RAM.
  it('has 3 GiB of RAM for nothing as long as it touches none', async () => {
    const board = { ...virt, build: (machine: Machine) => machine.map(0, machine.ram) };
    const options = { hostMemory: host, ramSize: 3072 * MiB };
    await (await Machine.create(board, options)).dispose();
    const before = process.memoryUsage.rss();
    const machine = await Machine.create(board, options);
    expect(process.memoryUsage.rss() - before).toBeLessThan(16 * MiB);
    await machine.dispose();
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

  it('that cannot be built leaves no file of its RAM', async () => {
    const board = { ...virt, build: () => Promise.reject(new Error('no such chip')) };
    const options = { hostMemory: host, memPath: path('never'), ramSize: 32 * MiB };
    await expect(Machine.create(board, options)).rejects.toThrow('no such chip');
    expect(readdirSync(folder)).not.toContain('never');
  });
});
