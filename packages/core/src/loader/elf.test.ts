import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../object/user-error.ts';
import { elfImage, loadElf, parseElf } from './elf.ts';
import { type ElfSpec, makeElf } from './fixtures.ts';

const text = Uint8Array.of(0x13, 0, 0, 0, 0x73, 0, 0, 0);
const data = Uint8Array.of(1, 2, 3);

function spec(bits: 32 | 64, endian: 'little' | 'big'): ElfSpec {
  return {
    bits,
    endian,
    machine: 243,
    entry: 0x8000_0004n,
    segments: [
      { vaddr: 0x8000_0000n, paddr: 0x8000_0000n, bytes: text, memsz: 8n },
      { vaddr: 0x8001_0000n, paddr: 0x9001_0000n, bytes: data, memsz: 0x10n },
      { vaddr: 0n, paddr: 0n, bytes: Uint8Array.of(9), memsz: 1n, type: 4 },
      { vaddr: 0x8002_0000n, paddr: 0x8002_0000n, bytes: new Uint8Array(0), memsz: 0n },
    ],
    symbols: [
      { name: 'main', value: 0x8000_0004n, size: 4n, info: 0x12 },
      { name: '_start', value: 0x8000_0000n, size: 0n, info: 0x10 },
      { name: 'table', value: 0x8001_0000n, size: 3n, info: 0x11 },
    ],
  };
}

/** Memory without bounds, as address -> byte, that refuses writes from `limit` on. */
class Sparse {
  readonly bytes = new Map<number, number>();
  constructor(readonly limit = Number.POSITIVE_INFINITY) {}
  writeBytes(address: number, bytes: Uint8Array): number {
    if (address + bytes.length > this.limit) return -1;
    bytes.forEach((byte, i) => {
      this.bytes.set(address + i, byte);
    });
    return 0;
  }
}

describe.each([
  [32, 'little'],
  [32, 'big'],
  [64, 'little'],
  [64, 'big'],
] as const)('an ELF file of %i bits, %s-endian', (bits, endian) => {
  const file = makeElf(spec(bits, endian));
  const elf = parseElf(file);

  it('tells its class, byte order, machine, flags and entry', () => {
    expect(elf).toMatchObject({ bits, endian, machine: 243, flags: 5, entry: 0x8000_0004n });
  });

  it('has its loadable segments, those without a size left out', () => {
    expect(elf.segments).toEqual([
      { vaddr: 0x8000_0000n, paddr: 0x8000_0000n, fileBytes: text, memsz: 8, flags: 7 },
      { vaddr: 0x8001_0000n, paddr: 0x9001_0000n, fileBytes: data, memsz: 16, flags: 7 },
    ]);
  });

  it('has its symbols by address', () => {
    expect(elf.symbols()).toEqual([
      { name: '_start', value: 0x8000_0000n, size: 0n, kind: 'none' },
      { name: 'main', value: 0x8000_0004n, size: 4n, kind: 'function' },
      { name: 'table', value: 0x8001_0000n, size: 3n, kind: 'object' },
    ]);
  });

  it('is loaded at its physical addresses, zeros where the file has nothing', () => {
    const memory = new Sparse();
    memory.writeBytes(0x9001_0000, new Uint8Array(32).fill(0xff));
    expect(loadElf(memory, elf)).toEqual({ low: 0x8000_0000, high: 0x9001_0010, entry: 0x8000_0004 });
    expect([...Array(18).keys()].map((i) => memory.bytes.get(0x9001_0000 + i))).toEqual([
      1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff,
    ]);
    expect(memory.bytes.get(0x8000_0004)).toBe(0x73);
  });

  it('is refused wherever its file is cut off', () => {
    const cut = (length: number): unknown => elfImage(parseElf(file.subarray(0, length)));
    const used = (bits === 64 ? 64 + 4 * 56 : 52 + 4 * 32) + text.length + data.length;
    for (let length = 4; length < used; length++) expect(() => cut(length)).toThrow('the ELF file is truncated');
    expect(() => cut(used)).not.toThrow();
  });

  it('gives an image or a UserError when damaged, nothing else', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), (at, value) => {
        const damaged = file.slice();
        damaged[at] = value;
        try {
          const image = parseElf(damaged);
          elfImage(image);
          image.symbols();
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('elfImage', () => {
  it('gives the physical address of a virtual entry', () => {
    const kernel = parseElf(
      makeElf({
        ...spec(64, 'little'),
        entry: 0xffff_ffff_8000_0010n,
        segments: [{ vaddr: 0xffff_ffff_8000_0000n, paddr: 0x8020_0000n, bytes: text, memsz: 0x1000n }],
      }),
    );
    expect(elfImage(kernel).entry).toBe(0x8020_0010);
  });

  it('lets the machine strip segment bits from addresses', () => {
    const mips = parseElf(
      makeElf({
        ...spec(64, 'big'),
        machine: 8,
        entry: 0xffff_ffff_8010_0000n,
        segments: [{ vaddr: 0xffff_ffff_8010_0000n, paddr: 0xffff_ffff_8010_0000n, bytes: text, memsz: 8n }],
      }),
    );
    expect(() => elfImage(mips)).toThrow('0xffffffff80100000, which is no physical address');
    const image = elfImage(mips, (paddr) => paddr & 0x1fff_ffffn);
    expect(image).toEqual({ parts: [{ address: 0x10_0000, bytes: text, size: 8 }], entry: 0x10_0000 });
  });

  it('says which addresses the machine has no memory for', () => {
    expect(() => loadElf(new Sparse(0x8800_0000), parseElf(makeElf(spec(64, 'little'))))).toThrow(
      'it does not fit: the machine has no memory for 0x90010000-0x9001000f',
    );
  });
});

describe('parseElf', () => {
  it('tells a position-independent program, which goes where the machine wants it', () => {
    const segments = [{ vaddr: 0n, paddr: 0n, bytes: text, memsz: 8n }];
    const elf = parseElf(makeElf({ ...spec(64, 'little'), type: 3, entry: 4n, segments }));
    expect(elf.positionIndependent).toBe(true);
    const image = elfImage(elf, (paddr) => paddr + 0x8000_0000n);
    expect(image).toMatchObject({ parts: [{ address: 0x8000_0000 }], entry: 0x8000_0004 });
    expect(parseElf(makeElf({ ...spec(64, 'little'), type: 3 })).positionIndependent).toBe(false);
    expect(parseElf(makeElf(spec(64, 'little'))).positionIndependent).toBe(false);
  });

  it('refuses what is no executable', () => {
    expect(() => parseElf(new Uint8Array(0))).toThrow('the file is empty');
    expect(() => parseElf(new Uint8Array(100))).toThrow('not an ELF file');
    expect(() => parseElf(makeElf({ ...spec(64, 'little'), type: 1 }))).toThrow('not an executable');
  });

  it('refuses a segment whose file part is larger than its memory', () => {
    const segments = [{ vaddr: 0n, paddr: 0n, bytes: text, memsz: 4n }];
    expect(() => parseElf(makeElf({ ...spec(32, 'big'), segments }))).toThrow('impossible segment size');
  });
});
