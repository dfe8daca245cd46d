// A machine for device tests: RAM, a clock that the test moves, a log that it can read, and no CPU.

import {
  type Device,
  defineBoard,
  GuestLog,
  IrqInput,
  type IrqOutput,
  Machine,
  type MachineOptions,
  ManualClock,
  type MemoryRegion,
  RamSpace,
} from '@boardwalk/core';

/** Where the machine's RAM is, and its size. */
export const RAM_BASE = 0x8000_0000;
export const RAM_SIZE = 0x10_0000;

export interface TestMachine {
  readonly machine: Machine;
  readonly clock: ManualClock;
  /** Lines of the guest_errors log. */
  readonly errors: string[];
  /** 32-bit read of a physical address. */
  r32(address: number): number;
  w32(address: number, value: number): void;
  r8(address: number): number;
  w8(address: number, value: number): void;
}

/** Makes a machine, lets `build` add devices to it, and resets it. */
export async function testMachine(
  build: (machine: Machine) => void | Promise<void>,
  options: MachineOptions = {},
): Promise<TestMachine> {
  const errors: string[] = [];
  const clock = new ManualClock();
  const board = defineBoard({
    name: 'test',
    description: 'for tests',
    arch: 'test',
    defaultCpu: 'none',
    maxCpus: 1,
    defaultRamId: 'ram',
    defaultRamSize: RAM_SIZE,
    build(machine) {
      machine.map(RAM_BASE, machine.ram);
      return build(machine);
    },
  });
  const log = new GuestLog(['guest_errors'], (_category, text) => errors.push(text));
  const machine = await Machine.create(board, {
    accel: 'qtest',
    clock,
    log,
    space: RamSpace.create({ bytes: 32 * 2 ** 20 }),
    ...options,
  });
  const as = machine.addressSpace;
  return {
    machine,
    clock,
    errors,
    r32: (address) => as.load(address, 4),
    w32: (address, value) => void as.store(address, 4, value >>> 0),
    r8: (address) => as.load(address, 1),
    w8: (address, value) => void as.store(address, 1, value),
  };
}

/** Adds a device and maps a region of it. */
export function place<T extends Device & { readonly region: MemoryRegion }>(
  machine: Machine,
  base: number,
  device: T,
): T {
  machine.add(device);
  machine.map(base, device.region);
  return device;
}

/** What a line does: its level, and how often it has risen. */
export interface Probe {
  level: boolean;
  rises: number;
}

/** Watches an interrupt output. */
export function probe(owner: Device, output: IrqOutput): Probe {
  const seen: Probe = { level: false, rises: 0 };
  output.connect(
    new IrqInput(owner, 'probe', 0, (level) => {
      if (level) seen.rises++;
      seen.level = level;
    }),
  );
  return seen;
}
