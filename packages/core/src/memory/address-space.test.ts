import { expect, test } from 'vitest';
import { AddressSpace, MemoryRegion, RamSpace } from './index.ts';

test('a store to RAM is loaded back', () => {
  const space = RamSpace.create({ bytes: 4 << 20 });
  const root = MemoryRegion.container('system', 2 ** 64);
  root.addSubregion(0x8000_0000, MemoryRegion.ram('ram', space.allocateRam('ram', 65536)));
  const as = new AddressSpace('memory', root, space);
  expect(as.store(0x8000_0010, 4, 0xfedc_ba98)).toBe(0);
  expect(as.load(0x8000_0010, 4)).toBe(0xfedc_ba98);
  expect(as.load64(0x8000_0010)).toBe(0xfedc_ba98n);
});
