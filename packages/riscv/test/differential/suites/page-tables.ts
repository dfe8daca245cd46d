/** Random page tables. RISC-V Privileged ISA, "Sv39", "Sv48" and "Sv57": tables of 512 entries of eight bytes. */

import type { Random } from '@boardwalk/testing';
import { FIELD, RAM_BASE, SCRATCH, SCRATCH_SIZE, TABLES, TABLES_SIZE } from '../layout.ts';
import type { Program } from '../program.ts';

const PAGE_BITS = 12n;
const LEVEL_BITS = 9n;
const ENTRIES = 512;
const PPN_SHIFT = 10n;

export const PTE_V = 1n;
export const PTE_R = 2n;
export const PTE_W = 4n;
export const PTE_X = 8n;
export const PTE_U = 16n;
export const PTE_A = 64n;
export const PTE_D = 128n;
const ALL_RIGHTS = PTE_R | PTE_W | PTE_X | PTE_A | PTE_D;

/** Levels of tables of each format, by satp.MODE. */
const FORMATS = [
  { mode: 8n, levels: 3 },
  { mode: 9n, levels: 4 },
  { mode: 10n, levels: 5 },
] as const;

/** Hands out pages for tables. */
export class TablePages {
  #next = TABLES;

  get left(): number {
    return (TABLES + TABLES_SIZE - this.#next) >> Number(PAGE_BITS);
  }

  take(): number {
    this.#next += 1 << Number(PAGE_BITS);
    return this.#next - (1 << Number(PAGE_BITS));
  }
}

/** Where the code of a world is: the field, once for the user and once for the supervisor. */
export interface World {
  readonly satp: bigint;
  readonly userCode: bigint;
  readonly supervisorCode: bigint;
  /** Addresses whose translation is interesting. */
  readonly addresses: readonly bigint[];
}

/** Flags of a leaf: mostly valid, often lacking something. */
function randomFlags(random: Random): bigint {
  let flags = PTE_V | ALL_RIGHTS | (random.oneIn(2) ? PTE_U : 0n);
  for (const flag of [PTE_R, PTE_W, PTE_X, PTE_A, PTE_D]) if (random.oneIn(3)) flags &= ~flag;
  if (random.oneIn(12)) flags &= ~PTE_V;
  // G and the two bits for software mean nothing here; the reserved ones above do.
  flags |= BigInt(random.below(8)) << 8n;
  if (random.oneIn(4)) flags |= 1n << 5n;
  if (random.oneIn(16)) flags |= 1n << BigInt(54 + random.below(10));
  return flags;
}

/** Makes one tree of tables. */
class Tree {
  readonly program: Program;
  readonly pages: TablePages;
  readonly root: number;
  readonly format: (typeof FORMATS)[number];

  constructor(program: Program, pages: TablePages) {
    this.program = program;
    this.pages = pages;
    this.root = pages.take();
    this.format = program.random.pick(FORMATS);
  }

  /** An address that the format can translate: the upper bits repeat the highest. */
  randomAddress(): bigint {
    const { random } = this.program;
    const bits = Number(PAGE_BITS) + 9 * this.format.levels;
    return BigInt.asUintN(64, BigInt.asIntN(bits, random.u64()));
  }

  #index(address: bigint, level: number): number {
    return Number((address >> (PAGE_BITS + LEVEL_BITS * BigInt(level))) & BigInt(ENTRIES - 1));
  }

