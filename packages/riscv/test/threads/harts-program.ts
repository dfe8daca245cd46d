/**
 * A program for four harts, each with random code, data and page tables of its own: whatever the others do, each comes to the same
 * end. The code runs in supervisor mode with Sv39 in a loop: arithmetic, floating point, accesses of any alignment across pages that
 * lie anywhere, atomics, branches, instructions that it writes itself, page table entries that it exchanges. Machine mode interrupts
 * it all the while: a hart's timer every so often, which interrupts the next hart.
 */
import { Random } from '@boardwalk/testing';
import { Assembler, encode } from '../differential/assembler.ts';
import { RAM_BASE } from '../differential/layout.ts';
import { decoder, forms, kindOf, randomWord } from '../differential/suites/words.ts';

export const HARTS = 4;
/** Each hart's part of memory, and what lies where in it. */
const WINDOW = 0x10_0000;
const CODE = 0x1_0000;
const SAVED = 0x7_0000;
const DATA = 0x8_0000;
const TABLES = 0xa_0000;
const RESULTS = 0xb_0000;
const RESULTS_END = 0xb_1000;
/** Harts that have come to their end. */
const ENDED = RAM_BASE + 0x8000;
const PAGES = 16;
const PAGE = 0x1000;
const DATA_VA = 0x4000_0000;

const [V, R, W, X, A, D] = [1, 2, 4, 8, 0x40, 0x80];
const CLINT = 0x200_0000;
const MTIMECMP = 0x4000;
const MTIME = 0xbff8;
const PERIOD = 1000;
const FINISHER = 0x10_0000;
const PASS = 0x5555;
const CSR = {
  mstatus: 0x300,
  mie: 0x304,
  mtvec: 0x305,
  mscratch: 0x340,
  mepc: 0x341,
  mcause: 0x342,
  satp: 0x180,
  pmpcfg0: 0x3a0,
  pmpaddr0: 0x3b0,
  mhartid: 0xf14,
} as const;
/** Supervisor mode next, floating point on. */
const MSTATUS = (1n << 11n) | (3n << 13n);
const MIE = (1n << 3n) | (1n << 7n);

/** Registers that random instructions do not write: bases of accesses, the loop's counter, and what exchanges and patches need. */
const BASES = [2, 8, 9] as const;
const ALIGNED = 8;
const [COUNTER, SLOT, WORD, PTES] = [27, 26, 25, 24] as const;
const RESERVED: readonly number[] = [...BASES, COUNTER, SLOT, WORD, PTES];
const [T0, T1] = [3, 4] as const;
const BRANCHES = ['beq', 'bne', 'blt', 'bge', 'bltu', 'bgeu'];
const POINTER = 31;
const [H0, H1] = [30, 29] as const;

/** ctzw is wrong on the reference (explain.ts); a reservation may be lost to an interrupt. */
const candidates = forms.filter(({ mnemonic }) => !/^(fence\.i|lr|sc|ctzw)/.test(mnemonic));

const FLOAT_OPCODES = [0x43, 0x47, 0x4b, 0x4f, 0x53];

function straightWord(random: Random): number {
  for (;;) {
    const word = randomWord(random, random.pick(candidates));
    const instruction = decoder.decode(word);
    if (instruction === undefined) continue;
    const { fields, encoding, mnemonic } = instruction;
    const kind = kindOf(instruction);
    if (kind !== 'compute' && kind !== 'memory') continue;
    if (/^rd\b/.test(encoding.operands) && RESERVED.includes(fields.rd)) continue;
    if (kind === 'memory' && !(BASES as readonly number[]).includes(fields.rs1)) continue;
    if (mnemonic.startsWith('amo') && fields.rs1 !== ALIGNED) continue;
    // Rounding modes 5 and 6 are none.
    if (FLOAT_OPCODES.includes(word & 0x7f) && ((word >>> 12) & 7) > 4 && ((word >>> 12) & 7) < 7) continue;
    return word;
  }
}

/** Two pages change places. */
function exchange(a: Assembler, random: Random): void {
  const [one, other] = [random.below(PAGES), random.below(PAGES)];
  a.op('ld', { rd: T0, rs1: PTES, imm: one * 8 }).op('ld', { rd: T1, rs1: PTES, imm: other * 8 });
  a.op('sd', { rs2: T1, rs1: PTES, imm: one * 8 }).op('sd', { rs2: T0, rs1: PTES, imm: other * 8 });
  if (random.oneIn(2)) {
    a.op('sfence.vma');
    return;
  }
  for (const page of [one, other]) a.constant(T0, BigInt(DATA_VA + page * PAGE)).op('sfence.vma', { rs1: T0 });
}

/** An addition whose constant is of the loop's counter. */
function patch(a: Assembler, random: Random): void {
  const rd = 10 + random.below(8);
  const slot = a.here + 4 * 8;
  a.constant(WORD, BigInt(encode('addi', { rd, rs1: rd })));
  a.op('slli', { rd: T0, rs1: COUNTER, imm: 20 }).op('or', { rd: WORD, rs1: WORD, rs2: T0 });
  a.address(SLOT, slot).op('sw', { rs2: WORD, rs1: SLOT }).op('fence.i');
  if (a.here !== slot) throw new Error('the slot is elsewhere');
  a.op('addi', { rd, rs1: rd });
}

