import { defineBoard, IrqInput, KiB, Machine, ManualClock, RamSpace } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { Sp805 } from './sp805-watchdog.ts';

const BASE = 0x1000_0000;
const LOAD = BASE;
const VALUE = BASE + 4;
const CONTROL = BASE + 8;
const INTCLR = BASE + 0xc;
const LOCK = BASE + 0xc00;

/** A machine with a watchdog at 1 MHz, whose interrupt is `line`. */
async function watchdogMachine() {
  const clock = new ManualClock();
  const watchdog = new Sp805();
  watchdog.setProperty('clock-frequency', 1_000_000);
  const line = new IrqInput(watchdog, 'probe', 0, () => {});
  const board = defineBoard({
    name: 'watchdog-test',
    description: 'an SP805',
    arch: 'test',
    defaultCpu: 'none',
    maxCpus: 1,
    defaultRamSize: KiB(64),
    defaultRamId: 'ram',
    build(machine) {
      machine.map(0, machine.ram);
      machine.map(BASE, machine.add(watchdog, 'watchdog').region);
      watchdog.irq.connect(line);
    },
  });
  const space = RamSpace.create({ bytes: 2 ** 21 });
  const machine = await Machine.create(board, { accel: 'qtest', clock, space });
  return { machine, clock, watchdog, line, memory: machine.addressSpace };
}

describe('SP805', () => {
  it('counts down, interrupts, and resets the machine when nobody answers', async () => {
    const { machine, clock, line, memory } = await watchdogMachine();
    let resets = 0;
    machine.on('reset', () => resets++);
    expect(memory.load(VALUE, 4)).toBe(0xffff_ffff);
    memory.store(LOAD, 4, 1000);
    memory.store(CONTROL, 4, 3);
    clock.advance(400_000);
    expect(memory.load(VALUE, 4)).toBe(600);
    clock.advance(600_000);
    expect(line.level).toBe(true);
    expect(resets).toBe(0);
    memory.store(INTCLR, 4, 1);
    expect(line.level).toBe(false);
    clock.advance(2_000_000);
    expect(resets).toBe(1);
    expect(memory.load(CONTROL, 4)).toBe(0);
    await machine.dispose();
  });

  it('ignores writes while it is locked', async () => {
    const { machine, memory } = await watchdogMachine();
    memory.store(LOCK, 4, 1);
    expect(memory.load(LOCK, 4)).toBe(1);
    memory.store(CONTROL, 4, 3);
    expect(memory.load(CONTROL, 4)).toBe(0);
    memory.store(LOCK, 4, 0x1acce551);
    memory.store(CONTROL, 4, 3);
    expect(memory.load(CONTROL, 4)).toBe(3);
    await machine.dispose();
  });

  it('goes on where it was after its state is restored', async () => {
    const { machine, clock, watchdog, line, memory } = await watchdogMachine();
    memory.store(LOAD, 4, 1000);
    memory.store(CONTROL, 4, 1);
    clock.advance(900_000);
    const saved = watchdog.save();
    memory.store(CONTROL, 4, 0);
    watchdog.restore(saved);
    clock.advance(99_000);
    expect(line.level).toBe(false);
    clock.advance(1_000);
    expect(line.level).toBe(true);
    await machine.dispose();
  });
});
