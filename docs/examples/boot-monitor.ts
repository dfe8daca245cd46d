// Boots the monitor guest on the RISC-V virt board, talks to it over the serial port, and gives its exit status.
import { Machine, MiB, PipeChar } from '@boardwalk/core';
import { virt } from '@boardwalk/riscv';

/** @param firmware the monitor's bytes: `tools/guest/prebuilt/monitor.bin` */
export async function bootMonitor(firmware: Uint8Array): Promise<{ readonly answer: string; readonly status: number }> {
  const serial = new PipeChar();
  const machine = await Machine.create(virt, { firmware, ramSize: MiB(64), smp: { cpus: 2 }, serials: [serial] });
  try {
    const ended = machine.run();
    await serial.waitFor('\n> ');
    serial.send('sha256 hello\r');
    const { match } = await serial.waitFor(/\n([0-9a-f]{64})/);
    await serial.waitFor('> ');
    serial.send('poweroff 7\r');
    const { status } = await ended;
    return { answer: match[1] ?? '', status };
  } finally {
    await machine.dispose();
  }
}
