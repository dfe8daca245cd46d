/**
 * What instructions have in common whose operands are addresses and lengths in registers, which they advance. They run in steps of
 * at most a page and start again where they stopped, so that they can be interrupted. Principles of Operation, SA22-7832, chapter
 * "General Instructions".
 */
import type { Value } from '@boardwalk/translator';
import { twoSpaces } from '../../memory.ts';
import { block } from '../../state.ts';
import { type Insn, slotOf } from '../insn.ts';

/** Results of a step: addresses and lengths that are left. */
export const [OUT_A1, OUT_L1, OUT_A2, OUT_L2] = [0, 1, 2, 3] as const;

export const out = (n: number) => slotOf(block, n);

export const minimum = (b: Insn['b'], x: Value, y: Value): Value => b.select(b.ltU(x, y), x, y);

/** Address in a register of a pair that instructions advance. */
export const setAddress = (i: Insn, n: number, value: Value): void => {
  if (i.amode === 3) i.set64(n, value);
  else i.set32(n, i.wrap(value));
};

/** Length of the extended forms: 64 bits, or in the smaller modes 32. */
export const getLong = (i: Insn, n: number): Value => (i.amode === 3 ? i.get64(n) : i.get32u(n));

export const setLong = (i: Insn, n: number, v: Value): void => {
  if (i.amode === 3) i.set64(n, v);
  else i.set32(n, v);
};

/** Puts addresses and lengths of two pairs into `block`. */
export function setBlock(i: Insn, first: number, second: number, length: (i: Insn, n: number) => Value): void {
  const { b } = i;
  b.set(out(OUT_A1), i.wrap(i.get64(first)));
  b.set(out(OUT_L1), length(i, first + 1));
  b.set(out(OUT_A2), i.wrap(i.get64(second)));
  b.set(out(OUT_L2), length(i, second + 1));
}

/** Takes them back into the registers. */
export function getBlock(i: Insn, first: number, second: number, set: (i: Insn, n: number, v: Value) => void): void {
  const { b } = i;
  setAddress(i, first, b.get(out(OUT_A1)));
  set(i, first + 1, b.get(out(OUT_L1)));
  setAddress(i, second, b.get(out(OUT_A2)));
  set(i, second + 1, b.get(out(OUT_L2)));
}

export const bothRegisters = (i: Insn, second: number): Value => twoSpaces(i.b, i.space(i.f.r1), i.space(second));

/** Goes on at this instruction while a condition holds: it is interruptible here. */
export function again(i: Insn, more: Value): void {
  const here = i.b.address(...i.pcAt(0));
  i.b.if(more, () => i.b.gotoIndirect(here));
}

export const compareValues = (i: Insn, x: Value, y: Value): void => {
  const { b } = i;
  i.setCcValue(b.select(b.eq(x, y), b.i32(0), b.select(b.ltU(x, y), b.i32(1), b.i32(2))));
};
