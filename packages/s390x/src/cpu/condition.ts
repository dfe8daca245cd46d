/**
 * The condition code, kept lazily: instructions leave operands in `ccA` and `ccB` and the way to compute the code in `ccKind`.
 * A branch in the same block knows the kind when it is translated and becomes a comparison of the two.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { ccA, ccB, ccKind } from './state.ts';

/** Ways to compute a condition code. */
export const CC = {
  /** `ccA` is the code. */
  value: 0,
  /** Signed comparison: equal 0, low 1, high 2. */
  signed: 1,
  /** Unsigned comparison. */
  unsigned: 2,
  /** 0 where `ccA` is zero, else 1. */
  nonZero: 3,
  /** `ccA` against zero: 0, negative 1, positive 2. */
  sign: 4,
  /** `ccA` + `ccB`, sign-extended words: as `sign`, or 3 where the sum does not fit in 32 bits. */
  add32: 5,
  /** `ccA` + `ccB`, signed, with overflow. */
  add64: 6,
  /** `ccA` - `ccB`, signed, with overflow. */
  sub64: 7,
  /** `ccA` + `ccB`, unsigned: 1 not zero, plus 2 with a carry. */
  addLogical64: 8,
  /** `ccA` - `ccB`, unsigned: 1 with a borrow, 2 zero, 3 neither. */
  subLogical: 9,
  /** `ccA` + `ccB`, zero-extended words: as `addLogical64` of 32 bits. */
  addLogical32: 10,
  /** Bits `ccA` of the selected bits `ccB`: 0 none, 3 all, else 1. */
  testMask: 11,
  /** The same, but 2 where the leftmost selected bit is among them. */
  testMaskLeft: 12,
  /** `ccA` - `ccB`, sign-extended words: as `add32`. */
  sub32: 13,
} as const;

/** A way to compute a condition code, or that it is not known at translation. */
export type CcKind = (typeof CC)[keyof typeof CC];

const signOf = (b: IrBuilder, v: Value): Value =>
  b.select(b.eqz(v), b.i32(0), b.select(b.ltS(v, b.i64(0)), b.i32(1), b.i32(2)));

/** Of a result that would need 33 bits at most. */
const exactCode = (b: IrBuilder, v: Value): Value => b.select(b.ne(b.sext(v, 32), v), b.i32(3), signOf(b, v));

const KINDS: Readonly<Record<CcKind, (b: IrBuilder, x: Value, y: Value) => Value>> = {
  [CC.value]: (b, x) => b.wrap(x),
  [CC.signed]: (b, x, y) => b.select(b.eq(x, y), b.i32(0), b.select(b.ltS(x, y), b.i32(1), b.i32(2))),
  [CC.unsigned]: (b, x, y) => b.select(b.eq(x, y), b.i32(0), b.select(b.ltU(x, y), b.i32(1), b.i32(2))),
  [CC.nonZero]: (b, x) => b.ne(x, b.i64(0)),
  [CC.sign]: (b, x) => signOf(b, x),
  [CC.add32]: (b, x, y) => exactCode(b, b.add(x, y)),
  [CC.sub32]: (b, x, y) => exactCode(b, b.sub(x, y)),
  [CC.add64]: (b, x, y) => {
    const sum = b.add(x, y);
    return b.select(b.addOverflow(x, y, sum), b.i32(3), signOf(b, sum));
  },
  [CC.sub64]: (b, x, y) => {
    const difference = b.sub(x, y);
    return b.select(b.subOverflow(x, y, difference), b.i32(3), signOf(b, difference));
  },
  [CC.addLogical64]: (b, x, y) => {
    const sum = b.add(x, y);
    return b.add(b.ne(sum, b.i64(0)), b.shl(b.ltU(sum, x), b.i32(1)));
  },
  [CC.subLogical]: (b, x, y) => b.select(b.eq(x, y), b.i32(2), b.select(b.ltU(x, y), b.i32(1), b.i32(3))),
  [CC.addLogical32]: (b, x, y) => {
    const sum = b.add(x, y);
    return b.add(b.ne(b.wrap(sum), b.i32(0)), b.shl(b.wrap(b.shr(sum, b.i64(32))), b.i32(1)));
  },
  [CC.testMask]: (b, x, y) => b.select(b.eqz(x), b.i32(0), b.select(b.eq(x, y), b.i32(3), b.i32(1))),
  [CC.testMaskLeft]: (b, x, y) => {
    // The leftmost selected bit is set where what is set is more than half of what is selected with all below it.
    const left = b.leU(b.clz(x), b.clz(y));
    return b.select(b.eqz(x), b.i32(0), b.select(b.eq(x, y), b.i32(3), b.add(b.i32(1), left)));
  },
};