  #read(at: number): bigint {
    return new DataView(this.program.image.buffer).getBigUint64(at - RAM_BASE, true);
  }

  /** The place of the entry for an address at a level, with tables made down to it; undefined where a leaf is in the way. */
  entry(address: bigint, level: number): number | undefined {
    let table = this.root;
    for (let above = this.format.levels - 1; above > level; above--) {
      const at = table + 8 * this.#index(address, above);
      const entry = this.#read(at);
      if (entry === 0n) {
        table = this.pages.take();
        this.program.poke64(at, ((BigInt(table) >> PAGE_BITS) << PPN_SHIFT) | PTE_V);
      } else if ((entry & (PTE_V | PTE_R | PTE_X)) === PTE_V && entry >> 54n === 0n) {
        table = Number((entry >> PPN_SHIFT) << PAGE_BITS);
        if (table < TABLES || table >= TABLES + TABLES_SIZE) return undefined;
      } else return undefined;
    }
    return table + 8 * this.#index(address, level);
  }

  map(address: bigint, level: number, physical: bigint, flags: bigint): boolean {
    const at = this.entry(address, level);
    if (at === undefined || this.#read(at) !== 0n) return false;
    this.program.poke64(at, ((physical >> PAGE_BITS) << PPN_SHIFT) | flags);
    return true;
  }

  /** Maps the field by superpages of two megabytes. */
  mapField(user: boolean): bigint {
    for (;;) {
      const base = this.randomAddress() & ~0x7f_ffffn;
      const flags = PTE_V | ALL_RIGHTS | (user ? PTE_U : 0n);
      const half = 0x20_0000;
      const first = this.map(base, 1, BigInt(FIELD), flags);
      if (first && this.map(base + BigInt(half), 1, BigInt(FIELD + half), flags)) return base;
    }
  }

  /** Maps something at random; returns an address in it that is backed by the scratch memory, where it is mapped well. */
  mapRandom(): bigint {
    const { random } = this.program;
    const address = this.randomAddress();
    const level = random.pick([0, 0, 0, 1, 1, 2, 3, 4].filter((l) => l < this.format.levels));
    const size = 1n << (PAGE_BITS + LEVEL_BITS * BigInt(level));
    const target = BigInt(SCRATCH + 4096 * random.below(SCRATCH_SIZE / 4096));
    let physical = target & ~(size - 1n);
    // A superpage that is not aligned, or memory that is not there.
    if (random.oneIn(20)) physical = target;
    if (random.oneIn(30)) physical = random.u64() & ((1n << 56n) - 1n) & ~(size - 1n);
    const ok = this.map(address, level, physical, randomFlags(random));
    if (!ok) return address;
    return (address & ~(size - 1n)) + (target & (size - 1n));
  }

  /** An entry that is no leaf where no table can be: a pointer to nowhere or at the last level, or one that cannot be written. */
  dangle(): bigint {
    const { random } = this.program;
    const address = this.randomAddress();
    const level = random.below(this.format.levels);
    const physical = random.oneIn(3) ? random.u64() & 0xff_ffff_ffff_f000n : BigInt(TABLES);
    this.map(address, level, physical, PTE_V | random.pick([0n, PTE_W, 1n << 8n]));
    return address;
  }

  /** A page that all may use, but for a bit that must not be set in a pointer on the way to it; `keep` have other ways. */
  spoil(keep: readonly bigint[]): bigint {
    const { random } = this.program;
    const top = this.format.levels - 1;
    for (;;) {
      const address = this.randomAddress();
      if (keep.some((other) => this.#index(other, top) === this.#index(address, top))) continue;
      if (!this.map(address, 0, BigInt(SCRATCH), PTE_V | ALL_RIGHTS | (random.oneIn(2) ? PTE_U : 0n))) continue;
      const at = this.entry(address, 1 + random.below(top));
      if (at === undefined) continue;
      this.program.poke64(
        at,
        this.#read(at) | random.pick([0n, PTE_A, PTE_D, PTE_U, PTE_W, 1n << 54n, 1n << 60n, 1n << 63n]),
      );
      return address;
    }
  }
}

const LEAVES = 40;
const DANGLING = 4;
const SPOILED = 6;

/** One address space. */
export function makeWorld(program: Program, pages: TablePages): World {
  const { random } = program;
  const tree = new Tree(program, pages);
  const userCode = tree.mapField(true);
  const supervisorCode = tree.mapField(false);
  const mapped = Array.from({ length: LEAVES }, () => tree.mapRandom());
  // Neighbours of pages: accesses that cross into them.
  for (const address of mapped.slice(0, LEAVES / 4)) {
    tree.map((address & ~0xfffn) + 0x1000n, 0, BigInt(SCRATCH + 4096 * random.below(500)), randomFlags(random));
  }
  const dangling = Array.from({ length: DANGLING }, () => tree.dangle());
  const spoiled = Array.from({ length: SPOILED }, () => tree.spoil([userCode, supervisorCode]));
  const asid = BigInt(random.below(16)) << 44n;
  const satp = (tree.format.mode << 60n) | asid | (BigInt(tree.root) >> PAGE_BITS);
  const elsewhere = Array.from({ length: 4 }, () => tree.randomAddress());
  const notCanonical = mapped.slice(0, 3).map((address) => address ^ (1n << BigInt(40 + random.below(24))));
  return {
    satp,
    userCode,
    supervisorCode,
    addresses: [...mapped, ...dangling, ...spoiled, ...elsewhere, ...notCanonical],
  };
}
