/**
 * How instruction semantics are written: an emitter gives the intermediate code of one instruction. This file holds the type
 * and the few operations that all extensions share.
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CAUSE_ILLEGAL_INSTRUCTION } from '../bits.ts';
import type { Fields } from '../decode/pattern.ts';
import type { Extension } from '../models.ts';
import { common, x } from '../state.ts';

/** The instruction being translated, beyond its operands. */
export interface RiscvContext {
  /** Halves of the address `offset` bytes from it: see `InsnContext.addressOf`. */
  addressOf(offset: number): readonly [lo: number, hi: number];
  /** What an auipc just before it in its block has put into a register, as an offset from this instruction; undefined where there is none. */
  offsetIn(register: number): number | undefined;
  /** Its length in bytes. */
  readonly length: 2 | 4;
  /** Its bits, zero-extended; what mtval shows when it is illegal. */
  readonly word: number;
  /** The mode word that the block is translated for, see mode.ts. */
  readonly mode: number;
  /** What the CPU model has. */
  readonly extensions: ReadonlySet<Extension>;
}

/** Emits the meaning of one instruction. One that does not end the block falls through to the next instruction. */
export type Emitter = (b: IrBuilder, f: Fields, cpu: RiscvContext) => void;

/** Value of integer register `n`; x0 is the constant zero. */
export function readX(b: IrBuilder, n: number): Value {
  const slot = x[n];
  return n === 0 || slot === undefined ? b.i64(0) : b.get(slot);
}

/** Sets integer register `n`; a write of x0 vanishes, but whatever computed `v` stays (a load may still fault). */
export function writeX(b: IrBuilder, n: number, v: Value): void {
  const slot = x[n];
  if (n !== 0 && slot !== undefined) b.set(slot, v);
}

/** rd = compute(rs1, rs2); nothing where rd is x0. */
export function computeFromRegisters(compute: (b: IrBuilder, x: Value, y: Value) => Value): Emitter {
  return (b, f) => {
    if (f.rd !== 0) writeX(b, f.rd, compute(b, readX(b, f.rs1), readX(b, f.rs2)));
  };
}

/** rd = compute(rs1, immediate); nothing where rd is x0. */
export function computeFromImmediate(compute: (b: IrBuilder, x: Value, imm: number) => Value): Emitter {
  return (b, f) => {
    if (f.rd !== 0) writeX(b, f.rd, compute(b, readX(b, f.rs1), f.imm));
  };
}

/** rd = compute(rs1); nothing where rd is x0. */
export const computeFromRegister = (compute: (b: IrBuilder, x: Value) => Value): Emitter =>
  computeFromImmediate(compute);

/** The address `offset` bytes after the instruction. */
export function pcRelative(b: IrBuilder, cpu: RiscvContext, offset: number): Value {
  return b.address(...cpu.addressOf(offset));
}

/** The instruction is illegal here: raises the exception, with the instruction's bits for mtval. */
export function illegal(b: IrBuilder, cpu: RiscvContext): void {
  b.raise(CAUSE_ILLEGAL_INSTRUCTION, b.i64x(cpu.word | 0, 0));
}

/** Ends the block after this instruction, where it has changed what translations take for constant. */
export function endBlock(b: IrBuilder, cpu: RiscvContext): void {
  b.set(common.pc, pcRelative(b, cpu, cpu.length));
  b.exitToLookup();
}
