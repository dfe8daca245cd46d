/** Address translation: loads, stores, atomics and jumps through random page tables, with SUM, MXR and MPRV. */
import { encode } from '../assembler.ts';
import { PAGING } from '../explain.ts';
import { FIELD, SCRATCH, SCRATCH_SIZE } from '../layout.ts';
import { mstatusFor, PRIV_M, PRIV_S, PRIV_U, type Privilege, type Program } from '../program.ts';
import { fillScratch, scratchAddress, trappingBytes } from './addresses.ts';
import { makeWorld, TablePages, type World } from './page-tables.ts';
import type { Suite } from './suite.ts';

const SATP = 0x180;
const MSTATUS = 0x300;
const ADDRESS = 8;
const VALUE = 9;
const PERMISSIONS = 7;

const MPRV = 1n << 17n;
const SUM = 1n << 18n;
const MXR = 1n << 19n;

const LOADS = ['lb', 'lhu', 'lw', 'ld', 'fld'];
const STORES = ['sb', 'sh', 'sw', 'sd', 'fsd'];
const ATOMICS = ['amoswap.w', 'amoswap.d', 'amomaxu.w', 'amomin.d'];

/** Something that loads or stores at the address in the register. */
function dataAccess({ random }: Program): readonly number[] {
  const [rs1, rs2, rd] = [ADDRESS, VALUE, 10];
  switch (random.below(7)) {
    case 0:
    case 1:
    case 2:
      return [encode(random.pick(LOADS), { rd, rs1, imm: 0 })];
    case 3:
    case 4:
      return [encode(random.pick(STORES), { rs2, rs1, imm: 0 })];
    case 5:
      return [encode(random.pick(ATOMICS), { rd, rs1, rs2 })];
    default: {
      const size = random.pick(['w', 'd']);
      const reserve = encode(`lr.${size}`, { rd, rs1 });
      return random.oneIn(2) ? [reserve] : [reserve, encode(`sc.${size}`, { rd, rs1, rs2 })];
    }
  }
}

/** Half an instruction at the end of a page: `addi zero,..`, whatever the other half is. */
const HALF_NOP = 0x0013n;
const PAGE = 4096;

function endPagesInHalfInstructions(program: Program): void {
  for (let page = SCRATCH; page < SCRATCH + SCRATCH_SIZE; page += PAGE) {
    const rest = trappingBytes(program.random) & 0xffff_ffff_ffffn;
    program.poke64(page + PAGE - 8, rest | (HALF_NOP << 48n));
  }
}

const JUMP = encode('jalr', { rd: 10, rs1: ADDRESS, imm: 0 });

/** One or two accesses in a row: the second finds what the first left in the translation cache. */
function accesses(program: Program, mayJump: boolean): readonly number[] {
  const { random } = program;
  if (mayJump && random.oneIn(6)) return [JUMP];
  const words = [...dataAccess(program)];
  if (random.oneIn(3)) words.push(encode('sfence.vma', { rs1: random.pick([0, ADDRESS]), rs2: 0 }));
  if (random.oneIn(2)) words.push(...dataAccess(program));
  return words;
}

/** An address of the world, with an offset that is often misaligned or at the end of the page. */
function addressIn({ random }: Program, world: World): bigint {
  const address = random.pick(world.addresses) & ~7n;
  switch (random.below(7)) {
    case 0:
      return (address | 0xfffn) - BigInt(random.below(8));
    case 2:
      return address | 0xffen;
    case 1:
      return address + BigInt(random.below(8));
    default:
      return address;
  }
}

function addCase(program: Program, world: World, mode: Privilege): void {
  const { random } = program;
  const rights = (random.oneIn(2) ? SUM : 0n) | (random.oneIn(3) ? MXR : 0n);
  // The reference fetches through translations that MPRV or SUM made for data: no jumps where those are on.
  const words = accesses(program, mode === PRIV_U || (mode === PRIV_S && (rights & SUM) === 0n));
  const address = addressIn(program, world);
  const value = trappingBytes(random);
  const common = { group: `${PAGING} ${world.satp >> 60n} in mode ${mode}`, csrs: [world.satp], f: { [VALUE]: value } };
  if (mode === PRIV_M) {
    // Machine mode as a lesser mode: MPRV and MPP of the case's own.
    const code = program.place(encode('csrrw', { csr: MSTATUS, rs1: PERMISSIONS }), ...words);
    const as = random.pick([PRIV_U, PRIV_S, PRIV_M]);
    // Without translation the address is a physical one.
    const place = as === PRIV_M ? BigInt(scratchAddress(random)) : address;
    const x = { [ADDRESS]: place, [VALUE]: value, [PERMISSIONS]: mstatusFor(as, rights | MPRV) };
    program.add({ ...common, pc: code, mstatus: mstatusFor(PRIV_M), x, note: `as mode ${as}` });
    return;
  }
  const code = program.place(...words);
  // Now and then in the other mode's pages, where it must not run.
  const users = (mode === PRIV_U) !== random.oneIn(25);
  const base = users ? world.userCode : world.supervisorCode;
  const pc = BigInt.asUintN(64, base + BigInt(code - FIELD));
  program.add({ ...common, pc, code, mstatus: mstatusFor(mode, rights), x: { [ADDRESS]: address, [VALUE]: value } });
}

const WORLDS = 12;

export const paging: Suite = {
  name: 'paging',
  quick: 10_000,
  csrs: [SATP],
  build(program, cases) {
    fillScratch(program);
    endPagesInHalfInstructions(program);
    const pages = new TablePages();
    // The first page stays empty: a table in which nothing is mapped.
    pages.take();
    const worlds = Array.from({ length: WORLDS }, () => makeWorld(program, pages));
    // Some of the time in one world, so that translations are used again.
    let world = program.random.pick(worlds);
    while (program.cases.length < cases && !program.full) {
      if (program.random.oneIn(8)) world = program.random.pick(worlds);
      addCase(program, world, program.random.pick([PRIV_U, PRIV_U, PRIV_S, PRIV_S, PRIV_M]));
    }
  },
};
