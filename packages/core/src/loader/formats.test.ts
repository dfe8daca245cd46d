import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from './crc32.ts';
import { makeElf, makeLinuxImage } from './fixtures.ts';
import { gunzip } from './gzip.ts';
import { parseIntelHex, parseSRecord } from './hex-records.ts';
import { type KernelTarget, readKernel } from './kernel.ts';
import { parseLinuxImage } from './linux-image.ts';
import { parseUimage, uimageImage } from './uimage.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const program = ascii('a program of some length, a program of some length');

function makeUimage(data: Uint8Array, fields: { type?: number; comp?: number; arch?: number } = {}): Uint8Array {
  const file = new Uint8Array(64 + data.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x27051956);
  view.setUint32(12, data.length);
  view.setUint32(16, 0x8020_0000);
  view.setUint32(20, 0x8020_0040);
  view.setUint32(24, crc32(data));
  file.set([5, fields.arch ?? 26, fields.type ?? 2, fields.comp ?? 0], 28);
  file.set(ascii('our kernel'), 32);
  file.set(data, 64);
  view.setUint32(4, crc32(file.subarray(0, 64)));
  return file;
}

describe('crc32', () => {
  it('gives the check value of its catalogue entry', () => {
    expect(crc32(ascii('123456789'))).toBe(0xcbf43926);
    expect(crc32(ascii('6789'), crc32(ascii('12345')))).toBe(0xcbf43926);
  });
});

describe('gunzip', () => {
  const packed = gzipSync(program);

  it('unpacks', async () => {
    expect(await gunzip(packed)).toEqual(program);
    expect(await gunzip(gzipSync(new Uint8Array(0)))).toEqual(new Uint8Array(0));
  });

  it('refuses a file cut off anywhere', async () => {
    for (let length = 2; length < packed.length; length++) {
      await expect(gunzip(packed.subarray(0, length))).rejects.toThrow('truncated');
    }
  });

  it('refuses a file with a wrong byte in its data or trailer', async () => {
    for (let at = 20; at < packed.length; at++) {
      const damaged = packed.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x55;
      await expect(gunzip(damaged)).rejects.toThrow('the gzip file');
    }
  });
});

describe('parseUimage', () => {
  it('reads the header and the data', async () => {
    expect(await parseUimage(makeUimage(program))).toEqual({
      name: 'our kernel',
      kind: 'kernel',
      arch: 26,
      load: 0x8020_0000,
      entry: 0x8020_0040,
      data: program,
    });
  });

  it('unpacks gzip data', async () => {
    expect((await parseUimage(makeUimage(gzipSync(program), { comp: 1 }))).data).toEqual(program);
  });

  it('lays data out at its address, and a kernel without one at the base given', async () => {
    expect(uimageImage(await parseUimage(makeUimage(program)))).toMatchObject({
      parts: [{ address: 0x8020_0000 }],
      entry: 0x8020_0040,
    });
    const image = { ...(await parseUimage(makeUimage(program, { type: 14 }))), entry: 0x40 };
    expect(uimageImage(image, 0x1000)).toMatchObject({ parts: [{ address: 0x1000 }], entry: 0x1040 });
  });

  it('refuses damage, truncation and what it cannot unpack', async () => {
    const file = makeUimage(program);
    for (const length of [4, 63, 64, file.length - 1]) {
      await expect(parseUimage(file.subarray(0, length))).rejects.toThrow('the uImage is truncated');
    }
    const wrongHeader = file.slice();
    wrongHeader[40] = 0;
    await expect(parseUimage(wrongHeader)).rejects.toThrow('wrong header checksum');
    const wrongData = file.slice();
    wrongData[70] = 0;
    await expect(parseUimage(wrongData)).rejects.toThrow('wrong data checksum');
    await expect(parseUimage(makeUimage(program, { comp: 3 }))).rejects.toThrow(
      'compressed with lzma; only gzip is supported',
    );
    await expect(parseUimage(makeUimage(program, { type: 4 }))).rejects.toThrow('uImage type 4 is not supported');
  });
});

