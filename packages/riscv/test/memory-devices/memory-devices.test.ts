/**
 * Memory that comes and goes while a guest runs, driven by a guest of ours (tools/guest/memory-driver): it takes blocks of a virtio-mem
 * and modules, writes to all of them, and gives them back; the host sees its pages there, and gone again.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addUserObject,
  createObjectTree,
  deleteUserObject,
  type MachineOptions,
  MemoryBackend,
  memoryDeviceInfo,
  plugDevice,
  RamSpace,
  registerMemoryBackends,
  setAt,
  TypeRegistry,
  unplugDevice,
} from '@boardwalk/core';
import { registerMemoryDevices } from '@boardwalk/devices';
import { readMemoryDriver } from '@boardwalk/guest';
import { openHostMemory } from '@boardwalk/host-node';
import { machineBooter, type TestMachine } from '@boardwalk/testing';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { architecture } from '../../src/architecture.ts';
import { DEVICE_MEMORY, socketsBoard } from './sockets-board.ts';

const MiB = 2 ** 20;
const SIZE = 64 * MiB;
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-devices-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bootMachine = machineBooter(afterEach);

const host = await openHostMemory();
const here = !('unavailable' in host);
if (!here) console.log(`skipped: ${host.unavailable}`);
const firmware = await readMemoryDriver();

/** What the driver writes at an address (contents.c). */
const wordFor = (address: number): bigint => BigInt.asUintN(64, BigInt(address) * 0x9e37_79b9_7f4a_7c15n) | 1n;

/** A machine with room for memory devices, and a backend `m` for one. */
async function boot(type: string, properties: Record<string, unknown>, options: MachineOptions = {}) {
  const space = RamSpace.create({ bytes: 512 * MiB });
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  architecture.registerTypes?.(types);
  registerMemoryDevices(types);
  const backend = addUserObject(root, types, {
    type: `memory-backend-${type}`,
    id: 'm',
    properties: { size: SIZE, ...properties },
  });
  if (!(backend instanceof MemoryBackend)) throw new Error('no backend');
  const memory = { ramSize: 16 * MiB, memorySlots: 2, maxRamSize: 16 * MiB + 2 * SIZE };
  const guest = await bootMachine({ board: socketsBoard, firmware, space, root, types, ...memory, ...options });
  await guest.expectSerial('ready\n');
  return { guest, root, space, backend };
}

/** Bytes that lie behind a backend now: of its file, or of its part of this process. */
function there(backend: MemoryBackend): number {
  const { mapping } = backend;
  if (mapping === undefined) throw new Error('plain memory');
  if (mapping.fd !== undefined) return statSync(`/proc/self/fd/${mapping.fd}`).blocks * 512;
  return (mapping.placement?.() ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** The 64 bits that another process sees at an offset of a shared backend. */
function elsewhere({ mapping }: MemoryBackend, offset: number): bigint {
  const script = `const fs = require('fs'); const b = Buffer.alloc(8); fs.readSync(fs.openSync(process.argv[1]), b, 0, 8, ${offset});
    process.stdout.write(String(b.readBigUInt64LE()));`;
  const path = `/proc/${process.pid}/fd/${mapping?.fd}`;
  return BigInt(spawnSync(process.execPath, ['-e', script, path], { encoding: 'utf8' }).stdout);
}

const said = (guest: TestMachine, text: string | RegExp) => guest.expectSerial(text, { timeoutMs: 30_000 });

const KINDS: readonly (readonly [string, Record<string, unknown>])[] = [
  ['memfd', {}],
  ['shm', {}],
  ['file', { 'mem-path': join(folder, 'file'), share: 'on' }],
  ['ram', {}],
];

describe.skipIf(!here)('a guest with a driver', () => {
  it.each(KINDS)('takes blocks of a virtio-mem on memory-backend-%s, and gives them back', async (type, properties) => {
    const devices = [{ driver: 'virtio-mem', id: 'v0', properties: { memdev: 'm' } }];
    const { guest, root, backend } = await boot(type, properties, { devices });
    const request = (bytes: number): void => setAt(root, '/machine/peripheral/v0', 'requested-size', bytes);
    expect(there(backend)).toBe(0);
    request(32 * MiB);
    await said(guest, 'virtio-mem: 32 MiB, 0 old, 0 wrong\n');
    expect(there(backend)).toBe(32 * MiB);
    const last = 32 * MiB - 8;
    if (backend.mapping?.fd !== undefined) expect(elsewhere(backend, last)).toBe(wordFor(DEVICE_MEMORY + last));
    request(8 * MiB);
    await said(guest, 'virtio-mem: 8 MiB, 0 old, 0 wrong\n');
    expect(there(backend)).toBe(8 * MiB);
    if (backend.mapping?.fd !== undefined) expect(elsewhere(backend, last)).toBe(0n);
    expect(memoryDeviceInfo(guest.machine)).toMatchObject([{ data: { size: 8 * MiB, 'requested-size': 8 * MiB } }]);
    // What it gets again is empty.
    request(SIZE);
    await said(guest, 'virtio-mem: 64 MiB, 0 old, 0 wrong\n');
    request(0);
    await said(guest, 'virtio-mem: 0 MiB, 0 old, 0 wrong\n');
    expect(there(backend)).toBe(0);
    expect(() => deleteUserObject(root, 'm')).toThrow('in use');
    await guest.dispose();
    deleteUserObject(root, 'm');
  });

  it('has no blocks after a reset, and takes them anew', async () => {
    const devices = [{ driver: 'virtio-mem', id: 'v0', properties: { memdev: 'm', 'requested-size': 16 * MiB } }];
    const { guest, backend } = await boot('memfd', {}, { devices });
    await said(guest, 'virtio-mem: 16 MiB, 0 old, 0 wrong\n');
    guest.machine.reset('host');
    await said(guest, 'ready\n');
    await said(guest, 'virtio-mem: 16 MiB, 0 old, 0 wrong\n');
    expect(there(backend)).toBe(16 * MiB);
  });

  it.each(KINDS)(
    'gets a module on memory-backend-%s while it runs, and agrees to its removal',
    async (type, properties) => {
      const { guest, root, space, backend } = await boot(type, properties);
      const gone: string[] = [];
      guest.machine.on('unplugged', ({ id }) => gone.push(id));
      plugDevice(guest.machine, { driver: 'pc-dimm', id: 'd0', properties: { memdev: 'm' } });
      await said(guest, 'module added: 64 MiB, 0 old\n');
      expect(there(backend)).toBe(SIZE);
      expect(memoryDeviceInfo(guest.machine)).toMatchObject([{ data: { addr: DEVICE_MEMORY, hotplugged: true } }]);
      if (backend.mapping?.fd !== undefined) expect(elsewhere(backend, 8)).toBe(wordFor(DEVICE_MEMORY + 8));
      unplugDevice(guest.machine, 'd0');
      await said(guest, 'module given up: 64 MiB, 0 wrong\n');
      await expect.poll(() => gone).toEqual(['d0']);
      expect(memoryDeviceInfo(guest.machine)).toEqual([]);
      expect(guest.machine.addressSpace.load(DEVICE_MEMORY, 4)).toBeLessThan(0);
      // The backend keeps what is in it until it goes.
      expect(backend.region.block?.bytes.length).toBe(SIZE);
      deleteUserObject(root, 'm');
      expect(space.blocks.map(({ name }) => name)).not.toContain('m');
      expect(readFileSync('/proc/self/maps', 'latin1')).not.toContain(folder);
    },
  );
});
