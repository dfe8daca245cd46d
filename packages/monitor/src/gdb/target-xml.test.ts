import { describe, expect, it } from 'vitest';
import { decodeRegister, encodeRegister, makeTarget } from './target-xml.ts';

describe('a target description', () => {
  const target = makeTarget({
    architecture: 'riscv:rv64',
    endian: 'little',
    features: [
      {
        name: 'a&b',
        registers: [
          { name: 'r0', bits: 32, type: 'int' },
          { name: 'r1', bits: 64 },
        ],
      },
      {
        name: 'c',
        types: '<union id="u"/>',
        registers: [
          { name: 'f0', bits: 64, number: 33 },
          { name: 'f1', bits: 64 },
        ],
      },
    ],
  });

  it('numbers registers on from the one before', () => {
    expect([...target.byNumber.keys()]).toEqual([0, 1, 33, 34]);
    expect(target.general.map(({ register }) => register.name)).toEqual(['r0', 'r1']);
    expect(target.xml).toContain('<feature name="a&amp;b"><reg name="r0" bitsize="32" regnum="0" type="int"/>');
    expect(target.xml).toContain('<feature name="c"><union id="u"/><reg name="f0" bitsize="64" regnum="33"/>');
  });

  it('does not name an architecture that gdb cannot know', () => {
    expect(target.xml).toContain('<architecture>riscv:rv64</architecture>');
    expect(makeTarget({ architecture: 'own', endian: 'big', features: [] }).xml).not.toContain('architecture');
  });

  it('writes registers in the order of the target', () => {
    const register = { name: 'r', bits: 32 };
    expect(encodeRegister(0x12345678n, register, 'little')).toBe('78563412');
    expect(encodeRegister(0x12345678n, register, 'big')).toBe('12345678');
    expect(encodeRegister(-1n, register, 'big')).toBe('ffffffff');
    expect(decodeRegister('78563412', register, 'little')).toBe(0x12345678n);
    expect(decodeRegister('7856341', register, 'little')).toBeUndefined();
    expect(decodeRegister('zz563412', register, 'little')).toBeUndefined();
  });
});
