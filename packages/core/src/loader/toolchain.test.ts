// Our loaders against files of the GNU toolchain (Debian's gcc-riscv64-linux-gnu and binutils), where it is installed.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { elfImage, parseElf } from './elf.ts';
import { parseIntelHex, parseSRecord } from './hex-records.ts';
import type { MemoryImage } from './memory-image.ts';

const PREFIX = 'riscv64-linux-gnu-';
const installed = spawnSync(`${PREFIX}gcc`, ['--version']).status === 0;
const SOURCE = `
.globl _start
_start: la a0, greeting
        j _start
.data
greeting: .asciz "hello, loader"
.bss
.globl room
room:   .zero 4096
`;

describe.skipIf(!installed)('a program of the GNU toolchain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-loader-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (tool: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(`${PREFIX}${tool}`, args, { cwd: folder });
    if (status !== 0) throw new Error(stderr.toString());
  };
  const build = (bits: 32 | 64): MemoryImage => {
    const abi = bits === 64 ? ['-march=rv64gc', '-mabi=lp64d'] : ['-march=rv32gc', '-mabi=ilp32d'];
    writeFileSync(join(folder, 'a.s'), SOURCE);
    run(
      'gcc',
      ...abi,
      '-nostdlib',
      '-static',
      '-no-pie',
      '-Wl,-Ttext=0x80200000,--build-id=none',
      '-o',
      'a.elf',
      'a.s',
    );
    for (const [format, file] of [
      ['ihex', 'a.hex'],
      ['srec', 'a.srec'],
    ] as const) {
      run('objcopy', '-O', format, '-j', '.text', '-j', '.data', 'a.elf', file);
    }
    return elfImage(parseElf(readFileSync(join(folder, 'a.elf'))));
  };
  const byteAt = (image: MemoryImage, address: number): number | undefined => {
    const part = image.parts.find((p) => address >= p.address && address < p.address + p.size);
    return part && (part.bytes[address - part.address] ?? 0);
  };

  it.each([32, 64] as const)('of %i bits is the same from ELF, Intel HEX and S-records', (bits) => {
    const image = build(bits);
    const elf = parseElf(readFileSync(join(folder, 'a.elf')));
    const symbol = (name: string): number => Number(elf.symbols().find((s) => s.name === name)?.value);
    expect(elf.bits).toBe(bits);
    expect(image.entry).toBe(symbol('_start'));
    const greeting = Array.from({ length: 5 }, (_, i) => byteAt(image, symbol('greeting') + i) ?? 0);
    expect(String.fromCharCode(...greeting)).toBe('hello');
    expect(byteAt(image, symbol('room') + 4095)).toBe(0);
    for (const records of [
      parseIntelHex(readFileSync(join(folder, 'a.hex'))),
      parseSRecord(readFileSync(join(folder, 'a.srec'))),
    ]) {
      expect(records.entry).toBe(image.entry);
      for (const { address, bytes } of records.parts) {
        bytes.forEach((byte, i) => {
          expect(byteAt(image, address + i)).toBe(byte);
        });
      }
    }
  });
});
