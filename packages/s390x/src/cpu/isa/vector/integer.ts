/** Integer arithmetic, comparison and logic: SA22-7832, chapter "Vector Integer Instructions". */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import type { Emitter } from '../insn.ts';
import {
  allOrSome,
  and,
  bitselect,
  bitsOf,
  constant,
  countOf,
  type ElementSize,
  elementSize,
  extract,
  extractSigned,
  get,
  halves,
  join,
  lanewise,
  not,
  or,
  sar,
  set,
  shl,
  shr,
  vector,
  xor,
} from './lanes.ts';

type Unary = (b: IrBuilder, x: Value, es: number) => Value;
type Binary = (b: IrBuilder, x: Value, y: Value, es: number) => Value;
type Ternary = (b: IrBuilder, x: Value, y: Value, z: Value) => Value;

/** Of the second operand; the element size is in m3. */
const unary = (op: Unary, most: ElementSize = 3): Emitter =>
  vector((i) => {
    const es = elementSize(i, i.f.m3, most);
    set(i, i.f.v1, op(i.b, get(i, i.f.v2), es));
  });

/** Of the second and third operand; the element size is in m4. `quad` is what quadwords need, where there are such. */
const binary = (op: Binary, most: ElementSize = 3, quad?: Binary, least: ElementSize = 0): Emitter =>
  vector((i) => {
    const [x, y] = [get(i, i.f.v2), get(i, i.f.v3)];
    const isQuad = quad !== undefined && i.f.m4 === 4;
    const es = isQuad ? 4 : elementSize(i, i.f.m4, most, least);
    set(i, i.f.v1, (isQuad ? quad : op)(i.b, x, y, es));
  });

const logic = (op: (b: IrBuilder, x: Value, y: Value) => Value): Emitter =>
  vector((i) => set(i, i.f.v1, op(i.b, get(i, i.f.v2), get(i, i.f.v3))));

const row =
  (name: string): Binary =>
  (b, x, y, es) =>
    lanewise(b, name, es, x, y);

// --- sums ---

interface Sum {
  readonly left: Value;
  readonly right: Value;
  /** Out of the left, 0 or 1 (i32). */
  readonly carry: Value;
}

/** 128-bit sum, with a carry in (i32). */
function addQuad(b: IrBuilder, x: Value, y: Value, carryIn?: Value): Sum {
  const [[xl, xr], [yl, yr]] = [halves(b, x), halves(b, y)];
  const right = b.addCarry(xr, yr, carryIn);
  const left = b.addCarry(xl, yl, right.carry);
  return { left: left.sum, right: right.sum, carry: left.carry };
}

const sumOf = (b: IrBuilder, { left, right }: Sum): Value => join(b, left, right);
const carryOf = (b: IrBuilder, { carry }: Sum): Value => join(b, b.i64(0), b.extend32U(carry));

/** The carry out of each element of x + y, from the bits of the operands and the sum. */
const carries: Binary = (b, x, y, es) => {
  const sum = lanewise(b, 'add', es, x, y);
  if (es < 3) return shr(b, es, lanewise(b, 'ltU', es, sum, x), bitsOf(es) - 1);
  return shr(b, es, or(b, and(b, x, y), b.pure('v128.andnot', or(b, x, y), sum)), 63);
};

/** No borrow: whether x is not below y. */
const noBorrows: Binary = (b, x, y, es) => {
  if (es < 3) return shr(b, es, lanewise(b, 'geU', es, x, y), bitsOf(es) - 1);
  return shr(b, es, not(b, below(b, x, y, es)), bitsOf(es) - 1);
};

/** Sums of quadwords with a carry from the fourth operand, which alone have one. */
const withCarry = (result: (b: IrBuilder, sum: Sum) => Value, subtract: boolean): Emitter =>
  vector((i) => {
    const { b } = i;
    elementSize(i, i.f.m5 === 4 ? 3 : 9);
    const y = get(i, i.f.v3);
    const carry = b.and(b.wrap(b.pure('low64', get(i, i.f.v4))), b.i32(1));
    set(i, i.f.v1, result(b, addQuad(b, get(i, i.f.v2), subtract ? not(b, y) : y, carry)));
  });

