// The same run twice: with an instruction clock, time is what the guest has executed.
import { InstructionClockSource, Machine, PipeChar, VirtualClock } from '@boardwalk/core';
import { virt } from '@boardwalk/riscv';

/** Runs firmware to its end. Gives what it printed and the virtual time that passed, in ns. */
export async function run(firmware: Uint8Array): Promise<{ readonly text: string; readonly ns: number }> {
  const serial = new PipeChar();
  const clock = new VirtualClock(new InstructionClockSource({ nsPerInstruction: 10, sleep: false }));
  const machine = await Machine.create(virt, { firmware, clock, serials: [serial] });
  try {
    await machine.run();
    return { text: serial.sent, ns: clock.now() };
  } finally {
    await machine.dispose();
  }
}
