/**
 * C: sixteen-bit encodings, each short for a 32-bit instruction. RISC-V Unprivileged ISA, chapter "C", with its
 * "RVC Instruction Set Listings". Encodings marked HINT there do what their expansion does (nothing); those marked RES stay illegal.
 */
import { compressedTable, type Encoding } from '../encoding.ts';

const common: readonly Encoding[] = compressedTable(
  ['c'],
  [
    ['c.addi4spn', "000 nzuimm[5:4|9:6|2|3] rd' 00", 'addi rs1=2'],
    ['c.lw', "010 uimm[5:3] rs1' uimm[2|6] rd' 00", 'lw'],
    ['c.sw', "110 uimm[5:3] rs1' uimm[2|6] rs2' 00", 'sw'],

    ['c.addi', '000 imm[5] rd/rs1 imm[4:0] 01', 'addi'],
    ['c.li', '010 imm[5] rd imm[4:0] 01', 'addi rs1=0'],
    ['c.addi16sp', '011 nzimm[9] 00010 nzimm[4|6|8:7|5] 01', 'addi rd=2 rs1=2'],
    ['c.lui', '011 nzimm[17] rd!=2 nzimm[16:12] 01', 'lui'],
    ['c.andi', "100 imm[5] 10 rd'/rs1' imm[4:0] 01", 'andi'],
    ['c.sub', "100 0 11 rd'/rs1' 00 rs2' 01", 'sub'],
    ['c.xor', "100 0 11 rd'/rs1' 01 rs2' 01", 'xor'],
    ['c.or', "100 0 11 rd'/rs1' 10 rs2' 01", 'or'],
    ['c.and', "100 0 11 rd'/rs1' 11 rs2' 01", 'and'],
    ['c.j', '101 imm[11|4|9:8|10|6|7|3:1|5] 01', 'jal rd=0'],
    ['c.beqz', "110 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", 'beq rs2=0'],
    ['c.bnez', "111 imm[8|4:3] rs1' imm[7:6|2:1|5] 01", 'bne rs2=0'],

    ['c.lwsp', '010 uimm[5] rd!=0 uimm[4:2|7:6] 10', 'lw rs1=2'],
    ['c.jr', '100 0 rs1!=0 00000 10', 'jalr rd=0'],
    ['c.mv', '100 0 rd rs2!=0 10', 'add rs1=0'],
    ['c.ebreak', '100 1 00000 00000 10', 'ebreak'],
    ['c.jalr', '100 1 rs1!=0 00000 10', 'jalr rd=1'],
    ['c.add', '100 1 rd/rs1 rs2!=0 10', 'add'],
    ['c.swsp', '110 uimm[5:2|7:6] rs2 10', 'sw rs1=2'],
  ],
);

const rv32: readonly Encoding[] = compressedTable(
  ['c'],
  [
    ['c.jal', '001 imm[11|4|9:8|10|6|7|3:1|5] 01', 'jal rd=1'],
    ['c.srli', "100 0 00 rd'/rs1' uimm[4:0] 01", 'srli'],
    ['c.srai', "100 0 01 rd'/rs1' uimm[4:0] 01", 'srai'],
    ['c.slli', '000 0 rd/rs1 uimm[4:0] 10', 'slli'],
  ],
  32,
);

const rv64: readonly Encoding[] = compressedTable(
  ['c'],
  [
    ['c.ld', "011 uimm[5:3] rs1' uimm[7:6] rd' 00", 'ld'],
    ['c.sd', "111 uimm[5:3] rs1' uimm[7:6] rs2' 00", 'sd'],
    ['c.addiw', '001 imm[5] rd/rs1!=0 imm[4:0] 01', 'addiw'],
    ['c.srli', "100 uimm[5] 00 rd'/rs1' uimm[4:0] 01", 'srli'],
    ['c.srai', "100 uimm[5] 01 rd'/rs1' uimm[4:0] 01", 'srai'],
    ['c.subw', "100 1 11 rd'/rs1' 00 rs2' 01", 'subw'],
    ['c.addw', "100 1 11 rd'/rs1' 01 rs2' 01", 'addw'],
    ['c.slli', '000 uimm[5] rd/rs1 uimm[4:0] 10', 'slli'],
    ['c.ldsp', '011 uimm[5] rd!=0 uimm[4:3|8:6] 10', 'ld rs1=2'],
    ['c.sdsp', '111 uimm[5:3|8:6] rs2 10', 'sd rs1=2'],
  ],
  64,
);

const double: readonly Encoding[] = compressedTable(
  ['c', 'd'],
  [
    ['c.fld', "001 uimm[5:3] rs1' uimm[7:6] rd' 00", 'fld'],
    ['c.fsd', "101 uimm[5:3] rs1' uimm[7:6] rs2' 00", 'fsd'],
    ['c.fldsp', '001 uimm[5] rd uimm[4:3|8:6] 10', 'fld rs1=2'],
    ['c.fsdsp', '101 uimm[5:3|8:6] rs2 10', 'fsd rs1=2'],
  ],
);

const single: readonly Encoding[] = compressedTable(
  ['c', 'f'],
  [
    ['c.flw', "011 uimm[5:3] rs1' uimm[2|6] rd' 00", 'flw'],
    ['c.fsw', "111 uimm[5:3] rs1' uimm[2|6] rs2' 00", 'fsw'],
    ['c.flwsp', '011 uimm[5] rd uimm[4:2|7:6] 10', 'flw rs1=2'],
    ['c.fswsp', '111 uimm[5:2|7:6] rs2 10', 'fsw rs1=2'],
  ],
  32,
);

export const compressed: readonly Encoding[] = [...common, ...rv32, ...rv64, ...double, ...single];
