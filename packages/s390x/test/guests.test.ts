/** Real software on the mainframe: Debian's Linux. Skipped with a printed reason where Debian's packages cannot be had. */
import { readFile } from 'node:fs/promises';
import { MemoryBlock } from '@boardwalk/core';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { s390CcwVirtio } from '../src/index.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;

const bootMachine = machineBooter(afterEach);

describe('Linux on s390-ccw-virtio', () => {
  for (const cpus of [1, 4]) {
    it(
      `boots Debian's kernel to our init with ${cpus} CPU(s), uses its disk, and powers off`,
      async (context) => {
        const files =
          (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
        const guest = await bootMachine({
          board: s390CcwVirtio,
          ramSize: 256 * MiB,
          smp: { cpus },
          kernel: await readFile(files.kernel),
          initrd: await readFile(files.initrd),
          append: 'console=ttysclp0 boardwalk.test=ci',
          drives: [{ if: 'virtio', backend: new MemoryBlock(new Uint8Array(MiB)) }],
        });
        await guest.expectSerial('Run /init as init process', { timeoutMs: 8 * MINUTES });
        await guest.expectSerial(/boardwalk-test: end ci passed=\d+ failed=0/, { timeoutMs: 8 * MINUTES });
        expect(guest.output).toContain('boardwalk-test: ok disk write and read');
        expect(await guest.exit()).toMatchObject({ cause: 'guest', reason: 'shutdown' });
      },
      20 * MINUTES,
    );
  }
});