const average =
  (signed: boolean): Binary =>
  (b, x, y, es) => {
    if (es < 2) {
      if (!signed) return lanewise(b, 'avgrU', es, x, y);
      const sign = constant(b, es, 1n << BigInt(bitsOf(es) - 1));
      return xor(b, lanewise(b, 'avgrU', es, xor(b, x, sign), xor(b, y, sign)), sign);
    }
    const half = (signed ? sar : shr)(b, es, xor(b, x, y), 1);
    return lanewise(b, 'sub', es, or(b, x, y), half);
  };

// --- comparisons ---

/** x below y as unsigned numbers, which WebAssembly does not compare in 64 bits. */
function below(b: IrBuilder, x: Value, y: Value, es: number): Value {
  if (es < 3) return lanewise(b, 'ltU', es, x, y);
  const sign = constant(b, 3, 1n << 63n);
  return lanewise(b, 'ltS', 3, xor(b, x, sign), xor(b, y, sign));
}

/** Masks of ones where the comparison holds; with the rightmost bit of m5 they set the condition code. */
const comparison = (op: Binary): Emitter =>
  vector((i) => {
    const { b } = i;
    const es = elementSize(i, i.f.m4);
    const mask = op(b, get(i, i.f.v2), get(i, i.f.v3), es);
    set(i, i.f.v1, mask);
    if ((i.f.m5 & 1) !== 0) i.setCcValue(allOrSome(b, mask));
  });

/** ELEMENT COMPARE: the elements that end the leftmost doubleword. */
const elementCompare = (signed: boolean): Emitter =>
  vector((i) => {
    const es = elementSize(i, i.f.m3);
    const of = signed ? extractSigned : extract;
    const last = countOf(es) / 2 - 1;
    const [x, y] = [of(i.b, es, get(i, i.f.v1), last), of(i.b, es, get(i, i.f.v2), last)];
    i.setCc(signed ? CC.signed : CC.unsigned, x, y);
  });

const extreme =
  (name: 'min' | 'max', signed: boolean): Binary =>
  (b, x, y, es) => {
    if (es < 3) return lanewise(b, `${name}${signed ? 'S' : 'U'}`, es, x, y);
    const less = signed ? lanewise(b, 'ltS', es, x, y) : below(b, x, y, es);
    return name === 'min' ? bitselect(b, x, y, less) : bitselect(b, y, x, less);
  };

const testUnderMask: Emitter = vector((i) => {
  const { b } = i;
  const mask = get(i, i.f.v2);
  const selected = and(b, get(i, i.f.v1), mask);
  const left = b.pure('v128.anyTrue', xor(b, selected, mask));
  const some = b.select(left, b.i32(1), b.i32(3));
  i.setCcValue(b.select(b.pure('v128.anyTrue', selected), some, b.i32(0)));
});

// --- products ---

/** The even elements in lanes of twice the size; words are brought to where the wide product takes them from. */
const even = (b: IrBuilder, x: Value, es: number, signed: boolean): Value =>
  (signed ? sar : shr)(b, es + 1, x, bitsOf(es));
const odd = (b: IrBuilder, x: Value, es: number, signed: boolean): Value =>
  signed
    ? sar(b, es + 1, shl(b, es + 1, x, bitsOf(es)), bitsOf(es))
    : and(b, x, constant(b, es + 1, (1n << BigInt(bitsOf(es))) - 1n));

/** Products of the even or odd elements, of twice their size. */
function product(b: IrBuilder, x: Value, y: Value, es: number, signed: boolean, isOdd: boolean): Value {
  if (es < 2) {
    const part = isOdd ? odd : even;
    return lanewise(b, 'mul', es + 1, part(b, x, es, signed), part(b, y, es, signed));
  }
  const lanes = isOdd ? [0, 2] : [1, 3];
  const words = (v: Value): Value =>
    b.shuffle(
      v,
      v,
      [...lanes, ...lanes].flatMap((lane) => [0, 1, 2, 3].map((n) => lane * 4 + n)),
    );
  return b.pure(`v128.mulLow${signed ? 'S' : 'U'}.i64x2`, words(x), words(y));
}

const wide =
  (signed: boolean, isOdd: boolean): Binary =>
  (b, x, y, es) =>
    product(b, x, y, es, signed, isOdd);

/** The left halves of even and odd products, in the order of the elements. */
function leftHalves(b: IrBuilder, evens: Value, odds: Value, es: number): Value {
  const mask = constant(b, es + 1, ((1n << BigInt(bitsOf(es))) - 1n) << BigInt(bitsOf(es)));
  return or(b, and(b, evens, mask), shr(b, es + 1, odds, bitsOf(es)));
}

