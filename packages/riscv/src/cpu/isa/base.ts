/** Semantics of RV64I. RISC-V Unprivileged ISA, chapters "RV32I Base Integer Instruction Set" and "RV64I". */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CAUSE_FETCH_MISALIGNED } from '../bits.ts';
import { modeDataMmu } from '../mode.ts';
import {
  computeFromImmediate,
  computeFromRegisters,
  type Emitter,
  endBlock,
  pcRelative,
  type RiscvContext,
  readX,
  writeX,
} from './emitter.ts';

/** Output and writes, input and reads, in the predecessor and successor sets of a fence. */
const FENCE_WRITES = 0b0101;
const FENCE_READS = 0b1010;

type Comparison = 'eq' | 'ne' | 'ltS' | 'geS' | 'ltU' | 'geU';

/** Whether an address `offset` from here cannot be jumped to: without C, instructions lie on multiples of four. */
function isMisaligned(cpu: RiscvContext, offset: number): boolean {
  return !cpu.extensions.has('c') && (offset & 2) !== 0;
}

function branch(comparison: Comparison): Emitter {
  return (b, f, cpu) => {
    const taken = b[comparison](readX(b, f.rs1), readX(b, f.rs2));
    if (isMisaligned(cpu, f.imm)) {
      b.if(taken, () => b.raise(CAUSE_FETCH_MISALIGNED, pcRelative(b, cpu, f.imm)));
      b.goto(...cpu.addressOf(cpu.length));
    } else {
      b.gotoIf(taken, ...cpu.addressOf(f.imm), ...cpu.addressOf(cpu.length));
    }
  };
}

/** Sets the register that a call leaves the address of the next instruction in, unless that is x0. */
function link(b: IrBuilder, rd: number, cpu: RiscvContext): void {
  if (rd !== 0) writeX(b, rd, pcRelative(b, cpu, cpu.length));
}

const jal: Emitter = (b, f, cpu) => {
  if (isMisaligned(cpu, f.imm)) {
    b.raise(CAUSE_FETCH_MISALIGNED, pcRelative(b, cpu, f.imm));
  } else {
    link(b, f.rd, cpu);
    b.goto(...cpu.addressOf(f.imm));
  }
};

/** A call by auipc and jalr goes to an address that is known. */
const jalr: Emitter = (b, f, cpu) => {
  const offset = cpu.offsetIn(f.rs1);
  if (offset !== undefined) {
    // The lowest bit of the sum is dropped.
    const imm = offset + f.imm;
    jal(b, { ...f, imm: imm - (imm & 1) }, cpu);
    return;
  }
  const target = b.and(b.add(readX(b, f.rs1), b.i64(f.imm)), b.i64(-2));
  if (!cpu.extensions.has('c')) {
    b.if(b.wrap(b.and(target, b.i64(2))), () => b.raise(CAUSE_FETCH_MISALIGNED, target));
  }
  link(b, f.rd, cpu);
  b.gotoIndirect(target);
};

function load(size: 1 | 2 | 4 | 8, signed: boolean): Emitter {
  return (b, f, cpu) => {
    const address = b.add(readX(b, f.rs1), b.i64(f.imm));
    writeX(b, f.rd, b.load(address, { size, signed, mmu: modeDataMmu(cpu.mode) }));
  };
}

function store(size: 1 | 2 | 4 | 8): Emitter {
  return (b, f, cpu) => {
    const address = b.add(readX(b, f.rs1), b.i64(f.imm));
    b.store(address, readX(b, f.rs2), { size, mmu: modeDataMmu(cpu.mode) });
  };
}

const lessSigned = (b: IrBuilder, x: Value, y: Value): Value => b.extend32U(b.ltS(x, y));
const lessUnsigned = (b: IrBuilder, x: Value, y: Value): Value => b.extend32U(b.ltU(x, y));

