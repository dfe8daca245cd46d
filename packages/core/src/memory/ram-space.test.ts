import { describe, expect, test } from 'vitest';
import { PAGE_CLEAN_DISPLAY, PAGE_CLEAN_MIGRATION, PAGE_CODE, PAGE_SIZE, RamSpace, UserError } from '../index.ts';

const MIB = 2 ** 20;

describe('a RAM space', () => {
  test('has 4 GiB by default, all of it usable through its views', () => {
    const space = RamSpace.create();
    expect(space.size).toBe(2 ** 32);
    expect(space.shared).toBe(true);
    expect(space.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    space.u8[space.size - 1] = 0xa5;
    expect(space.u32[space.u32.length - 1]).toBe(0xa500_0000);
    expect(space.i32[space.i32.length - 1]).toBe(0xa500_0000 | 0);
    expect(space.view.getUint8(space.size - 1)).toBe(0xa5);
    space.noteWrite(space.size - 1, 1);
  });

  test('can be smaller, and not shared', () => {
    const space = RamSpace.create({ bytes: MIB, shared: false });
    expect(space.size).toBe(MIB);
    expect(space.memory.buffer).toBeInstanceOf(ArrayBuffer);
    expect(() => RamSpace.create({ bytes: 1000 })).toThrow(RangeError);
  });

  test('never grows', () => {
    const space = RamSpace.create({ bytes: MIB });
    expect(() => space.memory.grow(1)).toThrow(RangeError);
  });

  test('gives out ranges that are aligned and apart, never offset 0', () => {
    const space = RamSpace.create({ bytes: 8 * MIB });
    const a = space.reserve(100, 16);
    const b = space.reserve(MIB, MIB);
    const ram = space.allocateRam('ram', 5000);
    expect(a).toBeGreaterThanOrEqual(65536);
    expect(b % MIB).toBe(0);
    expect(ram.offset % 65536).toBe(0);
    const ranges = [
      [space.pageFlags, space.size / PAGE_SIZE],
      [a, 100],
      [b, MIB],
      [ram.offset, 8192],
    ].sort((x, y) => Number(x[0]) - Number(y[0]));
    for (const [i, [offset]] of ranges.entries()) {
      const before = ranges[i - 1];
      if (before) expect(offset).toBeGreaterThanOrEqual(Number(before[0]) + Number(before[1]));
    }
  });

  test('says so when it is full', () => {
    const space = RamSpace.create({ bytes: MIB });
    expect(() => space.allocateRam('pc.ram', 2 * MIB)).toThrow(
      new UserError("cannot set up guest memory 'pc.ram': Cannot allocate memory"),
    );
  });

  test('gives released RAM out again, zeroed, and joins what lies together', () => {
    const space = RamSpace.create({ bytes: 4 * MIB });
    const blocks = [0, 1, 2].map((i) => space.allocateRam(`ram${i}`, MIB));
    const [first, second, third] = blocks;
    if (!first || !second || !third) throw new Error('no blocks');
    expect(space.blocks).toEqual(blocks);
    second.bytes.fill(0xff);
    space.raiseFlags(second.offset, MIB, PAGE_CODE);
    space.releaseRam(first);
    space.releaseRam(third);
    space.releaseRam(second);
    expect(space.blocks).toEqual([]);
    expect(() => space.releaseRam(second)).toThrow(/not in use/);
    const all = space.allocateRam('all', 3 * MIB);
    expect(all.offset).toBe(first.offset);
    expect(all.bytes.every((byte) => byte === 0)).toBe(true);
    expect(space.flagsAt(second.offset)).toBe(0);
  });
});

describe('page flags', () => {
  function flagged(): { space: RamSpace; at: number; log: number[][] } {
    const space = RamSpace.create({ bytes: MIB });
    const at = space.allocateRam('ram', 16 * PAGE_SIZE).offset;
    const log: number[][] = [];
    space.onWriteFlagged((offset, length, flags) => log.push([offset - at, length, flags]));
    return { space, at, log };
  }

  test('writes to pages without flags tell nobody', () => {
    const { space, at, log } = flagged();
    space.noteWrite(at, 16 * PAGE_SIZE);
    space.noteWrite(at, 0);
    expect(log).toEqual([]);
  });

  test('a write is told as runs of flagged pages, cut to what was written', () => {
    const { space, at, log } = flagged();
    space.raiseFlags(at + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_CODE);
    space.raiseFlags(at + 5 * PAGE_SIZE + 7, 1, PAGE_CLEAN_DISPLAY);
    space.noteWrite(at + 3 * PAGE_SIZE + 16, 2 * PAGE_SIZE);
    expect(log).toEqual([
      [3 * PAGE_SIZE + 16, PAGE_SIZE - 16, PAGE_CODE],
      [5 * PAGE_SIZE, 16, PAGE_CLEAN_DISPLAY],
    ]);
  });

  test('a write takes the clean marks away and leaves the code mark to the translator', () => {
    const { space, at, log } = flagged();
    space.raiseFlags(at, PAGE_SIZE, PAGE_CODE | PAGE_CLEAN_DISPLAY | PAGE_CLEAN_MIGRATION);
    space.noteWrite(at + 4, 4);
    expect(space.flagsAt(at)).toBe(PAGE_CODE);
    space.lowerFlags(at, 1, PAGE_CODE);
    space.noteWrite(at + 4, 4);
    expect(log).toEqual([[4, 4, PAGE_CODE | PAGE_CLEAN_DISPLAY | PAGE_CLEAN_MIGRATION]]);
  });

  test('pages that get their first flag are told, those that have one are not', () => {
    const { space, at } = flagged();
    const raised: number[][] = [];
    space.raiseFlags(at + PAGE_SIZE, PAGE_SIZE, PAGE_CODE);
    space.onFlagsRaised((offset, length, flags) => raised.push([offset - at, length, flags]));
    space.raiseFlags(at, 4 * PAGE_SIZE, PAGE_CLEAN_DISPLAY);
    expect(raised).toEqual([
      [0, PAGE_SIZE, PAGE_CLEAN_DISPLAY],
      [2 * PAGE_SIZE, 2 * PAGE_SIZE, PAGE_CLEAN_DISPLAY],
    ]);
  });
});

describe('dirty tracking', () => {
  function changes(space: RamSpace, write: (offset: number) => void): number[][] {
    const block = space.allocateRam('vram', 8 * PAGE_SIZE);
    block.setLogging('display', true);
    block.takeDirty('display', 0, block.size, () => undefined);
    write(block.offset);
    const seen: number[][] = [];
    block.takeDirty('display', 0, block.size, (offset, length) => seen.push([offset, length]));
    return seen;
  }

  test('reports the pages written since the last time, joined', () => {
    const space = RamSpace.create({ bytes: MIB });
    const seen = changes(space, (offset) => {
      space.noteWrite(offset + 2 * PAGE_SIZE - 1, 2);
      space.noteWrite(offset + 5 * PAGE_SIZE, 1);
    });
    expect(seen).toEqual([
      [PAGE_SIZE, 2 * PAGE_SIZE],
      [5 * PAGE_SIZE, PAGE_SIZE],
    ]);
  });

  test('everything counts as changed at the start, then nothing', () => {
    const block = RamSpace.create({ bytes: MIB }).allocateRam('vram', 8 * PAGE_SIZE);
    block.setLogging('display', true);
    expect(block.testAndClearDirty('display', 0, block.size)).toBe(true);
    expect(block.testAndClearDirty('display', 0, block.size)).toBe(false);
  });

  test('clients do not disturb each other', () => {
    const space = RamSpace.create({ bytes: MIB });
    const block = space.allocateRam('vram', PAGE_SIZE);
    block.setLogging('display', true);
    block.setLogging('migration', true);
    block.testAndClearDirty('display', 0, 1);
    block.testAndClearDirty('migration', 0, 1);
    space.noteWrite(block.offset, 1);
    expect(block.testAndClearDirty('display', 0, 1)).toBe(true);
    expect(block.testAndClearDirty('migration', 0, 1)).toBe(true);
    expect(block.testAndClearDirty('display', 0, 1)).toBe(false);
  });

  test('a client that does not follow is told that all changed; following nests', () => {
    const space = RamSpace.create({ bytes: MIB });
    const block = space.allocateRam('vram', PAGE_SIZE);
    expect(block.testAndClearDirty('display', 0, 1)).toBe(true);
    expect(space.flagsAt(block.offset)).toBe(0);
    block.setLogging('display', true);
    block.setLogging('display', true);
    block.setLogging('display', false);
    block.testAndClearDirty('display', 0, 1);
    expect(space.flagsAt(block.offset)).toBe(PAGE_CLEAN_DISPLAY);
    block.setLogging('display', false);
    expect(space.flagsAt(block.offset)).toBe(0);
    expect(() => block.setLogging('display', false)).toThrow(/not followed/);
  });
});

test('a host zeroes pages that are given back, at once and when they are next taken', () => {
  const space = RamSpace.create({ bytes: 1 << 20 });
  const zeroed: [number, number][] = [];
  let able = true;
  space.zeroWith((offset, length) => {
    zeroed.push([offset, length]);
    if (able) space.u8.fill(0, offset, offset + length);
    return able;
  });
  const first = space.allocateRam('a', 5000, { granule: 16384 });
  expect(first.span).toBe(16384);
  expect(zeroed).toEqual([]);
  first.bytes.fill(1);
  space.releaseRam(first);
  expect(zeroed).toEqual([[first.offset, 16384]]);
  expect(space.u8[first.offset]).toBe(0);
  able = false;
  const second = space.allocateRam('b', 4096);
  second.bytes.fill(1);
  space.releaseRam(second);
  expect(space.allocateRam('c', 4096).bytes.every((byte) => byte === 0)).toBe(true);
});

test('a block is aligned by its address on the host', () => {
  const space = RamSpace.create({ bytes: 4 << 20 });
  const hostBase = 0x7fff_0000_3000;
  const block = space.allocateRam('a', 4096, { align: 1 << 20, hostBase });
  expect((hostBase + block.offset) % (1 << 20)).toBe(0);
  expect(block.offset).toBeGreaterThan(0);
});
