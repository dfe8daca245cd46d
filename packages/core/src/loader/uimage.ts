// U-Boot's legacy image: a 64-byte big-endian header in front of the data (U-Boot, include/image.h, struct legacy_img_hdr).

import { UserError } from '../object/user-error.ts';
import { BinaryReader, startsWith } from './binary-reader.ts';
import { crc32 } from './crc32.ts';
import { gunzip } from './gzip.ts';
import { type MemoryImage, rawImage } from './memory-image.ts';

const HEADER_BYTES = 64;
const COMPRESSIONS = ['none', 'gzip', 'bzip2', 'lzma', 'lzo', 'lz4', 'zstd'] as const;
const KINDS: ReadonlyMap<number, UimageKind> = new Map([
  [1, 'standalone'],
  [2, 'kernel'],
  [3, 'ramdisk'],
  [5, 'firmware'],
  [7, 'filesystem'],
  [8, 'device-tree'],
  [14, 'kernel-noload'],
] as const);
const ARCHITECTURES: ReadonlyMap<number, string> = new Map([
  [1, 'Alpha'],
  [2, 'ARM'],
  [3, 'x86 (i386)'],
  [5, 'MIPS'],
  [6, 'MIPS64'],
  [7, 'PowerPC'],
  [8, 'S/390'],
  [10, 'SPARC'],
  [11, 'SPARC64'],
  [12, 'm68k'],
  [14, 'MicroBlaze'],
  [22, 'AArch64'],
  [24, 'x86-64'],
  [26, 'RISC-V'],
]);

/** `ih_type` of a uImage. */
export type UimageKind =
  | 'standalone'
  | 'kernel'
  | 'ramdisk'
  | 'firmware'
  | 'filesystem'
  | 'device-tree'
  | 'kernel-noload';

/** A uImage of U-Boot, unpacked. */
export interface Uimage {
  readonly name: string;
  readonly kind: UimageKind;
  /** `ih_arch`. */
  readonly arch: number;
  /** Guest physical address the data belongs at; without meaning for `kernel-noload`. */
  readonly load: number;
  /** Guest physical address of the first instruction. */
  readonly entry: number;
  /** The data, unpacked. */
  readonly data: Uint8Array;
}

/** Whether bytes begin as a uImage does. */
export function isUimage(bytes: Uint8Array): boolean {
  return startsWith(bytes, '27051956');
}

/** Name of an `ih_arch` number. */
export function uimageArchitecture(arch: number): string {
  return ARCHITECTURES.get(arch) ?? `architecture ${arch}`;
}

/**
 * Reads a legacy image, both checksums verified, gzip data unpacked.
 * @throws UserError if it is truncated, damaged, or of a kind or compression that is not supported
 */
export async function parseUimage(bytes: Uint8Array): Promise<Uimage> {
  if (!isUimage(bytes)) throw new UserError('not a uImage');
  const file = new BinaryReader(bytes, false, 'the uImage');
  const header = file.slice(0, HEADER_BYTES).slice();
  header.fill(0, 4, 8);
  if (crc32(header) !== file.u32(4)) throw new UserError('the uImage is damaged: wrong header checksum');
  const packed = file.slice(HEADER_BYTES, file.u32(12));
  if (crc32(packed) !== file.u32(24)) throw new UserError('the uImage is damaged: wrong data checksum');
  const kind = KINDS.get(file.u8(30));
  if (!kind) throw new UserError(`uImage type ${file.u8(30)} is not supported`);
  return {
    name: file.text(32, 32),
    kind,
    arch: file.u8(29),
    load: file.u32(16),
    entry: file.u32(20),
    data: await unpack(packed, file.u8(31)),
  };
}

/** Lays an image out where its header says. `kernel-noload` data goes to `base`, its entry being an offset. */
export function uimageImage(image: Uimage, base = 0): MemoryImage {
  if (image.kind === 'kernel-noload') return rawImage(image.data, base, base + image.entry);
  return rawImage(image.data, image.load, image.entry);
}

async function unpack(packed: Uint8Array, method: number): Promise<Uint8Array> {
  const compression = COMPRESSIONS[method];
  if (compression === 'none') return packed;
  if (compression === 'gzip') return gunzip(packed);
  throw new UserError(`the uImage is compressed with ${compression ?? `method ${method}`}; only gzip is supported`);
}
