/**
 * gdb on Debian's kernel while it runs. Its package has no symbols (they are in one of a gigabyte), so the kernel itself is
 * asked for them. Skipped where Debian's packages cannot be had.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { InstructionClockSource, PipeChar, VirtualClock } from '@boardwalk/core';
import { ifReachable, prepareLinux } from '@boardwalk/launch';
import { listSymbols, readDump, symbolFile, symbolsIn } from '@boardwalk/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingTools, runGdb, serveMachine, Workshop } from './server.ts';

const MINUTES = 60_000;
const EM_RISCV = 243;

/** A system call from its entry to where files are written, and what the timer's interrupt counts. */
const FUNCTIONS = ['vfs_write', 'ksys_write', '__riscv_sys_write', 'do_trap_ecall_u', 'handle_exception', 'schedule'];
const VARIABLES = ['jiffies_64', 'linux_banner'];

describe.skipIf(missingTools.length > 0)("gdb on Debian's kernel", () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  it(
    'breaks, shows who calls by name, finishes, watches, steps, shows the CPUs and registers, goes back and forth, lets it go on, and reads it in a dump',
    async (context) => {
      const files = await ifReachable(prepareLinux());
      if (files === undefined) return context.skip("Debian's packages cannot be had here");
      const serial = new PipeChar();
      const server = await serveMachine(workshop.path('.sock'), {
        ramSize: 256 * 2 ** 20,
        smp: { cpus: 2 },
        firmware: await readFile(files.firmware),
        kernel: await readFile(files.kernel),
        initrd: await readFile(files.initrd),
        append: 'console=ttyS0 quiet',
        serials: [serial],
        clock: new VirtualClock(new InstructionClockSource()),
        paused: false,
      });
      await serial.waitFor('~ # ', { timeoutMs: 4 * MINUTES });
      serial.send(listSymbols([...FUNCTIONS, ...VARIABLES]));
      const { before } = await serial.waitFor('~ # ', { timeoutMs: MINUTES });
      const symbols = symbolsIn(before);
      expect(symbols.map(({ name }) => name).sort()).toEqual([...FUNCTIONS, ...VARIABLES].sort());
      const elf = workshop.path('.elf');
      await writeFile(elf, symbolFile(symbols, { machine: EM_RISCV, endian: 'little' }));
      // The shell waits a second, then writes; gdb is there by then.
      serial.send('sleep 1; echo for-gdb; sleep 1000\n');
      const output = await runGdb(server, elf, [
        'break vfs_write',
        'continue',
        'backtrace 4',
        'info threads',
        'print $priv',
        'print (unsigned long)$satp >> 60 >= 8',
        'x/2i $pc',
        'x/2i vfs_write',
        // The text that is written: user memory, by its own pointer.
        'print (char)*(char*)$a1',
        'set $stack = $sp',
        'set $count = *(unsigned long *)&jiffies_64',
        'stepi',
        'finish',
        'delete',
        'watch *(unsigned long *)&jiffies_64',
        'continue',
        'info registers',
        'delete',
        'break vfs_write',
        // Back from ever later, over interrupts of timers and of the serial port.
        ...['schedule', 'handle_exception', 'schedule'].flatMap((later) => [
          'reverse-continue',
          'echo back\\n',
          'print $sp == $stack && *(unsigned long *)&jiffies_64 == $count',
          `tbreak ${later}`,
          'continue',
          'watch *(unsigned long *)&jiffies_64',
          'continue 3',
          'delete $bpnum',
        ]),
        'reverse-continue',
        'echo back\\n',
        'print $sp == $stack && *(unsigned long *)&jiffies_64 == $count',
        'delete',
        'detach',
      ]);
      expect(output).toMatch(/Breakpoint 1, 0x[0-9a-f]+ in vfs_write \(\)/);
      expect(output).toMatch(
        /#0 +0x[0-9a-f]+ in vfs_write \(\)\n#1 +0x[0-9a-f]+ in ksys_write \(\)\n#2 .*__riscv_sys_write/,
      );
      expect(output).toMatch(/Thread 1\.1 .*\n.*Thread 1\.2 /);
      expect(output).toContain('$1 = 1');
      expect(output).toContain('$2 = 1');
      // finish: after stepi the caller again, where it goes on.
      expect(output).toMatch(/in vfs_write \(\)\n0x[0-9a-f]+ in ksys_write \(\)\n/);
      expect(output).toMatch(/Hardware watchpoint 2: .*\n\nOld value = (\d+)\nNew value = (?!\1\n)\d+/);
      const returns = output.split('back\n').slice(1);
      expect(returns.map((text) => /^\$\d+ = 1$/m.test(text))).toEqual([true, true, true, true]);
      expect(output).not.toContain('Cannot access memory');
      await serial.waitFor('for-gdb', { timeoutMs: MINUTES });

      // As the kernel's own page tables map it.
      const script = ['x/s &linux_banner', 'x/2i vfs_write', 'info threads', 'print $pc == 0'];
      const dumped = await readDump(server.machine, workshop.path('.core'), elf, script);
      expect(dumped).toMatch(/<linux_banner>:\s+"Linux version \d+\.\d+/);
      expect(dumped).toMatch(/LWP 1\b[\s\S]*LWP 2\b/);
      expect(dumped).toContain('$1 = 0');
      expect(dumped).not.toContain('Cannot access memory');
      const code = (text: string) => /<vfs_write>:\s+(.*)$/m.exec(text)?.[1];
      expect(code(output)).toBeDefined();
      expect(code(dumped)).toBe(code(output));
      await server.close();
    },
    8 * MINUTES,
  );
});