const hexByte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0').toUpperCase();
const total = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum + byte, 0);

/** One Intel HEX record. */
function hexRecord(type: number, address: number, data: readonly number[]): string {
  const bytes = [data.length, address >> 8, address & 0xff, type, ...data];
  return `:${[...bytes, -total(bytes)].map(hexByte).join('')}`;
}

/** One S-record; `address` as bytes. */
function sRecord(type: number, address: readonly number[], data: readonly number[] = []): string {
  const bytes = [address.length + data.length + 1, ...address, ...data];
  return `S${type}${[...bytes, ~total(bytes)].map(hexByte).join('')}`;
}

describe('parseIntelHex', () => {
  const lines = [
    hexRecord(4, 0, [0x80, 0x20]),
    hexRecord(0, 0, [0x13, 0, 0, 0]),
    hexRecord(0, 4, [0x73, 0, 0, 0]),
    hexRecord(2, 0, [0x10, 0x00]),
    hexRecord(0, 0x10, [0xff]),
    hexRecord(5, 0, [0x80, 0x20, 0, 4]),
    hexRecord(1, 0, []),
  ];

  it('joins records and follows both kinds of base address', () => {
    expect(parseIntelHex(ascii(lines.join('\r\n')))).toEqual({
      parts: [
        { address: 0x8020_0000, bytes: Uint8Array.of(0x13, 0, 0, 0, 0x73, 0, 0, 0), size: 8 },
        { address: 0x1_0010, bytes: Uint8Array.of(0xff), size: 1 },
      ],
      entry: 0x8020_0004,
    });
  });

  it('names the line that is wrong', () => {
    const swap = (index: number, line: string): Uint8Array => ascii(lines.with(index, line).join('\n'));
    expect(() => parseIntelHex(swap(1, ':0400000013000000EA'))).toThrow('line 2: its checksum is wrong');
    expect(() => parseIntelHex(swap(1, ':0400000013000000'))).toThrow('line 2: its length is wrong');
    expect(() => parseIntelHex(swap(1, ':04000000130000zzE9'))).toThrow('line 2: it is not hexadecimal');
    expect(() => parseIntelHex(swap(2, 'hello'))).toThrow('line 3: it does not start with a colon');
    expect(() => parseIntelHex(swap(2, hexRecord(9, 0, [])))).toThrow('line 3: unknown record type 9');
    expect(() => parseIntelHex(ascii(lines.slice(0, -1).join('\n')))).toThrow('truncated: it has no end record');
    expect(() => parseIntelHex(ascii(':00000001FF'))).toThrow('has no data');
  });
});

describe('parseSRecord', () => {
  it('reads addresses of two to four bytes, and the start', () => {
    const lines = [
      sRecord(0, [0, 0], [0x48, 0x44, 0x52]),
      sRecord(1, [0x10, 0], [1, 2]),
      sRecord(2, [0, 0x10, 2], [3, 4]),
      sRecord(3, [0x80, 0x20, 0, 0], [0xaa, 0xbb]),
      sRecord(5, [0, 3]),
      sRecord(7, [0x80, 0x20, 0, 0]),
    ];
    expect(parseSRecord(ascii(lines.join('\n')))).toEqual({
      parts: [
        { address: 0x1000, bytes: Uint8Array.of(1, 2, 3, 4), size: 4 },
        { address: 0x8020_0000, bytes: Uint8Array.of(0xaa, 0xbb), size: 2 },
      ],
      entry: 0x8020_0000,
    });
  });

  it('refuses a wrong checksum, other lines and a missing end', () => {
    const known = 'S1130000285F245F2212226A000424290008237C2A';
    expect(parseSRecord(ascii(`${known}\nS9030000FC\n`)).parts[0]?.bytes.length).toBe(16);
    expect(() => parseSRecord(ascii(`${known.slice(0, -1)}B\nS9030000FC\n`))).toThrow('line 1: its checksum is wrong');
    expect(() => parseSRecord(ascii('S4030000FC\n'))).toThrow('line 1: it is no S-record');
    expect(() => parseSRecord(ascii('S1'))).toThrow('line 1: its length is wrong');
    expect(() => parseSRecord(ascii(known))).toThrow('no end record');
  });
});

