import { describe, expect, test } from 'vitest';
import { EXTENSIONS, type Extension } from '../models.ts';
import { Decoder } from './decoder.ts';
import { disassemble } from './disassemble.ts';
import { Pattern } from './pattern.ts';
import { encodings } from './tables/index.ts';

const all = Object.keys(EXTENSIONS) as Extension[];
const decoderWithout = (...absent: Extension[]) =>
  new Decoder({ xlen: 64, extensions: new Set(all.filter((name) => !absent.includes(name))) });

describe('pattern', () => {
  test('scattered immediates are gathered and sign-extended', () => {
    const beq = new Pattern('imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011');
    expect(beq.extract(0xfe000ee3)).toMatchObject({ rs1: 0, rs2: 0, imm: -4 });
    expect(beq.extract(0x00b50463)).toMatchObject({ rs1: 10, rs2: 11, imm: 8 });
  });

  test('unsigned immediates stay unsigned', () => {
    expect(new Pattern('csr uimm[4:0] 101 rd 1110011').extract(0x300fd073)).toMatchObject({ csr: 0x300, imm: 31 });
  });

  test('three-bit registers are x8 to x15, and one part can be two fields', () => {
    const sub = new Pattern("100 0 11 rd'/rs1' 00 rs2' 01");
    expect(sub.extract(0x8c05)).toMatchObject({ rd: 8, rs1: 8, rs2: 9 });
  });

  test('conditions exclude words', () => {
    const lui = new Pattern('011 nzimm[17] rd!=2 nzimm[16:12] 01');
    expect(lui.extract(0x6505)).toMatchObject({ rd: 10, imm: 0x1000 });
    expect(lui.extract(0x6501)).toBeUndefined();
    expect(lui.extract(0x6105)).toBeUndefined();
  });

  test('presets are operands that the encoding implies', () => {
    expect(new Pattern('010 uimm[5] rd!=0 uimm[4:2|7:6] 10', { rs1: 2 }).extract(0x50fe)).toMatchObject({
      rd: 1,
      rs1: 2,
      imm: 252,
    });
  });

  test('operands go back into the word', () => {
    expect(new Pattern('imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011').encode({ rs1: 10, rs2: 11, imm: -4 })).toBe(
      0xfeb50ee3,
    );
    const sub = new Pattern("100 0 11 rd'/rs1' 00 rs2' 01");
    expect(sub.encode({ rd: 8, rs1: 8, rs2: 9 })).toBe(0x8c05);
    expect(() => sub.encode({ rd: 8, rs1: 9 })).toThrow(RangeError);
    expect(() => sub.encode({ rd: 8, rs1: 8, rs2: 16 })).toThrow(RangeError);
  });

  test.each(['0000000 rs2 rs1 000 rd 011001', 'imm[0:3] rd 0110111', '000 nonsense 01'])('refuses %s', (text) => {
    expect(() => new Pattern(text)).toThrow();
  });
});

describe('decoder', () => {
  test.each([
    ['m', 0x02b50533, 'mul'],
    ['a', 0x00b5252f, 'amoadd.w'],
    ['f', 0x00b57553, 'fadd.s'],
    ['d', 0x02b57553, 'fadd.d'],
    ['c', 0x4501, 'addi'],
    ['zba', 0x20b52533, 'sh1add'],
    ['zbb', 0x40b57533, 'andn'],
    ['zbs', 0x28b51533, 'bset'],
    ['zifencei', 0x0000100f, 'fence.i'],
    ['s', 0x10200073, 'sret'],
  ] as const)('an instruction of %s is illegal without it', (extension, word, mnemonic) => {
    expect(decoderWithout().decode(word)?.mnemonic).toBe(mnemonic);
    expect(decoderWithout(extension).decode(word)).toBeUndefined();
  });

  test('compressed floating-point loads need both extensions', () => {
    expect(decoderWithout().decode(0x2108)?.mnemonic).toBe('fld');
    expect(decoderWithout('d').decode(0x2108)).toBeUndefined();
  });

  test('zero and all ones are illegal, as the manual promises', () => {
    expect(decoderWithout().decode(0)).toBeUndefined();
    expect(decoderWithout().decode(-1)).toBeUndefined();
    expect(decoderWithout().decode(0xffff)).toBeUndefined();
  });

  test('a compressed instruction looks at 16 bits alone and is two bytes long', () => {
    const instruction = decoderWithout().decode(0xffff_8082 | 0);
    expect(instruction).toMatchObject({ mnemonic: 'jalr', length: 2, fields: { rd: 0, rs1: 1, imm: 0 } });
  });

  test('signed and unsigned words are the same', () => {
    const decoder = decoderWithout();
    expect(decoder.decode(0xfff50513 | 0)).toEqual(decoder.decode(0xfff50513));
  });

  test('where two encodings overlap, one is a special case of the other', () => {
    for (const xlen of [32, 64] as const) {
      const present = encodings.filter((row) => (row.xlen ?? xlen) === xlen);
      const rows = present.map((row) => ({ name: row.mnemonic, pattern: new Pattern(row.pattern) }));
      for (const [index, { name, pattern }] of rows.entries()) {
        for (const other of rows.slice(index + 1)) {
          if (pattern.length !== other.pattern.length) continue;
          const common = pattern.mask & other.pattern.mask;
          const overlap = ((pattern.match ^ other.pattern.match) & common) === 0;
          if (overlap) expect(pattern.mask === other.pattern.mask, `${name} and ${other.name}`).toBe(false);
        }
      }
    }
  });

  test('takes well under a microsecond', () => {
    const decoder = decoderWithout();
    const words = [0x00a50513, 0x02b50533, 0x00b57553, 0x8082, 0x0000006f, 0xfe000ee3, 0x6505, 0x20b52533];
    const rounds = 5_000;
    const best = Math.min(
      ...Array.from({ length: 20 }, () => {
        const start = performance.now();
        for (let round = 0; round < rounds; round++) for (const word of words) decoder.decode(word);
        return ((performance.now() - start) / rounds / words.length) * 1000;
      }),
    );
    expect(best).toBeLessThan(1);
  });
});

describe('disassembly', () => {
  test.each([
    [0x00150513, 'addi    a0,a0,1'],
    [0x4505, 'li      a0,1'],
    [0x852e, 'mv      a0,a1'],
    [0x8082, 'ret'],
    [0x00000463, 'beqz    zero,0x80000008'],
    [0xffdff06f, 'j       0x7ffffffc'],
    [0x30002573, 'csrr    a0,mstatus'],
    [0x7c051073, 'csrw    0x7c0,a0'],
    [0x1a050513, 'addi    a0,a0,416'],
    [0x12345537, 'lui     a0,0x12345'],
    [0x00c5a50f | 0, '.4byte  0xc5a50f'],
    [0x0000, '.2byte  0x0'],
    [0x0ff0000f, 'fence'],
    [0x0330000f, 'fence   rw,rw'],
    [0x1605a52f, 'lr.w.aqrl a0,(a1)'],
    [0x00b50553, 'fadd.s  fa0,fa0,fa1,rne'],
    [0x00b57553, 'fadd.s  fa0,fa0,fa1'],
  ])('%i is %s', (word, text) => {
    expect(disassemble(word, 0x8000_0000n)).toBe(text);
  });
});
