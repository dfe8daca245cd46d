/** gdb goes back in time, on a machine whose clock counts instructions. */
import { readFileSync } from 'node:fs';
import { InstructionClockSource, PipeChar, VirtualClock } from '@boardwalk/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BoardwalkServer, missingTools, runGdb, serveMachine, Workshop } from './server.ts';

describe.skipIf(missingTools.length > 0)('gdb going back', () => {
  let workshop: Workshop;
  beforeAll(() => {
    workshop = new Workshop();
  });
  afterAll(() => workshop.dispose());

  async function serve(elf: string, serial = new PipeChar()): Promise<BoardwalkServer> {
    const clock = new VirtualClock(new InstructionClockSource({ sleep: false }));
    const firmware = new Uint8Array(readFileSync(elf));
    return serveMachine(workshop.path('.sock'), { firmware, clock, ramSize: 16 * 2 ** 20, serials: [serial] });
  }

  it('finds what overwrote a pointer, from the crash that it led to', async () => {
    const elf = workshop.build('crt.S', 'crash.c');
    const server = await serve(elf);
    const output = await runGdb(server, elf, [
      'break *trapped',
      'continue',
      // The pointer holds a number, not a function.
      'print/x (long)state.next',
      'delete',
      'watch state.next',
      'reverse-continue',
      'bt',
      'print i',
      'print steps',
    ]);
    await server.close();
    expect(output).toContain('$1 = 0x900900008008');
    expect(output).toContain('Hardware watchpoint 2: state.next');
    expect(output).toMatch(/#0 .*fill \(count=.*10\)/);
    expect(output).toMatch(/\$2 = 9/);
    expect(output).toContain('$3 = 30000');
  });

  it('steps back and forth to the same registers, and stops where the past begins', async () => {
    const elf = workshop.build('crt.S', 'program.c');
    const server = await serve(elf);
    const registers = 'info registers';
    const output = await runGdb(
      server,
      elf,
      [
        ['break main', 'continue', 'stepi 40', 'echo A\\n', registers, 'echo B\\n', 'reverse-stepi 30', 'print $pc'],
        ['stepi 30', 'echo C\\n', registers, 'echo D\\n', 'reverse-continue', 'reverse-continue', 'print $pc'],
      ].flat(),
    );
    await server.close();
    const between = (from: string, to: string): string => output.split(`${from}\n`)[1]?.split(`${to}\n`)[0] ?? '';
    expect(between('A', 'B')).toContain('pc ');
    expect(between('C', 'D')).toBe(between('A', 'B'));
    expect(output).toContain('No more reverse-execution history');
    expect(output).toMatch(/\$2 = .*0x1000\b/);
  });

  it('repeats what came through the serial port at the same instruction', async () => {
    const elf = workshop.build('crt.S', 'echo.c');
    const serial = new PipeChar();
    const server = await serve(elf, serial);
    // When it has run for a while.
    const timer = setInterval(() => {
      if ((server.machine.cpus[0]?.debug?.instructions ?? 0n) < 20_000n) return;
      clearInterval(timer);
      serial.send('x');
    }, 5);
    const output = await runGdb(server, elf, [
      ...['break got', 'continue', 'print turns > 1000', 'set var $then = turns', 'print byte', 'stepi 9'],
      ...['reverse-continue', 'print turns == $then', 'print byte'],
    ]);
    await server.close();
    expect(output).toContain('$1 = 1');
    expect(output).toContain('$2 = 120');
    expect(output).toContain('$3 = 1');
    expect(output).toContain('$4 = 120');
  });
});
