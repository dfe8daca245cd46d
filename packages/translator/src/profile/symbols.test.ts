import { parseElf, UserError } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { makeElf } from '../../../core/src/loader/fixtures.ts';
import { SymbolTable } from './symbols.ts';

describe('names of addresses', () => {
  it('are the functions and labels of an executable, as far as each reaches', () => {
    const file = makeElf({
      bits: 64,
      endian: 'little',
      machine: 243,
      entry: 0x1000n,
      segments: [
        { vaddr: 0x1000n, paddr: 0x1000n, bytes: new Uint8Array(0x100), memsz: 0x100n, flags: 5 },
        { vaddr: 0x2000n, paddr: 0x2000n, bytes: new Uint8Array(8), memsz: 8n, flags: 6 },
      ],
      symbols: [
        { name: 'main', value: 0x1010n, size: 8n, info: 0x12 },
        { name: 'start', value: 0x1000n, size: 0n, info: 0x10 },
        { name: '$x', value: 0x1000n, size: 0n, info: 0 },
        { name: 'table', value: 0x2000n, size: 8n, info: 0x11 },
        { name: 'label', value: 0x2000n, size: 0n, info: 0x10 },
      ],
    });
    const table = SymbolTable.fromElf(parseElf(file));
    const names = [0xfffn, 0x1000n, 0x100fn, 0x1010n, 0x1017n, 0x1018n, 0x2000n].map((at) => table.nameOf(at));
    expect(names).toEqual([undefined, 'start', 'start', 'main', 'main', undefined, undefined]);
  });

  it('are those of a list of symbols, modules included', () => {
    const table = SymbolTable.fromText(
      'ffffffff80000000 T _start\nffffffff80000010 d data\nffffffff80000100 t step\t[virtio]\nnot a symbol\n',
    );
    expect(table.nameOf(0xffffffff80000050n)).toBe('_start');
    expect(table.nameOf(0xffffffff80000100n)).toBe('step [virtio]');
    expect(table.nameOf(0xffffffff7fffffffn)).toBeUndefined();
  });

  it.each([
    ['', 'no ELF file and no list'],
    ['just text\n', 'no ELF file and no list'],
    ['0000000000000000 T a\n0000000000000000 t b\n', 'hidden'],
  ])('are none in %j', (text, reason) => {
    expect(() => SymbolTable.fromText(text)).toThrow(UserError);
    expect(() => SymbolTable.fromText(text)).toThrow(reason);
  });
});
