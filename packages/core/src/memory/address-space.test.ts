import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AccessSize,
  AddressSpace,
  ATTR_DEBUG,
  type FlatRange,
  type IommuEntry,
  MEM_DECODE_ERROR,
  MEM_ERROR,
  MEM_OK,
  MemoryRegion,
  memoryTransaction,
  PAGE_CODE,
  RamSpace,
  type RegionOps,
  WHOLE_SPACE,
  withRequester,
} from './index.ts';

const RAM = 0x8000_0000;
const ROM = 0x1000;
const UART = 0x1000_0000;
const RAM_SIZE = 0x10000;

interface Access {
  readonly write: boolean;
  readonly offset: number;
  readonly size: number;
  readonly value?: number;
  readonly attrs: number;
}

function recorder(extra: Partial<RegionOps> = {}): { ops: RegionOps; log: Access[] } {
  const log: Access[] = [];
  const ops: RegionOps = {
    read(offset, size, attrs) {
      log.push({ write: false, offset, size, attrs });
      return 0x40 + offset;
    },
    write(offset, size, value, attrs) {
      log.push({ write: true, offset, size, value, attrs });
    },
    ...extra,
  };
  return { ops, log };
}

function board(extra: Partial<RegionOps> = {}) {
  const space = RamSpace.create({ bytes: 4 << 20 });
  const root = MemoryRegion.container('system', WHOLE_SPACE);
  const ram = MemoryRegion.ram('ram', space.allocateRam('ram', RAM_SIZE));
  const rom = MemoryRegion.rom('rom', space.allocateRam('rom', 0x1000));
  const { ops, log } = recorder(extra);
  const uart = MemoryRegion.io('uart', 0x100, ops);
  root.addSubregion(RAM, ram);
  root.addSubregion(ROM, rom);
  root.addSubregion(UART, uart);
  return { space, root, ram, rom, uart, log, as: new AddressSpace('memory', root, space) };
}

describe('RAM', () => {
  test('keeps what is stored, least significant byte first', () => {
    const { as } = board();
    expect(as.store(RAM + 1, 4, 0xfedc_ba98)).toBe(MEM_OK);
    expect(as.load(RAM + 1, 4)).toBe(0xfedc_ba98);
    expect(as.load(RAM + 1, 1)).toBe(0x98);
    expect(as.load(RAM + 3, 2)).toBe(0xfedc);
    expect(as.store64(RAM + 16, 0x0123_4567_89ab_cdefn)).toBe(MEM_OK);
    expect(as.load64(RAM + 16)).toBe(0x0123_4567_89ab_cdefn);
    expect(as.loadPair(RAM + 16)).toBe(MEM_OK);
    expect([as.lo, as.hi]).toEqual([0x89ab_cdef, 0x0123_4567]);
  });

  test('stores and transfers are noted where flags are set, across pages too', () => {
    const { as, space, ram } = board();
    const offset = ram.block?.offset ?? 0;
    const noted: number[][] = [];
    space.onWriteFlagged((at, length) => noted.push([at - offset, length]));
    as.store(RAM + 4096, 4, 1);
    space.raiseFlags(offset + 4096, 4096, PAGE_CODE);
    as.store(RAM + 4094, 4, 1);
    as.store64(RAM + 4100, 1n);
    as.writeBytes(RAM, new Uint8Array(5000));
    expect(noted).toEqual([
      [4096, 2],
      [4100, 4],
      [4104, 4],
      [4096, 904],
    ]);
  });

  test('has a host offset where all of a range is RAM, for reading ROM too', () => {
    const { as, ram, rom, space } = board();
    const offset = ram.block?.offset ?? 0;
    expect(as.hostOffset(RAM + 8, 16, true)).toBe(offset + 8);
    expect(as.hostOffset(RAM + RAM_SIZE - 8, 16, false)).toBe(-1);
    expect(as.hostOffset(ROM, 16, false)).toBe(rom.block?.offset);
    expect(as.hostOffset(ROM, 16, true)).toBe(-1);
    expect(as.hostOffset(UART, 4, false)).toBe(-1);
    expect(as.hostOffset(0, 4, false)).toBe(-1);
    as.store(RAM + 8, 4, 77);
    expect(space.view.getUint32(offset + 8, true)).toBe(77);
  });
});

