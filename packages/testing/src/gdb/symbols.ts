// A file of symbols for gdb, made from what a kernel says of itself in /proc/kallsyms: an ELF file with names and no contents.

/** A function or variable. */
export interface KernelSymbol {
  readonly name: string;
  readonly address: bigint;
  /** Bytes up to the next symbol. */
  readonly size: bigint;
  readonly isFunction: boolean;
}

const HEADER_BYTES = 64;
const SECTION_BYTES = 64;
const SYMBOL_BYTES = 24;

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags?: bigint;
  readonly address?: bigint;
  readonly size?: bigint;
  readonly bytes?: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entry?: bigint;
}

class Strings {
  #text = '\0';

  add(text: string): number {
    const at = this.#text.length;
    this.#text += `${text}\0`;
    return at;
  }

  get bytes(): Uint8Array {
    return new TextEncoder().encode(this.#text);
  }
}

/** What a file of symbols is for. */
export interface SymbolFileTarget {
  /** The ELF machine number. */
  readonly machine: number;
  readonly endian: 'little' | 'big';
}

/**
 * A command for the guest's shell that shows some lines of /proc/kallsyms, each with the next one's address, for {@link symbolsIn}.
 * @param names functions and variables
 */
export function listSymbols(names: readonly string[]): string {
  return `awk 'n{print $1,n;n=""} $3~/^(${names.join('|')})$/{n=$0}' /proc/kallsyms\n`;
}

/** Symbols in what {@link listSymbols} made the guest print. */
export function symbolsIn(text: string): KernelSymbol[] {
  return [...text.matchAll(/^([0-9a-f]{16}) ([0-9a-f]{16}) (\w) (\w+)\r?$/gm)].map(
    ([, next = '0', address = '0', type = '', name = '']) => ({
      name,
      address: BigInt(`0x${address}`),
      size: BigInt(`0x${next}`) - BigInt(`0x${address}`),
      isFunction: /t/i.test(type),
    }),
  );
}

/** ELF64, executable: .text without contents over all functions, .data over all variables, and their symbols. */
export function symbolFile(symbols: readonly KernelSymbol[], target: SymbolFileTarget): Uint8Array {
  const little = target.endian === 'little';
  const names = new Strings();
  const table = new DataView(new ArrayBuffer((symbols.length + 1) * SYMBOL_BYTES));
  symbols.forEach(({ name, address, size, isFunction }, i) => {
    const at = (i + 1) * SYMBOL_BYTES;
    table.setUint32(at, names.add(name), little);
    table.setUint8(at + 4, 0x10 | (isFunction ? 2 : 1));
    table.setUint16(at + 6, isFunction ? 1 : 2, little);
    table.setBigUint64(at + 8, address, little);
    table.setBigUint64(at + 16, size, little);
  });
  return elf(target, [
    { name: '', type: 0 },
    { name: '.text', type: 8, flags: 6n, ...extent(symbols.filter(({ isFunction }) => isFunction)) },
    { name: '.data', type: 8, flags: 3n, ...extent(symbols.filter(({ isFunction }) => !isFunction)) },
    { name: '.symtab', type: 2, bytes: new Uint8Array(table.buffer), link: 4, info: 1, entry: BigInt(SYMBOL_BYTES) },
    { name: '.strtab', type: 3, bytes: names.bytes },
  ]);
}

function extent(symbols: readonly KernelSymbol[]): { readonly address: bigint; readonly size: bigint } {
  const sorted = symbols.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) return { address: 0n, size: 0n };
  return { address: first.address, size: last.address + last.size - first.address };
}

function elf({ machine, endian }: SymbolFileTarget, given: readonly Section[]): Uint8Array {
  const little = endian === 'little';
  const names = new Strings();
  const sections = [...given, { name: '.shstrtab', type: 3 }].map((section) => ({
    ...section,
    nameAt: section.name === '' ? 0 : names.add(section.name),
  }));
  const contents = sections.map((section) => section.bytes ?? (section.name === '.shstrtab' ? names.bytes : undefined));
  const bytes = contents.reduce((sum, content) => sum + (content?.length ?? 0), HEADER_BYTES);
  const file = new Uint8Array(bytes + sections.length * SECTION_BYTES);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, little ? 1 : 2, 1]);
  view.setUint16(16, 2, little);
  view.setUint16(18, machine, little);
  view.setUint32(20, 1, little);
  view.setBigUint64(40, BigInt(bytes), little);
  view.setUint16(52, HEADER_BYTES, little);
  view.setUint16(58, SECTION_BYTES, little);
  view.setUint16(60, sections.length, little);
  view.setUint16(62, sections.length - 1, little);
  let offset = HEADER_BYTES;
  sections.forEach((section, i) => {
    const at = bytes + i * SECTION_BYTES;
    const content = contents[i];
    view.setUint32(at, section.nameAt, little);
    view.setUint32(at + 4, section.type, little);
    view.setBigUint64(at + 8, section.flags ?? 0n, little);
    view.setBigUint64(at + 16, section.address ?? 0n, little);
    view.setBigUint64(at + 24, BigInt(offset), little);
    view.setBigUint64(at + 32, section.size ?? BigInt(content?.length ?? 0), little);
    view.setUint32(at + 40, section.link ?? 0, little);
    view.setUint32(at + 44, section.info ?? 0, little);
    view.setBigUint64(at + 48, 1n, little);
    view.setBigUint64(at + 56, section.entry ?? 0n, little);
    if (content === undefined) return;
    file.set(content, offset);
    offset += content.length;
  });
  return file;
}