/** () -> the condition code (i32), whatever the kind. */
export const conditionCode: IrHelper = defineHelper('s390_cc', [], 'i32', (b) => {
  const kind = b.get(ccKind);
  const [x, y] = [b.get(ccA), b.get(ccB)];
  for (const [number, compute] of Object.entries(KINDS)) {
    b.if(b.eq(kind, b.i32(Number(number))), () => b.return_(compute(b, x, y)));
  }
  return b.i32(0);
});

/** The condition code as an i32; `kind` is what translation knows of it. */
export function ccValue(b: IrBuilder, kind: CcKind | undefined): Value {
  if (kind === undefined) return b.call(conditionCode);
  return KINDS[kind](b, b.get(ccA), b.get(ccB));
}

type Compare = 'eq' | 'ne' | 'lt' | 'ge' | 'gt' | 'le';

/** Comparisons of two operands by the mask's bits for codes 0, 1 and 2. */
const COMPARES: Readonly<Record<number, Compare>> = { 8: 'eq', 4: 'lt', 2: 'gt', 12: 'le', 10: 'ge', 6: 'ne' };

function compare(b: IrBuilder, how: Compare, signed: boolean, x: Value, y: Value): Value {
  switch (how) {
    case 'eq':
      return b.eq(x, y);
    case 'ne':
      return b.ne(x, y);
    case 'lt':
      return signed ? b.ltS(x, y) : b.ltU(x, y);
    case 'ge':
      return signed ? b.geS(x, y) : b.geU(x, y);
    case 'gt':
      return signed ? b.gtS(x, y) : b.gtU(x, y);
    case 'le':
      return signed ? b.leS(x, y) : b.leU(x, y);
  }
}

/** Whether two operands compare as a mask says: 8 equal, 4 low, 2 high. Undefined where that does not depend on them. */
export function comparison(b: IrBuilder, mask: number, signed: boolean, x: Value, y: Value): Value | undefined {
  const how = COMPARES[mask];
  return how === undefined ? undefined : compare(b, how, signed, x, y);
}

/** Whether the code of an exact sum or difference of words is in a mask: whether the result is in a range. */
function exact(b: IrBuilder, mask: number, v: Value): Value | undefined {
  const words = b.i64(0x8000_0000);
  switch (mask) {
    case 8:
      return b.eqz(v);
    case 7:
      return b.ne(v, b.i64(0));
    case 4:
      return b.ltU(b.add(v, words), words);
    case 11:
      return b.geU(b.add(v, words), words);
    case 2:
      return b.ltU(b.sub(v, b.i64(1)), b.i64(0x7fff_ffff));
    case 13:
      return b.geU(b.sub(v, b.i64(1)), b.i64(0x7fff_ffff));
    case 10:
      return b.ltU(v, words);
    case 5:
      return b.geU(v, words);
    case 12:
      return b.leU(b.add(v, words), words);
    case 3:
      return b.gtU(b.add(v, words), words);
    case 14:
      return b.eq(b.sext(v, 32), v);
    case 1:
      return b.ne(b.sext(v, 32), v);
    default:
      return undefined;
  }
}

/** The same of 64 bits: the result is not exact. `over` is negative where it overflowed, `isZero` says that it is 0 and did not. */
function signed64(b: IrBuilder, mask: number, result: Value, over: Value, isZero: () => Value): Value | undefined {
  const zero = b.i64(0);
  switch (mask) {
    case 8:
      return isZero();
    case 7:
      return b.eqz(isZero());
    case 4:
      return b.ltS(b.and(result, b.not(over)), zero);
    case 11:
      return b.geS(b.and(result, b.not(over)), zero);
    case 2:
      return b.and(b.gtS(result, zero), b.geS(over, zero));
    case 13:
      return b.or(b.leS(result, zero), b.ltS(over, zero));
    case 10:
      return b.geS(b.or(result, over), zero);
    case 5:
      return b.ltS(b.or(result, over), zero);
    case 12:
      return b.and(b.leS(result, zero), b.geS(over, zero));
    case 3:
      return b.or(b.gtS(result, zero), b.ltS(over, zero));
    case 14:
      return b.geS(over, zero);
    case 1:
      return b.ltS(over, zero);
    default:
      return undefined;
  }
}

