/** A: load-reserved, store-conditional and atomic memory operations. RISC-V Unprivileged ISA, chapter "A". */
import { type Encoding, table } from '../encoding.ts';

export const atomic: readonly Encoding[] = [
  ...table(
    ['a'],
    [
      ['lr.w', '00010 aqrl 00000 rs1 010 rd 0101111', 'rd,(rs1)'],
      ['sc.w', '00011 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoswap.w', '00001 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoadd.w', '00000 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoxor.w', '00100 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoand.w', '01100 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoor.w', '01000 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomin.w', '10000 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomax.w', '10100 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amominu.w', '11000 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomaxu.w', '11100 aqrl rs2 rs1 010 rd 0101111', 'rd,rs2,(rs1)'],
    ],
  ),
  ...table(
    ['a'],
    [
      ['lr.d', '00010 aqrl 00000 rs1 011 rd 0101111', 'rd,(rs1)'],
      ['sc.d', '00011 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoswap.d', '00001 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoadd.d', '00000 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoxor.d', '00100 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoand.d', '01100 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amoor.d', '01000 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomin.d', '10000 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomax.d', '10100 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amominu.d', '11000 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
      ['amomaxu.d', '11100 aqrl rs2 rs1 011 rd 0101111', 'rd,rs2,(rs1)'],
    ],
    64,
  ),
];
