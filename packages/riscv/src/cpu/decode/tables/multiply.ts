/** M: multiplication and division. RISC-V Unprivileged ISA, chapter "M". */
import { type Encoding, table } from '../encoding.ts';

export const multiply: readonly Encoding[] = [
  ...table(
    ['m'],
    [
      ['mul', '0000001 rs2 rs1 000 rd 0110011', 'rd,rs1,rs2'],
      ['mulh', '0000001 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
      ['mulhsu', '0000001 rs2 rs1 010 rd 0110011', 'rd,rs1,rs2'],
      ['mulhu', '0000001 rs2 rs1 011 rd 0110011', 'rd,rs1,rs2'],
      ['div', '0000001 rs2 rs1 100 rd 0110011', 'rd,rs1,rs2'],
      ['divu', '0000001 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['rem', '0000001 rs2 rs1 110 rd 0110011', 'rd,rs1,rs2'],
      ['remu', '0000001 rs2 rs1 111 rd 0110011', 'rd,rs1,rs2'],
    ],
  ),
  ...table(
    ['m'],
    [
      ['mulw', '0000001 rs2 rs1 000 rd 0111011', 'rd,rs1,rs2'],
      ['divw', '0000001 rs2 rs1 100 rd 0111011', 'rd,rs1,rs2'],
      ['divuw', '0000001 rs2 rs1 101 rd 0111011', 'rd,rs1,rs2'],
      ['remw', '0000001 rs2 rs1 110 rd 0111011', 'rd,rs1,rs2'],
      ['remuw', '0000001 rs2 rs1 111 rd 0111011', 'rd,rs1,rs2'],
    ],
    64,
  ),
];
