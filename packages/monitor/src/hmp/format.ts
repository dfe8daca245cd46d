// Formats of `x`, `xp`, `print`, `i` and `o` (`/10xw`), and memory shown in them.
import { HmpSyntaxError } from './command.ts';

/** How a value is shown: hexadecimal, signed, unsigned, octal, character, instruction. */
export type FormatLetter = 'x' | 'd' | 'u' | 'o' | 'c' | 'i';

/** A format. What one command says stays for the next one that says less. */
export interface DisplayFormat {
  readonly count: number;
  readonly letter: FormatLetter;
  /** Bytes of a value. */
  readonly size: 1 | 2 | 4 | 8;
}

/** What a monitor begins with. */
export const DEFAULT_FORMAT: DisplayFormat = { count: 1, letter: 'x', size: 4 };

const SIZES: Readonly<Record<string, DisplayFormat['size']>> = { b: 1, h: 2, w: 4, l: 4, g: 8 };
const LETTERS = 'xduoci';
const MAX_COUNT = 0xffff_ffff;

/** Reads what follows the slash. @param last the format before @throws HmpSyntaxError */
export function parseFormat(text: string | undefined, last: DisplayFormat): DisplayFormat {
  const [, digits = '', letters = ''] = /^([0-9]*)(.*)$/s.exec(text ?? '') ?? [];
  let { letter, size } = last;
  for (const char of letters) {
    const bytes = SIZES[char];
    if (bytes !== undefined) size = bytes;
    else if (LETTERS.includes(char)) letter = char as FormatLetter;
    else throw new HmpSyntaxError(`invalid char in format: '${char}'`);
  }
  if (letter === 'c') size = 1;
  return { count: digits === '' ? 1 : Math.min(Number(digits), MAX_COUNT), letter, size };
}

/** A character as C would write it. */
function formatCharacter(value: bigint): string {
  if (value === 0x27n || value === 0x5cn) return `'\\${String.fromCharCode(Number(value))}'`;
  if (value === 10n) return "'\\n'";
  if (value === 13n) return "'\\r'";
  if (value >= 32n && value < 127n) return `'${String.fromCharCode(Number(value))}'`;
  return `'\\x${value.toString(16).padStart(2, '0')}'`;
}

/** One value alone, as `print` shows it. @param value 64 bits with a sign */
export function formatValue(value: bigint, letter: FormatLetter): string {
  const bits = BigInt.asUintN(64, value);
  switch (letter) {
    case 'o':
      return bits === 0n ? '0' : `0${bits.toString(8)}`;
    case 'x':
      return bits === 0n ? '0' : `0x${bits.toString(16)}`;
    case 'u':
      return bits.toString();
    case 'c':
      return formatCharacter(bits);
    default:
      return value.toString();
  }
}

/** A value in a column of memory. */
function formatCell(value: bigint, { letter, size }: DisplayFormat): string {
  const bits = 8 * size;
  const octalDigits = Math.floor((bits + 2) / 3);
  const decimalDigits = Math.floor((bits * 10 + 32) / 33);
  switch (letter) {
    case 'x':
      return `0x${value.toString(16).padStart(2 * size, '0')}`;
    case 'o':
      return (value === 0n ? '0' : `0${value.toString(8)}`).padStart(octalDigits);
    case 'c':
      return formatCharacter(value);
    default:
      return value.toString().padStart(decimalDigits);
  }
}

/** Reads memory. @returns false where there is none */
export type ReadMemory = (address: bigint, into: Uint8Array) => boolean;

/** Values that a dump shows; more would only fill the memory of the host. */
const MAX_BYTES = 1 << 24;

/** The lines of `x` and `xp`. @param littleEndian order of the bytes of values */
export function dumpMemory(read: ReadMemory, start: bigint, format: DisplayFormat, littleEndian: boolean): string {
  const { size } = format;
  const lineBytes = size === 1 ? 8 : 16;
  let text = '';
  for (let left = Math.min(format.count * size, MAX_BYTES), address = start; left > 0; ) {
    const bytes = new Uint8Array(Math.min(left, lineBytes));
    text += `${hex16(address)}:`;
    if (!read(BigInt.asUintN(64, address), bytes)) return `${text} Cannot access memory\n`;
    for (let at = 0; at + size <= bytes.length; at += size) {
      text += ` ${formatCell(readValue(bytes, at, size, littleEndian), format)}`;
    }
    text += '\n';
    left -= bytes.length;
    address += BigInt(bytes.length);
  }
  return text;
}

function readValue(bytes: Uint8Array, at: number, size: number, littleEndian: boolean): bigint {
  let value = 0n;
  for (let i = 0; i < size; i++) {
    value = (value << 8n) | BigInt(bytes[at + (littleEndian ? size - 1 - i : i)] ?? 0);
  }
  return value;
}

/** An address of 64 bits. */
export function hex16(address: bigint): string {
  return BigInt.asUintN(64, address).toString(16).padStart(16, '0');
}

/** Takes one instruction apart. */
export type Disassemble = (bytes: Uint8Array, pc: bigint) => { readonly text: string; readonly length: number };

/** No instruction of any architecture here is longer. */
const MAX_INSTRUCTION = 16;
/** Width of the column of instruction bytes. */
const CODE_WIDTH = 18;

/** The lines of `x/i`. */
export function dumpInstructions(
  read: ReadMemory,
  start: bigint,
  count: number,
  disassemble: Disassemble,
  littleEndian: boolean,
): string {
  let text = '';
  let address = start;
  for (let i = 0; i < Math.min(count, MAX_BYTES); i++) {
    const bytes = readAhead(read, address);
    const label = `0x${hex16(address)}:  `;
    if (bytes.length === 0) return `${text}${label}Cannot access memory\n`;
    const instruction = disassemble(bytes, address);
    const length = Math.max(1, Math.min(instruction.length, bytes.length));
    const code = readValue(bytes, 0, length, littleEndian)
      .toString(16)
      .padStart(2 * length, '0');
    text += `${label}${code.padEnd(CODE_WIDTH)}${instruction.text}\n`;
    address += BigInt(length);
  }
  return text;
}

/** As many bytes of an instruction as there are. */
function readAhead(read: ReadMemory, address: bigint): Uint8Array {
  for (let length = MAX_INSTRUCTION; length > 0; length >>= 1) {
    const bytes = new Uint8Array(length);
    if (read(BigInt.asUintN(64, address), bytes)) return bytes;
  }
  return new Uint8Array(0);
}
