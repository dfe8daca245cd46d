// Finds out what a file given to -kernel or -bios is, and refuses what the machine cannot run.

import { UserError } from '../object/user-error.ts';
import { describeElf, type ElfImage, isElf, parseElf } from './elf.ts';
import { foreignCompression, gunzip, isGzip } from './gzip.ts';
import { isIntelHex, isSRecord, parseIntelHex, parseSRecord } from './hex-records.ts';
import {
  foreignKernel,
  isEfiZboot,
  type LinuxImage,
  type LinuxImageArch,
  linuxImageArch,
  parseLinuxImage,
  unpackEfiZboot,
} from './linux-image.ts';
import type { MemoryImage } from './memory-image.ts';
import { isUimage, parseUimage, type Uimage, uimageArchitecture } from './uimage.ts';

/** What a machine can run. */
export interface KernelTarget {
  /** For messages: 'riscv64'. */
  readonly name: string;
  readonly elfMachines: readonly number[];
  readonly bits?: 32 | 64;
  readonly endian?: 'little' | 'big';
  /** `ih_arch` numbers of U-Boot's images. */
  readonly uimageArchs?: readonly number[];
  readonly linuxImage?: LinuxImageArch;
}

/** A kernel or firmware file, by what it was recognised as. */
export type Kernel =
  | { readonly format: 'elf'; readonly elf: ElfImage }
  | { readonly format: 'linux'; readonly image: LinuxImage }
  | { readonly format: 'uimage'; readonly image: Uimage }
  /** Intel HEX or S-records. */
  | { readonly format: 'records'; readonly image: MemoryImage }
  /** Nothing that is known: code from its first byte on. */
  | { readonly format: 'raw'; readonly bytes: Uint8Array };

/**
 * Recognises a kernel or firmware file, unpacking gzip and EFI's self-unpacking form first.
 * @throws UserError, one line, if it is empty, truncated, damaged, or for another architecture
 */
export async function readKernel(file: Uint8Array, target: KernelTarget): Promise<Kernel> {
  const bytes = await unpack(file);
  if (bytes.length === 0) throw new UserError('the file is empty');
  if (isElf(bytes)) return { format: 'elf', elf: checkElf(parseElf(bytes), target) };
  if (isUimage(bytes)) return { format: 'uimage', image: checkUimage(await parseUimage(bytes), target) };
  if (linuxImageArch(bytes)) return { format: 'linux', image: checkLinuxImage(parseLinuxImage(bytes), target) };
  if (isIntelHex(bytes)) return { format: 'records', image: parseIntelHex(bytes) };
  if (isSRecord(bytes)) return { format: 'records', image: parseSRecord(bytes) };
  const foreign = foreignKernel(bytes);
  if (foreign) throw new UserError(`it is ${foreign}, not a kernel for ${target.name}`);
  return { format: 'raw', bytes };
}

async function unpack(file: Uint8Array): Promise<Uint8Array> {
  const bytes = isGzip(file) ? await gunzip(file) : file;
  if (isEfiZboot(bytes)) return unpackEfiZboot(bytes);
  const compression = foreignCompression(bytes);
  if (compression) throw new UserError(`it is compressed with ${compression}; only gzip is supported`);
  return bytes;
}

function checkElf(elf: ElfImage, target: KernelTarget): ElfImage {
  const runs =
    target.elfMachines.includes(elf.machine) &&
    (target.bits ?? elf.bits) === elf.bits &&
    (target.endian ?? elf.endian) === elf.endian;
  if (!runs) throw new UserError(`it is a ${describeElf(elf)} ELF file, not one for ${target.name}`);
  return elf;
}

function checkUimage(image: Uimage, target: KernelTarget): Uimage {
  if (!target.uimageArchs?.includes(image.arch)) {
    throw new UserError(`it is a uImage for ${uimageArchitecture(image.arch)}, not for ${target.name}`);
  }
  return image;
}

function checkLinuxImage(image: LinuxImage, target: KernelTarget): LinuxImage {
  if (image.arch !== target.linuxImage) {
    throw new UserError(`it is a Linux kernel for ${image.arch}, not for ${target.name}`);
  }
  if ((target.endian ?? image.endian) !== image.endian) {
    throw new UserError(`it is a ${image.endian}-endian Linux kernel; ${target.name} is ${target.endian}-endian`);
  }
  return image;
}
