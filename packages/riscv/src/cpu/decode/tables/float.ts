/** F and D: single and double precision. RISC-V Unprivileged ISA, chapters "F" and "D". */
import { type Encoding, table } from '../encoding.ts';

const single: readonly Encoding[] = [
  ...table(
    ['f'],
    [
      ['flw', 'imm[11:0] rs1 010 rd 0000111', 'fd,imm(rs1)'],
      ['fsw', 'imm[11:5] rs2 rs1 010 imm[4:0] 0100111', 'fs2,imm(rs1)'],
      ['fmadd.s', 'rs3 00 rs2 rs1 rm rd 1000011', 'fd,fs1,fs2,fs3,rm'],
      ['fmsub.s', 'rs3 00 rs2 rs1 rm rd 1000111', 'fd,fs1,fs2,fs3,rm'],
      ['fnmsub.s', 'rs3 00 rs2 rs1 rm rd 1001011', 'fd,fs1,fs2,fs3,rm'],
      ['fnmadd.s', 'rs3 00 rs2 rs1 rm rd 1001111', 'fd,fs1,fs2,fs3,rm'],
      ['fadd.s', '0000000 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fsub.s', '0000100 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fmul.s', '0001000 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fdiv.s', '0001100 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fsqrt.s', '0101100 00000 rs1 rm rd 1010011', 'fd,fs1,rm'],
      ['fsgnj.s', '0010000 rs2 rs1 000 rd 1010011', 'fd,fs1,fs2'],
      ['fsgnjn.s', '0010000 rs2 rs1 001 rd 1010011', 'fd,fs1,fs2'],
      ['fsgnjx.s', '0010000 rs2 rs1 010 rd 1010011', 'fd,fs1,fs2'],
      ['fmin.s', '0010100 rs2 rs1 000 rd 1010011', 'fd,fs1,fs2'],
      ['fmax.s', '0010100 rs2 rs1 001 rd 1010011', 'fd,fs1,fs2'],
      ['feq.s', '1010000 rs2 rs1 010 rd 1010011', 'rd,fs1,fs2'],
      ['flt.s', '1010000 rs2 rs1 001 rd 1010011', 'rd,fs1,fs2'],
      ['fle.s', '1010000 rs2 rs1 000 rd 1010011', 'rd,fs1,fs2'],
      ['fclass.s', '1110000 00000 rs1 001 rd 1010011', 'rd,fs1'],
      ['fmv.x.w', '1110000 00000 rs1 000 rd 1010011', 'rd,fs1'],
      ['fmv.w.x', '1111000 00000 rs1 000 rd 1010011', 'fd,rs1'],
      ['fcvt.w.s', '1100000 00000 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.wu.s', '1100000 00001 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.s.w', '1101000 00000 rs1 rm rd 1010011', 'fd,rs1,rm'],
      ['fcvt.s.wu', '1101000 00001 rs1 rm rd 1010011', 'fd,rs1,rm'],
    ],
  ),
  ...table(
    ['f'],
    [
      ['fcvt.l.s', '1100000 00010 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.lu.s', '1100000 00011 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.s.l', '1101000 00010 rs1 rm rd 1010011', 'fd,rs1,rm'],
      ['fcvt.s.lu', '1101000 00011 rs1 rm rd 1010011', 'fd,rs1,rm'],
    ],
    64,
  ),
];

const double: readonly Encoding[] = [
  ...table(
    ['d'],
    [
      ['fld', 'imm[11:0] rs1 011 rd 0000111', 'fd,imm(rs1)'],
      ['fsd', 'imm[11:5] rs2 rs1 011 imm[4:0] 0100111', 'fs2,imm(rs1)'],
      ['fmadd.d', 'rs3 01 rs2 rs1 rm rd 1000011', 'fd,fs1,fs2,fs3,rm'],
      ['fmsub.d', 'rs3 01 rs2 rs1 rm rd 1000111', 'fd,fs1,fs2,fs3,rm'],
      ['fnmsub.d', 'rs3 01 rs2 rs1 rm rd 1001011', 'fd,fs1,fs2,fs3,rm'],
      ['fnmadd.d', 'rs3 01 rs2 rs1 rm rd 1001111', 'fd,fs1,fs2,fs3,rm'],
      ['fadd.d', '0000001 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fsub.d', '0000101 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fmul.d', '0001001 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fdiv.d', '0001101 rs2 rs1 rm rd 1010011', 'fd,fs1,fs2,rm'],
      ['fsqrt.d', '0101101 00000 rs1 rm rd 1010011', 'fd,fs1,rm'],
      ['fsgnj.d', '0010001 rs2 rs1 000 rd 1010011', 'fd,fs1,fs2'],
      ['fsgnjn.d', '0010001 rs2 rs1 001 rd 1010011', 'fd,fs1,fs2'],
      ['fsgnjx.d', '0010001 rs2 rs1 010 rd 1010011', 'fd,fs1,fs2'],
      ['fmin.d', '0010101 rs2 rs1 000 rd 1010011', 'fd,fs1,fs2'],
      ['fmax.d', '0010101 rs2 rs1 001 rd 1010011', 'fd,fs1,fs2'],
      ['fcvt.s.d', '0100000 00001 rs1 rm rd 1010011', 'fd,fs1,rm'],
      ['fcvt.d.s', '0100001 00000 rs1 rm rd 1010011', 'fd,fs1,exact'],
      ['feq.d', '1010001 rs2 rs1 010 rd 1010011', 'rd,fs1,fs2'],
      ['flt.d', '1010001 rs2 rs1 001 rd 1010011', 'rd,fs1,fs2'],
      ['fle.d', '1010001 rs2 rs1 000 rd 1010011', 'rd,fs1,fs2'],
      ['fclass.d', '1110001 00000 rs1 001 rd 1010011', 'rd,fs1'],
      ['fcvt.w.d', '1100001 00000 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.wu.d', '1100001 00001 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.d.w', '1101001 00000 rs1 rm rd 1010011', 'fd,rs1,exact'],
      ['fcvt.d.wu', '1101001 00001 rs1 rm rd 1010011', 'fd,rs1,exact'],
    ],
  ),
  ...table(
    ['d'],
    [
      ['fcvt.l.d', '1100001 00010 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fcvt.lu.d', '1100001 00011 rs1 rm rd 1010011', 'rd,fs1,rm'],
      ['fmv.x.d', '1110001 00000 rs1 000 rd 1010011', 'rd,fs1'],
      ['fcvt.d.l', '1101001 00010 rs1 rm rd 1010011', 'fd,rs1,rm'],
      ['fcvt.d.lu', '1101001 00011 rs1 rm rd 1010011', 'fd,rs1,rm'],
      ['fmv.d.x', '1111001 00000 rs1 000 rd 1010011', 'fd,rs1'],
    ],
    64,
  ),
];

export const float: readonly Encoding[] = [...single, ...double];
