// What the two versions of the atlas board in "Converting a board" have in common: a hart, a UART and a way to stop.
import { type Machine, UserError } from '@boardwalk/core';
import { Ns16550a, SifiveTest } from '@boardwalk/devices';
import { configureCpu, RiscvCpu, RiscvFrontend, SifiveClint } from '@boardwalk/riscv';

/** The memory map. RAM is on two chip selects; the first 64 KiB of it also show at 0. */
export const MAP = {
  mirror: 0,
  test: 0x0010_0000,
  clint: 0x0200_0000,
  uart0: 0x1000_0000,
  bank0: 0x8000_0000,
  bank1: 0x9000_0000,
} as const;

const TIMEBASE_HZ = 10_000_000;

/** The firmware that the board starts. @throws UserError without one */
export function firmwareOf(machine: Machine): Uint8Array {
  const { firmware } = machine.options;
  if (firmware === undefined || firmware === 'none') throw new UserError("the machine 'atlas' needs -bios");
  return firmware;
}

/** Adds everything but RAM. */
export function addChips(machine: Machine): void {
  const clint = machine.add(new SifiveClint(1, TIMEBASE_HZ), 'clint');
  machine.map(MAP.clint, clint.region);
  const frontend = new RiscvFrontend(configureCpu(machine.cpuModel));
  machine.add(new RiscvCpu(0, frontend, { time: clint.mtimer, resetVector: MAP.bank0 }), 'cpu');
  machine.map(MAP.uart0, machine.add(new Ns16550a({ chardev: machine.serial(0) }), 'uart0').region);
  machine.map(MAP.test, machine.add(new SifiveTest(), 'test').region);
}
