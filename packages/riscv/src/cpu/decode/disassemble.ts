/**
 * Text of an instruction, from the same tables that decode it. The style is objdump's: pseudo-instructions where they apply,
 * ABI register names, branch targets as addresses.
 *
 * Operand languages of the tables: `rd rs1 rs2 rs3` integer registers, `fd fs1 fs2 fs3` floating-point registers, `imm` decimal,
 * `imm20` the upper 20 bits, `shamt` a shift amount, `imm(rs1)` and `(rs1)` memory, `target` pc + imm, `csr`, `order` the sets
 * of a fence, `rm` and `exact` a rounding mode that is left out when it is dynamic, or cannot matter.
 */
import { EXTENSIONS, type Extension } from '../models.ts';
import { CSR_NAMES } from './csr-names.ts';
import { Decoder, type Instruction } from './decoder.ts';
import type { Xlen } from './encoding.ts';
import type { Fields } from './pattern.ts';
import { findPseudo } from './pseudo.ts';
import { F_NAMES, X_NAMES } from './registers.ts';

const ROUNDING_MODES = ['rne', 'rtz', 'rdn', 'rup', 'rmm', 'unknown', 'unknown', 'dyn'];
const ORDERINGS = ['', '.rl', '.aq', '.aqrl'];
const MNEMONIC_WIDTH = 8;

const xName = (n: number): string => X_NAMES[n] ?? '?';
const fName = (n: number): string => F_NAMES[n] ?? '?';
const hex = (n: number | bigint): string => `0x${n.toString(16)}`;

/** The letters of a fence's predecessor or successor set. */
function fenceSet(bits: number): string {
  const letters = [...'iorw'].filter((_, index) => (bits & (8 >>> index)) !== 0);
  return letters.join('') || 'unknown';
}

const OPERANDS: Readonly<Record<string, (f: Fields, pc: bigint, xlen: Xlen) => string | undefined>> = {
  rd: (f) => xName(f.rd),
  rs1: (f) => xName(f.rs1),
  rs2: (f) => xName(f.rs2),
  fd: (f) => fName(f.rd),
  fs1: (f) => fName(f.rs1),
  fs2: (f) => fName(f.rs2),
  fs3: (f) => fName(f.rs3),
  imm: (f) => String(f.imm),
  imm20: (f) => hex(f.imm >>> 12),
  shamt: (f) => hex(f.imm),
  'imm(rs1)': (f) => `${f.imm}(${xName(f.rs1)})`,
  '(rs1)': (f) => `(${xName(f.rs1)})`,
  target: (f, pc, xlen) => hex(BigInt.asUintN(xlen, pc + BigInt(f.imm))),
  csr: (f) => CSR_NAMES.get(f.csr) ?? hex(f.csr),
  order: (f) => `${fenceSet((f.imm >>> 4) & 15)},${fenceSet(f.imm & 15)}`,
  rm: (f) => (f.rm === 7 ? undefined : ROUNDING_MODES[f.rm]),
  exact: (f) => (f.rm === 0 ? undefined : ROUNDING_MODES[f.rm]),
};

function formatOperands(operands: string, fields: Fields, pc: bigint, xlen: Xlen): string {
  if (operands === '') return '';
  return operands
    .split(',')
    .map((operand) => OPERANDS[operand]?.(fields, pc, xlen))
    .filter((text) => text !== undefined)
    .join(',');
}

/** Text of a decoded instruction at `pc`. */
export function formatInstruction({ mnemonic, fields, encoding }: Instruction, pc: bigint, xlen: Xlen): string {
  const pseudo = findPseudo(mnemonic, fields);
  const name = pseudo?.name ?? mnemonic + (ORDERINGS[fields.aqrl] ?? '');
  const operands = formatOperands((pseudo ?? encoding).operands, fields, pc, xlen);
  return operands === '' ? name : `${name.padEnd(MNEMONIC_WIDTH - 1)} ${operands}`;
}

let everything: Decoder | undefined;

/** RV64 with every extension. */
function defaultDecoder(): Decoder {
  everything ??= new Decoder({ xlen: 64, extensions: new Set(Object.keys(EXTENSIONS) as Extension[]) });
  return everything;
}

/**
 * Text of an instruction word, e.g. `addi    a0,a0,1`; a word that is no instruction gives `.2byte` or `.4byte` and its bits.
 *
 * @param pc address of the instruction, for branch targets
 * @param decoder the CPU model's; by default RV64 with every extension
 */
export function disassemble(word: number, pc: bigint, decoder: Decoder = defaultDecoder()): string {
  const instruction = decoder.decode(word);
  if (instruction) return formatInstruction(instruction, pc, decoder.xlen);
  return (word & 3) === 3 ? `.4byte  ${hex(word >>> 0)}` : `.2byte  ${hex(word & 0xffff)}`;
}
