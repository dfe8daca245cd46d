/** Zba, Zbb and Zbs. RISC-V Unprivileged ISA, chapter "B" (Bit-Manipulation ISA-extensions 1.0.0). */
import { type Encoding, table } from '../encoding.ts';

const zba: readonly Encoding[] = [
  ...table(
    ['zba'],
    [
      ['sh1add', '0010000 rs2 rs1 010 rd 0110011', 'rd,rs1,rs2'],
      ['sh2add', '0010000 rs2 rs1 100 rd 0110011', 'rd,rs1,rs2'],
      ['sh3add', '0010000 rs2 rs1 110 rd 0110011', 'rd,rs1,rs2'],
    ],
  ),
  ...table(
    ['zba'],
    [
      ['add.uw', '0000100 rs2 rs1 000 rd 0111011', 'rd,rs1,rs2'],
      ['sh1add.uw', '0010000 rs2 rs1 010 rd 0111011', 'rd,rs1,rs2'],
      ['sh2add.uw', '0010000 rs2 rs1 100 rd 0111011', 'rd,rs1,rs2'],
      ['sh3add.uw', '0010000 rs2 rs1 110 rd 0111011', 'rd,rs1,rs2'],
      ['slli.uw', '000010 uimm[5:0] rs1 001 rd 0011011', 'rd,rs1,shamt'],
    ],
    64,
  ),
];

const zbb: readonly Encoding[] = [
  ...table(
    ['zbb'],
    [
      ['andn', '0100000 rs2 rs1 111 rd 0110011', 'rd,rs1,rs2'],
      ['orn', '0100000 rs2 rs1 110 rd 0110011', 'rd,rs1,rs2'],
      ['xnor', '0100000 rs2 rs1 100 rd 0110011', 'rd,rs1,rs2'],
      ['clz', '0110000 00000 rs1 001 rd 0010011', 'rd,rs1'],
      ['ctz', '0110000 00001 rs1 001 rd 0010011', 'rd,rs1'],
      ['cpop', '0110000 00010 rs1 001 rd 0010011', 'rd,rs1'],
      ['sext.b', '0110000 00100 rs1 001 rd 0010011', 'rd,rs1'],
      ['sext.h', '0110000 00101 rs1 001 rd 0010011', 'rd,rs1'],
      ['min', '0000101 rs2 rs1 100 rd 0110011', 'rd,rs1,rs2'],
      ['minu', '0000101 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['max', '0000101 rs2 rs1 110 rd 0110011', 'rd,rs1,rs2'],
      ['maxu', '0000101 rs2 rs1 111 rd 0110011', 'rd,rs1,rs2'],
      ['rol', '0110000 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
      ['ror', '0110000 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['orc.b', '001010000111 rs1 101 rd 0010011', 'rd,rs1'],
    ],
  ),
  ...table(
    ['zbb'],
    [
      ['zext.h', '0000100 00000 rs1 100 rd 0110011', 'rd,rs1'],
      ['rori', '0110000 uimm[4:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['rev8', '011010011000 rs1 101 rd 0010011', 'rd,rs1'],
    ],
    32,
  ),
  ...table(
    ['zbb'],
    [
      ['zext.h', '0000100 00000 rs1 100 rd 0111011', 'rd,rs1'],
      ['rori', '011000 uimm[5:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['rev8', '011010111000 rs1 101 rd 0010011', 'rd,rs1'],
      ['clzw', '0110000 00000 rs1 001 rd 0011011', 'rd,rs1'],
      ['ctzw', '0110000 00001 rs1 001 rd 0011011', 'rd,rs1'],
      ['cpopw', '0110000 00010 rs1 001 rd 0011011', 'rd,rs1'],
      ['rolw', '0110000 rs2 rs1 001 rd 0111011', 'rd,rs1,rs2'],
      ['rorw', '0110000 rs2 rs1 101 rd 0111011', 'rd,rs1,rs2'],
      ['roriw', '0110000 uimm[4:0] rs1 101 rd 0011011', 'rd,rs1,shamt'],
    ],
    64,
  ),
];

const zbs: readonly Encoding[] = [
  ...table(
    ['zbs'],
    [
      ['bclr', '0100100 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
      ['bext', '0100100 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['binv', '0110100 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
      ['bset', '0010100 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
    ],
  ),
  ...table(
    ['zbs'],
    [
      ['bclri', '0100100 uimm[4:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['bexti', '0100100 uimm[4:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['binvi', '0110100 uimm[4:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['bseti', '0010100 uimm[4:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
    ],
    32,
  ),
  ...table(
    ['zbs'],
    [
      ['bclri', '010010 uimm[5:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['bexti', '010010 uimm[5:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['binvi', '011010 uimm[5:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['bseti', '001010 uimm[5:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
    ],
    64,
  ),
];

export const bitmanip: readonly Encoding[] = [...zba, ...zbb, ...zbs];
