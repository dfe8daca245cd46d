/** RV32I and RV64I. RISC-V Unprivileged ISA, chapters "RV32I Base Integer Instruction Set" and "RV64I". */
import { type Encoding, table } from '../encoding.ts';

export const base: readonly Encoding[] = [
  ...table(
    [],
    [
      ['lui', 'imm[31:12] rd 0110111', 'rd,imm20'],
      ['auipc', 'imm[31:12] rd 0010111', 'rd,imm20'],
      ['jal', 'imm[20|10:1|11|19:12] rd 1101111', 'rd,target'],
      ['jalr', 'imm[11:0] rs1 000 rd 1100111', 'rd,imm(rs1)'],

      ['beq', 'imm[12|10:5] rs2 rs1 000 imm[4:1|11] 1100011', 'rs1,rs2,target'],
      ['bne', 'imm[12|10:5] rs2 rs1 001 imm[4:1|11] 1100011', 'rs1,rs2,target'],
      ['blt', 'imm[12|10:5] rs2 rs1 100 imm[4:1|11] 1100011', 'rs1,rs2,target'],
      ['bge', 'imm[12|10:5] rs2 rs1 101 imm[4:1|11] 1100011', 'rs1,rs2,target'],
      ['bltu', 'imm[12|10:5] rs2 rs1 110 imm[4:1|11] 1100011', 'rs1,rs2,target'],
      ['bgeu', 'imm[12|10:5] rs2 rs1 111 imm[4:1|11] 1100011', 'rs1,rs2,target'],

      ['lb', 'imm[11:0] rs1 000 rd 0000011', 'rd,imm(rs1)'],
      ['lh', 'imm[11:0] rs1 001 rd 0000011', 'rd,imm(rs1)'],
      ['lw', 'imm[11:0] rs1 010 rd 0000011', 'rd,imm(rs1)'],
      ['lbu', 'imm[11:0] rs1 100 rd 0000011', 'rd,imm(rs1)'],
      ['lhu', 'imm[11:0] rs1 101 rd 0000011', 'rd,imm(rs1)'],
      ['sb', 'imm[11:5] rs2 rs1 000 imm[4:0] 0100011', 'rs2,imm(rs1)'],
      ['sh', 'imm[11:5] rs2 rs1 001 imm[4:0] 0100011', 'rs2,imm(rs1)'],
      ['sw', 'imm[11:5] rs2 rs1 010 imm[4:0] 0100011', 'rs2,imm(rs1)'],

      ['addi', 'imm[11:0] rs1 000 rd 0010011', 'rd,rs1,imm'],
      ['slti', 'imm[11:0] rs1 010 rd 0010011', 'rd,rs1,imm'],
      ['sltiu', 'imm[11:0] rs1 011 rd 0010011', 'rd,rs1,imm'],
      ['xori', 'imm[11:0] rs1 100 rd 0010011', 'rd,rs1,imm'],
      ['ori', 'imm[11:0] rs1 110 rd 0010011', 'rd,rs1,imm'],
      ['andi', 'imm[11:0] rs1 111 rd 0010011', 'rd,rs1,imm'],

      ['add', '0000000 rs2 rs1 000 rd 0110011', 'rd,rs1,rs2'],
      ['sub', '0100000 rs2 rs1 000 rd 0110011', 'rd,rs1,rs2'],
      ['sll', '0000000 rs2 rs1 001 rd 0110011', 'rd,rs1,rs2'],
      ['slt', '0000000 rs2 rs1 010 rd 0110011', 'rd,rs1,rs2'],
      ['sltu', '0000000 rs2 rs1 011 rd 0110011', 'rd,rs1,rs2'],
      ['xor', '0000000 rs2 rs1 100 rd 0110011', 'rd,rs1,rs2'],
      ['srl', '0000000 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['sra', '0100000 rs2 rs1 101 rd 0110011', 'rd,rs1,rs2'],
      ['or', '0000000 rs2 rs1 110 rd 0110011', 'rd,rs1,rs2'],
      ['and', '0000000 rs2 rs1 111 rd 0110011', 'rd,rs1,rs2'],

      ['pause', '0000 0001 0000 00000 000 00000 0001111', ''],
      // Reserved modes and registers of fence must be ignored, so every such word is some fence.
      ['fence', 'uimm[11:0] ----- 000 ----- 0001111', 'order'],
      ['fence.tso', '1000 0011 0011 ----- 000 ----- 0001111'],
      ['ecall', '000000000000 00000 000 00000 1110011'],
      ['ebreak', '000000000001 00000 000 00000 1110011'],
    ],
  ),

  ...table(
    [],
    [
      ['slli', '0000000 uimm[4:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['srli', '0000000 uimm[4:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['srai', '0100000 uimm[4:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
    ],
    32,
  ),

  ...table(
    [],
    [
      ['slli', '000000 uimm[5:0] rs1 001 rd 0010011', 'rd,rs1,shamt'],
      ['srli', '000000 uimm[5:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],
      ['srai', '010000 uimm[5:0] rs1 101 rd 0010011', 'rd,rs1,shamt'],

      ['lwu', 'imm[11:0] rs1 110 rd 0000011', 'rd,imm(rs1)'],
      ['ld', 'imm[11:0] rs1 011 rd 0000011', 'rd,imm(rs1)'],
      ['sd', 'imm[11:5] rs2 rs1 011 imm[4:0] 0100011', 'rs2,imm(rs1)'],

      ['addiw', 'imm[11:0] rs1 000 rd 0011011', 'rd,rs1,imm'],
      ['slliw', '0000000 uimm[4:0] rs1 001 rd 0011011', 'rd,rs1,shamt'],
      ['srliw', '0000000 uimm[4:0] rs1 101 rd 0011011', 'rd,rs1,shamt'],
      ['sraiw', '0100000 uimm[4:0] rs1 101 rd 0011011', 'rd,rs1,shamt'],
      ['addw', '0000000 rs2 rs1 000 rd 0111011', 'rd,rs1,rs2'],
      ['subw', '0100000 rs2 rs1 000 rd 0111011', 'rd,rs1,rs2'],
      ['sllw', '0000000 rs2 rs1 001 rd 0111011', 'rd,rs1,rs2'],
      ['srlw', '0000000 rs2 rs1 101 rd 0111011', 'rd,rs1,rs2'],
      ['sraw', '0100000 rs2 rs1 101 rd 0111011', 'rd,rs1,rs2'],
    ],
    64,
  ),
];
