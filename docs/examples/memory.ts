// Regions, an address space and dirty tracking without a machine.
import {
  AddressSpace,
  formatMemoryTree,
  MEM_DECODE_ERROR,
  MemoryRegion,
  memoryTransaction,
  RamSpace,
  WHOLE_SPACE,
} from '@boardwalk/core';

/** A map with RAM that is seen twice and a boot ROM that covers the start of it until it is switched off. */
export function bootRomMap() {
  const space = RamSpace.create({ bytes: 2 ** 21 });
  const ram = MemoryRegion.ram('dram', space.allocateRam('dram', 0x1_0000));
  const rom = MemoryRegion.rom('bootrom', space.allocateRam('bootrom', 0x1000));
  const mirror = MemoryRegion.alias('dram-mirror', ram, 0, 0x1_0000);
  const system = MemoryRegion.container('system', WHOLE_SPACE);
  system.addSubregion(0, ram);
  system.addSubregion(0, rom, 1);
  system.addSubregion(0x8000_0000, mirror);
  return { ram, rom, mirror, memory: new AddressSpace('memory', system, space) };
}

/** What a boot ROM covers, and what is seen when it goes. */
export function switchBootRomOff(): readonly string[] {
  const { rom, mirror, memory } = bootRomMap();
  const seen: string[] = [];
  memory.store(0x8000_0010, 4, 0x1234_5678); // RAM, through its mirror
  memory.writeRom(0x10, Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd)); // ROM, as its programmer
  memory.store(0x10, 4, 0); // a guest's write to ROM is ignored
  seen.push(memory.load(0x10, 4).toString(16));
  memoryTransaction(() => {
    rom.setEnabled(false);
    mirror.setAddress(0x4000_0000);
  });
  seen.push(memory.load(0x10, 4).toString(16), memory.load(0x4000_0010, 1).toString(16));
  seen.push(memory.load(0x8000_0010, 4) === MEM_DECODE_ERROR ? 'nothing there' : 'still there');
  return seen;
}

/** The tree as `info mtree` prints it. */
export function mapAsText(): string {
  return formatMemoryTree(bootRomMap().memory);
}

/** The pages of RAM that changed since the last look. */
export function changedPages(): readonly number[] {
  const { ram, memory } = bootRomMap();
  const { block } = ram;
  if (block === undefined) throw new Error('RAM has no block');
  block.setLogging('display', true);
  block.testAndClearDirty('display', 0, block.size); // everything counts as changed at first
  memory.store(0x8000_3ffc, 4, 1);
  memory.writeBytes(0x8000_9000, new Uint8Array(0x1800));
  const changed: number[] = [];
  block.takeDirty('display', 0, block.size, (offset, length) => changed.push(offset, length));
  return changed;
}

/** A 64-bit counter register that a guest must not see torn, and a 32-bit one beside it. */
export function counterRegion(now: () => bigint): MemoryRegion {
  return MemoryRegion.io('counter', 0x10, {
    valid: { min: 4, max: 8 },
    impl: { min: 4, max: 8 },
    read: (offset) => (offset < 8 ? Number((now() >> BigInt(offset * 8)) & 0xffff_ffffn) : 0xc0de),
    write: () => MEM_DECODE_ERROR,
    read64: (offset) => (offset === 0 ? now() : 0xc0den),
    write64: () => MEM_DECODE_ERROR,
  });
}
