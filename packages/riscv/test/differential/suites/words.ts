/** Cases for single instruction words: what each kind of instruction needs so that it does something worth comparing. */

import { interestingDouble, interestingSingle, type Random } from '@boardwalk/testing';
import { Decoder, type Instruction } from '../../../src/cpu/decode/decoder.ts';
import { Pattern } from '../../../src/cpu/decode/pattern.ts';
import { encodings } from '../../../src/cpu/decode/tables/index.ts';
import { EXTENSIONS, type Extension } from '../../../src/cpu/models.ts';
import { anyPrivilege, jumpsIntoItself, mstatusFor, type Program } from '../program.ts';
import { scratchAddress } from './addresses.ts';

export const decoder = new Decoder({ xlen: 64, extensions: new Set(Object.keys(EXTENSIONS) as Extension[]) });

/** A row of the tables with its bits. */
export interface Form {
  readonly mnemonic: string;
  readonly pattern: Pattern;
}

/** Every RV64 encoding, compressed ones under their own names. */
export const forms: readonly Form[] = encodings
  .filter(({ xlen = 64 }) => xlen === 64)
  .map(({ mnemonic, pattern, expands }) => ({ mnemonic, pattern: new Pattern(pattern, expands?.fixed) }));

/** What an instruction does that a case must prepare for. */
export type Kind = 'compute' | 'memory' | 'jump' | 'system';

const SYSTEM = /^(csr|ecall|ebreak|mret|sret|wfi|sfence)/;

export function kindOf({ mnemonic, encoding }: Instruction): Kind {
  if (SYSTEM.test(mnemonic)) return 'system';
  if (mnemonic === 'jalr' || encoding.operands.includes('target')) return 'jump';
  return encoding.operands.includes('(rs1)') ? 'memory' : 'compute';
}

/** A word of a form whose other bits are random; conditions of the form hold. */
export function randomWord(random: Random, { pattern }: Form): number {
  for (;;) {
    const mask = pattern.length === 2 ? 0xffff : 0xffff_ffff;
    const word = (((random.u32() & ~pattern.mask) | pattern.match) & mask) >>> 0;
    if (pattern.extract(word)) return word;
  }
}

/** Registers that make the instruction's operands interesting and its addresses harmless. */
function registersFor(program: Program, { mnemonic, fields, encoding }: Instruction, kind: Kind) {
  const { random } = program;
  const x: Record<number, bigint> = {};
  const f: Record<number, bigint> = {};
  const single = /\.s(\.|$)/.test(mnemonic);
  for (const [operand, n] of [
    ['fs1', fields.rs1],
    ['fs2', fields.rs2],
    ['fs3', fields.rs3],
  ] as const) {
    if (!encoding.operands.includes(operand)) continue;
    const source = /^fcvt\.s\.d/.test(mnemonic) ? false : /^fcvt\.d\.s/.test(mnemonic) || single;
    f[n] = source ? interestingSingle(random) : interestingDouble(random);
  }
  // Comparisons and additions of equals are worth having.
  if (encoding.operands.includes('rs2') && random.oneIn(6)) x[fields.rs2] = x[fields.rs1] = program.integer();
  if (encoding.operands.includes('fs2') && random.oneIn(10)) f[fields.rs2] = f[fields.rs1] ?? 0n;
  if (kind === 'memory') x[fields.rs1] = BigInt(scratchAddress(random) - fields.imm);
  if (mnemonic === 'jalr') x[fields.rs1] = BigInt(program.emptyPlace() - fields.imm);
  return { x, f };
}

/** Adds a case that runs the instruction at an address with operands of its kind, in any mode. */
export function addWordCase(program: Program, group: string, at: number, instruction: Instruction): void {
  const { random } = program;
  const { x, f } = registersFor(program, instruction, kindOf(instruction));
  const mode = anyPrivilege(random);
  const rounding = random.oneIn(12) ? 5 + random.below(3) : random.below(5);
  const flags = random.oneIn(2) ? 0 : random.below(32);
  const fs = BigInt(random.oneIn(40) ? 0 : 1 + random.below(3));
  program.add({
    group,
    pc: at,
    mstatus: (mstatusFor(mode) & ~0x6000n) | (fs << 13n),
    fcsr: (rounding << 5) | flags,
    x,
    f,
  });
}

/** Places a random word of the form, with what it means; undefined for forms that need a suite of their own. */
function placeForm(program: Program, form: Form): { at: number; instruction: Instruction } | undefined {
  for (;;) {
    const word = randomWord(program.random, form);
    const instruction = decoder.decode(word);
    if (instruction === undefined || kindOf(instruction) === 'system') return undefined;
    if (!instruction.encoding.operands.includes('target')) return { at: program.place(word), instruction };
    const offset = instruction.fields.imm;
    if (!jumpsIntoItself(word, offset)) return { at: program.placeJump(word, offset), instruction };
  }
}

const VALUES_PER_WORD = 6;

/** Cases of these forms, in turn, until there are `cases`. */
export function addForms(program: Program, chosen: readonly Form[], cases: number): void {
  const end = program.cases.length + cases;
  while (program.cases.length < end) {
    for (const form of chosen) {
      const placed = placeForm(program, form);
      for (let n = 0; placed && n < VALUES_PER_WORD && !program.full; n++) {
        addWordCase(program, form.mnemonic, placed.at, placed.instruction);
      }
      if (program.full || program.cases.length >= end) return;
    }
  }
}
