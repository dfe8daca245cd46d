// Bounds-checked reads of a file's structures, in the byte order that the file says.

import { UserError } from '../object/user-error.ts';

/** Reads numbers out of bytes; a read beyond the end is a UserError that calls the file truncated. */
export class BinaryReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  readonly #what: string;

  /** @param what what the bytes are, for the error: 'the ELF file' */
  constructor(bytes: Uint8Array, littleEndian: boolean, what: string) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }

  u8(at: number): number {
    this.#check(at, 1);
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, this.littleEndian);
  }

  u32(at: number): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, this.littleEndian);
  }

  u64(at: number): bigint {
    this.#check(at, 8);
    return this.#view.getBigUint64(at, this.littleEndian);
  }

  /** `length` bytes, not copied. */
  slice(at: number, length: number): Uint8Array {
    this.#check(at, length);
    return this.bytes.subarray(at, at + length);
  }

  /** Text up to its NUL or to `limit` bytes, one character a byte. */
  text(at: number, limit: number): string {
    const field = this.slice(at, limit);
    const nul = field.indexOf(0);
    return String.fromCharCode(...(nul < 0 ? field : field.subarray(0, nul)));
  }

  #check(at: number, length: number): void {
    if (!(at >= 0 && at + length <= this.bytes.length)) throw new UserError(`${this.#what} is truncated`);
  }
}

/** Whether bytes start with a magic number, written as hexadecimal digits. */
export function startsWith(bytes: Uint8Array, hex: string, at = 0): boolean {
  if (bytes.length < at + hex.length / 2) return false;
  for (let i = 0; i < hex.length; i += 2) {
    if (bytes[at + i / 2] !== Number.parseInt(hex.slice(i, i + 2), 16)) return false;
  }
  return true;
}
