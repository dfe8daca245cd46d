// The flat `Image` of Linux, and the header by which its architecture is known: Documentation/arch/riscv/boot-image-header.rst and
// Documentation/arch/arm64/booting.rst. Its length is checked against the sections of the PE header that lies in it
// (PE Format, sections "COFF File Header" and "Section Table").

import { UserError } from '../object/user-error.ts';
import { BinaryReader, startsWith } from './binary-reader.ts';
import { foreignCompression, gunzip } from './gzip.ts';

/** Architectures whose flat kernels have a header that says so. */
export type LinuxImageArch = 'riscv' | 'arm64';

/** A flat Linux kernel (`Image`) as its header describes it. */
export interface LinuxImage {
  readonly arch: LinuxImageArch;
  readonly endian: 'little' | 'big';
  /** Where the image belongs, in bytes from the start of RAM (RISC-V) or from a 2 MiB boundary (arm64). */
  readonly textOffset: number;
  /** Bytes of memory that the kernel takes, its zeroed data included. */
  readonly imageSize: number;
  readonly bytes: Uint8Array;
}

const HEADER_BYTES = 64;
/** Before image_size was set (Linux 3.17), arm64 kernels lay here. */
const OLD_ARM64_TEXT_OFFSET = 0x8_0000;

/** The architecture that a flat kernel's header names; undefined if there is no such header. */
export function linuxImageArch(bytes: Uint8Array): LinuxImageArch | undefined {
  if (startsWith(bytes, '52534305', 56)) return 'riscv';
  if (startsWith(bytes, '41524d64', 56)) return 'arm64';
  return undefined;
}

/** @throws UserError if it is no flat kernel with a header, or a truncated one */
export function parseLinuxImage(bytes: Uint8Array): LinuxImage {
  const arch = linuxImageArch(bytes);
  if (!arch) throw new UserError('not a Linux Image');
  const file = new BinaryReader(bytes, true, 'the kernel');
  file.slice(0, HEADER_BYTES);
  const textOffset = extent(file.u64(8));
  const imageSize = extent(file.u64(16));
  if (bytes.length < peEnd(bytes)) throw new UserError('the kernel is truncated');
  return {
    arch,
    endian: file.u64(24) & 1n ? 'big' : 'little',
    textOffset: arch === 'arm64' && imageSize === 0 ? OLD_ARM64_TEXT_OFFSET : textOffset,
    imageSize: Math.max(imageSize, bytes.length),
    bytes,
  };
}

function extent(value: bigint): number {
  if (value >= 1n << 40n) throw new UserError('the kernel is damaged: impossible size in its header');
  return Number(value);
}

/** Where the last section of an EFI program ends in its file; 0 if the file is none. */
function peEnd(bytes: Uint8Array): number {
  if (!startsWith(bytes, '4d5a')) return 0;
  const file = new BinaryReader(bytes, true, 'the kernel');
  const header = file.u32(60);
  if (file.u32(header) !== 0x4550) return 0;
  const sections = file.u16(header + 6);
  const table = header + 24 + file.u16(header + 20);
  let end = 0;
  for (let i = 0; i < sections; i++) {
    const section = table + i * 40;
    const size = file.u32(section + 16);
    if (size > 0) end = Math.max(end, file.u32(section + 20) + size);
  }
  return end;
}

/** Whether the file is a kernel that unpacks itself under EFI (Linux, drivers/firmware/efi/libstub/zboot-header.S). */
export function isEfiZboot(bytes: Uint8Array): boolean {
  return startsWith(bytes, '4d5a') && startsWith(bytes, '7a696d67', 4);
}

/** The kernel inside such a file. @throws UserError if it is truncated or not packed with gzip */
export async function unpackEfiZboot(bytes: Uint8Array): Promise<Uint8Array> {
  const file = new BinaryReader(bytes, true, 'the kernel');
  const method = file.text(24, 32);
  const payload = file.slice(file.u32(8), file.u32(12));
  if (method !== 'gzip') {
    const name = foreignCompression(payload) ?? method;
    throw new UserError(`the kernel is compressed with ${name}; only gzip is supported`);
  }
  return gunzip(payload);
}

/** What a flat program of another kind is, told from its header; undefined if nothing is known about it. */
export function foreignKernel(bytes: Uint8Array): string | undefined {
  if (startsWith(bytes, '48647253', 0x202)) return 'an x86 Linux kernel';
  if (startsWith(bytes, '18286f01', 0x24)) return 'an ARM Linux kernel';
  if (startsWith(bytes, 'd00dfeed')) return 'a device tree blob';
  if (startsWith(bytes, '4d5a')) return 'an EFI program';
  return undefined;
}
