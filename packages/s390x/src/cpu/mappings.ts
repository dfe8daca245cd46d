/**
 * What the tables of a space map, for people and for dumps of storage. Principles of Operation, SA22-7832, chapter "Storage",
 * "Dynamic Address Translation". The walk of instructions (translation.ts) follows one address; this follows all of them.
 */
import type { AddressSpace, VirtualRange } from '@boardwalk/core';
import {
  ENTRY_FORMAT,
  ENTRY_INVALID,
  ENTRY_PROTECTED,
  PAGE_BITS,
  PAGE_INVALID,
  PAGE_MUST_BE_ZERO,
} from './translation.ts';

/** Entries that are looked at: a table that leads to itself would have no end. */
const MAX_ENTRIES = 1 << 19;
const [INVALID, PROTECTED, FORMAT] = [BigInt(ENTRY_INVALID), BigInt(ENTRY_PROTECTED), BigInt(ENTRY_FORMAT)];
/** Of an entry of a page table: what keeps it from being used. */
const PAGE_UNUSABLE = BigInt(PAGE_INVALID | PAGE_MUST_BE_ZERO);
const PAGE = 1n << BigInt(PAGE_BITS);
/** A page table has 256 entries, the others up to 2048, in quarters. */
const ENTRY_BYTES = 8;
const PAGES = 256;
const QUARTER = 512;
const SEGMENT_BITS = 20n;
const LEVEL_BITS = 11n;
const ORIGIN = ~0xfffn;
const PAGE_TABLE_ORIGIN = ~0x7ffn;
/** The first 8 KiB of real storage and the prefix area change places. */
const PREFIX_BYTES = 0x2000n;

/** A space, and what real storage means to its CPU. */
export interface SpaceToShow {
  /** Address-space-control element that is no real-space designation. */
  readonly asce: bigint;
  readonly prefix: bigint;
  /** Enhanced DAT: regions and segments may be frames, and protection is in all tables. */
  readonly edat: boolean;
}

/** Virtual addresses that lead to absolute ones that follow one another. */
export interface SpaceRange extends VirtualRange {
  readonly protected: boolean;
}

/** What a space maps. */
export interface SpaceMappings {
  /** In the order of virtual addresses. */
  readonly ranges: readonly SpaceRange[];
  /** False where the tables have more entries than are looked at. */
  readonly complete: boolean;
}

/** Where real storage begins to mean other absolute storage. */
function edgesOf(prefix: bigint): readonly bigint[] {
  return [PREFIX_BYTES, prefix, prefix + PREFIX_BYTES].toSorted((a, b) => (a < b ? -1 : 1));
}

function toAbsolute(real: bigint, prefix: bigint): bigint {
  if (real < PREFIX_BYTES) return real + prefix;
  return real >= prefix && real < prefix + PREFIX_BYTES ? real - prefix : real;
}

class SpaceWalker {
  readonly ranges: (SpaceRange & { size: bigint })[] = [];
  complete = true;
  readonly #memory: AddressSpace;
  readonly #space: SpaceToShow;
  readonly #edges: readonly bigint[];
  #left = MAX_ENTRIES;

  constructor(memory: AddressSpace, space: SpaceToShow) {
    this.#memory = memory;
    this.#space = space;
    this.#edges = edgesOf(space.prefix);
  }

  /** A region table (levels 3 to 1) or a segment table (0), as its designation says where it is and which quarters it has. */
  table(designation: bigint, first: number, level: bigint, base: bigint, isProtected: boolean): void {
    const shift = SEGMENT_BITS + level * LEVEL_BITS;
    for (let quarter = first; quarter <= Number(designation & 3n); quarter++) {
      const index = quarter * QUARTER;
      this.#entries((designation & ORIGIN) + BigInt(index * ENTRY_BYTES), QUARTER, (entry, n) => {
        if ((entry & INVALID) !== 0n || ((entry >> 2n) & 3n) !== level) return;
        this.#descend(entry, level, base | (BigInt(index + n) << shift), isProtected);
      });
    }
  }

  /** What an entry of a region or segment table maps from a virtual address on. */
  #descend(entry: bigint, level: bigint, va: bigint, isProtected: boolean): void {
    const { edat } = this.#space;
    // Without enhanced DAT only segments and pages are protected, and all frames are pages.
    const closed = isProtected || ((edat || level === 0n) && (entry & PROTECTED) !== 0n);
    if (edat && level <= 1n && (entry & FORMAT) !== 0n) {
      const size = 1n << (SEGMENT_BITS + level * LEVEL_BITS);
      this.#add(va, entry & -size, size, closed);
    } else if (level > 0n) this.table(entry, Number((entry >> 6n) & 3n), level - 1n, va, closed);
    else {
      this.#entries(entry & PAGE_TABLE_ORIGIN, PAGES, (page, n) => {
        if ((page & PAGE_UNUSABLE) !== 0n) return;
        this.#add(va + BigInt(n) * PAGE, page & -PAGE, PAGE, closed || (page & PROTECTED) !== 0n);
      });
    }
  }

  /** Shows entries in storage, until enough have been looked at. */
  #entries(at: bigint, count: number, show: (entry: bigint, n: number) => void): void {
    const { space } = this.#memory;
    const host = this.#memory.hostOffset(Number(at), count * ENTRY_BYTES, false);
    if (host < 0) return;
    for (let n = 0; n < count; n++) {
      if (this.#left-- <= 0) {
        this.complete = false;
        return;
      }
      show(space.view.getBigUint64(host + n * ENTRY_BYTES), n);
    }
  }

  /** Real storage from a virtual address on, in pieces whose absolute addresses follow one another. */
  #add(va: bigint, real: bigint, size: bigint, isProtected: boolean): void {
    let from = real;
    for (const edge of this.#edges) {
      if (edge <= from) continue;
      if (edge >= real + size) break;
      this.#addPiece(va + from - real, from, edge - from, isProtected);
      from = edge;
    }
    this.#addPiece(va + from - real, from, real + size - from, isProtected);
  }

  /** What goes on where the last range ended, with the same rights, is part of it. */
  #addPiece(va: bigint, real: bigint, size: bigint, isProtected: boolean): void {
    const pa = toAbsolute(real, this.#space.prefix);
    const last = this.ranges.at(-1);
    const goesOn = last && last.va + last.size === va && last.pa + last.size === pa;
    if (last && goesOn && last.protected === isProtected) last.size += size;
    else this.ranges.push({ va, pa, size, protected: isProtected });
  }
}

/** Follows the tables of a space as they are now, to absolute addresses. */
export function mappingsOf(space: SpaceToShow, memory: AddressSpace): SpaceMappings {
  const walker = new SpaceWalker(memory, space);
  walker.table(space.asce, 0, (space.asce >> 2n) & 3n, 0n, false);
  return walker;
}

const hex = (value: bigint): string => value.toString(16).padStart(16, '0');

/** `info mem`. */
export function formatMappings({ ranges, complete }: SpaceMappings): string {
  const head =
    'vaddr            paddr            size             attr\n---------------- ---------------- ---------------- ----\n';
  const rows = ranges.map(
    ({ va, pa, size, protected: closed }) => `${hex(va)} ${hex(pa)} ${hex(size)} ${closed ? 'r-' : 'rw'}\n`,
  );
  return `${head}${rows.join('')}${complete ? '' : `(only what is in the first ${MAX_ENTRIES} entries is shown)\n`}`;
}
