/**
 * Vector registers as numbers of 128 bits: how the elements that the manual numbers from the left lie in lanes, which WebAssembly
 * numbers from the right. Principles of Operation, SA22-7832, chapter "Vector Overview and Support Instructions".
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { DXC, PGM } from '../../bits.ts';
import { MODE_AFP, MODE_VECTOR } from '../../mode.ts';
import { v, vh } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';

/** Size of an element as instructions code it: log2 of its bytes. 4 is a quadword. */
export type ElementSize = 0 | 1 | 2 | 3;

const SHAPES = ['i8x16', 'i16x8', 'i32x4', 'i64x2'] as const;

/** Bits of an element. */
export const bitsOf = (es: number): number => 8 << es;
/** Elements of a register. */
export const countOf = (es: number): number => 16 >> es;

/** An emitter of a vector instruction: refuses it while control register 0 has not turned vectors on. */
export const vector =
  (emit: Emitter): Emitter =>
  (i) => {
    const on = MODE_AFP | MODE_VECTOR;
    if ((i.mode & on) !== on) i.refuse(PGM.data, i.b.i64(DXC.vectorInstruction));
    emit(i);
  };

export const get = (i: Insn, n: number): Value => i.b.get(slotOf(v, n));
export const set = (i: Insn, n: number, value: Value): void => i.b.set(slotOf(v, n), value);
/** The leftmost doubleword. */
export const getLeft = (i: Insn, n: number): Value => i.b.get(slotOf(vh, n));
export const setLeft = (i: Insn, n: number, value: Value): void => i.b.set(slotOf(vh, n), value);

/** A mask field that has to be the size of an element: refuses others. */
export function elementSize(i: Insn, m: number, most: ElementSize = 3, least: ElementSize = 0): ElementSize {
  if (m < least || m > most) i.refuse(PGM.specification);
  return m as ElementSize;
}

/** A row of the vector operations by the size of its lanes: `add`, `shl`. */
export const lanewise = (b: IrBuilder, name: string, es: number, ...args: Value[]): Value =>
  b.pure(`v128.${name}.${SHAPES[es] ?? ''}`, ...args);

export const and = (b: IrBuilder, x: Value, y: Value): Value => b.pure('v128.and', x, y);
export const or = (b: IrBuilder, x: Value, y: Value): Value => b.pure('v128.or', x, y);
export const xor = (b: IrBuilder, x: Value, y: Value): Value => b.pure('v128.xor', x, y);
export const not = (b: IrBuilder, x: Value): Value => b.pure('v128.not', x);
/** Bits of x where the mask has ones, else of y. */
export const bitselect = (b: IrBuilder, x: Value, y: Value, mask: Value): Value => b.pure('v128.bitselect', x, y, mask);

export const shl = (b: IrBuilder, es: number, x: Value, n: number): Value => lanewise(b, 'shl', es, x, b.i32(n));
export const shr = (b: IrBuilder, es: number, x: Value, n: number): Value => lanewise(b, 'shr', es, x, b.i32(n));
export const sar = (b: IrBuilder, es: number, x: Value, n: number): Value => lanewise(b, 'sar', es, x, b.i32(n));

/** The same number in every element. */
export function constant(b: IrBuilder, es: number, value: bigint): Value {
  let half = 0n;
  for (let n = 0; n < 8 >> es; n++) half = (half << BigInt(bitsOf(es))) | BigInt.asUintN(bitsOf(es), value);
  return b.v128(half, half);
}

/** A number for each element, counted from the left. */
export function constants(b: IrBuilder, es: number, of: (element: number) => number): Value {
  let whole = 0n;
  for (let n = 0; n < countOf(es); n++) {
    whole = (whole << BigInt(bitsOf(es))) | BigInt.asUintN(bitsOf(es), BigInt(of(n)));
  }
  return b.v128(whole, whole >> 64n);
}

/** Bytes by their numbers from the left: 0 to 15 of x, 16 to 31 of y. */
export function pick(b: IrBuilder, x: Value, y: Value, of: (byte: number) => number): Value {
  const lanes = Array.from({ length: 16 }, (_, lane) => {
    const from = of(15 - lane);
    return (from & 16) | (15 - (from & 15));
  });
  return b.shuffle(x, y, lanes);
}

/** Elements by their numbers from the left: of x, then of y. */
export const pickElements = (b: IrBuilder, es: number, x: Value, y: Value, of: (element: number) => number): Value =>
  pick(b, x, y, (byte) => (of(byte >> es) << es) | (byte & ((1 << es) - 1)));

/** An element, zero-extended to an i64. */
export function extract(b: IrBuilder, es: number, x: Value, element: number): Value {
  if (es === 3) return b.pure(element === 0 ? 'high64' : 'low64', x);
  return b.extend32U(b.pure(`extract.${SHAPES[es]}.${countOf(es) - 1 - element}`, x));
}

/** An element, sign-extended to an i64. */
export const extractSigned = (b: IrBuilder, es: number, x: Value, element: number): Value =>
  b.sext(extract(b, es, x, element), bitsOf(es));

/** The vector with an element replaced by the low bits of an i64. */
export function replace(b: IrBuilder, es: number, x: Value, element: number, value: Value): Value {
  if (es === 3) return b.pure(element === 0 ? 'withHigh64' : 'withLow64', x, value);
  return b.pure(`replace.${SHAPES[es]}.${countOf(es) - 1 - element}`, x, b.wrap(value));
}

/** The low bits of an i64 in every element. */
export const splat = (b: IrBuilder, es: number, value: Value): Value =>
  b.pure(`splat.${SHAPES[es]}`, es === 3 ? value : b.wrap(value));

/** A vector from its doublewords. */
export const join = (b: IrBuilder, left: Value, right: Value): Value =>
  b.pure('withHigh64', b.pure('splat.i64x2', right), left);

/** Its doublewords. */
export const halves = (b: IrBuilder, x: Value): readonly [left: Value, right: Value] => [
  b.pure('high64', x),
  b.pure('low64', x),
];

/** The condition code of a comparison by elements: 0 all ones, 3 all zeros, 1 some of each. */
export function allOrSome(b: IrBuilder, mask: Value): Value {
  const some = b.select(b.pure('v128.anyTrue', mask), b.i32(1), b.i32(3));
  return b.select(b.pure('v128.allTrue.i8x16', mask), b.i32(0), some);
}

/** The number of the leftmost byte that is all ones, 16 where none is (i32). */
export const leftmost = (b: IrBuilder, mask: Value): Value =>
  b.clz(b.or(b.shl(b.pure('v128.bitmask.i8x16', mask), b.i32(16)), b.i32(0x8000)));

/**
 * Moves bytes to the left by an i32 (negative: to the right), between -16 and 16; zeros come in. A lane that a swizzle does not
 * have is zero.
 */
export function moveLeft(b: IrBuilder, x: Value, bytes: Value): Value {
  const lanes = constants(b, 0, (byte) => 15 - byte);
  return b.pure('v128.swizzle.i8x16', x, lanewise(b, 'sub', 0, lanes, b.pure('splat.i8x16', bytes)));
}

/** Ones in the leftmost `bytes` (i32) bytes. */
export const leftBytes = (b: IrBuilder, bytes: Value): Value =>
  lanewise(
    b,
    'ltU',
    0,
    constants(b, 0, (byte) => byte),
    b.pure('splat.i8x16', bytes),
  );
