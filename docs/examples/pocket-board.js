// A board from outside the monorepo, in plain JavaScript: one RV64 hart, RAM, a UART, a way to stop.
import { defineBoard, MiB, UserError } from '@boardwalk/core';
import { GoldfishRtc, Ns16550a, SifiveTest } from '@boardwalk/devices';
import {
  configureCpu,
  machineAndSupervisorContexts,
  Plic,
  RiscvCpu,
  RiscvFrontend,
  SifiveClint,
} from '@boardwalk/riscv';

const MAP = {
  test: 0x0010_0000,
  rtc: 0x0010_1000,
  clint: 0x0200_0000,
  plic: 0x0c00_0000,
  uart0: 0x1000_0000,
  ram: 0x8000_0000,
};
const UART0_IRQ = 10;
const RTC_IRQ = 11;
const TIMEBASE_HZ = 10_000_000;

export const pocket = defineBoard({
  name: 'pocket',
  description: 'one RV64 hart, RAM, UART',
  arch: 'riscv64',
  defaultCpu: 'rv64',
  maxCpus: 1,
  defaultRamSize: MiB(16),
  defaultRamId: 'pocket.ram',
  validRamSizes: [MiB(16), MiB(32)],
  properties: [{ name: 'rtc', type: 'bool', description: 'the real-time clock is fitted', default: true }],
  build(machine) {
    const { firmware } = machine.options;
    if (firmware === undefined || firmware === 'none') throw new UserError("the machine 'pocket' needs -bios");
    machine.map(MAP.ram, machine.ram);

    const clint = machine.add(new SifiveClint(1, TIMEBASE_HZ), 'clint');
    machine.map(MAP.clint, clint.region);
    const plic = machine.add(new Plic({ sources: 31, contexts: machineAndSupervisorContexts(1) }), 'plic');
    machine.map(MAP.plic, plic.region);

    const time = clint.mtimer;
    const frontend = new RiscvFrontend(configureCpu(machine.cpuModel));
    const cpu = machine.add(new RiscvCpu(0, frontend, { time, resetVector: MAP.ram }), 'cpu');
    clint.softwareIrqs[0]?.connect(cpu.input('m-software'));
    clint.timerIrqs[0]?.connect(cpu.input('m-timer'));
    plic.irqs[0]?.connect(cpu.input('m-external'));
    plic.irqs[1]?.connect(cpu.input('s-external'));

    const uart = machine.add(new Ns16550a({ chardev: machine.serial(0) }), 'uart0');
    machine.map(MAP.uart0, uart.region);
    uart.irq.connect(plic.input(UART0_IRQ));
    if (machine.getProperty('rtc') === true) {
      const rtc = machine.add(new GoldfishRtc(), 'rtc0');
      machine.map(MAP.rtc, rtc.region);
      rtc.irq.connect(plic.input(RTC_IRQ));
    }
    machine.map(MAP.test, machine.add(new SifiveTest(), 'test').region);

    machine.onReset(() => {
      if (machine.addressSpace.writeBytes(MAP.ram, firmware) < 0) throw new UserError('-bios does not fit into RAM');
    });
  },
});
