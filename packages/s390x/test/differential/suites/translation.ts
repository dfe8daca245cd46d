/**
 * Dynamic address translation: designations of every type, tables with entries that are invalid, protected, too short, of the wrong
 * level or large pages, and accesses through them.
 */
import type { Random } from '@boardwalk/testing';
import { assemble } from '../assembler.ts';
import { SCRATCH, TABLES, VARIABLES } from '../layout.ts';
import { CONTROL_0, type Program, SUPERVISOR } from '../program.ts';
import type { Suite } from './suite.ts';

const DAT = 1n << 58n;
/** Enhanced DAT in control register 0. */
const EDAT = 1n << 23n;

/** Tables by level: 3 region first to 0 segment, 2048 entries each, then page tables of 256. */
const tableAt = (level: number): number => TABLES + (3 - level) * 0x4000;
const PAGE_TABLES = TABLES + 0x1_0000;
const pageTableAt = (segment: number): number => PAGE_TABLES + (segment & 15) * 0x800;

/** Indexes that have entries of their own at the upper levels; the others are zeros, which are valid and lead to nowhere. */
const INDEXES = [0, 1, 2, 3, 1024, 2047] as const;
/** Segments with page tables; the code lies in the first of them, which are as they should be, the scratch storage is the last of these. */
const SEGMENTS = 16;
const FOR_CODE = 4;

const [INVALID, PROTECT, LARGE, TABLE_LENGTH] = [0x20n, 0x200n, 0x400n, 3n];

/** Something that may be wrong with an entry. */
function spoil(random: Random, entry: bigint, level: number): bigint {
  switch (random.below(8)) {
    case 0:
      return entry | INVALID;
    case 1:
      return entry | PROTECT;
    case 2:
      return entry ^ (BigInt(1 + random.below(3)) << 2n);
    case 3:
      // Fewer than 2048 entries of the next table, or not from the first on.
      return level === 0 ? entry : (entry & ~0xc3n) | BigInt(random.below(4)) | (BigInt(random.below(4)) << 6n);
    case 4:
      return level > 1 ? entry : large(random, level);
    default:
      return entry;
  }
}

/** Where there is no storage. */
const NOWHERE = 1n << 40n;

/** A frame of 1 MiB, which mostly is the scratch storage, or of 2 GiB, which is nowhere: the tables are not to be stored into. */
function large(random: Random, level: number): bigint {
  const frame = level === 0 && !random.oneIn(4) ? BigInt(SCRATCH) : NOWHERE;
  return frame | LARGE | (random.oneIn(3) ? PROTECT : 0n) | (BigInt(level) << 2n);
}

function pageEntry(random: Random): bigint {
  const frame = BigInt(SCRATCH + 0x1000 * random.below(200));
  switch (random.below(10)) {
    case 0:
      return frame | 0x400n;
    case 1:
      return frame | 0x800n;
    case 2:
    case 3:
      return frame | PROTECT;
    case 4:
      return NOWHERE;
    default:
      return frame;
  }
}

function layOutTables(program: Program): void {
  const { random } = program;
  for (const level of [3, 2, 1]) {
    for (const index of INDEXES) {
      const next = BigInt(tableAt(level - 1)) | (BigInt(level) << 2n) | TABLE_LENGTH;
      program.poke64(tableAt(level) + index * 8, index === 0 ? next : spoil(random, next, level));
    }
  }
  for (const segment of [...Array(SEGMENTS).keys(), 2047]) {
    const entry = BigInt(pageTableAt(segment));
    const isForCode = segment < FOR_CODE;
    program.poke64(tableAt(0) + segment * 8, isForCode ? entry : spoil(random, entry, 0));
    for (let page = 0; page < 256; page++) {
      const own = BigInt(segment * 0x10_0000 + page * 0x1000);
      program.poke64(pageTableAt(segment) + page * 8, isForCode ? own : pageEntry(random));
    }
  }
}

/** An address below the designation's reach, sometimes beyond. */
function address(random: Random, type: number): bigint {
  const at = (level: number): bigint => {
    if (level > type) return random.oneIn(20) ? 1n : 0n;
    return random.oneIn(2) ? 0n : BigInt(random.pick(INDEXES));
  };
  const segment = random.oneIn(12)
    ? random.pick([16, 512, 2047])
    : FOR_CODE - 1 + random.below(SEGMENTS - FOR_CODE + 1);
  const upper = (at(3) << 22n) | (at(2) << 11n) | at(1);
  const page = random.below(256);
  const offset = random.oneIn(4) ? 0xff8 + random.below(8) : 8 * random.below(0x1ff);
  return (upper << 31n) | (BigInt(segment) << 20n) | BigInt(page * 0x1000 + offset);
}

/** Accesses with register 2 as an address, and 3 as one that can be reached: which of two exceptions is found first is open. */
const ACCESSES: Readonly<Record<string, () => number[]>> = {
  lg: () => assemble('lg', '10200000'),
  stg: () => assemble('stg', '10200000'),
  ic: () => assemble('ic', '102000'),
  mvc: () => assemble('mvc', '0f20003000'),
  oi: () => assemble('oi', '012000'),
  lra: () => assemble('lrag', '10200000'),
};
const NAMES = Object.keys(ACCESSES);

export const translation: Suite = {
  name: 'translation',
  quick: 800,
  build: (program, cases) => {
    const { random } = program;
    const type = random.below(4);
    layOutTables(program);
    const length = random.oneIn(3) ? BigInt(random.below(4)) : TABLE_LENGTH;
    program.poke64(VARIABLES.controls + 8, BigInt(tableAt(type)) | (BigInt(type) << 2n) | length);
    // The reference has no enhanced DAT: large frames and protected regions are in test/instructions.
    program.poke64(VARIABLES.controls, CONTROL_0 & ~EDAT);
    for (let n = 0; n < Math.min(cases, 200) && !program.isFull; n++) {
      const name = NAMES[n % NAMES.length] ?? 'lg';
      const code = ACCESSES[name]?.() ?? [];
      // What LRA leaves of the register where it does not translate, the reference clears.
      const r = { 1: BigInt(random.u32()), 2: address(random, type), 3: BigInt(program.scratch()) };
      program.add({ group: name, pc: program.place(code), r, pswMask: SUPERVISOR | DAT });
    }
  },
};
