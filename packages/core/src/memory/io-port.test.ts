import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AccessSize, IoPort, MEM_DECODE_ERROR, MEM_ERROR, MEM_OK, type RegionOps } from './index.ts';

interface Access {
  readonly offset: number;
  readonly size: number;
  readonly value?: bigint | number;
}

type Options = Pick<RegionOps, 'endianness' | 'valid' | 'impl'> & { readonly wide?: boolean };

/** A device whose registers are 64 bytes of memory in its own byte order. It keeps a record of what it was asked. */
function device(options: Options): { port: IoPort; bytes: Uint8Array; log: Access[] } {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => 0x10 + i);
  const view = new DataView(bytes.buffer);
  const log: Access[] = [];
  const little = options.endianness !== 'big';
  const read = (offset: number, size: AccessSize): number => {
    log.push({ offset, size });
    if (size === 4) return view.getUint32(offset, little);
    return size === 2 ? view.getUint16(offset, little) : view.getUint8(offset);
  };
  const write = (offset: number, size: AccessSize, value: number): void => {
    log.push({ offset, size, value });
    if (size === 4) view.setUint32(offset, value, little);
    else if (size === 2) view.setUint16(offset, value, little);
    else view.setUint8(offset, value);
  };
  const read64 = (offset: number): bigint => {
    log.push({ offset, size: 8 });
    return view.getBigUint64(offset, little);
  };
  const write64 = (offset: number, value: bigint): void => {
    log.push({ offset, size: 8, value });
    view.setBigUint64(offset, value, little);
  };
  const { wide, ...rules } = options;
  const port = new IoPort({ ...rules, read, write, ...(wide ? { read64, write64 } : {}) });
  return { port, bytes, log };
}

describe('an access that the device can take', () => {
  test('arrives as it is', () => {
    const { port, log } = device({});
    expect(port.read(4, 4, 0)).toBe(0x1716_1514);
    expect(port.write(2, 2, 0xbeef, 0)).toBe(MEM_OK);
    expect(log).toEqual([
      { offset: 4, size: 4 },
      { offset: 2, size: 2, value: 0xbeef },
    ]);
  });

  test('has its bytes turned round for a big-endian device', () => {
    const { port, log } = device({ endianness: 'big' });
    expect(port.read(4, 4, 0)).toBe(0x1716_1514);
    port.write(4, 4, 0x1122_3344, 0);
    expect(log[1]).toEqual({ offset: 4, size: 4, value: 0x4433_2211 });
  });

  test('of 64 bits arrives whole if the device has read64, otherwise in halves', () => {
    const wide = device({ wide: true });
    expect(wide.port.read64(8, 0)).toBe(MEM_OK);
    expect([wide.port.lo, wide.port.hi]).toEqual([0x1b1a_1918, 0x1f1e_1d1c]);
    wide.port.write64(8, 0x89ab_cdef, 0x0123_4567, 0);
    expect(wide.log).toEqual([
      { offset: 8, size: 8 },
      { offset: 8, size: 8, value: 0x0123_4567_89ab_cdefn },
    ]);
    const narrow = device({});
    narrow.port.read64(8, 0);
    expect([narrow.port.lo, narrow.port.hi]).toEqual([0x1b1a_1918, 0x1f1e_1d1c]);
    expect(narrow.log).toEqual([
      { offset: 8, size: 4 },
      { offset: 12, size: 4 },
    ]);
  });
});

describe('an access that is not allowed', () => {
  test.each<[string, Options, number, AccessSize]>([
    ['too narrow', { valid: { min: 4 } }, 0, 2],
    ['too wide', { valid: { max: 1 } }, 0, 2],
    ['unaligned', {}, 1, 2],
  ])('%s is a decode error and never reaches the device', (_, options, offset, size) => {
    const { port, log } = device(options);
    expect(port.read(offset, size, 0)).toBe(MEM_DECODE_ERROR);
    expect(port.write(offset, size, 0, 0)).toBe(MEM_DECODE_ERROR);
    expect(log).toEqual([]);
  });

  test('limits that leave nothing are refused when the region is made', () => {
    expect(() => device({ valid: { min: 4, max: 2 } })).toThrow(/no access at all/);
    expect(() => device({ impl: { min: 8 } })).toThrow(/no access at all/);
  });
});

