// Compressed files. gzip after RFC 1952; the others are recognised by their magic numbers so that they can be refused by name.

import { gunzipSync } from 'fflate';
import { UserError } from '../object/user-error.ts';
import { startsWith } from './binary-reader.ts';
import { crc32 } from './crc32.ts';

/** No kernel is larger; keeps a few hostile kilobytes from taking all memory. */
const MAX_BYTES = 1 << 30;

/** Whether bytes begin as a gzip file does. */
export function isGzip(bytes: Uint8Array): boolean {
  return startsWith(bytes, '1f8b');
}

/**
 * The contents of a gzip file of one member, its checksum and size verified.
 * @throws UserError if it is truncated, damaged, or larger than 1 GiB
 */
export function gunzip(bytes: Uint8Array): Uint8Array {
  if (!isGzip(bytes)) throw new UserError('not a gzip file');
  if (bytes.length < 18) throw new UserError('the gzip file is truncated');
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  const size = trailer.getUint32(4, true);
  const damaged = new UserError('the gzip file is truncated or damaged');
  // The largest ratio that deflate reaches is 1032 : 1; a greater size is no size but cut-off data.
  if (size > bytes.length * 1032) throw damaged;
  if (size > MAX_BYTES) throw new UserError('the gzip file unpacks to more than 1 GiB');
  let contents: Uint8Array;
  try {
    contents = gunzipSync(bytes, { out: new Uint8Array(size) });
  } catch {
    throw damaged;
  }
  if (contents.length !== size || crc32(contents) !== trailer.getUint32(0, true)) throw damaged;
  return contents;
}

const FOREIGN: readonly (readonly [magic: string, name: string])[] = [
  ['425a68', 'bzip2'],
  ['fd377a585a00', 'xz'],
  ['5d0000', 'lzma'],
  ['28b52ffd', 'zstd'],
  ['04224d18', 'lz4'],
  ['02214c18', 'lz4'],
  ['894c5a4f000d0a1a0a', 'lzo'],
];

/** Name of the compression that a file uses and that we do not unpack; undefined for anything else. */
export function foreignCompression(bytes: Uint8Array): string | undefined {
  return FOREIGN.find(([magic]) => startsWith(bytes, magic))?.[1];
}
