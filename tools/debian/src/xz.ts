// The .xz container (The .xz File Format, version 1.2.1): streams of blocks of LZMA2 data with integrity checks.
// Filters before LZMA2 (branch converters, delta) are refused: neither kernel modules nor kernels use them.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeLzma2, Output, XzError } from './lzma2.ts';

export { XzError };

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const STREAM_HEADER_BYTES = 12;
const FILTER_LZMA2 = 0x21;

/** Bytes of the integrity check for each check type: none, CRC32, CRC64, SHA-256 (section 2.1.1.2). */
const CHECK_BYTES: Readonly<Record<number, number>> = { 0: 0, 1: 4, 4: 8, 10: 32 };

/**
 * Unpacks a .xz file of one stream and compares its integrity check.
 *
 * @throws XzError when the data is damaged, truncated or uses a filter other than LZMA2.
 */
export function unxz(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < STREAM_HEADER_BYTES || MAGIC.some((byte, i) => file[i] !== byte))
    throw new XzError('not an xz file');
  if (view.getUint32(8, true) !== crc32(file.subarray(6, 8))) throw new XzError('the xz header is damaged');
  const checkType = file[7] ?? 0;
  const checkBytes = CHECK_BYTES[checkType];
  if (checkBytes === undefined) throw new XzError(`unknown xz check ${checkType}`);
  const output = new Output();
  let at = STREAM_HEADER_BYTES;
  while (file[at] !== 0) {
    const blockStart = output.length;
    const dataStart = at + readBlockHeader(file, at);
    const dataEnd = decodeLzma2(file, dataStart, output);
    const check = dataStart + Math.ceil((dataEnd - dataStart) / 4) * 4;
    if (check + checkBytes > file.length) throw new XzError('the xz file is truncated');
    const block = output.bytes.subarray(blockStart, output.length);
    if (!integrityHolds(checkType, file.subarray(check, check + checkBytes), block)) {
      throw new XzError('the xz data is damaged: its check differs');
    }
    at = check + checkBytes;
  }
  return output.bytes.slice(0, output.length);
}

/** Checks a block header (section 3.1) and gives its length. */
function readBlockHeader(file: Uint8Array, start: number): number {
  const size = ((file[start] ?? 0) + 1) * 4;
  if (start + size > file.length) throw new XzError('the xz file is truncated');
  const header = file.subarray(start, start + size);
  const stored = new DataView(header.buffer, header.byteOffset + size - 4, 4).getUint32(0, true);
  if (stored !== crc32(header.subarray(0, size - 4))) throw new XzError('an xz block header is damaged');
  const flags = header[1] ?? 0;
  let at = 2;
  for (const present of [flags & 0x40, flags & 0x80]) if (present) at = afterNumber(header, at);
  if ((flags & 3) !== 0 || header[at] !== FILTER_LZMA2)
    throw new XzError('xz filters other than LZMA2 are not supported');
  return size;
}

/** Skips a number of variable length (section 1.2). */
function afterNumber(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) & 0x80) at++;
  return at + 1;
}

function integrityHolds(type: number, stored: Uint8Array, data: Uint8Array): boolean {
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
  if (type === 1) return view.getUint32(0, true) === crc32(data);
  if (type === 4) return view.getBigUint64(0, true) === crc64(data);
  if (type === 10) return createHash('sha256').update(data).digest().equals(stored);
  return true;
}

/** CRC64 with ECMA-182's polynomial, bits reflected (section 6). */
function crc64(data: Uint8Array): bigint {
  const table: bigint[] = [];
  for (let byte = 0n; byte < 256n; byte++) {
    let value = byte;
    for (let i = 0; i < 8; i++) value = value & 1n ? (value >> 1n) ^ 0xc96c5795d7870f42n : value >> 1n;
    table.push(value);
  }
  let crc = 0xffffffffffffffffn;
  for (const byte of data) crc = (table[Number((crc ^ BigInt(byte)) & 0xffn)] ?? 0n) ^ (crc >> 8n);
  return crc ^ 0xffffffffffffffffn;
}