export const baseSemantics: Readonly<Record<string, Emitter>> = {
  lui: (b, f) => writeX(b, f.rd, b.i64(f.imm)),
  auipc: (b, f, cpu) => writeX(b, f.rd, pcRelative(b, cpu, f.imm)),
  jal,
  jalr,

  beq: branch('eq'),
  bne: branch('ne'),
  blt: branch('ltS'),
  bge: branch('geS'),
  bltu: branch('ltU'),
  bgeu: branch('geU'),

  lb: load(1, true),
  lh: load(2, true),
  lw: load(4, true),
  ld: load(8, false),
  lbu: load(1, false),
  lhu: load(2, false),
  lwu: load(4, false),
  sb: store(1),
  sh: store(2),
  sw: store(4),
  sd: store(8),

  addi: computeFromImmediate((b, x, imm) => b.add(x, b.i64(imm))),
  slti: computeFromImmediate((b, x, imm) => lessSigned(b, x, b.i64(imm))),
  sltiu: computeFromImmediate((b, x, imm) => lessUnsigned(b, x, b.i64(imm))),
  xori: computeFromImmediate((b, x, imm) => b.xor(x, b.i64(imm))),
  ori: computeFromImmediate((b, x, imm) => b.or(x, b.i64(imm))),
  andi: computeFromImmediate((b, x, imm) => b.and(x, b.i64(imm))),
  slli: computeFromImmediate((b, x, shamt) => b.shl(x, b.i64(shamt))),
  srli: computeFromImmediate((b, x, shamt) => b.shr(x, b.i64(shamt))),
  srai: computeFromImmediate((b, x, shamt) => b.sar(x, b.i64(shamt))),

  add: computeFromRegisters((b, x, y) => b.add(x, y)),
  sub: computeFromRegisters((b, x, y) => b.sub(x, y)),
  sll: computeFromRegisters((b, x, y) => b.shl(x, y)),
  slt: computeFromRegisters(lessSigned),
  sltu: computeFromRegisters(lessUnsigned),
  xor: computeFromRegisters((b, x, y) => b.xor(x, y)),
  srl: computeFromRegisters((b, x, y) => b.shr(x, y)),
  sra: computeFromRegisters((b, x, y) => b.sar(x, y)),
  or: computeFromRegisters((b, x, y) => b.or(x, y)),
  and: computeFromRegisters((b, x, y) => b.and(x, y)),

  addiw: computeFromImmediate((b, x, imm) => b.sext(b.add(x, b.i64(imm)), 32)),
  slliw: computeFromImmediate((b, x, shamt) => b.sext(b.shl(x, b.i64(shamt)), 32)),
  srliw: computeFromImmediate((b, x, shamt) => b.extend32S(b.shr(b.wrap(x), b.i32(shamt)))),
  sraiw: computeFromImmediate((b, x, shamt) => b.extend32S(b.sar(b.wrap(x), b.i32(shamt)))),
  addw: computeFromRegisters((b, x, y) => b.sext(b.add(x, y), 32)),
  subw: computeFromRegisters((b, x, y) => b.sext(b.sub(x, y), 32)),
  sllw: computeFromRegisters((b, x, y) => b.extend32S(b.shl(b.wrap(x), b.wrap(y)))),
  srlw: computeFromRegisters((b, x, y) => b.extend32S(b.shr(b.wrap(x), b.wrap(y)))),
  sraw: computeFromRegisters((b, x, y) => b.extend32S(b.sar(b.wrap(x), b.wrap(y)))),

  pause: (b, _f, cpu) => {
    b.yieldSlice();
    endBlock(b, cpu);
  },
  fence: (b, f) => b.fence({ storeLoad: ((f.imm >>> 4) & FENCE_WRITES) !== 0 && (f.imm & FENCE_READS) !== 0 }),
  'fence.tso': (b) => b.fence({ storeLoad: false }),
  // Stores to translated code invalidate it at once, or ask for it before anything else is seen of them (threads); what remains is
  // not to run on in a block that was translated before.
  'fence.i': (b, _f, cpu) => {
    b.fence({ storeLoad: false });
    endBlock(b, cpu);
  },
};
