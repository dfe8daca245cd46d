/**
 * A hart for people to look at: registers and page tables as monitors show them. Layout: what QEMU 7.2 prints for `info registers`
 * and `info mem`. Page tables: RISC-V Privileged Architecture, "Sv39", "Sv48" and "Sv57".
 */
import { type AddressSpace, ATTR_DEBUG, type VirtualRange } from '@boardwalk/core';
import type { Slot } from '@boardwalk/translator';
import { F_NAMES, X_NAMES } from './decode/registers.ts';
import type { CpuConfig } from './models.ts';
import { common, csr, f, x } from './state.ts';

const hex = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0');

/** The control and status registers that are shown, in their order; `mip` is the sum of two. */
const SHOWN = [
  'mhartid',
  'mstatus',
  'mip',
  'mie',
  'mideleg',
  'medeleg',
  'mtvec',
  'stvec',
  'mepc',
  'sepc',
  'mcause',
  'scause',
  'mtval',
  'stval',
  'mscratch',
  'sscratch',
  'satp',
] as const;

const NAME_WIDTH = 8;
const PER_LINE = 4;

function grid(letter: string, names: readonly string[], values: readonly bigint[]): string {
  let text = '';
  names.forEach((name, i) => {
    const cell = ` ${`${letter}${i}/${name}`.padEnd(NAME_WIDTH)} ${hex(values[i] ?? 0n)}`;
    text += i % PER_LINE === PER_LINE - 1 ? `${cell}\n` : cell;
  });
  return text;
}

/** `info registers`, less its first line. */
export function formatRegisters(config: CpuConfig, read: (slot: Slot) => bigint): string {
  const line = (name: string, value: bigint): string => ` ${name.padEnd(NAME_WIDTH)} ${hex(value)}\n`;
  const status = SHOWN.map((name) => {
    const pending = name === 'mip' ? read(common.pendingIrq) : 0n;
    return line(name, read(csr[name]) | pending);
  });
  const floats = config.extensions.has('f') ? grid('f', F_NAMES, f.map(read)) : '';
  return `${line('pc', read(common.pc))}${status.join('')}${grid('x', X_NAMES, [0n, ...x.slice(1).map(read)])}${floats}`;
}

/** Number of levels is satp.MODE less this. */
const MODE_LEVELS = 5;
const PAGE_BITS = 12n;
const LEVEL_BITS = 9n;
const ENTRIES = 512;
const PPN_MASK = (1n << 44n) - 1n;
/** Tables that are looked at: a table that leads to itself would have no end. */
const MAX_TABLES = 4096;
/** V R W X U G A D. */
const LEAF = 0b1110n;
const VALID = 1n;
const ATTRIBUTES = [...'rwxugad'];

interface Mapping {
  va: bigint;
  pa: bigint;
  size: bigint;
  attributes: bigint;
}

function walk(satp: bigint, memory: AddressSpace): TableWalker | undefined {
  const levels = Number(satp >> 60n) - MODE_LEVELS;
  if (levels <= 0) return undefined;
  const walker = new TableWalker(memory, BigInt(levels));
  walker.table((satp & PPN_MASK) << PAGE_BITS, BigInt(levels) - 1n, 0n);
  return walker;
}

/** What `satp` maps, in the order of the tables; undefined while nothing is translated. */
export function mappingsOf(satp: bigint, memory: AddressSpace): readonly VirtualRange[] | undefined {
  return walk(satp, memory)?.mappings;
}

/** `info mem`; undefined while nothing is translated. */
export function formatMappings(satp: bigint, memory: AddressSpace): string | undefined {
  const walker = walk(satp, memory);
  if (walker === undefined) return undefined;
  const rows = walker.mappings.map(({ va, pa, size, attributes }) => {
    const letters = ATTRIBUTES.map((letter, i) => ((attributes >> BigInt(i + 1)) & 1n ? letter : '-'));
    return `${hex(va)} ${hex(pa)} ${hex(size)} ${letters.join('')}\n`;
  });
  const head =
    'vaddr            paddr            size             attr\n---------------- ---------------- ---------------- -------\n';
  return `${head}${rows.join('')}${walker.complete ? '' : `(only the first ${MAX_TABLES} tables are shown)\n`}`;
}

class TableWalker {
  readonly mappings: Mapping[] = [];
  complete = true;
  readonly #memory: AddressSpace;
  readonly #bits: bigint;
  #tables = 0;

  constructor(memory: AddressSpace, levels: bigint) {
    this.#memory = memory;
    this.#bits = PAGE_BITS + levels * LEVEL_BITS;
  }

  table(address: bigint, level: bigint, base: bigint): void {
    if (++this.#tables > MAX_TABLES) {
      this.complete = false;
      return;
    }
    const shift = PAGE_BITS + level * LEVEL_BITS;
    for (let i = 0; i < ENTRIES; i++) {
      const entry = this.#memory.load64(Number(address) + 8 * i, ATTR_DEBUG);
      if (entry < 0n || (entry & VALID) === 0n) continue;
      const pa = ((entry >> 10n) & PPN_MASK) << PAGE_BITS;
      const va = base | (BigInt(i) << shift);
      if ((entry & LEAF) !== 0n) this.#add(va, pa, 1n << shift, entry & 0xffn);
      else if (level > 0n) this.table(pa, level - 1n, va);
    }
  }

  /** A page that goes on where the last one ended, with the same rights, is part of it. */
  #add(address: bigint, pa: bigint, size: bigint, attributes: bigint): void {
    const va = BigInt.asUintN(64, BigInt.asIntN(Number(this.#bits), address));
    const last = this.mappings.at(-1);
    if (last && last.va + last.size === va && last.pa + last.size === pa && last.attributes === attributes) {
      last.size += size;
    } else this.mappings.push({ va, pa, size, attributes });
  }
}
