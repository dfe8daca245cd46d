/** Names of guest addresses: from the symbol table of an executable, or from a list as `nm` and Linux's /proc/kallsyms have it. */
import { type ElfImage, UserError } from '@boardwalk/core';

interface NamedRange {
  readonly start: bigint;
  /** First address behind it. */
  readonly end: bigint;
  readonly name: string;
}

const LAST = 2n ** 64n;
/** `ffffffff80000000 T name [module]`. */
const LINE = /^([0-9a-f]{1,16}) ([a-z?]) (\S+)(?:\s+\[(\S+)\])?\s*$/i;
/** Letters of `nm` for code. */
const CODE = new Set(['t', 'T', 'w', 'W', 'i']);

/** Functions by address. */
export class SymbolTable {
  readonly #ranges: readonly NamedRange[];
  readonly #known = new Map<bigint, string | undefined>();

  private constructor(symbols: readonly { readonly name: string; readonly value: bigint; readonly size: bigint }[]) {
    const sorted = [...symbols].sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
    const ranges: NamedRange[] = [];
    for (const [i, { name, value, size }] of sorted.entries()) {
      const next = sorted[i + 1]?.value;
      // Of several names of one place the first is as good as any.
      if (ranges.at(-1)?.start === value) continue;
      let following = next;
      for (let k = i + 1; following === value; k++) following = sorted[k]?.value;
      ranges.push({ start: value, end: size > 0n ? value + size : (following ?? LAST), name });
    }
    this.#ranges = ranges;
  }

  /** Functions of an executable, and labels in its code. */
  static fromElf(image: ElfImage): SymbolTable {
    const isCode = (value: bigint): boolean =>
      image.segments.some((s) => (s.flags & 1) !== 0 && value >= s.vaddr && value < s.vaddr + BigInt(s.memsz));
    const named = image.symbols().filter((s) => s.name !== '' && !s.name.startsWith('$') && !s.name.startsWith('.L'));
    return new SymbolTable(named.filter((s) => s.kind === 'function' || (s.kind === 'none' && isCode(s.value))));
  }

  /** @throws UserError for a text that has no symbol in it, or that hides the addresses (all zero) */
  static fromText(text: string): SymbolTable {
    const symbols: { name: string; value: bigint; size: bigint }[] = [];
    for (const line of text.split('\n')) {
      const [, address, kind, name, module] = LINE.exec(line) ?? [];
      if (address === undefined || kind === undefined || name === undefined || !CODE.has(kind)) continue;
      symbols.push({
        name: module === undefined ? name : `${name} [${module}]`,
        value: BigInt(`0x${address}`),
        size: 0n,
      });
    }
    if (symbols.length === 0)
      throw new UserError('no ELF file and no list of symbols (lines of address, letter, name)');
    if (symbols.every((s) => s.value === 0n)) throw new UserError('its addresses are hidden: all are zero');
    return new SymbolTable(symbols);
  }

  /** The function that an address lies in. */
  nameOf(address: bigint): string | undefined {
    if (this.#known.has(address)) return this.#known.get(address);
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.start ?? LAST) <= address) low = middle + 1;
      else high = middle;
    }
    const found = this.#ranges[low - 1];
    const name = found !== undefined && address < found.end ? found.name : undefined;
    this.#known.set(address, name);
    return name;
  }
}
