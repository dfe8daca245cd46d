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
  /** `ccA` is the exact result of 32-bit arithmetic: as `sign`, or 3 where it does not fit. */
  exact32: 5,
  /** `ccA` + `ccB`, signed, with overflow. */
  add64: 6,
  /** `ccA` - `ccB`, signed, with overflow. */
  sub64: 7,
  /** `ccA` + `ccB`, unsigned: 1 not zero, plus 2 with a carry. */
  addLogical64: 8,
  /** `ccA` - `ccB`, unsigned: 1 with a borrow, 2 zero, 3 neither. */
  subLogical: 9,
  /** `ccA` is the sum of unsigned 32-bit operands: as `addLogical64`. */
  addLogical32: 10,
  /** Bits `ccA` of the selected bits `ccB`: 0 none, 3 all, else 1. */
  testMask: 11,
  /** The same, but 2 where the leftmost selected bit is among them. */
  testMaskLeft: 12,
} as const;

/** A way to compute a condition code, or that it is not known at translation. */
export type CcKind = (typeof CC)[keyof typeof CC];

const signOf = (b: IrBuilder, v: Value): Value =>
  b.select(b.eqz(v), b.i32(0), b.select(b.ltS(v, b.i64(0)), b.i32(1), b.i32(2)));

const KINDS: Readonly<Record<CcKind, (b: IrBuilder, x: Value, y: Value) => Value>> = {
  [CC.value]: (b, x) => b.wrap(x),
  [CC.signed]: (b, x, y) => b.select(b.eq(x, y), b.i32(0), b.select(b.ltS(x, y), b.i32(1), b.i32(2))),
  [CC.unsigned]: (b, x, y) => b.select(b.eq(x, y), b.i32(0), b.select(b.ltU(x, y), b.i32(1), b.i32(2))),
  [CC.nonZero]: (b, x) => b.ne(x, b.i64(0)),
  [CC.sign]: (b, x) => signOf(b, x),
  [CC.exact32]: (b, x) => b.select(b.ne(b.sext(x, 32), x), b.i32(3), signOf(b, x)),
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
  [CC.addLogical32]: (b, x) => b.add(b.ne(b.wrap(x), b.i32(0)), b.shl(b.wrap(b.shr(x, b.i64(32))), b.i32(1))),
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

/** Whether the condition code is among those of a mask (8: 0, 4: 1, 2: 2, 1: 3), without computing it; undefined if not so easy. */
function direct(b: IrBuilder, kind: CcKind, mask: number): Value | undefined {
  const [x, y] = [b.get(ccA), b.get(ccB)];
  const three = mask & 14;
  switch (kind) {
    case CC.signed:
    case CC.unsigned:
    case CC.sign: {
      const how = COMPARES[three];
      if (how === undefined) return undefined;
      return compare(b, how, kind !== CC.unsigned, x, kind === CC.sign ? b.i64(0) : y);
    }
    case CC.nonZero:
      if ((mask & 12) === 8) return b.eqz(x);
      return (mask & 12) === 4 ? b.ne(x, b.i64(0)) : undefined;
    case CC.testMask:
    case CC.testMaskLeft:
      if (mask === 8) return b.eqz(x);
      if (mask === 7) return b.ne(x, b.i64(0));
      if (mask === 1) return b.eq(x, y);
      return mask === 14 ? b.ne(x, y) : undefined;
    case CC.exact32:
      if (mask === 8) return b.eqz(x);
      return mask === 7 ? b.ne(x, b.i64(0)) : undefined;
    case CC.addLogical64:
      if (mask === 3) return b.ltU(b.add(x, y), x);
      return mask === 12 ? b.geU(b.add(x, y), x) : undefined;
    case CC.subLogical:
      if (mask === 3) return b.geU(x, y);
      if (mask === 4) return b.ltU(x, y);
      if (mask === 2) return b.eq(x, y);
      return mask === 5 ? b.ne(x, y) : undefined;
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
