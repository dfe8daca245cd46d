/** Physical memory protection: random entries around the memory that cases touch, down to four bytes. */
import { encode } from '../assembler.ts';
import { PROTECTION } from '../explain.ts';
import { FIELD, RAM_BASE, RAM_SIZE, SCRATCH } from '../layout.ts';
import { anyPrivilege, mstatusFor, PRIV_M, PRIV_S, PRIV_U, type Program } from '../program.ts';
import { fillScratch, trappingBytes } from './addresses.ts';
import type { Suite } from './suite.ts';

const ENTRIES = 16;
const PMPADDR0 = 0x3b0;
const CSRS = [...Array.from({ length: ENTRIES }, (_, n) => PMPADDR0 + n), 0x3a0, 0x3a2];

const TOR = 1;
const NA4 = 2;
const NAPOT = 3;
const LOCKED = 0x80;
const MSTATUS = 0x300;
const MPRV = 1n << 17n;
const ADDRESS = 8;
const VALUE = 9;
const PERMISSIONS = 7;
const SPAN = 0x3000;
const MOST_LOCKED = 500;

/** pmpaddr of a naturally aligned range. */
const napot = (base: number, size: number): bigint => BigInt(base / 4) | BigInt(size / 8 - 1);

interface Entry {
  readonly address: bigint;
  readonly config: number;
}

const rights = (program: Program): number => program.random.pick([0, 1, 3, 4, 5, 7, 7]);

/** An entry somewhere in the first pages of the scratch memory, or off. */
function randomEntry(program: Program): Entry {
  const { random } = program;
  const place = SCRATCH + 4 * random.below(SPAN / 4);
  const size = 8 << random.below(11);
  const config = rights(program);
  switch (random.below(5)) {
    case 0:
      return { address: BigInt(place / 4), config };
    case 1:
      return { address: BigInt(place / 4), config: config | (NA4 << 3) };
    case 2:
      return { address: BigInt(place / 4), config: config | (TOR << 3) };
    default:
      return { address: napot(place - (place % size), size), config: config | (NAPOT << 3) };
  }
}

/** Now and then an entry that binds machine mode too, and stays. The first is none: as a TOR it would start at address 0. */
function lockSome({ random }: Program, entries: readonly Entry[]): readonly Entry[] {
  return entries.map(({ address, config }, n) => ({
    address,
    config: n > 0 && random.oneIn(40) ? config | LOCKED : config,
  }));
}

/** A whole configuration: random entries, then the code, then perhaps the rest of memory. */
function configuration(program: Program, locking: boolean): readonly bigint[] {
  const { random } = program;
  const any = Array.from({ length: ENTRIES }, () => randomEntry(program));
  const entries = locking ? [...lockSome(program, any)] : any;
  const code = random.oneIn(30) ? rights(program) : 7;
  entries[14] = { address: BigInt(SCRATCH / 4), config: code | (TOR << 3) };
  entries[13] = { address: BigInt(FIELD / 4), config: 0 };
  entries[15] = { address: napot(RAM_BASE, RAM_SIZE), config: rights(program) | (NAPOT << 3) };
  const config = (first: number): bigint =>
    entries.slice(first, first + 8).reduce((all, entry, n) => all | (BigInt(entry.config) << BigInt(8 * n)), 0n);
  return [...entries.map(({ address }) => address), config(0), config(8)];
}

/** Something that touches the address in the register; only loads may be misaligned. */
function access({ random }: Program): { readonly word: number; readonly align: number } {
  const [rs1, rs2, rd] = [ADDRESS, VALUE, 10];
  switch (random.below(6)) {
    case 0:
    case 1:
      return { word: encode(random.pick(['lb', 'lh', 'lw', 'ld', 'fld']), { rd, rs1, imm: 0 }), align: 1 };
    case 2:
    case 3: {
      const [mnemonic, align] = random.pick([
        ['sb', 1],
        ['sh', 2],
        ['sw', 4],
        ['sd', 8],
        ['fsd', 8],
      ] as const);
      return { word: encode(mnemonic, { rs2, rs1, imm: 0 }), align };
    }
    case 4: {
      const [mnemonic, align] = random.pick([
        ['amoswap.w', 4],
        ['amoor.d', 8],
        ['lr.w', 4],
        ['lr.d', 8],
      ] as const);
      return { word: encode(mnemonic, { rd, rs1, ...(mnemonic.startsWith('lr') ? {} : { rs2 }) }), align };
    }
    default:
      return { word: encode('jalr', { rd, rs1, imm: 0 }), align: 2 };
  }
}

function addCase(program: Program, csrs: readonly bigint[]): void {
  const { random } = program;
  const { word, align } = access(program);
  const mode = anyPrivilege(random);
  const machine = mode === PRIV_M && random.oneIn(2);
  const code = machine ? [encode('csrrw', { csr: MSTATUS, rs1: PERMISSIONS }), word] : [word];
  const near = csrs[random.below(ENTRIES - 3)] ?? 0n;
  const edge = Number(near * 4n) + random.below(24) - 12;
  const address = random.oneIn(2) ? edge : SCRATCH + random.below(SPAN);
  program.add({
    group: `${PROTECTION} in mode ${mode}${machine ? ' with MPRV' : ''}`,
    pc: program.place(...code),
    mstatus: mstatusFor(mode),
    csrs,
    f: { [VALUE]: trappingBytes(random) },
    x: {
      [ADDRESS]: BigInt(address - (address % align)),
      [VALUE]: trappingBytes(random),
      [PERMISSIONS]: mstatusFor(random.pick([PRIV_U, PRIV_S]), MPRV),
    },
  });
}

function build(program: Program, cases: number, locking: boolean): void {
  let csrs = configuration(program, locking);
  fillScratch(program);
  while (program.cases.length < cases && !program.full) {
    if (program.random.oneIn(10)) csrs = configuration(program, locking);
    addCase(program, csrs);
  }
}

export const protection: Suite = {
  name: 'protection',
  quick: 6000,
  csrs: CSRS,
  build: (program, cases) => build(program, cases, false),
};

/** The same with entries that are locked one after the other, until few are left: so a program has few cases. */
export const lockedProtection: Suite = {
  name: 'locked protection',
  quick: 1000,
  csrs: CSRS,
  build: (program, cases) => build(program, Math.min(cases, MOST_LOCKED), true),
};