describe('parseLinuxImage', () => {
  it('reads the headers of RISC-V and arm64', () => {
    expect(parseLinuxImage(makeLinuxImage('riscv', 4096))).toMatchObject({
      arch: 'riscv',
      endian: 'little',
      textOffset: 0x20_0000,
      imageSize: 8192,
    });
    expect(parseLinuxImage(makeLinuxImage('arm64', 4096, 1n))).toMatchObject({
      arch: 'arm64',
      endian: 'big',
      textOffset: 0,
    });
  });

  it('notices a missing end by the EFI header', () => {
    const image = makeLinuxImage('riscv', 4096);
    for (const length of [60, 64, 70, 4095]) {
      const cut = (): unknown => parseLinuxImage(image.subarray(0, length));
      expect(cut).toThrow(length < 60 ? 'not a Linux Image' : 'the kernel is truncated');
    }
  });
});

describe('readKernel', () => {
  const riscv64: KernelTarget = {
    name: 'riscv64',
    elfMachines: [243],
    bits: 64,
    endian: 'little',
    uimageArchs: [26],
    linuxImage: 'riscv',
  };
  const elf = (machine: number, bits: 32 | 64): Uint8Array => {
    const segments = [{ vaddr: 0n, paddr: 0n, bytes: program, memsz: 64n }];
    return makeElf({ bits, endian: 'little', machine, entry: 0n, segments });
  };
  const zboot = (payload: Uint8Array, method: string): Uint8Array => {
    const file = new Uint8Array(256 + payload.length);
    file.set(ascii('MZ\0\0zimg'));
    new DataView(file.buffer).setUint32(8, 256, true);
    new DataView(file.buffer).setUint32(12, payload.length, true);
    file.set(ascii(method), 24);
    file.set(payload, 256);
    return file;
  };

  it.each([
    ['elf', elf(243, 64)],
    ['elf', gzipSync(elf(243, 64))],
    ['linux', makeLinuxImage('riscv', 4096)],
    ['linux', gzipSync(makeLinuxImage('riscv', 4096))],
    ['linux', zboot(gzipSync(makeLinuxImage('riscv', 4096)), 'gzip')],
    ['uimage', makeUimage(program)],
    ['records', ascii(':01001000FFF0\n:00000001FF\n')],
    ['raw', program],
  ])('recognises %s', async (format, file) => {
    expect((await readKernel(file, riscv64)).format).toBe(format);
  });

  it.each([
    ['the file is empty', new Uint8Array(0)],
    ['it is a 64-bit little-endian x86-64 ELF file, not one for riscv64', elf(62, 64)],
    ['it is a 32-bit little-endian RISC-V ELF file, not one for riscv64', elf(243, 32)],
    ['it is a Linux kernel for arm64, not for riscv64', makeLinuxImage('arm64', 4096)],
    ['it is a uImage for AArch64, not for riscv64', makeUimage(program, { arch: 22 })],
    ['it is compressed with xz; only gzip is supported', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 1, 2)],
    ['the kernel is compressed with zstd; only gzip is supported', zboot(program, 'zstd')],
    ['it is an EFI program, not a kernel for riscv64', ascii('MZ and more')],
    ['it is a device tree blob, not a kernel for riscv64', Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed, 0, 0, 0, 0)],
  ])('refuses: %s', async (message, file) => {
    await expect(readKernel(file, riscv64)).rejects.toThrow(message);
  });
});
