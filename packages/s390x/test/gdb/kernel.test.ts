/**
 * gdb on Debian's kernel while it runs. Its package has no symbols, so the kernel itself is asked for them. Skipped where Debian's
 * packages cannot be had.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { InstructionClockSource, MiB, PipeChar, VirtualClock } from '@boardwalk/core';
import { ifReachable, prepareMainframeLinux } from '@boardwalk/launch';
import { listSymbols, readDump, symbolFile, symbolsIn } from '@boardwalk/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingTools, runGdb, serveMachine, Workshop } from './server.ts';

const MINUTES = 60_000;
const EM_S390 = 22;

/** A system call from its entry to where files are written. This kernel tells no variables. */
const FUNCTIONS = ['vfs_write', 'ksys_write', '__s390x_sys_write', '__do_syscall', 'system_call'];

describe.skipIf(missingTools.length > 0)("gdb on Debian's kernel for mainframes", () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  it(
    'breaks, shows who calls by name, finishes, watches, steps, shows CPUs and registers, goes back, lets it go on, and reads it in a dump',
    async (context) => {
      const files = await ifReachable(prepareMainframeLinux());
      if (files === undefined) return context.skip("Debian's packages cannot be had here");
      const serial = new PipeChar();
      const server = await serveMachine(workshop.path('.sock'), {
        ramSize: MiB(256),
        smp: { cpus: 2 },
        kernel: await readFile(files.kernel),
        initrd: await readFile(files.initrd),
        append: 'console=ttysclp0 quiet',
        serials: [serial],
        clock: new VirtualClock(new InstructionClockSource()),
        paused: false,
      });
      await serial.waitFor('~ # ', { timeoutMs: 6 * MINUTES });
      serial.send(listSymbols(FUNCTIONS));
      const { before } = await serial.waitFor('~ # ', { timeoutMs: 2 * MINUTES });
      const symbols = symbolsIn(before);
      expect(symbols.map(({ name }) => name).sort()).toEqual(FUNCTIONS.toSorted());
      const elf = workshop.path('.elf');
      await writeFile(elf, symbolFile(symbols, { machine: EM_S390, endian: 'big' }));
      // The shell waits a second, then writes; gdb is there by then.
      serial.send('sleep 1; echo for-gdb; sleep 1000\n');
      const output = await runGdb(server, elf, [
        'break vfs_write',
        'continue',
        'backtrace 4',
        'info threads',
        // DAT is on, and Linux is in the supervisor state of the primary space.
        'print ($pswm >> 58) & 1',
        'print ($pswm >> 48) & 1',
        'x/2i $pc',
        'x/2i vfs_write',
        'set $stack = $r15',
        'stepi',
        'finish',
        // Back to where it stopped, and a step further back: the stack frame is made there.
        'reverse-continue',
        'echo back\\n',
        'print $r15 == $stack',
        'reverse-stepi',
        'x/i $pc',
        'continue',
        'delete',
        // Where the next call saves a register.
        'watch -l *(unsigned long *)($r15 - 40)',
        'continue',
        'info registers',
        'delete',
        'detach',
      ]);
      expect(output).toMatch(/Breakpoint 1, 0x[0-9a-f]+ in vfs_write \(\)/);
      expect(output).toMatch(/#0 +0x[0-9a-f]+ in vfs_write \(\)\n#1 +0x[0-9a-f]+ in ksys_write \(\)/);
      expect(output).toMatch(/Thread 1\.1 .*\n.*Thread 1\.2 /);
      expect(output).toContain('$1 = 1');
      expect(output).toContain('$2 = 0');
      expect(output).toMatch(/Hardware watchpoint 2: .*\n\nOld value = (\d+)\nNew value = (?!\1\n)\d+/);
      expect(output).not.toContain('Cannot access memory');
      const [there = '', back = ''] = output.split('back\n');
      expect(there).toContain('Breakpoint 1, ');
      expect(back).toMatch(
        /^\$3 = 1\n0x0*([0-9a-f]+) in vfs_write \(\)\n=> 0x\1 <vfs_write\+\d+>:\tlay\t%r15,-\d+\(%r15\)\n/,
      );
      expect(back).toMatch(/Breakpoint 1, 0x[0-9a-f]+ in vfs_write \(\)/);
      await serial.waitFor('for-gdb', { timeoutMs: MINUTES });

      // By the kernel's tables: its stacks are not where storage has their addresses.
      const script = ['x/2i vfs_write', 'info threads', 'print $r15 > 0x10000000', 'x/2gx $r15'];
      const dumped = await readDump(server.machine, workshop.path('.core'), elf, script);
      const code = (text: string) => /<vfs_write>:\s+(.*)$/m.exec(text)?.[1];
      expect(code(output)).toBeDefined();
      expect(code(dumped)).toBe(code(output));
      expect(dumped).toMatch(/LWP 1\b[\s\S]*LWP 2\b/);
      expect(dumped).toContain('$1 = 1');
      expect(dumped).not.toContain('Cannot access memory');
      await server.close();
    },
    12 * MINUTES,
  );
});
