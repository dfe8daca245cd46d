// Text files of records: Intel HEX (Hexadecimal Object File Format Specification, revision A) and Motorola S-records
// (M68000 Family Programmer's Reference Manual, appendix C).

import { UserError } from '../object/user-error.ts';
import type { MemoryImage, MemoryPart } from './memory-image.ts';

/** Whether a file starts as an Intel HEX file does. */
export function isIntelHex(bytes: Uint8Array): boolean {
  return /^:[0-9A-Fa-f]{10}/.test(firstLine(bytes));
}

/** Whether a file starts as an S-record file does. */
export function isSRecord(bytes: Uint8Array): boolean {
  return /^S[0-9][0-9A-Fa-f]{6}/.test(firstLine(bytes));
}

function firstLine(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, 16));
}

/** @throws UserError naming the line that is wrong */
export function parseIntelHex(bytes: Uint8Array): MemoryImage {
  const out = new RecordCollector();
  let base = 0;
  let ended = false;
  forEachLine(bytes, 'Intel HEX', (line, fail) => {
    if (ended) fail('there is data after the end record');
    if (!line.startsWith(':')) fail('it does not start with a colon');
    const record = hexBytes(line.slice(1), fail);
    const [length = 0, high = 0, low = 0, type = 0] = record;
    if (record.length < 5 || record.length !== length + 5) fail('its length is wrong');
    if (sum(record) !== 0) fail('its checksum is wrong');
    const data = record.subarray(4, -1);
    const value = data.reduce((word, byte) => word * 256 + byte, 0);
    const wants = (count: number): void => {
      if (data.length !== count) fail('its length is wrong');
    };
    if (type === 0) {
      out.add(base + high * 256 + low, data);
    } else if (type === 1) {
      ended = true;
    } else if (type === 2 || type === 4) {
      wants(2);
      base = value * (type === 2 ? 16 : 0x1_0000);
    } else if (type === 3) {
      wants(4);
      out.entry = (value >>> 16) * 16 + (value & 0xffff);
    } else if (type === 5) {
      wants(4);
      out.entry = value;
    } else {
      fail(`unknown record type ${type}`);
    }
  });
  if (!ended) throw new UserError('the Intel HEX file is truncated: it has no end record');
  return out.finish('Intel HEX');
}

/** @throws UserError naming the line that is wrong */
export function parseSRecord(bytes: Uint8Array): MemoryImage {
  const out = new RecordCollector();
  let ended = false;
  forEachLine(bytes, 'S-record', (line, fail) => {
    if (ended) fail('there is data after the end record');
    const type = line.charCodeAt(1) - 0x30;
    if (!line.startsWith('S') || !(type >= 0 && type <= 9) || type === 4) fail('it is no S-record');
    const record = hexBytes(line.slice(2), fail);
    // Address bytes by type: header and counts 2 (3 for S6), data S1 to S3, starts S9 to S7.
    const addressBytes = [2, 2, 3, 4, 0, 2, 3, 4, 3, 2][type] ?? 0;
    if (record.length < addressBytes + 2 || record[0] !== record.length - 1) fail('its length is wrong');
    if (sum(record) !== 0xff) fail('its checksum is wrong');
    const address = record.subarray(1, 1 + addressBytes).reduce((word, byte) => word * 256 + byte, 0);
    if (type >= 1 && type <= 3) out.add(address, record.subarray(1 + addressBytes, -1));
    if (type >= 7) {
      out.entry = address;
      ended = true;
    }
  });
  if (!ended) throw new UserError('the S-record file is truncated: it has no end record');
  return out.finish('S-record');
}

type Fail = (why: string) => never;

function forEachLine(bytes: Uint8Array, format: string, visit: (line: string, fail: Fail) => void): void {
  if (bytes.length === 0) throw new UserError('the file is empty');
  const lines = new TextDecoder('latin1').decode(bytes).split(/\r\n|\r|\n/);
  lines.forEach((line, i) => {
    const fail: Fail = (why) => {
      throw new UserError(`the ${format} file is damaged: line ${i + 1}: ${why}`);
    };
    if (line.trim() !== '') visit(line.trim(), fail);
  });
}

function hexBytes(digits: string, fail: Fail): Uint8Array {
  if (digits.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(digits)) fail('it is not hexadecimal');
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}

function sum(record: Uint8Array): number {
  return record.reduce((total, byte) => total + byte, 0) & 0xff;
}

/** Joins records that follow each other. */
class RecordCollector {
  entry: number | undefined;
  readonly #runs: { address: number; end: number; chunks: Uint8Array[] }[] = [];

  add(address: number, data: Uint8Array): void {
    if (data.length === 0) return;
    let run = this.#runs[this.#runs.length - 1];
    if (run?.end !== address) {
      run = { address, end: address, chunks: [] };
      this.#runs.push(run);
    }
    run.chunks.push(data);
    run.end += data.length;
  }

  finish(format: string): MemoryImage {
    if (this.#runs.length === 0) throw new UserError(`the ${format} file has no data`);
    const parts = this.#runs.map(({ address, end, chunks }): MemoryPart => {
      const bytes = new Uint8Array(end - address);
      let at = 0;
      for (const chunk of chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return { address, bytes, size: bytes.length };
    });
    return { parts, entry: this.entry };
  }
}
