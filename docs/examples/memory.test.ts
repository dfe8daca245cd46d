import { AddressSpace, MemoryRegion, RamSpace } from '@boardwalk/core';
import { expect, it } from 'vitest';
import { changedPages, counterRegion, mapAsText, switchBootRomOff } from './memory.ts';

it('a boot ROM covers RAM until it is switched off', () => {
  expect(switchBootRomOff()).toEqual(['ddccbbaa', '12345678', '78', 'nothing there']);
});

it('dirty tracking reports changed pages', () => {
  expect(changedPages()).toEqual([0x3000, 0x1000, 0x9000, 0x2000]);
});

it('the tree is printed as info mtree does', () => {
  expect(mapAsText()).toMatchInlineSnapshot(`
    "address-space: memory
      0000000000000000-ffffffffffffffff (prio 0, i/o): system
        0000000000000000-0000000000000fff (prio 1, rom): bootrom
        0000000000000000-000000000000ffff (prio 0, ram): dram
        0000000080000000-000000008000ffff (prio 0, ram): alias dram-mirror @dram 0000000000000000-000000000000ffff

    memory-region: dram
      0000000000000000-000000000000ffff (prio 0, ram): dram

    "
  `);
});

it('a 64-bit register is read in one piece', () => {
  const root = MemoryRegion.container('system', 2 ** 32);
  root.addSubregion(
    0x1000,
    counterRegion(() => 0x1122_3344_5566_7788n),
  );
  const memory = new AddressSpace('memory', root, RamSpace.create({ bytes: 2 ** 20 }));
  expect(memory.load64(0x1000)).toBe(0x1122_3344_5566_7788n);
  expect(memory.load(0x1004, 4)).toBe(0x1122_3344);
  expect(memory.load(0x1008, 4)).toBe(0xc0de);
  expect(memory.store(0x1000, 4, 0)).toBe(-2);
  expect(memory.load(0x1000, 1)).toBe(-2);
});
