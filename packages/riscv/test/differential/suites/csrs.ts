/** Control and status registers: who may touch which, what they read, and which bits keep what is written. */
import { CSR_NAMES } from '../../../src/cpu/decode/csr-names.ts';
import { encode } from '../assembler.ts';
import { mstatusFor, PRIV_M, PRIV_S, PRIV_U, type Privilege, type Program } from '../program.ts';
import type { Suite } from './suite.ts';

const ALL = 0x1000;
const MODES: readonly Privilege[] = [PRIV_U, PRIV_S, PRIV_M];
const OPERATIONS = ['csrrw', 'csrrs', 'csrrc', 'csrrwi', 'csrrsi', 'csrrci'] as const;

/** Registers that count: no two machines agree. */
const COUNTERS = [0xb00, 0xb02, 0xc00, 0xc01, 0xc02];
/** The same for what names the hart (marchid, mimpid), menvcfg.ADUE, which the reference lacks, and mtval after a breakpoint. */
const DIFFERENT = [...COUNTERS, 0xf12, 0xf13, 0x30a, 0x343];

const csrName = (csr: number): string => CSR_NAMES.get(csr) ?? `0x${csr.toString(16)}`;

/** Reads a register, so that both agree on whether it is there and what it holds, where that is the same. */
function addRead(program: Program, csr: number, mode: Privilege): void {
  const words = [encode('csrrs', { rd: 10, csr })];
  if (DIFFERENT.includes(csr)) words.push(encode('addi', { rd: 10, imm: 0 }));
  program.add({
    group: `read of ${csrName(csr)}`,
    pc: program.place(...words),
    mstatus: mstatusFor(mode),
    note: `mode ${mode}`,
  });
}

/** Every number in every mode: is it there? */
export const csrAccess: Suite = {
  name: 'csr access',
  quick: 0,
  build(program) {
    for (const mode of MODES) {
      for (let csr = 0; csr < ALL; csr++) addRead(program, csr, mode);
    }
    // Writing of what can only be read is illegal, but for csrrs and csrrc with x0 or 0.
    for (const operation of OPERATIONS) {
      for (let csr = 0xc00; csr < ALL; csr++) {
        if (COUNTERS.includes(csr)) continue;
        const source = operation.endsWith('i') ? { imm: csr % 2 } : { rs1: csr % 2 };
        const at = program.place(encode(operation, { rd: 0, csr, ...source }));
        program.add({ group: `write of ${csrName(csr)}`, pc: at, x: { 1: 0n } });
      }
    }
  },
};

/**
 * Registers that machine mode can write and put back without losing control, with the bits that both machines have. Without
 * H, V, Zicbom and Zicboz the reference still keeps their bits (VS, MPV, GVA, some of mie, medeleg and senvcfg), it keeps bit 0 of
 * xepc, 64 bits of xcounteren and pmpaddr, and an mstatus.MPP of 2, which is reserved.
 */
const WRITABLE: Readonly<Record<string, readonly [number: number, mask: bigint]>> = {
  fflags: [0x001, -1n],
  frm: [0x002, -1n],
  fcsr: [0x003, -1n],
  sstatus: [0x100, ~0x3_0000_0600n],
  sie: [0x104, 0xaaan],
  stvec: [0x105, -1n],
  scounteren: [0x106, 0xffff_ffffn],
  senvcfg: [0x10a, 1n],
  sscratch: [0x140, -1n],
  sepc: [0x141, -2n],
  scause: [0x142, -1n],
  stval: [0x143, -1n],
  sip: [0x144, 0xaaan],
  stimecmp: [0x14d, -1n],
  satp: [0x180, -1n],
  mstatus: [0x300, ~0xcf_0000_1600n],
  misa: [0x301, 0n],
  medeleg: [0x302, 0xb3ffn],
  mideleg: [0x303, 0x222n],
  mie: [0x304, 0xaaan],
  mcounteren: [0x306, 0xffff_ffffn],
  mscratch: [0x340, -1n],
  mepc: [0x341, -2n],
  mcause: [0x342, -1n],
  mtval: [0x343, -1n],
  mip: [0x344, 0xaaan],
  pmpaddr3: [0x3b3, (1n << 54n) - 1n],
};

/** Writes a value, changes it, reads it back, puts the old one back. */
function addWrite(program: Program, name: string, csr: number, mask: bigint): void {
  const { random } = program;
  const operation = random.pick(OPERATIONS);
  const imm = random.below(32) & Number(mask & 31n);
  const words = [
    encode('csrrs', { rd: 9, csr }),
    encode('csrrw', { rd: 0, csr, rs1: 15 }),
    encode(operation, { rd: 10, csr, ...(operation.endsWith('i') ? { imm } : { rs1: 11 }) }),
    encode('csrrs', { rd: 12, csr }),
    encode('csrrw', { rd: 13, csr, rs1: 9 }),
    encode('csrrs', { rd: 14, csr }),
  ];
  // It held the address of a breakpoint, or not: see explain.ts.
  if (name === 'mtval') words.push(encode('addi', { rd: 9 }), encode('addi', { rd: 14 }));
  const x = { 11: program.integer() & mask, 15: program.integer() & mask };
  program.add({ group: `write of ${name}`, pc: program.place(...words), x });
}

export const csrValues: Suite = {
  name: 'csr values',
  quick: 3000,
  build(program, cases) {
    while (program.cases.length < cases && !program.full) {
      for (const [name, [csr, mask]] of Object.entries(WRITABLE)) {
        if (!program.full) addWrite(program, name, csr, mask);
      }
    }
  },
};
