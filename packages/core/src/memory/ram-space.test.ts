import { describe, expect, test } from 'vitest';
import {
  guestRamProblem,
  has64BitMemory,
  PAGE_CLEAN_DISPLAY,
  PAGE_CLEAN_MIGRATION,
  PAGE_CODE,
  PAGE_SIZE,
  RamSpace,
  UserError,
} from '../index.ts';
import { Holes, RangeSet } from './holes.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('a RAM space', () => {
  test('has 4 GiB by default, all of it usable through its views', () => {
    const space = RamSpace.create({ indexBits: 32 });
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
    const space = RamSpace.create({ bytes: MIB, indexBits: 32 });
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

test('guest RAM that fits beside the emulator has a 32-bit index', () => {
  RamSpace.preferIndex(undefined);
  const space = RamSpace.create({ guestRam: 3840 * MIB });
  expect([space.indexBits, space.size]).toEqual([32, 4 * GIB]);
  const small = RamSpace.create({ bytes: MIB, guestRam: MIB / 2 });
  expect(small.indexBits).toBe(32);
});

describe.skipIf(has64BitMemory())('without 64-bit indexes (a runtime that has them skips this)', () => {
  test('more guest RAM than 32 bits reach is refused, with the limit and what has more', () => {
    const message =
      'RAM size 8 GiB needs a 64-bit WebAssembly memory, which this runtime does not have (Node.js 24 does): the limit here is 3840 MiB';
    expect(guestRamProblem(3840 * MIB)).toBeUndefined();
    expect(guestRamProblem(8 * GIB)).toBe(message);
    expect(() => RamSpace.create({ guestRam: 8 * GIB })).toThrow(new UserError(message));
    expect(() => RamSpace.create({ indexBits: 64 })).toThrow(UserError);
  });
});

describe.skipIf(!has64BitMemory())('a RAM space with a 64-bit index (Node.js 24)', () => {
  test('is made where guest RAM needs it, and reaches 16 GiB', () => {
    const space = RamSpace.create({ guestRam: 8 * GIB });
    expect([space.indexBits, space.size]).toEqual([64, 16 * GIB]);
    expect(RamSpace.create({ bytes: 5 * GIB }).indexBits).toBe(64);
    expect(guestRamProblem(16 * GIB)).toBe(
      'RAM size 16 GiB is more than the 16128 MiB that a WebAssembly memory holds',
    );
    expect(() => RamSpace.create({ guestRam: 16 * GIB })).toThrow(UserError);
  });

  test('keeps the emulator below 4 GiB, and guest RAM above as long as there is room', () => {
    const space = RamSpace.create({ indexBits: 64 });
    const ram = space.allocateRam('ram', 11 * GIB);
    const flash = space.allocateRam('flash', 64 * MIB);
    const rest = space.allocateRam('rest', 2 * GIB);
    expect(ram.offset).toBe(4 * GIB);
    expect(flash.offset).toBe(15 * GIB);
    expect(rest.offset).toBeLessThan(4 * GIB);
    expect(space.reserve(64 * MIB)).toBeLessThan(4 * GIB);
    expect(() => space.allocateRam('more', 2 * GIB)).toThrow(/the 16 GiB that 64-bit indexes reach/);
    const large = RamSpace.create({ indexBits: 64 });
    large.allocateRam('ram', 15.5 * GIB);
    expect(large.reserve(64 * MIB)).toBeLessThan(512 * MIB);
  });

  test('has flags, dirty pages and zeroed blocks above 4 GiB', () => {
    const space = RamSpace.create({ indexBits: 64 });
    const ram = space.allocateRam('ram', 8 * GIB);
    const at = 6 * GIB;
    ram.setLogging('migration', true);
    ram.takeDirty('migration', at, 4 * PAGE_SIZE, () => undefined);
    space.u8[ram.offset + at + PAGE_SIZE] = 0x5a;
    space.noteWrite(ram.offset + at + PAGE_SIZE, 1);
    const seen: number[][] = [];
    ram.takeDirty('migration', at, 4 * PAGE_SIZE, (offset, length) => seen.push([offset, length]));
    expect(seen).toEqual([[at + PAGE_SIZE, PAGE_SIZE]]);
    expect(ram.bytes[at + PAGE_SIZE]).toBe(0x5a);
    space.raiseFlags(ram.offset + at, 1, PAGE_CODE);
    expect(space.flagsAt(ram.offset + at) & PAGE_CODE).toBe(PAGE_CODE);
    expect(space.flagsAt(ram.offset + at - 4 * GIB)).toBe(0);
  });
});

test('free ranges: the first that fits between two bounds, aligned on the host', () => {
  const holes = new Holes(10, 1000);
  const take = (bytes: number, from = 0, to = 1000, align = 1, base = 0) =>
    holes.take({ bytes, align, base, from, to });
  expect(take(90)).toBe(10);
  expect(take(100, 500)).toBe(500);
  expect(take(500)).toBe(-1);
  expect(take(300, 0, 399)).toBe(-1);
  expect(take(64, 0, 1000, 64, 4)).toBe(124);
  holes.giveBack(10, 90);
  expect(take(114)).toBe(10);
});

test('what was in use before is told, and nothing else', () => {
  const ranges = new RangeSet();
  expect(ranges.add(100, 200)).toEqual([]);
  expect(ranges.add(300, 400)).toEqual([]);
  expect(ranges.add(150, 350)).toEqual([
    [150, 200],
    [300, 350],
  ]);
  expect(ranges.add(0, 500)).toEqual([[100, 400]]);
  expect(ranges.add(500, 600)).toEqual([]);
  expect(ranges.add(450, 550)).toEqual([[450, 550]]);
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
