// ELF executables: System V Application Binary Interface, chapters 4 (object files) and 5 (program loading), 32 and 64 bits,
// both byte orders.

import { UserError } from '../object/user-error.ts';
import { BinaryReader, startsWith } from './binary-reader.ts';
import { machineName } from './elf-machines.ts';
import { type LoadedRange, type LoadTarget, loadImage, type MemoryImage, type MemoryPart } from './memory-image.ts';

/** A PT_LOAD segment. */
export interface ElfSegment {
  /** `p_paddr`: as the file has it, kernel-segment bits of the architecture included. */
  readonly paddr: bigint;
  readonly vaddr: bigint;
  /** What the file holds of the segment. */
  readonly fileBytes: Uint8Array;
  /** Bytes in memory; what `fileBytes` does not cover is zero. */
  readonly memsz: number;
  /** `p_flags`: 1 executable, 2 writable, 4 readable. */
  readonly flags: number;
}

/** A named symbol of the symbol table. */
export interface ElfSymbol {
  readonly name: string;
  readonly value: bigint;
  readonly size: bigint;
  readonly kind: 'none' | 'object' | 'function' | 'section' | 'file' | 'other';
}

/** A parsed executable; its bytes are views of the file. */
export interface ElfImage {
  readonly bits: 32 | 64;
  readonly endian: 'little' | 'big';
  /** `e_machine`. */
  readonly machine: number;
  /** `e_flags`, whose meaning is the machine's. */
  readonly flags: number;
  /** It finds out itself where it lies (`ET_DYN`, linked at 0): its addresses are offsets from a base of the machine's choice. */
  readonly positionIndependent: boolean;
  /** Virtual address of the first instruction. */
  readonly entry: bigint;
  /** Loadable segments with a size, in the file's order. */
  readonly segments: readonly ElfSegment[];
  /** The symbol table, by address; empty for a stripped file. */
  symbols(): readonly ElfSymbol[];
}

/** Turns a `p_paddr` into a guest physical address, for machines whose files carry segment bits in it. */
export type ElfAddressTranslation = (paddr: bigint) => bigint;

/** Byte offsets of the fields that differ between the two classes. */
interface Layout {
  readonly entry: number;
  readonly phoff: number;
  readonly shoff: number;
  readonly flags: number;
  readonly phentsize: number;
  readonly segment: {
    size: number;
    flags: number;
    offset: number;
    vaddr: number;
    paddr: number;
    filesz: number;
    memsz: number;
  };
  readonly section: { size: number; offset: number; bytes: number; link: number };
  readonly symbol: { size: number; info: number; value: number; bytes: number };
}

const LAYOUT_32: Layout = {
  entry: 24,
  phoff: 28,
  shoff: 32,
  flags: 36,
  phentsize: 42,
  segment: { size: 32, flags: 24, offset: 4, vaddr: 8, paddr: 12, filesz: 16, memsz: 20 },
  section: { size: 40, offset: 16, bytes: 20, link: 24 },
  symbol: { size: 16, info: 12, value: 4, bytes: 8 },
};

const LAYOUT_64: Layout = {
  entry: 24,
  phoff: 32,
  shoff: 40,
  flags: 48,
  phentsize: 54,
  segment: { size: 56, flags: 4, offset: 8, vaddr: 16, paddr: 24, filesz: 32, memsz: 40 },
  section: { size: 64, offset: 24, bytes: 32, link: 40 },
  symbol: { size: 24, info: 4, value: 8, bytes: 16 },
};

const ET_EXEC = 2;
const ET_DYN = 3;
const PT_LOAD = 1;
const SHT_SYMTAB = 2;
const SYMBOL_KINDS = ['none', 'object', 'function', 'section', 'file'] as const;
/** Addresses and sizes above this are no physical ones. */
const PHYSICAL_LIMIT = 1n << 52n;

/** Whether bytes begin as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return startsWith(bytes, '7f454c46');
}

/**
 * Reads an executable's headers.
 * @throws UserError with one line if the file is no ELF executable, or a truncated or damaged one
 */
export function parseElf(bytes: Uint8Array): ElfImage {
  if (bytes.length === 0) throw new UserError('the file is empty');
  if (!isElf(bytes)) throw new UserError('not an ELF file');
  const file = new ElfReader(bytes);
  const type = file.u16(16);
  if (type !== ET_EXEC && type !== ET_DYN) throw new UserError('the ELF file is not an executable');
  const segments = readSegments(file);
  return {
    bits: file.bits,
    endian: file.littleEndian ? 'little' : 'big',
    machine: file.u16(18),
    flags: file.u32(file.layout.flags),
    positionIndependent: type === ET_DYN && segments.some(({ paddr }) => paddr === 0n),
    entry: file.word(file.layout.entry),
    segments,
    symbols: () => readSymbols(file),
  };
}

/** What an ELF file is, in words: "64-bit little-endian RISC-V". */
export function describeElf(elf: Pick<ElfImage, 'bits' | 'endian' | 'machine'>): string {
  return `${elf.bits}-bit ${elf.endian}-endian ${machineName(elf.machine)}`;
}

