// The atlas board: it finds its RAM, and maps parts of it.
import { defineBoard, MemoryRegion, MiB, UserError } from '@boardwalk/core';
import { addChips, firmwareOf, MAP } from './atlas-parts.ts';

const BANK = MiB(128);
const MIRROR = 0x1_0000;

export const atlas = defineBoard({
  name: 'atlas',
  description: 'RAM on two chip selects',
  arch: 'riscv64',
  defaultCpu: 'rv64',
  maxCpus: 1,
  defaultRamSize: BANK,
  defaultRamId: 'atlas.ram',
  maxRamSize: 2 * BANK,
  build(machine) {
    const firmware = firmwareOf(machine);
    const { ram, ramSize } = machine;
    const first = Math.min(ramSize, BANK);
    machine.map(MAP.bank0, MemoryRegion.alias('atlas.bank0', ram, 0, first));
    if (ramSize > BANK) machine.map(MAP.bank1, MemoryRegion.alias('atlas.bank1', ram, BANK, ramSize - BANK));
    machine.map(MAP.mirror, MemoryRegion.alias('atlas.mirror', ram, 0, Math.min(MIRROR, ramSize)));
    addChips(machine);
    machine.onReset(() => {
      if (machine.addressSpace.writeBytes(MAP.bank0, firmware) < 0) throw new UserError('-bios does not fit into RAM');
    });
  },
});