describe('ROM', () => {
  test('ignores a guest, not a debugger or a loader', () => {
    const { as } = board();
    expect(as.store(ROM, 4, 0x1234_5678)).toBe(MEM_OK);
    expect(as.store64(ROM, 1n)).toBe(MEM_OK);
    expect(as.writeBytes(ROM, Uint8Array.of(1, 2, 3))).toBe(MEM_OK);
    expect(as.load64(ROM)).toBe(0n);
    expect(as.writeRom(ROM, Uint8Array.of(1, 2, 3, 4))).toBe(MEM_OK);
    expect(as.load(ROM, 4)).toBe(0x0403_0201);
    as.store(ROM, 2, 0xbeef, ATTR_DEBUG);
    expect(as.load(ROM, 4)).toBe(0x0403_beef);
  });

  test('a ROM device sends writes to the device, and reads too while it is not in ROM mode', () => {
    const { space, root, as } = board();
    const { ops, log } = recorder();
    const flash = MemoryRegion.romDevice('flash', space.allocateRam('flash', 0x1000), ops);
    root.addSubregion(0x2000_0000, flash);
    as.writeRom(0x2000_0000, Uint8Array.of(0xaa, 0xbb));
    expect(as.load(0x2000_0000, 2)).toBe(0xbbaa);
    as.store(0x2000_0004, 4, 0x98);
    flash.setRomdMode(false);
    expect(as.load(0x2000_0008, 4)).toBe(0x48);
    expect(log).toEqual([
      { write: true, offset: 4, size: 4, value: 0x98, attrs: 0 },
      { write: false, offset: 8, size: 4, attrs: 0 },
    ]);
  });
});