/** Interrupts: all else ends the hart's program, with its reason among the results. */
function handler(a: Assembler, hart: number, base: number): void {
  const [exception, timer, out] = [a.label(), a.label(), a.label()];
  a.op('csrrw', { rd: POINTER, rs1: POINTER, csr: CSR.mscratch });
  a.op('sd', { rs2: H0, rs1: POINTER }).op('sd', { rs2: H1, rs1: POINTER, imm: 8 });
  a.op('csrrs', { rd: H0, csr: CSR.mcause });
  a.jump('bge', { rs1: H0, rs2: 0 }, exception);
  a.op('andi', { rd: H0, rs1: H0, imm: 15 }).op('addi', { rd: H1, imm: 7 });
  a.jump('beq', { rs1: H0, rs2: H1 }, timer);
  a.constant(H1, BigInt(CLINT + 4 * hart)).op('sw', { rs2: 0, rs1: H1 });
  a.jump('jal', { rd: 0 }, out);
  a.place(timer);
  a.constant(H1, BigInt(CLINT + MTIME))
    .op('ld', { rd: H0, rs1: H1 })
    .op('addi', { rd: H0, rs1: H0, imm: PERIOD });
  a.constant(H1, BigInt(CLINT + MTIMECMP + 8 * hart)).op('sd', { rs2: H0, rs1: H1 });
  a.constant(H1, BigInt(CLINT + 4 * ((hart + 1) % HARTS)))
    .constant(H0, 1n)
    .op('sw', { rs2: H0, rs1: H1 });
  a.place(out);
  a.op('ld', { rd: H0, rs1: POINTER }).op('ld', { rd: H1, rs1: POINTER, imm: 8 });
  a.op('csrrw', { rd: POINTER, rs1: POINTER, csr: CSR.mscratch }).op('mret');
  a.place(exception);
  a.constant(H1, BigInt(base + RESULTS_END));
  a.op('sd', { rs2: H0, rs1: H1, imm: -8 })
    .op('csrrs', { rd: H0, csr: CSR.mepc })
    .op('sd', { rs2: H0, rs1: H1, imm: -16 });
  const forever = a.label();
  a.place(forever).jump('jal', { rd: 0 }, forever);
}

function prologue(a: Assembler, hart: number, base: number, entry: ReturnType<Assembler['label']>): void {
  const set = (csr: number, value: bigint): Assembler => a.constant(H0, value).op('csrrw', { csr, rs1: H0 });
  set(CSR.pmpaddr0, (1n << 54n) - 1n);
  set(CSR.pmpcfg0, 0x1fn);
  set(CSR.mscratch, BigInt(base + SAVED));
  set(CSR.satp, (8n << 60n) | BigInt((base + TABLES) / PAGE));
  set(CSR.mstatus, MSTATUS);
  a.constant(H1, BigInt(CLINT + MTIMECMP + 8 * hart)).op('sd', { rs2: 0, rs1: H1 });
  set(CSR.mie, MIE);
  a.op('auipc', { rd: H0, imm: 0 }).op('addi', { rd: H0, rs1: H0, imm: 20 }).op('csrrw', { csr: CSR.mepc, rs1: H0 });
  a.op('sfence.vma').op('mret');
  a.jump('jal', { rd: 0 }, entry);
}

/** Leaves every register among the results. The last hart ends the machine. */
function epilogue(a: Assembler, base: number): void {
  a.constant(SLOT, BigInt(base + RESULTS));
  for (let n = 1; n < 32; n++) a.op('sd', { rs2: n, rs1: SLOT, imm: n * 8 });
  for (let n = 0; n < 32; n++) a.op('fsd', { rs2: n, rs1: SLOT, imm: 256 + n * 8 });
  a.op('csrrs', { rd: T0, csr: 0x003 }).op('sd', { rs2: T0, rs1: SLOT, imm: 512 });
  const wait = a.label();
  a.constant(SLOT, BigInt(ENDED)).constant(T0, 1n).op('amoadd.d', { rd: T0, rs1: SLOT, rs2: T0, aqrl: 3 });
  a.constant(T1, BigInt(HARTS - 1)).jump('bne', { rs1: T0, rs2: T1 }, wait);
  a.constant(SLOT, BigInt(FINISHER)).constant(T0, BigInt(PASS)).op('sw', { rs2: T0, rs1: SLOT });
  a.place(wait).jump('jal', { rd: 0 }, wait);
}

