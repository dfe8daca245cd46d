// The atlas board as it should not be: it makes its own RAM.
import { defineBoard, type Machine, MemoryRegion, MiB } from '@boardwalk/core';
import { addChips, firmwareOf, MAP } from './atlas-parts.ts';

const BANK = MiB(128);
const MIRROR = 0x1_0000;

/** Makes a bank of RAM, and maps it. */
function addBank(machine: Machine, name: string, base: number, bytes: number): MemoryRegion {
  const bank = MemoryRegion.ram(name, machine.space.allocateRam(name, bytes));
  machine.map(base, bank);
  return bank;
}

export const atlasBefore = defineBoard({
  name: 'atlas',
  description: 'RAM on two chip selects',
  arch: 'riscv64',
  defaultCpu: 'rv64',
  maxCpus: 1,
  build(machine) {
    const firmware = firmwareOf(machine);
    const ramSize = Math.min(machine.ramSize, 2 * BANK);
    const bank0 = addBank(machine, 'atlas.ram0', MAP.bank0, Math.min(ramSize, BANK));
    if (ramSize > BANK) addBank(machine, 'atlas.ram1', MAP.bank1, ramSize - BANK);
    machine.map(MAP.mirror, MemoryRegion.alias('atlas.mirror', bank0, 0, MIRROR));
    addChips(machine);
    bank0.block?.bytes.set(firmware);
  },
});