describe('splitting and widening', () => {
  test('a wide access is split for a narrow device', () => {
    const { port, log } = device({ impl: { max: 1 } });
    expect(port.read(4, 4, 0)).toBe(0x1716_1514);
    expect(log.map((a) => a.offset)).toEqual([4, 5, 6, 7]);
  });

  test('a narrow read takes its lane from the aligned word', () => {
    const { port, log } = device({ impl: { min: 4 } });
    expect(port.read(6, 1, 0)).toBe(0x16);
    expect(port.read(6, 2, 0)).toBe(0x1716);
    expect(log).toEqual([
      { offset: 4, size: 4 },
      { offset: 4, size: 4 },
    ]);
  });

  test('a narrow write is the aligned word with the other lanes zero', () => {
    const { port, log } = device({ impl: { min: 4 } });
    port.write(6, 1, 0xab, 0);
    expect(log).toEqual([{ offset: 4, size: 4, value: 0x00ab_0000 }]);
  });

  test('an unaligned access is split where the device takes aligned ones only', () => {
    const { port, log } = device({ valid: { unaligned: true } });
    expect(port.read(1, 4, 0)).toBe(0x1413_1211);
    expect(log).toEqual([
      { offset: 1, size: 1 },
      { offset: 2, size: 2 },
      { offset: 4, size: 1 },
    ]);
  });

  test('an unaligned access arrives as it is where the device takes it', () => {
    const { port, log } = device({ valid: { unaligned: true }, impl: { unaligned: true } });
    expect(port.read(1, 4, 0)).toBe(0x1413_1211);
    expect(log).toEqual([{ offset: 1, size: 4 }]);
  });
});

describe('results', () => {
  const failing = (result: number): IoPort =>
    new IoPort({ read: () => result, write: () => result, read64: () => result, write64: () => result });

  test.each([MEM_ERROR, MEM_DECODE_ERROR])('%d of the device is the result', (result) => {
    const port = failing(result);
    expect(port.read(0, 4, 0)).toBe(result);
    expect(port.write(0, 4, 0, 0)).toBe(result);
    expect(port.read64(0, 0)).toBe(result);
    expect(port.write64(0, 0, 0, 0)).toBe(result);
  });

  test('one failing part fails the whole', () => {
    const port = new IoPort({ read: (o) => (o === 2 ? MEM_ERROR : 0x55), write: () => 0, impl: { max: 1 } });
    expect(port.read(0, 4, 0)).toBe(MEM_ERROR);
    expect(port.read(4, 4, 0)).toBe(0x5555_5555);
  });

  test('a value is cut to the size of the access', () => {
    const port = new IoPort({ read: () => 0x1_2345, write: () => 0 });
    expect(port.read(0, 1, 0)).toBe(0x45);
    expect(port.read(0, 2, 0)).toBe(0x2345);
  });

  test('attributes reach the device', () => {
    let seen = 0;
    const port = new IoPort({
      read: (_offset, _size, attrs) => {
        seen = attrs;
        return 0;
      },
      write: () => 0,
    });
    port.read(0, 4, 0x1203);
    expect(seen).toBe(0x1203);
  });
});

const width = fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const);
const options = fc
  .record({
    big: fc.boolean(),
    wide: fc.boolean(),
    min: width,
    max: width,
    unaligned: fc.boolean(),
    validUnaligned: fc.boolean(),
  })
  .filter((o) => o.min <= o.max && (o.wide || o.min < 8))
  .map(
    (o): Options => ({
      endianness: o.big ? 'big' : 'little',
      wide: o.wide,
      valid: { unaligned: o.validUnaligned },
      impl: { min: o.min, max: o.max, unaligned: o.unaligned },
    }),
  );
const place = fc.record({ size: width, at: fc.nat({ max: 48 }) });

function littleEndian(bytes: Uint8Array, at: number, size: number): bigint {
  return bytes.slice(at, at + size).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

test('a read gives the bytes at its addresses, whatever the device takes', () => {
  fc.assert(
    fc.property(options, place, (o, { size, at }) => {
      const offset = o.valid?.unaligned ? at : at - (at % size);
      const { port, bytes } = device(o);
      const expected = littleEndian(bytes, offset, size);
      if (size < 8) {
        expect(BigInt(port.read(offset, size as AccessSize, 0))).toBe(expected);
      } else {
        expect(port.read64(offset, 0)).toBe(MEM_OK);
        expect((BigInt(port.hi) << 32n) | BigInt(port.lo)).toBe(expected);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a write changes the bytes at its addresses, and in a unit that it shares with others zeroes those', () => {
  fc.assert(
    fc.property(options, place, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (o, { size, at }, value) => {
      const offset = o.valid?.unaligned ? at : at - (at % size);
      const { port, bytes, log } = device(o);
      const before = bytes.slice();
      const lo = Number(value & 0xffff_ffffn);
      if (size === 8) port.write64(offset, lo, Number(value >> 32n), 0);
      else port.write(offset, size as AccessSize, lo, 0);
      expect(littleEndian(bytes, offset, size)).toBe(BigInt.asUintN(size * 8, value));
      const touched = (i: number): boolean => log.some((a) => i >= a.offset && i < a.offset + a.size);
      for (const [i, byte] of bytes.entries()) {
        if (i >= offset && i < offset + size) continue;
        expect(byte).toBe(touched(i) ? 0 : before[i]);
      }
    }),
    { numRuns: 2000 },
  );
});