/** One hart's code. @param rounds of its loop */
function hartCode(random: Random, hart: number, base: number, rounds: number): Uint8Array {
  const a = new Assembler(base + CODE);
  const [start, entry, again, end] = [a.label(), a.label(), a.label(), a.label()];
  a.address(H0, base + CODE + 16).op('csrrw', { csr: CSR.mtvec, rs1: H0 });
  a.jump('jal', { rd: 0 }, start);
  handler(a, hart, base);
  a.place(start);
  prologue(a, hart, base, entry);
  a.place(entry);
  for (let n = 1; n < 32; n++) a.constant(n, random.u64());
  for (let n = 0; n < 32; n++) a.op('fmv.d.x', { rd: n, rs1: 10 + (n % 8) });
  a.constant(2, BigInt(DATA_VA + 5 * PAGE - 3))
    .constant(8, BigInt(DATA_VA + 8 * PAGE))
    .constant(9, BigInt(DATA_VA + 12 * PAGE + 5));
  a.constant(PTES, BigInt(base + TABLES + 2 * PAGE)).constant(COUNTER, BigInt(rounds));
  a.place(again);
  const waiting: { readonly label: ReturnType<Assembler['label']>; left: number }[] = [];
  for (let n = 0; n < 250; n++) {
    for (const one of waiting) if (one.left-- === 0) a.place(one.label);
    if (random.oneIn(30)) exchange(a, random);
    else if (random.oneIn(80)) patch(a, random);
    else if (random.oneIn(9)) {
      const label = a.label();
      waiting.push({ label, left: random.below(6) });
      a.jump(random.pick(BRANCHES), { rs1: random.below(32), rs2: random.below(32) }, label);
    } else a.word(straightWord(random));
  }
  for (const one of waiting) if (one.left >= 0) a.place(one.label);
  a.op('addi', { rd: COUNTER, rs1: COUNTER, imm: -1 });
  a.jump('beq', { rs1: COUNTER, rs2: 0 }, end).jump('jal', { rd: 0 }, again);
  a.place(end);
  epilogue(a, base);
  const bytes = a.bytes();
  if (bytes.length > SAVED - CODE) throw new Error('too much code');
  return bytes;
}

function hartTables(view: DataView, random: Random, base: number): void {
  const at = base + TABLES - RAM_BASE;
  const leaf = (address: number, rights: number): bigint =>
    (BigInt(address / PAGE) << 10n) | BigInt(V | A | D | rights);
  const table = (address: number): bigint => (BigInt(address / PAGE) << 10n) | BigInt(V);
  view.setBigUint64(at, leaf(0, R | W), true);
  view.setBigUint64(at + 8, table(base + TABLES + PAGE), true);
  view.setBigUint64(at + 16, leaf(0x8000_0000, R | W | X), true);
  view.setBigUint64(at + PAGE, table(base + TABLES + 2 * PAGE), true);
  const pages = Array.from({ length: PAGES }, (_, i) => ({ i, order: random.u32() })).sort((p, q) => p.order - q.order);
  for (const [n, { i }] of pages.entries()) {
    view.setBigUint64(at + 2 * PAGE + n * 8, leaf(base + DATA + i * PAGE, R | W), true);
  }
}

/** The memory from {@link RAM_BASE} on before the harts start. */
export function hartsImage(seed: number, rounds: number): Uint8Array {
  const image = new Uint8Array(HARTS * WINDOW);
  const view = new DataView(image.buffer);
  const a = new Assembler(RAM_BASE);
  a.op('csrrs', { rd: 5, csr: CSR.mhartid }).op('slli', { rd: 5, rs1: 5, imm: 20 });
  a.address(6, RAM_BASE + CODE)
    .op('add', { rd: 5, rs1: 5, rs2: 6 })
    .op('jalr', { rs1: 5 });
  image.set(a.bytes());
  for (let hart = 0; hart < HARTS; hart++) {
    const random = new Random(seed * HARTS + hart);
    const base = RAM_BASE + hart * WINDOW;
    image.set(hartCode(random, hart, base, rounds), base + CODE - RAM_BASE);
    for (let at = 0; at < PAGES * PAGE; at += 4) view.setUint32(base + DATA - RAM_BASE + at, random.u32(), true);
    hartTables(view, random, base);
  }
  return image;
}

/** What must be equal after a run, as texts: registers, data and page tables of each hart; not what interrupts left. */
export function hartsResults(ram: Uint8Array): readonly string[] {
  const view = new DataView(ram.buffer, ram.byteOffset);
  const texts: string[] = [];
  for (let hart = 0; hart < HARTS; hart++) {
    const word = (offset: number): bigint => view.getBigUint64(hart * WINDOW + offset, true);
    for (let at = RESULTS; at < RESULTS_END; at += 8)
      texts.push(`hart ${hart} result ${(at - RESULTS) / 8}: ${word(at).toString(16)}`);
    for (let at = TABLES; at < RESULTS; at += 8)
      texts.push(`hart ${hart} table ${(at - TABLES) / 8}: ${word(at).toString(16)}`);
    for (let at = DATA; at < DATA + PAGES * PAGE; at += 8)
      texts.push(`hart ${hart} data ${at - DATA}: ${word(at).toString(16)}`);
  }
  return texts;
}
