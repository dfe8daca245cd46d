/** What vector floating point has in common for all formats: flags of elements, vector exceptions, fields of instructions. */
import { defineHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { MODE_FLOAT_TRAPS } from '../../mode.ts';
import { floatFlags, fpc, vectorCode, vectorFlags } from '../../state.ts';
import { DOWN, FLAGS_SHIFT, MASKS_SHIFT, UP } from '../float.ts';
import type { Insn } from '../insn.ts';

/** The leftmost bit of a mask: the leftmost element alone. */
export const SINGLE = 8;
/** Inexact is not told. */
export const NO_INEXACT = 4;
export const SIGNALING = 4;

/** Flags of the software floating point, with the numbers that vector exceptions have for them. */
const EXCEPTIONS = [
  [16, 1],
  [8, 2],
  [4, 3],
  [2, 4],
  [1, 5],
] as const;

/** Refuses a mask with bits that the instruction has none of. */
export function only(i: Insn, m: number, allowed: number): number {
  if ((m & ~allowed) !== 0) i.refuse(PGM.specification);
  return m;
}

/** (element): adds its flags to those of the operation, and notes its exception if it is the first that is enabled. */
const noteElement = defineHelper('s390_vector_exception', ['i32'], undefined, (b, n) => {
  const flags = b.get(floatFlags);
  b.set(vectorFlags, b.or(b.get(vectorFlags), flags));
  const enabled = b.and(flags, b.shr(b.get(fpc), b.i32(MASKS_SHIFT)));
  b.if(b.or(b.eqz(enabled), b.get(vectorCode)), () => b.return_());
  const code = EXCEPTIONS.reduceRight<Value>(
    (other, [flag, number]) => b.select(b.and(enabled, b.i32(flag)), b.i32(number), other),
    b.i32(0),
  );
  b.set(vectorCode, b.or(b.shl(n, b.i32(4)), code));
});

/**
 * Computes a value (i64) for each element, with its exceptions, and then lets `store` keep them. Where none is enabled, flags that are
 * set already need not be found again.
 */
export function forEach(
  i: Insn,
  count: number,
  compute: (n: number) => Value,
  store: (values: readonly Value[]) => void,
): void {
  const { b } = i;
  const traps = (i.mode & MODE_FLOAT_TRAPS) !== 0;
  if (traps) {
    b.set(vectorFlags, b.i32(0));
    b.set(vectorCode, b.i32(0));
  } else b.set(floatFlags, b.and(b.shr(b.get(fpc), b.i32(FLAGS_SHIFT)), b.i32(31)));
  const values: Value[] = [];
  for (let n = 0; n < count; n++) {
    if (traps) b.set(floatFlags, b.i32(0));
    values.push(b.local('i64', compute(n)));
    if (traps) b.call(noteElement, b.i32(n));
  }
  if (traps) {
    b.if(b.get(vectorCode), () => i.raise(PGM.vectorProcessing, b.extend32U(b.get(vectorCode))));
  }
  b.set(fpc, b.or(b.get(fpc), b.shl(b.get(traps ? vectorFlags : floatFlags), b.i32(FLAGS_SHIFT))));
  store(values.map((value) => b.getLocal(value)));
}

/** Leaves an element's operation without an inexact exception if m4 says so. */
export function inexactBy(i: Insn, compute: () => Value): Value {
  if ((i.f.m4 & NO_INEXACT) === 0) return compute();
  const { b } = i;
  const before = b.local('i32', b.and(b.get(floatFlags), b.i32(1)));
  const value = b.local('i64', compute());
  b.set(floatFlags, b.or(b.and(b.get(floatFlags), b.i32(~1)), b.getLocal(before)));
  return b.getLocal(value);
}

export type Relation = 'eq' | 'lt' | 'le';

/** What m6 says of NaNs and zeros: 0 as IEEE 754, or one of these. With 8 operands are magnitudes; of IEEE's, only compared so. */
export const IEEE_MAGNITUDE = 8;
export const JAVA = 1;
export const C_MACRO = 2;
export const CPP = 3;
export const C_FUNCTION = 4;

/** The rounding mode of a negated number. */
export const mirrored = (rm: number): number => (rm === UP ? DOWN : rm === DOWN ? UP : rm);
