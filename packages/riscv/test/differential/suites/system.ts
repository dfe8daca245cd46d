/** Traps and returns in every mode: exceptions, delegation, interrupts that software makes, what mstatus takes from a mode. */
import { encode } from '../assembler.ts';
import { FIELD, HANDLER, VECTORS } from '../layout.ts';
import { anyPrivilege, EBREAK16, mstatusFor, type Program } from '../program.ts';
import type { Suite } from './suite.ts';

const MSTATUS = 0x300;
const MEPC = 0x341;

/** Written before a case, read after it. satp stays off; a suite of its own has it. */
const CSRS = {
  mtvec: 0x305,
  mcounteren: 0x306,
  scounteren: 0x106,
  medeleg: 0x302,
  mideleg: 0x303,
  mie: 0x304,
  stvec: 0x105,
  sepc: 0x141,
  scause: 0x142,
  stval: 0x143,
};
const SCRATCHES = [0x140];

const SSIP = 1n << 1n;
const STIP = 1n << 5n;
/** Never with the others: the reference takes the lowest number first, where the manual has SEI before SSI and STI. */
const SEIP = 1n << 9n;
const INTERRUPTS = SSIP | STIP | SEIP;
const ALL_INTERRUPTS = 0xaaan;
const BREAKPOINT = 1n << 3n;
const ECALL_S = 1n << 9n;
const DELEGABLE = 0xb3ffn;

const SIE = 1n << 1n;
const SPIE = 1n << 5n;
const MPIE = 1n << 7n;
const SPP = 1n << 8n;
const FS = 3n << 13n;
const TVM = 1n << 20n;
const TW = 1n << 21n;
const TSR = 1n << 22n;

/** Registers with values for what a case does. */
const TARGET = 5;
const STATUS = 6;
const PENDING = 7;
const MPRV = 17n;
const STIMECMP = 0x14d;
const MIP = 0x344;

/** Where a supervisor trap handler can be: it ends the case with a breakpoint, or with an ecall. */
const HANDLERS = FIELD + 0x1000;
const ECALL_HANDLERS = FIELD + 0x2000;
const HANDLER_SIZE = 64;

/** What a case does, by name. Each ends by running into c.ebreak unless it goes elsewhere. */
const ACTIONS: Readonly<Record<string, (program: Program) => readonly number[]>> = {
  ecall: () => [encode('ecall')],
  ebreak: () => [encode('ebreak')],
  'c.ebreak': () => [EBREAK16],
  mret: () => [encode('mret')],
  'mret to anywhere': () => [
    encode('csrrw', { csr: MEPC, rs1: TARGET }),
    encode('csrrw', { csr: MSTATUS, rs1: STATUS }),
    encode('mret'),
  ],
  sret: () => [encode('sret')],
  wfi: () => [encode('wfi')],
  'sfence.vma': (p) => [encode('sfence.vma', { rs1: p.random.pick([0, 5]), rs2: p.random.pick([0, 6]) })],
  satp: () => [encode('csrrs', { rd: 10, csr: 0x180 })],
  sstatus: () => [encode('csrrw', { rd: 10, csr: 0x100, rs1: STATUS }), encode('csrrs', { rd: 11, csr: 0x100 })],
  'sie and sip': () => [
    encode('csrrw', { rd: 10, csr: 0x104, rs1: PENDING }),
    encode('csrrs', { rd: 11, csr: 0x144 }),
    encode('csrrs', { rd: 12, csr: 0x104 }),
  ],
  'sip write': () => [encode('csrrw', { rd: 10, csr: 0x144, rs1: PENDING }), encode('csrrs', { rd: 11, csr: 0x144 })],
  'mip write': () => [encode('csrrs', { csr: MIP, rs1: PENDING }), encode('csrrs', { rd: 11, csr: MIP })],
  'mie write': () => [encode('csrrw', { rd: 10, csr: 0x304, rs1: PENDING }), encode('csrrs', { rd: 11, csr: MIP })],
  'mstatus write': () => [encode('csrrw', { csr: MSTATUS, rs1: STATUS }), encode('csrrs', { rd: 11, csr: MSTATUS })],
  'read of stimecmp': () => [encode('csrrs', { rd: 10, csr: STIMECMP }), encode('addi', { rd: 10, imm: 0 })],
  counters: (p) => [encode('csrrs', { rd: 10, csr: 0xc00 + p.random.below(3) }), encode('addi', { rd: 10, imm: 0 })],
  illegal: (p) => [p.random.pick([0, 0xffff_ffff, 0x0000_000b, 0x9c41, 0x8000])],
  'load from nowhere': () => [encode('lw', { rd: 10, rs1: 0, imm: 16 })],
  'store to nowhere': () => [encode('sw', { rs1: 0, rs2: 10, imm: 16 })],
  'jump to nowhere': () => [encode('jalr', { rd: 1, rs1: 0, imm: 16 })],
  'misaligned lr': () => [encode('lr.w', { rd: 10, rs1: TARGET })],
  'fp off': () => [encode('csrrw', { csr: MSTATUS, rs1: 0 }), encode('fadd.d', { rd: 1, rs1: 2, rs2: 3 })],
};

/** A value of mstatus with random permissions, and the mode that an mret would go to. */
function randomStatus(program: Program): bigint {
  const { random } = program;
  const mode = anyPrivilege(random);
  const bits = [SIE, SPIE, MPIE, SPP, FS, TVM, TW, TSR].filter(() => random.oneIn(2));
  return mstatusFor(
    mode,
    bits.reduce((all, bit) => all | bit, 0n),
  );
}

export const traps: Suite = {
  name: 'traps',
  quick: 8000,
  csrs: [...Object.values(CSRS), ...SCRATCHES, MIP],
  build(program, cases) {
    const { random } = program;
    for (let at = ECALL_HANDLERS; at < ECALL_HANDLERS + 0x1000; at += 4) program.placeAt(at, encode('ecall'));
    const names = Object.keys(ACTIONS);
    while (program.cases.length < cases && !program.full) {
      const name = random.pick(names);
      const ecalls = random.oneIn(2);
      const base = (ecalls ? ECALL_HANDLERS : HANDLERS) + HANDLER_SIZE * random.below(32);
      const medeleg = random.u64() & DELEGABLE & ~(ecalls ? ECALL_S : BREAKPOINT);
      const possible = random.oneIn(3) ? SEIP : SSIP | STIP;
      const mip = random.u64() & possible;
      // A wait ends only where something is pending.
      const mie = name === 'wfi' ? ALL_INTERRUPTS : random.u64() & ALL_INTERRUPTS;
      const values = [
        BigInt(random.oneIn(3) ? VECTORS + 1 : HANDLER),
        random.u64() & 7n,
        random.u64() & 7n,
        medeleg,
        random.u64() & INTERRUPTS,
        mie,
        BigInt(base + random.below(2)),
        BigInt(program.emptyPlace()),
        program.integer(),
        program.integer(),
        program.integer(),
        name === 'wfi' ? mip | possible : mip,
      ];
      program.add({
        group: name,
        pc: program.place(...(ACTIONS[name]?.(program) ?? [])),
        mstatus: randomStatus(program),
        csrs: values,
        x: {
          [TARGET]: BigInt(program.emptyPlace()),
          [STATUS]: randomStatus(program) & ~(1n << MPRV),
          [PENDING]: random.u64() & possible,
        },
      });
    }
  },
};
