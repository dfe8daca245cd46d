/**
 * Guest RAM that a 32-bit index cannot reach: 8 GiB on the virt board, in a RAM space with a 64-bit index. Skipped with a
 * printed reason where the runtime has no such memories (Node.js 20 and 22), or without a compiler for the guest's program.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addUserObject,
  createObjectTree,
  dumpGuestMemory,
  has64BitMemory,
  loadSnapshot,
  type MachineOptions,
  MemoryBackend,
  RamSpace,
  registerMemoryBackends,
  saveSnapshot,
  TypeRegistry,
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { machineBooter, type TestMachine } from '@boardwalk/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { virt } from '../../src/boards/virt.ts';

const GiB = 2 ** 30;
const MINUTES = 60_000;
const GCC = 'riscv64-linux-gnu-gcc';
const FLAGS = [
  '-nostdlib',
  '-static',
  '-march=rv64gc',
  '-Wl,-N,-Ttext=0x80000000,--build-id=none,--no-warn-rwx-segments',
];
/** The word of guest.S, and what it comes to. */
const HIGH = 0x8000_0000 + 4 * GiB + 4096;
const SUM = 800_020_000n;

const has64 = has64BitMemory();
if (!has64)
  console.log(`skipped: Node.js ${process.versions.node} has no 64-bit WebAssembly memories; Node.js 24 does`);
const hasCompiler = spawnSync(GCC, ['--version']).status === 0;
if (!hasCompiler) console.log(`skipped: ${GCC} is not installed`);
const host = await openHostMemory();
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-high-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bootMachine = machineBooter(afterEach);

const boot = (options: MachineOptions): Promise<TestMachine> =>
  bootMachine({ board: virt, start: false, ramSize: 8 * GiB, ...options });

describe.skipIf(!has64 || !hasCompiler)('a guest with more than 4 GiB', () => {
  let firmware: Uint8Array;
  beforeAll(() => {
    const elf = join(folder, 'guest.elf');
    execFileSync(GCC, [...FLAGS, 'guest.S', '-o', elf], { cwd: import.meta.dirname });
    firmware = readFileSync(elf);
  });

  it.each([
    ['interpreted', 'off'],
    ['compiled', { threshold: 100 }],
  ] as const)('loads, stores and executes above 4 GiB: %s', async (_, tier1) => {
    const { machine, exit } = await boot({ firmware, tier1 });
    expect(machine.space.indexBits).toBe(64);
    expect((await exit()).status).toBe(0);
    expect(machine.addressSpace.load64(HIGH)).toBe(SUM);
    expect(machine.addressSpace.hostOffset(HIGH, 8, true)).toBeGreaterThan(8 * GiB);
    // The same place in a lower 4 GiB is another one.
    expect(machine.addressSpace.load64(HIGH - 4 * GiB)).toBe(0n);
  });

  it(
    'can be looked at, dumped and saved there',
    async () => {
      // All of RAM is read when it is saved: no more than is needed.
      const ramSize = 4 * GiB + 2 ** 24;
      const first = await boot({ firmware, ramSize });
      await first.exit();
      const into = new Uint8Array(8);
      expect(first.machine.cpus[0]?.debug?.readMemory(BigInt(HIGH), into)).toBe(true);
      expect(new DataView(into.buffer).getBigUint64(0, true)).toBe(SUM);

      const parts: Uint8Array[] = [];
      await dumpGuestMemory(first.machine, (bytes) => void parts.push(bytes.slice()), { begin: HIGH, length: 8 });
      expect(Buffer.concat(parts).readBigUInt64LE(Buffer.concat(parts).length - 8)).toBe(SUM);

      const file = [...saveSnapshot(first.machine)];
      expect(Buffer.concat(file).length).toBeLessThan(2 ** 20);
      const second = await boot({ firmware, ramSize });
      second.machine.addressSpace.store(HIGH + 8, 4, 1);
      await loadSnapshot(second.machine, () => file);
      expect(second.machine.addressSpace.load64(HIGH)).toBe(SUM);
      expect(second.machine.addressSpace.load64(HIGH + 8)).toBe(0n);
    },
    2 * MINUTES,
  );

  it.skipIf('unavailable' in host)('has its RAM in a file, beyond 4 GiB of it too', async () => {
    const path = join(folder, 'ram');
    const space = RamSpace.create({ guestRam: 8 * GiB });
    const root = createObjectTree();
    const types = new TypeRegistry();
    registerMemoryBackends(types, space, host);
    const properties = { size: 8 * GiB, 'mem-path': path, share: 'on' };
    const backend = addUserObject(root, types, { type: 'memory-backend-file', id: 'm', properties });
    if (!(backend instanceof MemoryBackend)) throw new Error('no backend');
    const { exit, dispose } = await boot({ firmware, space, root, memoryBackend: 'm' });
    expect((await exit()).status).toBe(0);
    const bytes = Buffer.alloc(8);
    const fd = openSync(path, 'r');
    readSync(fd, bytes, 0, 8, HIGH - 0x8000_0000);
    closeSync(fd);
    expect(bytes.readBigUInt64LE()).toBe(SUM);
    expect(statSync(path).blocks * 512).toBeLessThan(GiB);
    await dispose();
    backend.dispose();
  });
});

const long = process.env.BOARDWALK_LONG_RUNS !== undefined;
if (has64 && !long) console.log('skipped: Linux with 8 GiB (BOARDWALK_LONG_RUNS=1 runs it)');

it.skipIf(!has64 || !long)(
  'Linux sees 8 GiB',
  async (context) => {
    const files = (await ifReachable(prepareLinux())) ?? context.skip("Debian's packages cannot be had here");
    const guest = await boot({
      firmware: readFileSync(files.firmware),
      kernel: readFileSync(files.kernel),
      initrd: readFileSync(files.initrd),
      append: 'console=ttyS0',
    });
    guest.machine.start();
    await guest.expectSerial('~ # ', { timeoutMs: 8 * MINUTES });
    guest.send('head -1 /proc/meminfo; dmesg | grep Memory:\n');
    await guest.expectSerial(/MemTotal: +8[01]\d{5} kB/);
    await guest.expectSerial(/K\/8388608K available/);
  },
  10 * MINUTES,
);