/** Of an unsigned sum. */
function addLogical(b: IrBuilder, mask: number, x: Value, y: Value, isWide: boolean): Value | undefined {
  const sum = b.add(x, y);
  const limit = isWide ? x : b.big(1n << 32n);
  const result = isWide ? sum : b.wrap(sum);
  switch (mask) {
    case 3:
      return isWide ? b.ltU(sum, limit) : b.geU(sum, limit);
    case 12:
      return isWide ? b.geU(sum, limit) : b.ltU(sum, limit);
    case 10:
      return b.eqz(result);
    case 5:
      return b.ne(result, isWide ? b.i64(0) : b.i32(0));
    case 8:
      return b.eqz(b.or(x, y));
    case 7:
      return b.ne(b.or(x, y), b.i64(0));
    default:
      return undefined;
  }
}

/** Of an unsigned difference, whose code is never 0. */
function subLogical(b: IrBuilder, mask: number, x: Value, y: Value): Value | undefined {
  switch (mask & 7) {
    case 3:
      return b.geU(x, y);
    case 4:
      return b.ltU(x, y);
    case 2:
      return b.eq(x, y);
    case 5:
      return b.ne(x, y);
    case 1:
      return b.gtU(x, y);
    case 6:
      return b.leU(x, y);
    default:
      return undefined;
  }
}

/** Whether the condition code is among those of a mask (8: 0, 4: 1, 2: 2, 1: 3), without computing it; undefined if not so easy. */
function direct(b: IrBuilder, kind: CcKind, mask: number): Value | undefined {
  const [x, y] = [b.get(ccA), b.get(ccB)];
  switch (kind) {
    case CC.signed:
    case CC.unsigned:
    case CC.sign:
      return comparison(b, mask & 14, kind !== CC.unsigned, x, kind === CC.sign ? b.i64(0) : y);
    case CC.nonZero:
      if ((mask & 12) === 8) return b.eqz(x);
      return (mask & 12) === 4 ? b.ne(x, b.i64(0)) : undefined;
    case CC.testMask:
    case CC.testMaskLeft:
      if (mask === 8) return b.eqz(x);
      if (mask === 7) return b.ne(x, b.i64(0));
      if (mask === 1) return b.eq(x, y);
      return mask === 14 ? b.ne(x, y) : undefined;
    case CC.add32:
      return exact(b, mask, b.add(x, y));
    case CC.sub32:
      return mask === 8 || mask === 7 ? compare(b, mask === 8 ? 'eq' : 'ne', true, x, y) : exact(b, mask, b.sub(x, y));
    case CC.add64: {
      const sum = b.add(x, y);
      const over = b.and(b.xor(x, sum), b.xor(y, sum));
      return signed64(b, mask, sum, over, () => b.eqz(b.or(sum, b.shr(b.and(x, y), b.i64(63)))));
    }
    case CC.sub64: {
      const difference = b.sub(x, y);
      const over = b.and(b.xor(x, y), b.xor(x, difference));
      return signed64(b, mask, difference, over, () => b.eq(x, y));
    }
    case CC.addLogical64:
    case CC.addLogical32:
      return addLogical(b, mask, x, y, kind === CC.addLogical64);
    case CC.subLogical:
      return subLogical(b, mask, x, y);
    default:
      return undefined;
  }
}

/** i32, not zero where the condition code is among those of a mask of 4 bits. */
export function condition(b: IrBuilder, kind: CcKind | undefined, mask: number): Value {
  if (mask === 15) return b.i32(1);
  if (mask === 0) return b.i32(0);
  const quick = kind === undefined ? undefined : direct(b, kind, mask);
  if (quick !== undefined) return quick;
  return b.and(b.shr(b.i32(mask), b.sub(b.i32(3), ccValue(b, kind))), b.i32(1));
}
