/**
 * Pseudo-instructions: what assembly calls an instruction with particular operands. RISC-V Assembly Programmer's Manual,
 * "pseudoinstructions", and the Unprivileged ISA's lists for fcsr and counters. The first line that fits is used.
 */
import { parseReference, type Reference } from './encoding.ts';
import type { Fields } from './pattern.ts';

export interface PseudoInstruction {
  readonly name: string;
  readonly operands: string;
  readonly reference: Reference;
  /** Operands that must be the same register. */
  readonly same?: readonly [keyof Fields, keyof Fields];
}

const ROWS: readonly (readonly [name: string, reference: string, operands?: string])[] = [
  ['nop', 'addi rd=0 rs1=0 imm=0'],
  ['li', 'addi rs1=0', 'rd,imm'],
  ['mv', 'addi imm=0', 'rd,rs1'],
  ['mv', 'add rs1=0', 'rd,rs2'],
  ['not', 'xori imm=-1', 'rd,rs1'],
  ['zext.b', 'andi imm=255', 'rd,rs1'],
  ['seqz', 'sltiu imm=1', 'rd,rs1'],
  ['neg', 'sub rs1=0', 'rd,rs2'],
  ['snez', 'sltu rs1=0', 'rd,rs2'],
  ['sltz', 'slt rs2=0', 'rd,rs1'],
  ['sgtz', 'slt rs1=0', 'rd,rs2'],
  ['sext.w', 'addiw imm=0', 'rd,rs1'],
  ['negw', 'subw rs1=0', 'rd,rs2'],
  ['zext.w', 'add.uw rs2=0', 'rd,rs1'],

  ['j', 'jal rd=0', 'target'],
  ['jal', 'jal rd=1', 'target'],
  ['ret', 'jalr rd=0 rs1=1 imm=0'],
  ['jr', 'jalr rd=0 imm=0', 'rs1'],
  ['jr', 'jalr rd=0', 'imm(rs1)'],
  ['jalr', 'jalr rd=1 imm=0', 'rs1'],
  ['jalr', 'jalr rd=1', 'imm(rs1)'],

  ['beqz', 'beq rs2=0', 'rs1,target'],
  ['bnez', 'bne rs2=0', 'rs1,target'],
  ['blez', 'bge rs1=0', 'rs2,target'],
  ['bgez', 'bge rs2=0', 'rs1,target'],
  ['bltz', 'blt rs2=0', 'rs1,target'],
  ['bgtz', 'blt rs1=0', 'rs2,target'],

  ['unimp', 'csrrw rd=0 csr=0xc00 rs1=0'],
  ['rdcycle', 'csrrs csr=0xc00 rs1=0', 'rd'],
  ['rdtime', 'csrrs csr=0xc01 rs1=0', 'rd'],
  ['rdinstret', 'csrrs csr=0xc02 rs1=0', 'rd'],
  ['frflags', 'csrrs csr=1 rs1=0', 'rd'],
  ['frrm', 'csrrs csr=2 rs1=0', 'rd'],
  ['frcsr', 'csrrs csr=3 rs1=0', 'rd'],
  ['fsflags', 'csrrw csr=1 rd=0', 'rs1'],
  ['fsflags', 'csrrw csr=1', 'rd,rs1'],
  ['fsrm', 'csrrw csr=2 rd=0', 'rs1'],
  ['fsrm', 'csrrw csr=2', 'rd,rs1'],
  ['fscsr', 'csrrw csr=3 rd=0', 'rs1'],
  ['fscsr', 'csrrw csr=3', 'rd,rs1'],
  ['fsflagsi', 'csrrwi csr=1 rd=0', 'imm'],
  ['fsflagsi', 'csrrwi csr=1', 'rd,imm'],
  ['fsrmi', 'csrrwi csr=2 rd=0', 'imm'],
  ['fsrmi', 'csrrwi csr=2', 'rd,imm'],
  ['csrr', 'csrrs rs1=0', 'rd,csr'],
  ['csrw', 'csrrw rd=0', 'csr,rs1'],
  ['csrs', 'csrrs rd=0', 'csr,rs1'],
  ['csrc', 'csrrc rd=0', 'csr,rs1'],
  ['csrwi', 'csrrwi rd=0', 'csr,imm'],
  ['csrsi', 'csrrsi rd=0', 'csr,imm'],
  ['csrci', 'csrrci rd=0', 'csr,imm'],

  ['fence', 'fence imm=0x0ff'],
  ['sfence.vma', 'sfence.vma rs1=0 rs2=0'],
  ['sfence.vma', 'sfence.vma rs2=0', 'rs1'],
];

/** Pseudo-instructions that repeat a source register. */
const SAME_SOURCE_ROWS: readonly (readonly [name: string, mnemonic: string])[] = [
  ['fmv.s', 'fsgnj.s'],
  ['fneg.s', 'fsgnjn.s'],
  ['fabs.s', 'fsgnjx.s'],
  ['fmv.d', 'fsgnj.d'],
  ['fneg.d', 'fsgnjn.d'],
  ['fabs.d', 'fsgnjx.d'],
];

function byMnemonic(): ReadonlyMap<string, readonly PseudoInstruction[]> {
  const all: PseudoInstruction[] = [
    ...ROWS.map(([name, text, operands = '']) => ({ name, operands, reference: parseReference(text) })),
    ...SAME_SOURCE_ROWS.map(([name, mnemonic]) => ({
      name,
      operands: 'fd,fs1',
      reference: { mnemonic, fixed: {} },
      same: ['rs1', 'rs2'] as const,
    })),
  ];
  const map = new Map<string, PseudoInstruction[]>();
  for (const pseudo of all) {
    const list = map.get(pseudo.reference.mnemonic) ?? [];
    list.push(pseudo);
    map.set(pseudo.reference.mnemonic, list);
  }
  return map;
}

const PSEUDO_INSTRUCTIONS = byMnemonic();

/** The pseudo-instruction that an instruction with these operands is written as, if any. */
export function findPseudo(mnemonic: string, fields: Fields): PseudoInstruction | undefined {
  return PSEUDO_INSTRUCTIONS.get(mnemonic)?.find(
    ({ reference, same }) =>
      Object.entries(reference.fixed).every(([name, value]) => fields[name as keyof Fields] === value) &&
      (!same || fields[same[0]] === fields[same[1]]),
  );
}