/**
 * Lays an executable out in guest physical memory. The entry is the physical address of the virtual one.
 * @throws UserError if a segment's address is no physical address
 */
export function elfImage(elf: ElfImage, translate: ElfAddressTranslation = (paddr) => paddr): MemoryImage {
  if (elf.segments.length === 0) throw new UserError('the ELF file has nothing to load');
  const parts: MemoryPart[] = [];
  let entry: bigint | undefined;
  for (const { paddr, vaddr, fileBytes, memsz } of elf.segments) {
    const address = translate(paddr);
    if (address + BigInt(memsz) > PHYSICAL_LIMIT) {
      throw new UserError(`the ELF file wants 0x${address.toString(16)}, which is no physical address`);
    }
    parts.push({ address: Number(address), bytes: fileBytes, size: memsz });
    if (elf.entry >= vaddr && elf.entry < vaddr + BigInt(memsz)) entry ??= address + (elf.entry - vaddr);
  }
  entry ??= translate(elf.entry);
  if (entry >= PHYSICAL_LIMIT) throw new UserError('the ELF file starts outside its segments');
  return { parts, entry: Number(entry) };
}

/** Loads an executable into guest memory. @throws UserError if the machine has no memory where it belongs */
export function loadElf(
  target: LoadTarget,
  elf: ElfImage,
  translate?: ElfAddressTranslation,
): LoadedRange & { readonly entry: number } {
  const image = elfImage(elf, translate);
  return { ...loadImage(target, image), entry: image.entry ?? 0 };
}

class ElfReader extends BinaryReader {
  readonly bits: 32 | 64;
  readonly layout: Layout;

  constructor(bytes: Uint8Array) {
    const [, , , , elfClass, data, version] = bytes;
    if (bytes.length < 52) throw new UserError('the ELF file is truncated');
    if ((elfClass !== 1 && elfClass !== 2) || (data !== 1 && data !== 2) || version !== 1) {
      throw new UserError('the ELF file is damaged: impossible class, byte order or version');
    }
    super(bytes, data === 1, 'the ELF file');
    this.bits = elfClass === 1 ? 32 : 64;
    this.layout = elfClass === 1 ? LAYOUT_32 : LAYOUT_64;
  }

  /** A field of the class's address size. */
  word(at: number): bigint {
    return this.bits === 32 ? BigInt(this.u32(at)) : this.u64(at);
  }

  /** A file offset or a size. Beyond 2^52 it becomes Infinity, which no later check lets pass. */
  extent(at: number): number {
    const value = this.word(at);
    return value < PHYSICAL_LIMIT ? Number(value) : Number.POSITIVE_INFINITY;
  }
}

function readSegments(file: ElfReader): ElfSegment[] {
  const { segment, phoff, phentsize } = file.layout;
  const table = file.extent(phoff);
  const entrySize = file.u16(phentsize);
  const count = file.u16(phentsize + 2);
  if (count > 0 && entrySize < segment.size) throw new UserError('the ELF file is damaged: short program headers');
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * entrySize;
    if (file.u32(at) !== PT_LOAD) continue;
    const filesz = file.extent(at + segment.filesz);
    const memsz = file.extent(at + segment.memsz);
    if (memsz === 0) continue;
    if (filesz > memsz || !Number.isFinite(memsz))
      throw new UserError('the ELF file is damaged: impossible segment size');
    segments.push({
      paddr: file.word(at + segment.paddr),
      vaddr: file.word(at + segment.vaddr),
      fileBytes: filesz === 0 ? new Uint8Array(0) : file.slice(file.extent(at + segment.offset), filesz),
      memsz,
      flags: file.u32(at + segment.flags),
    });
  }
  return segments;
}

function readSymbols(file: ElfReader): ElfSymbol[] {
  const { section, symbol, shoff, phentsize } = file.layout;
  const table = file.extent(shoff);
  const entrySize = file.u16(phentsize + 4);
  const count = file.u16(phentsize + 6);
  const symbols: ElfSymbol[] = [];
  for (let i = 0; i < count && entrySize >= section.size; i++) {
    const at = table + i * entrySize;
    if (file.u32(at + 4) !== SHT_SYMTAB) continue;
    const names = table + file.u32(at + section.link) * entrySize;
    const namesAt = file.extent(names + section.offset);
    const namesEnd = namesAt + file.extent(names + section.bytes);
    const first = file.extent(at + section.offset);
    const end = first + file.extent(at + section.bytes);
    for (let s = first; s + symbol.size <= end; s += symbol.size) {
      const nameAt = namesAt + file.u32(s);
      const name = nameAt < namesEnd ? file.text(nameAt, Math.min(namesEnd - nameAt, 4096)) : '';
      if (name === '') continue;
      symbols.push({
        name,
        value: file.word(s + symbol.value),
        size: file.word(s + symbol.bytes),
        kind: SYMBOL_KINDS[file.u8(s + symbol.info) & 0xf] ?? 'other',
      });
    }
  }
  return symbols.sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
}
