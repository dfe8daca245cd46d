/**
 * Real software on the mainframe: Debian's Linux. Skipped with a printed reason where Debian's packages cannot be had. It takes a
 * minute and more, and runs where BOARDWALK_S390X_LINUX is set.
 */
import { readFile } from 'node:fs/promises';
import { MemoryBlock } from '@boardwalk/core';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { machineBooter } from '@boardwalk/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { s390CcwVirtio } from '../src/index.ts';

const MiB = 2 ** 20;
const MINUTES = 60_000;

const bootMachine = machineBooter(afterEach);

describe.skipIf(process.env.BOARDWALK_S390X_LINUX === undefined)('Linux on s390-ccw-virtio', () => {
  it(
    "boots Debian's kernel from its first line to the start of init",
    async (context) => {
      const files =
        (await ifReachable(prepareMainframeLinux())) ?? context.skip("Debian's packages cannot be had here");
      const guest = await bootMachine({
        board: s390CcwVirtio,
        ramSize: 256 * MiB,
        kernel: await readFile(files.kernel),
        initrd: await readFile(files.initrd),
        append: 'console=ttysclp0',
        drives: [{ if: 'virtio', backend: new MemoryBlock(new Uint8Array(MiB)) }],
      });
      await guest.expectSerial('Linux version', { timeoutMs: 4 * MINUTES });
      await guest.expectSerial('Kernel command line: console=ttysclp0', { timeoutMs: MINUTES });
      await guest.expectSerial('cio: Channel measurement facility initialized', { timeoutMs: 4 * MINUTES });
      await guest.expectSerial('Run /init as init process', { timeoutMs: 4 * MINUTES });
      expect(guest.output).not.toMatch(/kernel BUG|Oops|Call Trace/);
    },
    14 * MINUTES,
  );
});
