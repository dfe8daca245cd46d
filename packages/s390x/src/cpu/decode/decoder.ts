/** Finds the table row of an instruction by its operation code. */
import { Fields, FORMATS, type Format, type InsnWords } from './formats.ts';
import { BASE } from './tables/base.ts';
import { FLOAT } from './tables/float.ts';
import { VECTOR } from './tables/vector.ts';

/** A row of the decoder tables. */
export interface Encoding {
  readonly mnemonic: string;
  /** Its place among the rows of its table, and of `ENCODINGS`. */
  readonly number: number;
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
    .map((line, number) => {
      const [mnemonic = '', opcode = '', name = '', operands] = line.split(' ');
      const format = FORMATS.get(name);
      if (format === undefined) throw new Error(`no instruction format ${name}: ${line}`);
      return { mnemonic, number, opcode, format, operands: operands === '-' ? '' : (operands ?? format.operands) };
    });
}

/** Every instruction that there is a row for. */
export const ENCODINGS: readonly Encoding[] = parseTable([BASE, FLOAT, VECTOR].join('\n'));

/** Where the rest of the operation code is, by the first byte. */
const NOWHERE = 0;
const SECOND_BYTE = 1;
const SECOND_NIBBLE = 2;
const LAST_BYTE = 3;
const restOf = new Uint8Array(256).fill(NOWHERE);
for (const byte of [0x01, 0xb2, 0xb3, 0xb9, 0xe5]) restOf[byte] = SECOND_BYTE;
for (const byte of [0xa5, 0xa7, 0xc0, 0xc2, 0xc4, 0xc6, 0xc8, 0xcc]) restOf[byte] = SECOND_NIBBLE;
for (const byte of [0xe3, 0xe6, 0xe7, 0xeb, 0xec, 0xed]) restOf[byte] = LAST_BYTE;

/** Numbers of the rows and one more, by the first byte and the rest of the operation code; 0 where there is none. */
const byOpcode = new Uint16Array(2 ** 16);
for (const encoding of ENCODINGS) {
  const { opcode } = encoding;
  const first = Number.parseInt(opcode.slice(0, 2), 16);
  const rest = opcode.length > 2 ? Number.parseInt(opcode.slice(2), 16) : 0;
  const key = (first << 8) | rest;
  if (byOpcode[key] !== 0) throw new Error(`operation code ${opcode} is twice in the tables`);
  byOpcode[key] = encoding.number + 1;
}

/** Bytes of the instruction that begins with a halfword. */
export function instructionLength(halfword: number): 2 | 4 | 6 {
  const top = halfword >>> 14;
  return top === 0 ? 2 : top === 3 ? 6 : 4;
}

/** The row of an instruction, or undefined where the operation code is not assigned or not known here. */
export function findEncoding(w: InsnWords): Encoding | undefined {
  const first = w.a >>> 8;
  const where = restOf[first];
  const rest = where === NOWHERE ? 0 : where === LAST_BYTE ? w.c & 255 : w.a & (where === SECOND_BYTE ? 255 : 15);
  return ENCODINGS[(byOpcode[(first << 8) | rest] ?? 0) - 1];
}

/** The operands of an instruction of a row. */
export function fieldsOf(encoding: Encoding, w: InsnWords): Fields {
  const fields = new Fields();
  encoding.format.fill(fields, w);
  return fields;
}