const highProduct =
  (signed: boolean): Binary =>
  (b, x, y, es) =>
    leftHalves(b, product(b, x, y, es, signed, false), product(b, x, y, es, signed, true), es);

const lowProduct: Binary = (b, x, y, es) => {
  if (es > 0) return lanewise(b, 'mul', es, x, y);
  const left = shl(b, 1, lanewise(b, 'mul', 1, shr(b, 1, x, 8), shr(b, 1, y, 8)), 8);
  return or(b, left, and(b, lanewise(b, 'mul', 1, x, y), constant(b, 1, 0xffn)));
};

/** MULTIPLY AND ADD: the element size is in m5. */
const multiplyAdd = (op: (b: IrBuilder, x: Value, y: Value, z: Value, es: number) => Value): Emitter =>
  vector((i) => {
    const es = elementSize(i, i.f.m5, 2);
    set(i, i.f.v1, op(i.b, get(i, i.f.v2), get(i, i.f.v3), get(i, i.f.v4), es));
  });

const multiplyAddHigh = (signed: boolean): Emitter =>
  multiplyAdd((b, x, y, z, es) => {
    const sum = (isOdd: boolean): Value =>
      lanewise(b, 'add', es + 1, product(b, x, y, es, signed, isOdd), (isOdd ? odd : even)(b, z, es, signed));
    return leftHalves(b, sum(false), sum(true), es);
  });

const multiplyAddWide = (signed: boolean, isOdd: boolean): Emitter =>
  multiplyAdd((b, x, y, z, es) => lanewise(b, 'add', es + 1, product(b, x, y, es, signed, isOdd), z));

// --- counts of bits ---

/** Ones in each element: of bytes, then of pairs, as often as it takes. */
const populationCount: Unary = (b, x, es) => {
  let counts = b.pure('v128.popcnt.i8x16', x);
  for (let n = 1; n <= Math.min(es, 2); n++) counts = b.pure(`v128.addPairsU.${n === 1 ? 'i16x8' : 'i32x4'}`, counts);
  return es < 3 ? counts : pairsOfWords(b, counts);
};

const pairsOfWords = (b: IrBuilder, x: Value): Value =>
  lanewise(b, 'add', 3, shr(b, 3, x, 32), and(b, x, constant(b, 3, 0xffff_ffffn)));

/** What is left of the ones after they have been spread to the right. */
const leadingZeros: Unary = (b, x, es) => {
  let spread = x;
  for (let n = 1; n < bitsOf(es); n *= 2) spread = or(b, spread, shr(b, es, spread, n));
  return populationCount(b, not(b, spread), es);
};

const trailingZeros: Unary = (b, x, es) =>
  populationCount(b, b.pure('v128.andnot', lanewise(b, 'sub', es, x, constant(b, es, 1n)), x), es);

// --- sums across ---

const rightmost = (b: IrBuilder, x: Value, of: number, in_: number): Value =>
  and(b, x, constant(b, in_, (1n << BigInt(bitsOf(of))) - 1n));

const sumInWords: Binary = (b, x, y, es) => {
  const halfwords = es === 0 ? b.pure('v128.addPairsU.i16x8', x) : x;
  return lanewise(b, 'add', 2, b.pure('v128.addPairsU.i32x4', halfwords), rightmost(b, y, es, 2));
};

const sumInDoublewords: Binary = (b, x, y, es) => {
  const words = es === 1 ? b.pure('v128.addPairsU.i32x4', x) : x;
  return lanewise(b, 'add', 3, pairsOfWords(b, words), rightmost(b, y, es, 3));
};

const sumInQuadword: Binary = (b, x, y, es) => {
  const count = countOf(es);
  const parts = Array.from({ length: count }, (_, n) => extract(b, es, x, n));
  let total = extract(b, es, y, count - 1);
  let left: Value = b.i32(0);
  for (const part of parts) {
    const { sum, carry } = b.addCarry(total, part);
    total = sum;
    left = b.add(left, carry);
  }
  return join(b, b.extend32U(left), total);
};

const checksum: Emitter = vector((i) => {
  const { b } = i;
  const x = get(i, i.f.v2);
  let sum = extract(b, 2, get(i, i.f.v3), 1);
  for (let n = 0; n < 4; n++) sum = b.add(sum, extract(b, 2, x, n));
  // Carries go around, twice at most.
  for (let n = 0; n < 2; n++) sum = b.add(b.zext(sum, 32), b.shr(sum, b.i64(32)));
  set(i, i.f.v1, b.pure('withHigh64', b.v128(0n, 0n), sum));
});

