/** Finds the table row of an instruction by its operation code. */
import { Fields, FORMATS, type Format, type InsnWords } from './formats.ts';
import { BASE } from './tables/base.ts';
import { FLOAT } from './tables/float.ts';
import { VECTOR } from './tables/vector.ts';

/** A row of the decoder tables. */
export interface Encoding {
  readonly mnemonic: string;
  /** Operation code in hexadecimal: the first byte, then what tells instructions with the same first byte apart. */
  readonly opcode: string;
  readonly format: Format;
  /** Operands in assembler order, as `disassemble.ts` reads them. */
  readonly operands: string;
}

/** @throws Error for a line that is no row */
export function parseTable(text: string): Encoding[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [mnemonic = '', opcode = '', name = '', operands] = line.split(' ');
      const format = FORMATS.get(name);
      if (format === undefined) throw new Error(`no instruction format ${name}: ${line}`);
      return { mnemonic, opcode, format, operands: operands === '-' ? '' : (operands ?? format.operands) };
    });
}

/** Every instruction that there is a row for. */
export const ENCODINGS: readonly Encoding[] = [BASE, FLOAT, VECTOR].flatMap(parseTable);

/** Where the rest of the operation code is, by the first byte. */
const SECOND_BYTE = new Set([0x01, 0xb2, 0xb3, 0xb9, 0xe5]);
const SECOND_NIBBLE = new Set([0xa5, 0xa7, 0xc0, 0xc2, 0xc4, 0xc6, 0xc8, 0xcc]);
const LAST_BYTE = new Set([0xe3, 0xe6, 0xe7, 0xeb, 0xec, 0xed]);

const byOpcode = new Map<number, Encoding>();
for (const encoding of ENCODINGS) {
  const { opcode } = encoding;
  const first = Number.parseInt(opcode.slice(0, 2), 16);
  const rest = opcode.length > 2 ? Number.parseInt(opcode.slice(2), 16) : 0;
  const key = (first << 8) | rest;
  if (byOpcode.has(key)) throw new Error(`operation code ${opcode} is twice in the tables`);
  byOpcode.set(key, encoding);
}

/** Bytes of the instruction that begins with a halfword. */
export function instructionLength(halfword: number): 2 | 4 | 6 {
  const top = halfword >>> 14;
  return top === 0 ? 2 : top === 3 ? 6 : 4;
}

/** The row of an instruction, or undefined where the operation code is not assigned or not known here. */
export function findEncoding(w: InsnWords): Encoding | undefined {
  const first = w.a >>> 8;
  const rest = SECOND_BYTE.has(first)
    ? w.a & 255
    : SECOND_NIBBLE.has(first)
      ? w.a & 15
      : LAST_BYTE.has(first)
        ? w.c & 255
        : 0;
  return byOpcode.get((first << 8) | rest);
}

/** The operands of an instruction of a row. */
export function fieldsOf(encoding: Encoding, w: InsnWords): Fields {
  const fields = new Fields();
  encoding.format.fill(fields, w);
  return fields;
}
