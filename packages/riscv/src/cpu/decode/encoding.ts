/**
 * Rows of the decoder tables and the small language in which a row refers to another instruction:
 * `addi rd=2 rs1=2` is addi with two operands fixed (compressed encodings and pseudo-instructions).
 */
import type { Extension } from '../models.ts';
import type { FieldName, Fields } from './pattern.ts';

export type Xlen = 32 | 64;

/** One row: an instruction's name, its bits and how its operands are written. */
export interface Encoding {
  readonly mnemonic: string;
  /** Bits in the language of `pattern.ts`. */
  readonly pattern: string;
  /** Operands in assembler order, in the language of `disassemble.ts`; empty for compressed forms, which print as what they expand to. */
  readonly operands: string;
  /** All of these must be present; I and Zicsr always are. */
  readonly requires: readonly Extension[];
  /** Present only at this register width. */
  readonly xlen?: Xlen;
  /** Compressed forms: the instruction that this one is short for. */
  readonly expands?: Reference;
}

/** An instruction with some operands fixed. */
export interface Reference {
  readonly mnemonic: string;
  readonly fixed: Partial<Fields>;
}

type Row = readonly [mnemonic: string, pattern: string, operands?: string];

export function table(requires: readonly Extension[], rows: readonly Row[], xlen?: Xlen): readonly Encoding[] {
  return rows.map(([mnemonic, pattern, operands = '']) => ({
    mnemonic,
    pattern,
    operands,
    requires,
    ...(xlen === undefined ? {} : { xlen }),
  }));
}

/** Compressed rows: the third part is a reference to the instruction meant. */
export function compressedTable(
  requires: readonly Extension[],
  rows: readonly (readonly [mnemonic: string, pattern: string, expands: string])[],
  xlen?: Xlen,
): readonly Encoding[] {
  const encodings = table(
    requires,
    rows.map(([mnemonic, pattern]) => [mnemonic, pattern]),
    xlen,
  );
  return encodings.map((encoding, index) => ({ ...encoding, expands: parseReference(rows[index]?.[2] ?? '') }));
}

/** @throws Error when the text is not `mnemonic field=number ...` */
export function parseReference(text: string): Reference {
  const [mnemonic = '', ...assignments] = text.split(' ');
  const fixed: Partial<Record<FieldName, number>> = {};
  for (const assignment of assignments) {
    const [, name, value] = /^(rd|rs1|rs2|rs3|imm|csr|rm|aqrl)=(-?\w+)$/.exec(assignment) ?? [];
    if (name === undefined) throw new Error(`bad reference '${text}'`);
    fixed[name as FieldName] = Number(value);
  }
  return { mnemonic, fixed };
}
