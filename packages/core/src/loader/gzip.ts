// Compressed files. gzip after RFC 1952; the others are recognised by their magic numbers so that they can be refused by name.

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
export async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  if (!isGzip(bytes)) throw new UserError('not a gzip file');
  if (bytes.length < 18) throw new UserError('the gzip file is truncated');
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8, 8);
  const size = trailer.getUint32(4, true);
  const damaged = new UserError('the gzip file is truncated or damaged');
  // The largest ratio that deflate reaches is 1032 : 1; a greater size is no size but cut-off data.
  if (size > bytes.length * 1032) throw damaged;
  if (size > MAX_BYTES) throw new UserError('the gzip file unpacks to more than 1 GiB');
  const contents = await inflate(bytes, size);
  if (contents === undefined || crc32(contents) !== trailer.getUint32(0, true)) throw damaged;
  return contents;
}

/** What a gzip file holds, by the platform's own unpacker; undefined if it is damaged or not `size` bytes. */
async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  const contents = new Uint8Array(size);
  let filled = 0;
  try {
    for await (const part of unpackedParts(bytes)) {
      if (part.length > size - filled) return undefined;
      contents.set(part, filled);
      filled += part.length;
    }
  } catch {
    return undefined;
  }
  return filled === size ? contents : undefined;
}

async function* unpackedParts(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const stream = new DecompressionStream('gzip');
  const writer = stream.writable.getWriter();
  // A failure is told to the reader too.
  const written = writer.write(bytes.slice()).then(() => writer.close());
  written.catch(() => {});
  const reader = stream.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
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
