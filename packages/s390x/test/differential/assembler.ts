/** Encodes instructions with the decoder's own tables. */
import { ENCODINGS, type Encoding } from '../../src/cpu/decode/decoder.ts';

/** Values of the fields of an instruction by the nibbles that they take; what is not given is 0. */
export type Operands = Readonly<Record<string, number>>;

const byName = new Map(ENCODINGS.map((encoding) => [encoding.mnemonic, encoding]));

export function encodingOf(mnemonic: string): Encoding {
  const found = byName.get(mnemonic);
  if (found === undefined) throw new Error(`no instruction ${mnemonic}`);
  return found;
}

/** Bytes of an instruction: the operation code, and the nibbles between it as given from the left, `-` for 0. */
export function assemble(mnemonic: string, nibbles: string): number[] {
  const { opcode, format } = encodingOf(mnemonic);
  const digits = nibbles.replaceAll(' ', '').replaceAll('-', '0');
  return place(opcode, format.length, digits);
}

/** Where the digits of the operation code are; the others are operands. */
export function opcodePlaces(opcode: string, length: number): readonly number[] {
  const first = opcode.slice(0, 2);
  if (opcode.length === 2) return [0, 1];
  if (opcode.length === 3) return [0, 1, 3];
  return /^(e[367]|e[bcd])$/.test(first) ? [0, 1, length * 2 - 2, length * 2 - 1] : [0, 1, 2, 3];
}

function place(opcode: string, length: number, digits: string): number[] {
  const places = opcodePlaces(opcode, length);
  const free = length * 2 - places.length;
  if (digits.length !== free) throw new Error(`${opcode} has ${free} digits of operands, not '${digits}'`);
  const all: string[] = [];
  let next = 0;
  for (let n = 0; n < length * 2; n++) {
    const at = places.indexOf(n);
    all.push(at >= 0 ? (opcode[at] ?? '0') : (digits[next++] ?? '0'));
  }
  const text = all.join('');
  return Array.from({ length }, (_, n) => Number.parseInt(text.slice(n * 2, n * 2 + 2), 16));
}