describe('devices', () => {
  test('see offset, size, value and attributes', () => {
    const { as, log } = board();
    const attrs = withRequester(1, 0x1234);
    expect(as.load(UART + 4, 4, attrs)).toBe(0x44);
    expect(as.store(UART + 8, 1, 0xff, attrs)).toBe(MEM_OK);
    expect(log).toEqual([
      { write: false, offset: 4, size: 4, attrs: 0x12_3401 },
      { write: true, offset: 8, size: 1, value: 0xff, attrs: 0x12_3401 },
    ]);
  });

  test('64-bit accesses come in two halves, or whole', () => {
    const halves = board();
    expect(halves.as.load64(UART + 8)).toBe(0x0000_004c_0000_0048n);
    halves.as.store64(UART + 8, 0x1_0000_0002n);
    expect(halves.log.map((a) => [a.offset, a.size, a.value])).toEqual([
      [8, 4, undefined],
      [12, 4, undefined],
      [8, 4, 2],
      [12, 4, 1],
    ]);
    let written = 0n;
    const whole = board({
      read64: () => 0xfedc_ba98_7654_3210n,
      write64: (_offset, value) => {
        written = value;
      },
    });
    expect(whole.as.load64(UART)).toBe(0xfedc_ba98_7654_3210n);
    whole.as.store64(UART, 2n ** 64n - 2n);
    expect(written).toBe(2n ** 64n - 2n);
    expect(whole.log).toEqual([]);
  });

  test('their errors are results', () => {
    const { as } = board({ read: () => MEM_ERROR, write: () => MEM_ERROR });
    expect(as.load(UART, 4)).toBe(MEM_ERROR);
    expect(as.store(UART, 4, 0)).toBe(MEM_ERROR);
    expect(as.load64(UART)).toBe(BigInt(MEM_ERROR));
    expect(as.readBytes(UART, new Uint8Array(4))).toBe(MEM_ERROR);
  });

  test('a transfer comes in aligned pieces that they accept', () => {
    const { as, log } = board();
    const into = new Uint8Array(7);
    expect(as.readBytes(UART + 1, into)).toBe(MEM_OK);
    expect(log.map((a) => [a.offset, a.size])).toEqual([
      [1, 1],
      [2, 2],
      [4, 4],
    ]);
    expect([...into]).toEqual([0x41, 0x42, 0, 0x44, 0, 0, 0]);
    log.length = 0;
    as.writeBytes(UART + 4, Uint8Array.of(1, 2, 3, 4, 5));
    expect(log.map((a) => [a.offset, a.size, a.value])).toEqual([
      [4, 4, 0x0403_0201],
      [8, 1, 5],
    ]);
  });

  test('a transfer comes in pieces of 8 where they say so', () => {
    const { as } = board({
      valid: { max: 8 },
      read64: () => 0x0807_0605_0403_0201n,
      write64: () => undefined,
    });
    const into = new Uint8Array(8);
    as.readBytes(UART, into);
    expect([...into]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});

describe('where nothing is', () => {
  test('every access is a decode error, and is told', () => {
    const { as } = board({ valid: { min: 4 } });
    const told: unknown[][] = [];
    as.onInvalidAccess = (...what) => told.push(what.map((x) => (x instanceof MemoryRegion ? x.name : x)));
    expect(as.load(0, 4)).toBe(MEM_DECODE_ERROR);
    expect(as.store(0, 2, 1)).toBe(MEM_DECODE_ERROR);
    expect(as.load64(8)).toBe(BigInt(MEM_DECODE_ERROR));
    expect(as.store64(8, 1n)).toBe(MEM_DECODE_ERROR);
    expect(as.load(UART, 1)).toBe(MEM_DECODE_ERROR);
    expect(told.map((t) => t.slice(0, 3))).toEqual([
      [0, 4, false],
      [0, 2, true],
      [8, 8, false],
      [8, 8, true],
      [UART, 1, false],
    ]);
    expect(told[4]?.[3]).toBe('uart');
  });

  test('above 2^52 no device is asked, even one that is everywhere', () => {
    const space = RamSpace.create({ bytes: 1 << 20 });
    const { ops, log } = recorder();
    const as = new AddressSpace('memory', MemoryRegion.io('all', WHOLE_SPACE, ops), space);
    expect(as.load(2 ** 52, 4)).toBe(MEM_DECODE_ERROR);
    expect(as.readBytes(2 ** 53, new Uint8Array(16))).toBe(MEM_DECODE_ERROR);
    expect(log).toEqual([]);
    expect(as.load(2 ** 32, 4)).toBeGreaterThanOrEqual(0);
  });

  test('a transfer goes on past the gap, with zeros for it', () => {
    const { as, root, space } = board();
    root.addSubregion(RAM + RAM_SIZE + 4, MemoryRegion.ram('more', space.allocateRam('more', 0x1000)));
    as.store(RAM + RAM_SIZE - 4, 4, 0x1111_1111);
    as.store(RAM + RAM_SIZE + 4, 4, 0x2222_2222);
    const into = new Uint8Array(12).fill(0xff);
    expect(as.readBytes(RAM + RAM_SIZE - 4, into)).toBe(MEM_DECODE_ERROR);
    expect([...into]).toEqual([17, 17, 17, 17, 0, 0, 0, 0, 34, 34, 34, 34]);
  });

  test('an access across two regions is made byte by byte', () => {
    const { as, root, space } = board();
    root.addSubregion(RAM + RAM_SIZE, MemoryRegion.ram('more', space.allocateRam('more', 0x1000)));
    const edge = RAM + RAM_SIZE - 2;
    expect(as.store(edge, 4, 0xa1b2_c3d4)).toBe(MEM_OK);
    expect(as.load(edge, 4)).toBe(0xa1b2_c3d4);
    expect(as.load(edge + 2, 2)).toBe(0xa1b2);
    as.store64(edge - 2, 0x0102_0304_0506_0708n);
    expect(as.load64(edge - 2)).toBe(0x0102_0304_0506_0708n);
    expect(as.load(RAM + RAM_SIZE + 0x1000 - 1, 2)).toBe(MEM_DECODE_ERROR);
  });
});

describe('IOMMUs', () => {
  function translated() {
    const { as: memory, root, space } = board();
    const pages = new Map<number, IommuEntry>();
    const seen: number[] = [];
    const dma = MemoryRegion.iommu('dma', WHOLE_SPACE, (offset, _write, attrs) => {
      seen.push(attrs);
      return pages.get(Math.floor(offset / 4096));
    });
    const map = (page: number, address: number, access = 'rw'): void => {
      pages.set(page, {
        target: memory,
        address,
        pageSize: 4096,
        read: access.includes('r'),
        write: access.includes('w'),
      });
    };
    return { memory, root, map, seen, as: new AddressSpace('device', dma, space) };
  }

  test('send accesses where the translation says', () => {
    const { as, memory, map, seen } = translated();
    map(5, RAM + 0x3000);
    expect(as.store(0x5010, 4, 42, withRequester(0, 9))).toBe(MEM_OK);
    expect(memory.load(RAM + 0x3010, 4)).toBe(42);
    expect(as.load(0x5010, 4)).toBe(42);
    expect(as.load64(0x5010)).toBe(42n);
    as.store64(0x5018, 7n);
    expect(memory.load64(RAM + 0x3018)).toBe(7n);
    expect(seen[0]).toBe(0x900);
  });

  test('refuse what is not mapped or not allowed', () => {
    const { as, map } = translated();
    map(5, RAM, 'r');
    expect(as.load(0x5000, 4)).toBe(0);
    expect(as.store(0x5000, 4, 1)).toBe(MEM_DECODE_ERROR);
    expect(as.load(0x6000, 4)).toBe(MEM_DECODE_ERROR);
    expect(as.writeBytes(0x5000, new Uint8Array(4))).toBe(MEM_DECODE_ERROR);
    expect(as.hostOffset(0x5000, 4, false)).toBe(-1);
  });

  test('translate a transfer page by page, and an access across two pages', () => {
    const { as, memory, map } = translated();
    map(5, RAM + 0x3000);
    map(6, RAM);
    const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
    expect(as.writeBytes(0x5f9c, bytes)).toBe(MEM_OK);
    const back = new Uint8Array(200);
    expect(as.readBytes(0x5f9c, back)).toBe(MEM_OK);
    expect(back).toEqual(bytes);
    expect(memory.load(RAM, 1)).toBe(100);
    expect(as.load(0x5ffe, 4)).toBe(0x6564_6362);
    as.store(0x5ffe, 4, 0xdead_beef);
    expect(memory.load(RAM, 2)).toBe(0xdead);
  });
});

describe('changes of the map', () => {
  function watch(as: AddressSpace): { log: string[]; stop: () => void } {
    const log: string[] = [];
    const say = (what: string) => (range: FlatRange) =>
      log.push(`${what} ${range.base.toString(16)} ${range.region.name}`);
    const stop = as.addListener({
      begin: () => log.push('begin'),
      add: say('add'),
      remove: say('remove'),
      commit: (view) => log.push(`commit ${view.ranges.length}`),
    });
    return { log, stop };
  }

  test('a listener is told what there is, then each change alone', () => {
    const { as, uart, root } = board();
    const { log, stop } = watch(as);
    expect(log).toEqual(['begin', 'add 1000 rom', 'add 10000000 uart', 'add 80000000 ram', 'commit 3']);
    log.length = 0;
    uart.setAddress(0x2000_0000);
    expect(log).toEqual(['begin', 'remove 10000000 uart', 'add 20000000 uart', 'commit 3']);
    expect(as.load(0x2000_0000, 4)).toBe(0x40);
    expect(as.load(UART, 4)).toBe(MEM_DECODE_ERROR);
    log.length = 0;
    stop();
    root.removeSubregion(uart);
    expect(log).toEqual([]);
    expect(as.load(0x2000_0000, 4)).toBe(MEM_DECODE_ERROR);
  });

  test('a transaction is one change, and none if nothing differs in the end', () => {
    const { as, uart, rom } = board();
    const { log } = watch(as);
    log.length = 0;
    memoryTransaction(() => {
      uart.setEnabled(false);
      memoryTransaction(() => rom.setEnabled(false));
      uart.setEnabled(true);
    });
    expect(log).toEqual(['begin', 'remove 1000 rom', 'commit 2']);
    log.length = 0;
    memoryTransaction(() => {
      uart.setEnabled(false);
      uart.setEnabled(true);
    });
    expect(log).toEqual([]);
  });

  test('a change reaches every address space that shows the region, and no other', () => {
    const { as, uart, space } = board();
    const bus = MemoryRegion.container('bus', 0x1000);
    bus.addSubregion(0, MemoryRegion.alias('window', MemoryRegion.alias('inner', uart, 0, 0x80), 0, 0x80));
    const other = new AddressSpace('dma', bus, space);
    const third = new AddressSpace('third', MemoryRegion.container('empty', 16), space);
    const before = third.flatView();
    expect(other.load(0, 4)).toBe(0x40);
    uart.setEnabled(false);
    expect(other.load(0, 4)).toBe(MEM_DECODE_ERROR);
    expect(as.load(UART, 4)).toBe(MEM_DECODE_ERROR);
    expect(third.flatView()).toBe(before);
    other.dispose();
    uart.setEnabled(true);
    expect(other.load(0, 4)).toBe(MEM_DECODE_ERROR);
    expect(as.load(UART, 4)).toBe(0x40);
  });

  test('a listener may change the map in turn', () => {
    const { as, uart, rom } = board();
    as.addListener({ remove: (range) => range.region === uart && rom.setEnabled(false) });
    uart.setEnabled(false);
    expect(as.flatView().ranges.map((r) => r.region.name)).toEqual(['ram']);
  });

  test('a transaction that fails still brings the map up to date', () => {
    const { as, uart } = board();
    expect(() =>
      memoryTransaction(() => {
        uart.setEnabled(false);
        throw new Error('half way');
      }),
    ).toThrow('half way');
    expect(as.load(UART, 4)).toBe(MEM_DECODE_ERROR);
  });
});

// Loads, stores and transfers over a patchwork of RAM, ROM, byte-wide and word-wide devices, against an array of bytes.
const WINDOW = 64;

function patchwork() {
  const space = RamSpace.create({ bytes: 1 << 20 });
  const model = new Uint8Array(WINDOW);
  const root = MemoryRegion.container('root', WINDOW);
  const registers = new Uint8Array(WINDOW);
  const bytewise = (base: number, max: 1 | 4): RegionOps => ({
    read: (offset, size) => {
      let value = 0;
      for (let i = size - 1; i >= 0; i--) value = value * 256 + (registers[base + offset + i] ?? 0);
      return value;
    },
    write: (offset, size, value) => {
      for (let i = 0; i < size; i++) registers[base + offset + i] = Math.floor(value / 256 ** i);
    },
    impl: { max },
    valid: { unaligned: true },
  });
  const ram = MemoryRegion.ram('ram', space.allocateRam('ram', WINDOW));
  root.addSubregion(0, ram);
  root.addSubregion(8, MemoryRegion.io('narrow', 11, bytewise(8, 1)), 1);
  root.addSubregion(24, MemoryRegion.io('wide', 9, bytewise(24, 4)), 1);
  root.addSubregion(40, MemoryRegion.alias('mirror', ram, 0, 6), 1);
  return {
    as: new AddressSpace('test', root, space),
    model,
    aliased: (at: number) => (at >= 40 && at < 46 ? at - 40 : at),
  };
}

const operation = fc.record({
  kind: fc.constantFrom('load' as const, 'store' as const, 'read' as const, 'write' as const),
  at: fc.nat({ max: WINDOW - 1 }),
  size: fc.constantFrom(1, 2, 4, 8),
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
});

test('any mixture of accesses behaves as an array of bytes', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const { as, model, aliased } = patchwork();
      for (const { kind, at, size, value } of operations) {
        const length = Math.min(size, WINDOW - at);
        const expected = Array.from({ length }, (_, i) => model[aliased(at + i)] ?? 0);
        if (kind === 'load' && length === size) {
          const found = size === 8 ? as.load64(at) : BigInt(as.load(at, size as AccessSize));
          expect(found).toBe(expected.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n));
        } else if (kind === 'read' || kind === 'load') {
          const into = new Uint8Array(length);
          expect(as.readBytes(at, into)).toBe(MEM_OK);
          expect([...into]).toEqual(expected);
        } else {
          const bytes = Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
          for (const [i, byte] of bytes.entries()) model[aliased(at + i)] = byte;
          if (kind === 'write' || length !== size) as.writeBytes(at, bytes);
          else if (size === 8) as.store64(at, value);
          else as.store(at, size as AccessSize, Number(BigInt.asUintN(8 * size, value)));
        }
      }
    }),
    { numRuns: 300 },
  );
});
