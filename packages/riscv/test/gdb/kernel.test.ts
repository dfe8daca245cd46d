/**
 * gdb on Debian's kernel while it runs. Its package has no symbols (they are in one of a gigabyte), so the kernel itself is
 * asked for their addresses. Skipped where Debian's packages cannot be had.
 */
import { readFile } from 'node:fs/promises';
import { PipeChar } from '@boardwalk/core';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingTools, runGdb, serveMachine, Workshop } from './server.ts';

const MINUTES = 60_000;

/** It boots Linux. */
const long = process.env.BOARDWALK_LONG_RUNS !== undefined;

describe.skipIf(missingTools.length > 0 || !long)("gdb on Debian's kernel", () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  it(
    'stops at its functions, with its page tables on, shows who calls, and lets it go on',
    async (context) => {
      const files = await ifReachable(prepareLinux());
      if (files === undefined) return context.skip("Debian's packages cannot be had here");
      const serial = new PipeChar();
      const server = await serveMachine(workshop.path('.sock'), {
        ramSize: 256 * 2 ** 20,
        firmware: await readFile(files.firmware),
        kernel: await readFile(files.kernel),
        initrd: await readFile(files.initrd),
        append: 'console=ttyS0 quiet',
        serials: [serial],
        paused: false,
      });
      await serial.waitFor('~ # ', { timeoutMs: 4 * MINUTES });
      serial.send("grep -E ' (ksys_write|vfs_write)$' /proc/kallsyms\n");
      const { before } = await serial.waitFor('~ # ');
      const [, write = ''] = /([0-9a-f]{16}) T ksys_write/.exec(before) ?? [];
      const [, inner = ''] = /([0-9a-f]{16}) [tT] vfs_write/.exec(before) ?? [];
      // The shell waits a second, then writes; gdb is there by then.
      serial.send('sleep 1; echo for-gdb; sleep 1000\n');
      const output = await runGdb(server, undefined, [
        `hbreak *0x${inner}`,
        'continue',
        'print $pc',
        'print $priv',
        'print (unsigned long)$satp >> 60 >= 8',
        // It was called from ksys_write.
        `print $ra > 0x${write} && $ra < 0x${write} + 0x200`,
        'x/2i $pc',
        // The text that is written: user memory, by its own pointer.
        'print (char)*(char*)$a1',
        'stepi',
        'info registers',
        'delete',
        'detach',
      ]);
      expect(output).toContain(`$1 = (void (*)()) 0x${inner}`);
      expect(output).toContain('$2 = 1');
      expect(output).toContain('$3 = 1');
      expect(output).toContain('$4 = 1');
      expect(output).not.toContain('Cannot access memory');
      await serial.waitFor('for-gdb', { timeoutMs: MINUTES });
      await server.close();
    },
    8 * MINUTES,
  );
});
