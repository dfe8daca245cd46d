/** Real software on the mainframe: Debian's Linux. Skipped with a printed reason where Debian's packages cannot be had. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addUserObject,
  createObjectTree,
  type MachineOptions,
  MemoryBlock,
  RamSpace,
  registerMemoryBackends,
  TypeRegistry,
} from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { CodeInMemory, machineBooter } from '@boardwalk/testing';
import { TranslatedCpu } from '@boardwalk/translator';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { s390CcwVirtio } from '../src/index.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;

const bootMachine = machineBooter(afterEach);

const host = await openHostMemory();
const folder = mkdtempSync(join(tmpdir(), 'boardwalk-s390x-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Storage in a file that others see. */
function storageInFile(file: string): MachineOptions {
  const space = RamSpace.create();
  const root = createObjectTree();
  const types = new TypeRegistry();
  registerMemoryBackends(types, space, host);
  const properties = { size: 256 * MiB, 'mem-path': file, share: 'on' };
  addUserObject(root, types, { type: 'memory-backend-file', id: 'm', properties });
  return { space, root, memoryBackend: 'm' };
}

/** How often another process finds the kernel's first line in a file: in the kernel, and in its log. */
function banners(file: string): number {
  const { stdout } = spawnSync('grep', ['-a', '-o', 'Linux version [0-9.]*', file], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '').length;
}

describe('Linux on s390-ccw-virtio', () => {
  for (const cpus of [1, 4]) {
    it(
      `boots Debian's kernel to our init with ${cpus} CPU(s), uses its disk, and powers off`,
      async (context) => {
        const files =
          (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
        // One CPU has its storage in a file; four have plain memory.
        const file = 'unavailable' in host || cpus > 1 ? undefined : join(folder, 'storage');
        const guest = await bootMachine({
          board: s390CcwVirtio,
          ...(file === undefined ? { ramSize: 256 * MiB } : storageInFile(file)),
          smp: { cpus },
          kernel: await readFile(files.kernel),
          initrd: await readFile(files.initrd),
          append: 'console=ttysclp0 boardwalk.test=ci',
          drives: [{ if: 'virtio', backend: new MemoryBlock(new Uint8Array(MiB)) }],
        });
        await guest.expectSerial('Run /init as init process', { timeoutMs: 8 * MINUTES });
        if (file !== undefined) expect(banners(file)).toBeGreaterThan(1);
        await guest.expectSerial(/boardwalk-test: end ci passed=\d+ failed=0/, { timeoutMs: 8 * MINUTES });
        expect(guest.output).toContain('boardwalk-test: ok disk write and read');
        expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
      },
      20 * MINUTES,
    );
  }

  it(
    'does the same again, on two CPUs, with the code that a boot before left',
    async (context) => {
      const files =
        (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
      const codeStore = new CodeInMemory();
      for (let n = 0; n < 2; n++) {
        const guest = await bootMachine({
          board: s390CcwVirtio,
          codeStore,
          ramSize: 256 * MiB,
          smp: { cpus: 2 },
          kernel: await readFile(files.kernel),
          initrd: await readFile(files.initrd),
          append: 'console=ttysclp0 boardwalk.test=ci',
          drives: [{ if: 'virtio', backend: new MemoryBlock(new Uint8Array(MiB)) }],
        });
        await guest.expectSerial(/boardwalk-test: end ci passed=\d+ failed=0/, { timeoutMs: 8 * MINUTES });
        expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
        const [cpu] = guest.machine.cpus;
        const stats = cpu instanceof TranslatedCpu ? cpu.engine.stats : undefined;
        await guest.machine.dispose();
        if (n > 0) expect(stats?.kept).toBeGreaterThan(5 * (stats?.translated ?? 0));
        if (n > 0) expect(stats?.tier1?.kept).toBeGreaterThan(stats?.tier1?.compiled ?? 0);
      }
    },
    20 * MINUTES,
  );
});
