// qtest's accesses to memory and to I/O ports.
import type { AddressSpace } from '@boardwalk/core';
import { UserError } from '@boardwalk/core';
import { formatBase64, parseBase64 } from '../base64.ts';
import { formatHex, MAX_TRANSFER, parseHex, type Words } from './words.ts';

/** A command of the protocol: takes the words after its name, gives what follows `OK`. */
export type QtestCommand = (words: Words) => string;

type Width = 1 | 2 | 4 | 8;
const WIDTHS: Readonly<Record<string, Width>> = { b: 1, w: 2, l: 4, q: 8 };
/** More than any machine's RAM: a number that is wrong rather than large. */
const MAX_SET = 2 ** 40;
const LAST_PORT = 0xffff;

/** @param bigEndian the guest's order of bytes, for accesses of 2, 4 and 8 bytes */
export function memoryCommands(space: AddressSpace, bigEndian: boolean): Record<string, QtestCommand> {
  const commands: Record<string, QtestCommand> = {
    endianness: () => (bigEndian ? 'big' : 'little'),
    read(words) {
      return formatHex(readBytes(space, words.number('address'), nonZero(words.length())));
    },
    write(words) {
      const [address, length] = [words.number('address'), nonZero(words.length())];
      return writeBytes(space, address, parseHex(words.word('data'), length));
    },
    b64read(words) {
      return formatBase64(readBytes(space, words.number('address'), nonZero(words.length())));
    },
    b64write(words) {
      const [address, length] = [words.number('address'), nonZero(words.length())];
      // As on QEMU the text's own length counts where the two do not agree.
      return writeBytes(space, address, parseBase64(words.word('data')).subarray(0, length));
    },
    memset: (words) => setBytes(space, words),
  };
  for (const [letter, width] of Object.entries(WIDTHS)) {
    commands[`read${letter}`] = (words) => hex(load(space, words.number('address'), width, bigEndian), 16);
    commands[`write${letter}`] = (words) => {
      const [address, value] = [words.number('address'), words.number('value')];
      return writeBytes(space, address, toBytes(value, width, bigEndian));
    };
  }
  return commands;
}

/** Ports are little-endian, and where none is, all ones are read. */
export function portCommands(space: AddressSpace): Record<string, QtestCommand> {
  const commands: Record<string, QtestCommand> = {};
  for (const letter of ['b', 'w', 'l'] as const) {
    const width = WIDTHS[letter] as 1 | 2 | 4;
    commands[`in${letter}`] = (words) => {
      const value = space.load(port(words), width);
      return hex(BigInt(value < 0 ? 2 ** (8 * width) - 1 : value), 4);
    };
    commands[`out${letter}`] = (words) => {
      const address = port(words);
      space.store(address, width, Number(BigInt.asUintN(8 * width, words.number('value'))));
      return '';
    };
  }
  return commands;
}

function port(words: Words): number {
  const address = words.count('port');
  if (address > LAST_PORT) throw new UserError(`ports are 0 to 0x${LAST_PORT.toString(16)}`);
  return address;
}

function hex(value: bigint, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

function nonZero(length: number): number {
  if (length === 0) throw new UserError('length is 0');
  return length;
}

/** Beyond what any address space reaches nothing answers. */
function reachable(address: bigint): boolean {
  return address <= BigInt(Number.MAX_SAFE_INTEGER - MAX_TRANSFER);
}

function readBytes(space: AddressSpace, address: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (reachable(address)) space.readBytes(Number(address), bytes);
  return bytes;
}

function writeBytes(space: AddressSpace, address: bigint, bytes: Uint8Array): string {
  if (reachable(address)) space.writeBytes(Number(address), bytes);
  return '';
}

/** One access of this width; what nothing answers is 0. */
function load(space: AddressSpace, address: bigint, width: Width, bigEndian: boolean): bigint {
  const bytes = readBytes(space, address, width);
  const ordered = bigEndian ? bytes : bytes.reverse();
  return ordered.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint, width: Width, bigEndian: boolean): Uint8Array {
  const bytes = Uint8Array.from({ length: width }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
  return bigEndian ? bytes.reverse() : bytes;
}

function setBytes(space: AddressSpace, words: Words): string {
  const address = words.number('address');
  const length = words.count('length');
  const value = Number(words.number('value') & 0xffn);
  if (length > MAX_SET) throw new UserError(`length is more than ${MAX_SET}`);
  const piece = new Uint8Array(Math.min(length, 1 << 20)).fill(value);
  for (let done = 0; done < length; done += piece.length) {
    writeBytes(space, address + BigInt(done), piece.subarray(0, length - done));
  }
  return '';
}