const ternary = (op: Ternary): Emitter =>
  vector((i) => set(i, i.f.v1, op(i.b, get(i, i.f.v2), get(i, i.f.v3), get(i, i.f.v4))));

const quadSum: Binary = (b, x, y) => sumOf(b, addQuad(b, x, y));
const quadDifference: Binary = (b, x, y) => sumOf(b, addQuad(b, x, not(b, y), b.i32(1)));

/** MULTIPLY SUM LOGICAL: both products of doublewords, each doubled if m6 says so, and the fourth operand. */
const multiplySum: Emitter = vector((i) => {
  const { b } = i;
  elementSize(i, i.f.m5, 3, 3);
  const [x, y] = [halves(b, get(i, i.f.v2)), halves(b, get(i, i.f.v3))];
  let total = get(i, i.f.v4);
  for (const n of [0, 1] as const) {
    const { low, high } = b.mulWide(x[n], y[n], false);
    const isDoubled = (i.f.m6 & (8 >> n)) !== 0;
    const left = isDoubled ? b.or(b.shl(high, b.i64(1)), b.shr(low, b.i64(63))) : high;
    const right = isDoubled ? b.shl(low, b.i64(1)) : low;
    total = sumOf(b, addQuad(b, total, join(b, left, right)));
  }
  set(i, i.f.v1, total);
});

export const integerSemantics: Readonly<Record<string, Emitter>> = {
  va: binary(row('add'), 3, quadSum),
  vs: binary(row('sub'), 3, quadDifference),
  vacc: binary(carries, 3, (b, x, y) => carryOf(b, addQuad(b, x, y))),
  vscbi: binary(noBorrows, 3, (b, x, y) => carryOf(b, addQuad(b, x, not(b, y), b.i32(1)))),
  vac: withCarry(sumOf, false),
  vaccc: withCarry(carryOf, false),
  vsbi: withCarry(sumOf, true),
  vsbcbi: withCarry(carryOf, true),
  vavg: binary(average(true)),
  vavgl: binary(average(false)),
  vceq: comparison(row('eq')),
  vch: comparison(row('gtS')),
  vchl: comparison((b, x, y, es) => below(b, y, x, es)),
  vec: elementCompare(true),
  vecl: elementCompare(false),
  vlc: unary((b, x, es) => lanewise(b, 'neg', es, x)),
  vlp: unary((b, x, es) => lanewise(b, 'abs', es, x)),
  vmn: binary(extreme('min', true)),
  vmnl: binary(extreme('min', false)),
  vmx: binary(extreme('max', true)),
  vmxl: binary(extreme('max', false)),
  vml: binary(lowProduct, 2),
  vmh: binary(highProduct(true), 2),
  vmlh: binary(highProduct(false), 2),
  vme: binary(wide(true, false), 2),
  vmo: binary(wide(true, true), 2),
  vmle: binary(wide(false, false), 2),
  vmlo: binary(wide(false, true), 2),
  vmal: multiplyAdd((b, x, y, z, es) => lanewise(b, 'add', es, lowProduct(b, x, y, es), z)),
  vmah: multiplyAddHigh(true),
  vmalh: multiplyAddHigh(false),
  vmae: multiplyAddWide(true, false),
  vmao: multiplyAddWide(true, true),
  vmale: multiplyAddWide(false, false),
  vmalo: multiplyAddWide(false, true),
  vn: logic(and),
  vnc: logic((b, x, y) => b.pure('v128.andnot', x, y)),
  vo: logic(or),
  voc: logic((b, x, y) => or(b, x, not(b, y))),
  vno: logic((b, x, y) => not(b, or(b, x, y))),
  vnn: logic((b, x, y) => not(b, and(b, x, y))),
  vx: logic(xor),
  vnx: logic((b, x, y) => not(b, xor(b, x, y))),
  vsel: ternary(bitselect),
  vclz: unary(leadingZeros),
  vctz: unary(trailingZeros),
  vpopct: unary(populationCount),
  vmsl: multiplySum,
  vsum: binary(sumInWords, 1),
  vsumg: binary(sumInDoublewords, 2, undefined, 1),
  vsumq: binary(sumInQuadword, 3, undefined, 2),
  vcksm: checksum,
  vtm: testUnderMask,
};
