// Words of a qtest line: numbers as strtoull(3) with base 0 reads them, bytes in hexadecimal.
import { UserError } from '@boardwalk/core';

/** Bytes that one command moves at most: an answer of twice as many digits is enough for anybody. */
export const MAX_TRANSFER = 64 << 20;

const UINT64 = 2n ** 64n;

/** The words of one line, taken in turn. */
export class Words {
  readonly #words: readonly string[];
  #next = 1;

  constructor(line: string) {
    this.#words = line.split(/\s+/).filter((word) => word !== '');
  }

  get command(): string | undefined {
    return this.#words[0];
  }

  /** The next word; undefined at the end. */
  optional(): string | undefined {
    return this.#words[this.#next++];
  }

  /** @throws UserError at the end of the line */
  word(what: string): string {
    const word = this.optional();
    if (word === undefined) throw new UserError(`${this.command} needs ${what}`);
    return word;
  }

  /** An unsigned number of 64 bits: `0x1f`, `31`, `037`. @throws UserError for anything else */
  number(what: string): bigint {
    return parseNumber(this.word(what), what);
  }

  /** An address or a count: exact as a number. @throws UserError beyond 2^53 */
  count(what: string): number {
    const value = this.number(what);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new UserError(`${what} is too large`);
    return Number(value);
  }

  /** Bytes to move. @throws UserError beyond {@link MAX_TRANSFER} */
  length(): number {
    const length = this.count('length');
    if (length > MAX_TRANSFER) throw new UserError(`length is more than ${MAX_TRANSFER}`);
    return length;
  }
}

/** @throws UserError for what is no number */
export function parseNumber(text: string, what: string): bigint {
  const octal = /^0[0-7]+$/.test(text) ? `0o${text}` : text;
  if (!/^(?:0x[0-9a-f]+|0o[0-7]+|\d+)$/i.test(octal)) throw new UserError(`${what} is no number: ${text.slice(0, 40)}`);
  const value = BigInt(octal);
  if (value >= UINT64) throw new UserError(`${what} is larger than 64 bits`);
  return value;
}

/** `0x` and two digits for each byte. */
export function formatHex(bytes: Uint8Array): string {
  const parts: string[] = ['0x'];
  for (const byte of bytes) parts.push(byte.toString(16).padStart(2, '0'));
  return parts.join('');
}

/** `length` bytes of digits after `0x`; those that are not said are 0. @throws UserError for what is no digit */
export function parseHex(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const said = Math.min(length, Math.floor((text.length - 2) / 2));
  if (!/^0x[0-9a-f]*$/i.test(text)) throw new UserError('data should be 0x and hexadecimal digits');
  for (let i = 0; i < said; i++) bytes[i] = Number.parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16);
  return bytes;
}
