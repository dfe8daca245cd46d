/**
 * What `-kernel`, `-initrd` and `-append` put into storage. A Linux kernel (its whole `vmlinuz`, or an ELF file) lies at absolute 0
 * and takes its parameters from the area at 0x10400 (Linux: arch/s390/boot/head.S, arch/s390/include/asm/setup.h). Another program
 * starts where its ELF header says, or at the PSW of its first doubleword, as one that was loaded by IPL.
 */
import {
  elfImage,
  type KernelTarget,
  type MemoryImage,
  type MemoryPart,
  MiB,
  rawImage,
  readKernel,
  UserError,
} from '@boardwalk/core';

const EM_S390 = 22;

/** What the board runs. */
export const S390X_TARGET: KernelTarget = { name: 's390x', elfMachines: [EM_S390], bits: 64, endian: 'big' };

/** Where a Linux kernel begins, behind what IPL needs. */
const LINUX_START = 0x1_0000;
const LINUX_MAGIC_ADDRESS = LINUX_START + 8;
const LINUX_MAGIC = 'S390EP';
const LINUX_INITRD_START = 0x1_0408;
const LINUX_INITRD_SIZE = 0x1_0410;
const LINUX_MAX_COMMAND_LINE = 0x1_0430;
const LINUX_COMMAND_LINE = 0x1_0480;
/** Room for the command line where the kernel does not say; its terminating zero included. */
const OLD_COMMAND_LINE_BYTES = 896;
const INITRD_BASE = MiB(8);
const INITRD_DISTANCE = MiB(1);

/** Bits of an ESA/390 PSW: 0, 2 to 4 and (but for 64-bit ones) 5 upwards zero, 12 one. */
const SHORT_PSW_ONES = 0x0008_0000;
const SHORT_PSW_ZEROS = 0xb800_0000;

/** What the user gave. */
export interface BootFiles {
  readonly kernel: Uint8Array;
  readonly initrd?: Uint8Array | undefined;
  readonly append?: string | undefined;
}

/** How the first CPU starts. */
export type Start =
  /** In 64-bit mode, at an address. */
  | { readonly kind: 'address'; readonly address: number }
  /** By the ESA/390 PSW in the first doubleword of storage. */
  | { readonly kind: 'psw' };

/** What lies in storage when the first CPU starts. */
export interface BootLayout {
  readonly image: MemoryImage;
  readonly start: Start;
}

interface Program {
  readonly parts: readonly MemoryPart[];
  readonly start: Start;
  readonly linux: boolean;
}

/**
 * Lays the user's files out.
 * @throws UserError naming the option, for what is no program of this architecture or does not fit
 */
export async function layOutKernel(files: BootFiles, ramSize: number): Promise<BootLayout> {
  const program = await namedAsync('-kernel', async () => fitting(await readProgram(files.kernel), ramSize));
  const parts = [...program.parts];
  const kernelEnd = endOf(parts);
  let initrd: { readonly start: number; readonly bytes: Uint8Array } | undefined;
  if (files.initrd !== undefined) {
    initrd = { start: initrdStart(kernelEnd), bytes: files.initrd };
    const image = named('-initrd', () => rawImage(initrd?.bytes ?? new Uint8Array(0), initrd?.start ?? 0));
    if (endOf(image.parts) > ramSize) throw new UserError(`-initrd: ${noRoom(endOf(image.parts), ramSize)}`);
    parts.push(...image.parts);
  }
  if (program.linux) parts.push(...linuxParameters(program.parts, initrd, files.append));
  return { image: { parts, entry: 0 }, start: program.start };
}

/** The initial RAM disk begins at a whole MiB, at a distance from the kernel, which unpacks itself. */
function initrdStart(kernelEnd: number): number {
  const behind = kernelEnd + INITRD_DISTANCE;
  return behind <= INITRD_BASE ? INITRD_BASE : Math.ceil(behind / INITRD_DISTANCE) * INITRD_DISTANCE;
}

async function readProgram(file: Uint8Array): Promise<Program> {
  const kernel = await readKernel(file, S390X_TARGET);
  switch (kernel.format) {
    case 'elf': {
      const { parts, entry = 0 } = elfImage(kernel.elf);
      return { parts, start: { kind: 'address', address: entry }, linux: entry === LINUX_START };
    }
    case 'raw': {
      const { parts } = rawImage(kernel.bytes, 0);
      if (hasText(kernel.bytes, LINUX_MAGIC_ADDRESS, LINUX_MAGIC)) {
        return { parts, start: { kind: 'address', address: LINUX_START }, linux: true };
      }
      if (!beginsWithPsw(kernel.bytes)) throw new UserError('it is no kernel for s390x: it begins with no PSW');
      return { parts, start: { kind: 'psw' }, linux: false };
    }
    case 'linux':
    case 'uimage':
    case 'records':
      throw new UserError('it is no kernel for s390x, which is an ELF file or begins with a PSW');
  }
}

function beginsWithPsw(bytes: Uint8Array): boolean {
  if (bytes.length < 8) return false;
  const mask = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return (mask & SHORT_PSW_ONES) !== 0 && (mask & SHORT_PSW_ZEROS) === 0;
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  return new TextDecoder('latin1').decode(bytes.subarray(at, at + text.length)) === text;
}

function linuxParameters(
  kernel: readonly MemoryPart[],
  initrd: { readonly start: number; readonly bytes: Uint8Array } | undefined,
  append: string | undefined,
): MemoryPart[] {
  const parts: MemoryPart[] = [];
  if (initrd !== undefined) {
    parts.push(part(LINUX_INITRD_START, doubleword(initrd.start)));
    parts.push(part(LINUX_INITRD_SIZE, doubleword(initrd.bytes.length)));
  }
  if (append !== undefined) {
    const text = new TextEncoder().encode(`${append}\0`);
    const room = doublewordAt(kernel, LINUX_MAX_COMMAND_LINE) || OLD_COMMAND_LINE_BYTES;
    if (text.length > room) {
      throw new UserError(`-append: kernel command line exceeds maximum size: ${text.length} > ${room}`);
    }
    parts.push(part(LINUX_COMMAND_LINE, text));
  }
  return parts;
}

function part(address: number, bytes: Uint8Array): MemoryPart {
  return { address, bytes, size: bytes.length };
}

function doubleword(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function doublewordAt(parts: readonly MemoryPart[], address: number): number {
  const found = parts.find((p) => p.address <= address && address + 8 <= p.address + p.bytes.length);
  if (found === undefined) return 0;
  const view = new DataView(found.bytes.buffer, found.bytes.byteOffset, found.bytes.byteLength);
  return Number(view.getBigUint64(address - found.address));
}

function fitting(program: Program, ramSize: number): Program {
  const end = endOf(program.parts);
  if (end > ramSize) throw new UserError(noRoom(end, ramSize));
  return program;
}

const endOf = (parts: readonly MemoryPart[]): number => Math.max(...parts.map(({ address, size }) => address + size));

function noRoom(end: number, ramSize: number): string {
  return `it does not fit: it ends at 0x${end.toString(16)}, RAM at 0x${ramSize.toString(16)}`;
}

/** A user's file with the option it came by, for messages. */
export function named<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${option}: ${error.message}`);
    throw error;
  }
}

/** The same for what takes its time. */
export async function namedAsync<T>(option: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    return named(option, () => {
      throw error;
    });
  }
}
