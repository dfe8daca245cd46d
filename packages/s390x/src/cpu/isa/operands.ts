/** Where operands of the general instructions come from, what becomes of results, and what several of them do with both. */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import type { Insn, Size } from './insn.ts';

/** Where an operand comes from; the value is an i64. */
export type Source = (i: Insn) => Value;

/** What becomes of a result. */
export type Target = (i: Insn, value: Value) => void;

const memory =
  (size: Size, signed: boolean): Source =>
  (i) =>
    i.load2(size, signed);

/** The relative operand of load and compare relative long; words and doublewords must be aligned. */
export const relative =
  (size: Size, signed: boolean): Source =>
  (i) => {
    i.alignedRelative(size);
    return i.b.load(i.relativeAddress(), { size, signed, endian: 'big', mmu: i.instructionMmu });
  };

export const R1: Source = (i) => i.get64(i.f.r1);
export const R2: Source = (i) => i.get64(i.f.r2);
export const R3: Source = (i) => i.get64(i.f.r3);
export const R1_32S: Source = (i) => i.get32s(i.f.r1);
export const R2_32S: Source = (i) => i.get32s(i.f.r2);
export const R3_32S: Source = (i) => i.get32s(i.f.r3);
export const R1_32U: Source = (i) => i.get32u(i.f.r1);
export const R2_32U: Source = (i) => i.get32u(i.f.r2);
export const R3_32U: Source = (i) => i.get32u(i.f.r3);
export const R1_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r1), i.b.i64(32));
export const R1_HIGH_U: Source = (i) => i.getHigh(i.f.r1);
export const R2_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r2), i.b.i64(32));
export const R2_HIGH_U: Source = (i) => i.getHigh(i.f.r2);
export const R3_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r3), i.b.i64(32));
export const R3_HIGH_U: Source = (i) => i.getHigh(i.f.r3);
export const M8U = memory(1, false);
export const M8S = memory(1, true);
export const M16S = memory(2, true);
export const M16U = memory(2, false);
export const M32S = memory(4, true);
export const M32U = memory(4, false);
export const M64 = memory(8, false);

/** A signed immediate. */
export const I2: Source = (i) => i.b.i64(i.f.i2);

/** The low 16 or 32 bits of the immediate, unsigned. */
export const I2_16U: Source = (i) => i.b.i64(i.f.i2 & 0xffff);
export const I2_32U: Source = (i) => i.b.i64(i.f.i2 >>> 0);
export const I2_8U: Source = (i) => i.b.i64(i.f.i2 & 0xff);
export const TO64: Target = (i, v) => i.set64(i.f.r1, v);
export const TO32: Target = (i, v) => i.set32(i.f.r1, v);
export const TO_HIGH: Target = (i, v) => i.setHigh(i.f.r1, v);

/** Overflow: the exception, where the program mask asks for it. The result is stored before. */
export function overflow(i: Insn, isOverflow: Value): void {
  if (i.overflowTraps) i.raiseIf(isOverflow, PGM.fixedOverflow);
}

/** The same for an exact result that has to fit in 32 bits. */
export function overflow32(i: Insn, exact: Value): void {
  overflow(i, i.b.ne(i.b.sext(exact, 32), exact));
}

/** The condition code of a result by its sign: zero 0, negative 1, positive 2. */
export function signCode(b: IrBuilder, v: Value): Value {
  return b.select(b.eqz(v), b.i32(0), b.select(b.ltS(v, b.i64(0)), b.i32(1), b.i32(2)));
}
