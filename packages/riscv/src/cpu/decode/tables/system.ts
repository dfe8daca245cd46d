/**
 * Zicsr, Zifencei and the privileged instructions. RISC-V Unprivileged ISA, "Zicsr", "Zifencei";
 * Privileged ISA, "RISC-V Privileged Instruction Set Listings".
 */
import { type Encoding, table } from '../encoding.ts';

export const system: readonly Encoding[] = [
  ...table(
    [],
    [
      ['csrrw', 'csr rs1 001 rd 1110011', 'rd,csr,rs1'],
      ['csrrs', 'csr rs1 010 rd 1110011', 'rd,csr,rs1'],
      ['csrrc', 'csr rs1 011 rd 1110011', 'rd,csr,rs1'],
      ['csrrwi', 'csr uimm[4:0] 101 rd 1110011', 'rd,csr,imm'],
      ['csrrsi', 'csr uimm[4:0] 110 rd 1110011', 'rd,csr,imm'],
      ['csrrci', 'csr uimm[4:0] 111 rd 1110011', 'rd,csr,imm'],
    ],
  ),
  ...table(['zifencei'], [['fence.i', '------------ ----- 001 ----- 0001111']]),
  ...table(
    [],
    [
      ['mret', '0011000 00010 00000 000 00000 1110011'],
      ['wfi', '0001000 00101 00000 000 00000 1110011'],
    ],
  ),
  ...table(
    ['s'],
    [
      ['sret', '0001000 00010 00000 000 00000 1110011'],
      ['sfence.vma', '0001001 rs2 rs1 000 00000 1110011', 'rs1,rs2'],
    ],
  ),
];
