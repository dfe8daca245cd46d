/**
 * Binary floating point in vectors: SA22-7832, chapter "Vector Floating-Point Instructions". An exception that is enabled in the FPC is a
 * vector-processing one, of the first element that has it, and nothing is stored then.
 */
import { defineHelper, type FloatFormatName, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { MODE_FLOAT_TRAPS } from '../../mode.ts';
import { floatFlags, fpc, vectorCode, vectorFlags } from '../../state.ts';
import {
  type Builds,
  currentRounding,
  DOWN,
  FLAGS_SHIFT,
  type Format,
  firstOperand,
  integerOf,
  isNan,
  isQuiet,
  LONG,
  MASKS_SHIFT,
  magnitude,
  NEAREST,
  roundingOf,
  roundToIntegral,
  SHORT,
  soft,
  UP,
} from '../float.ts';
import type { Emitter, Insn } from '../insn.ts';
import { countOf, extract, get, getLeft, join, replace, set, setLeft, vector } from './lanes.ts';

/** The leftmost bit of a mask: the leftmost element alone. */
const SINGLE = 8;
/** Inexact is not told. */
const NO_INEXACT = 4;
const SIGNALING = 4;

/** Flags of the software floating point, with the numbers that vector exceptions have for them. */
const EXCEPTIONS = [
  [16, 1],
  [8, 2],
  [4, 3],
  [2, 4],
  [1, 5],
] as const;

function formatOf(i: Insn, m: number): Format {
  return m === 3 ? LONG : m === 2 ? SHORT : i.refuse(PGM.specification);
}

const sizeOf = (f: Format): 2 | 3 => (f === LONG ? 3 : 2);

/** Refuses a mask with bits that the instruction has none of. */
function only(i: Insn, m: number, allowed: number): number {
  if ((m & ~allowed) !== 0) i.refuse(PGM.specification);
  return m;
}

/** Elements of a register of a format, by their numbers; the first is in the floating-point register. */
function element(i: Insn, f: Format, register: number, n: number, single: boolean): Value {
  const { b } = i;
  if (!single) return extract(b, sizeOf(f), get(i, register), n);
  return f === LONG ? getLeft(i, register) : b.shr(getLeft(i, register), b.i64(32));
}

/** Sets the first register to the results; the rest of one with a single result is anything. */
function setElements(i: Insn, f: Format, values: readonly Value[]): void {
  const { b } = i;
  const [first, second] = values;
  if (first === undefined) return;
  if (second === undefined) setLeft(i, i.f.v1, f === LONG ? first : b.shl(first, b.i64(32)));
  else if (f === LONG) set(i, i.f.v1, join(b, first, second));
  else {
    let whole = b.v128(0n, 0n);
    for (const [n, value] of values.entries()) whole = replace(b, 2, whole, n, value);
    set(i, i.f.v1, whole);
  }
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
function forEach(
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

/** Helpers by their names, each made when it is first asked for. */
const helpers = new Map<string, IrHelper>();

function helperOf(name: string, make: (name: string) => IrHelper): IrHelper {
  const full = `s390_v_${name}`;
  const known = helpers.get(full) ?? make(full);
  helpers.set(full, known);
  return known;
}

/** Elements that an instruction works on. */
const elementsOf = (f: Format, single: boolean): number => (single ? 1 : countOf(sizeOf(f)));

/** An operation of format m, `flags` its single-element control. */
function operation(
  i: Insn,
  m: number,
  flags: number,
  compute: (f: Format, of: (register: number) => Value) => Value,
): void {
  const f = formatOf(i, m);
  const single = (flags & SINGLE) !== 0;
  forEach(
    i,
    elementsOf(f, single),
    (n) => compute(f, (register) => element(i, f, register, n, single)),
    (values) => setElements(i, f, values),
  );
}

const binary = (op: (f: FloatFormatName) => IrHelper): Emitter =>
  vector((i) => {
    const { b } = i;
    operation(i, i.f.m4, only(i, i.f.m5, SINGLE), (f, of) => {
      const [x, y] = [of(i.f.v2), of(i.f.v3)];
      return b.call(op(f.name), firstOperand(i, f, x, y), y, b.i32(currentRounding(i)));
    });
  });

const squareRoot: Emitter = vector((i) => {
  operation(i, i.f.m3, only(i, i.f.m4, SINGLE), (f, of) =>
    i.b.call(soft.sqrt(f.name), of(i.f.v2), i.b.i32(currentRounding(i))),
  );
});

/** The number with its sign changed; a NaN as it is. */
const negated = (i: Insn, f: Format, x: Value): Value => i.b.select(isNan(i, f, x), x, i.b.xor(x, i.b.big(f.sign)));

const mirrored = (rm: number): number => (rm === UP ? DOWN : rm === DOWN ? UP : rm);

/** Second times third, plus or minus the fourth, rounded once; negated or not. */
const multiplyAdd = (subtract: boolean, negate: boolean): Emitter =>
  vector((i) => {
    const { b } = i;
    operation(i, i.f.m6, only(i, i.f.m5, SINGLE), (f, of) => {
      const z = of(i.f.v4);
      const addend = subtract ? negated(i, f, z) : z;
      // What is negated is what is rounded.
      const rm = negate ? mirrored(currentRounding(i)) : currentRounding(i);
      const result = b.call(soft.fma(f.name), of(i.f.v2), of(i.f.v3), addend, b.i32(rm));
      return negate ? negated(i, f, result) : result;
    });
  });

// --- comparisons ---

type Relation = 'eq' | 'lt' | 'le';

/** (x, y) -> i32, whether a relation holds; a NaN is invalid if it is signaling, or the comparison. */
function relation(f: Format, how: Relation, signaling: boolean): IrHelper {
  if (how === 'eq' && !signaling) return soft.eq(f.name);
  if (how !== 'eq' && signaling) return soft[how](f.name);
  return helperOf(`${how}_${f.name}`, (name) =>
    defineHelper(name, ['i64', 'i64'], 'i32', (b, x, y) => {
      b.if(b.or(isNan({ b }, f, x), isNan({ b }, f, y)), () => {
        b.call(signaling ? soft.lt(f.name) : soft.eq(f.name), x, y);
        b.return_(b.i32(0));
      });
      return b.call(soft[how](f.name), x, y);
    }),
  );
}

/** Ones in the elements for which the relation holds; with the rightmost bit of m6 the condition code. */
const comparison = (how: Relation): Emitter =>
  vector((i) => {
    const { b } = i;
    const f = formatOf(i, i.f.m4);
    const flags = only(i, i.f.m5, SINGLE | SIGNALING);
    const setsCc = only(i, i.f.m6, 1) !== 0;
    const single = (flags & SINGLE) !== 0;
    const ones = f === LONG ? -1n : 0xffff_ffffn;
    const compute = (n: number): Value => {
      const of = (register: number): Value => element(i, f, register, n, single);
      // High is the reverse of low.
      const [x, y] = how === 'eq' ? [of(i.f.v2), of(i.f.v3)] : [of(i.f.v3), of(i.f.v2)];
      const holds = b.call(relation(f, how, (flags & SIGNALING) !== 0), x, y);
      return b.select(holds, b.big(ones), b.i64(0));
    };
    forEach(i, elementsOf(f, single), compute, (values) => {
      setElements(i, f, values);
      if (setsCc) i.setCcValue(codeOf(i, values));
    });
  });

/** 0 where every element is ones, 3 where none is, 1 else. */
function codeOf(i: Insn, values: readonly Value[]): Value {
  const { b } = i;
  const all = values.reduce((x, y) => b.and(x, y));
  const any = values.reduce((x, y) => b.or(x, y));
  return b.select(b.eqz(any), b.i32(3), b.select(b.eqz(all), b.i32(1), b.i32(0)));
}

/** COMPARE and COMPARE AND SIGNAL of the first elements. */
const compareScalar = (signaling: boolean): Emitter =>
  vector((i) => {
    const { b } = i;
    const f = formatOf(i, i.f.m3);
    only(i, i.f.m4, 0);
    const compute = (): Value => {
      const [x, y] = [element(i, f, i.f.v1, 0, true), element(i, f, i.f.v2, 0, true)];
      const cc = b.local('i64', b.i64(3));
      b.if(
        b.or(isNan(i, f, x), isNan(i, f, y)),
        () => void b.call(signaling ? soft.lt(f.name) : soft.eq(f.name), x, y),
        () => {
          const other = b.select(b.call(soft.lt(f.name), x, y), b.i64(1), b.i64(2));
          b.setLocal(cc, b.select(b.call(soft.eq(f.name), x, y), b.i64(0), other));
        },
      );
      return b.getLocal(cc);
    };
    forEach(i, 1, compute, ([cc]) => {
      if (cc !== undefined) i.setCcValue(b.wrap(cc));
    });
  });

// --- conversions ---

/** Leaves an element's operation without an inexact exception if m4 says so. */
function inexactBy(i: Insn, compute: () => Value): Value {
  if ((i.f.m4 & NO_INEXACT) === 0) return compute();
  const { b } = i;
  const before = b.local('i32', b.and(b.get(floatFlags), b.i32(1)));
  const value = b.local('i64', compute());
  b.set(floatFlags, b.or(b.and(b.get(floatFlags), b.i32(~1)), b.getLocal(before)));
  return b.getLocal(value);
}

/** `convert`: (x, rounding mode) -> i64. */
const conversion = (convert: (f: Format) => IrHelper): Emitter =>
  vector((i) => {
    const rm = roundingOf(i, i.f.m5);
    operation(i, i.f.m3, only(i, i.f.m4, SINGLE | NO_INEXACT), (f, of) =>
      inexactBy(i, () => i.b.call(convert(f), of(i.f.v2), i.b.i32(rm))),
    );
  });

const bitsOf = (f: Format): 32 | 64 => (f === LONG ? 64 : 32);

const fromInteger = (signed: boolean): Emitter => conversion((f) => soft.fromInt(f.name, { bits: bitsOf(f), signed }));

const toInteger = (signed: boolean): Emitter =>
  conversion((f) =>
    helperOf(`to_${signed ? 'int' : 'uint'}_${f.name}`, (name) =>
      defineHelper(name, ['i64', 'i32'], 'i64', (b, x, rm) => {
        const { value } = integerOf({ b }, f, x, { bits: bitsOf(f), signed }, rm);
        return f === LONG ? value : b.zext(value, 32);
      }),
    ),
  );

const toIntegral: Emitter = conversion((f) =>
  helperOf(`integral_${f.name}`, (name) =>
    defineHelper(name, ['i64', 'i32'], 'i64', (b, x, rm) => roundToIntegral({ b }, f, x, rm)),
  ),
);

/** Long numbers of the even short ones. */
const lengthen: Emitter = vector((i) => {
  if (i.f.m3 !== 2) i.refuse(PGM.specification);
  const single = only(i, i.f.m4, SINGLE) !== 0;
  const compute = (n: number): Value =>
    i.b.call(soft.convert('f32', 'f64'), element(i, SHORT, i.f.v2, n * 2, single), i.b.i32(NEAREST));
  forEach(i, elementsOf(LONG, single), compute, (values) => setElements(i, LONG, values));
});

/** Short numbers of long ones, in the even elements. */
const round: Emitter = vector((i) => {
  const { b } = i;
  if (i.f.m3 !== 3) i.refuse(PGM.specification);
  const single = (only(i, i.f.m4, SINGLE | NO_INEXACT) & SINGLE) !== 0;
  const rm = roundingOf(i, i.f.m5);
  const convert = soft.convert('f64', 'f32');
  const compute = (n: number): Value =>
    inexactBy(i, () => b.call(convert, element(i, LONG, i.f.v2, n, single), b.i32(rm)));
  const toLeft = (value: Value): Value => b.shl(value, b.i64(32));
  forEach(i, elementsOf(LONG, single), compute, (values) => setElements(i, LONG, values.map(toLeft)));
});

// --- signs and classes: without exceptions ---

const setSign: Emitter = vector((i) => {
  const { b } = i;
  const f = formatOf(i, i.f.m3);
  const single = only(i, i.f.m4, SINGLE) !== 0;
  const { m5 } = i.f;
  if (m5 > 2) i.refuse(PGM.specification);
  const values = Array.from({ length: elementsOf(f, single) }, (_, n) => {
    const x = element(i, f, i.f.v2, n, single);
    if (m5 === 2) return magnitude(i, f, x);
    return b[m5 === 0 ? 'xor' : 'or'](x, b.big(f.sign));
  });
  setElements(i, f, values);
});

/** The bit of TEST DATA CLASS that a number is of: zero, normal, subnormal, infinity, quiet, signaling, each of either sign. */
function classOf(i: Insn, f: Format, x: Value): Value {
  const { b } = i;
  const size = magnitude(i, f, x);
  const kinds: readonly (readonly [test: Value, bit: number])[] = [
    [b.eqz(size), 0x800],
    [b.ltU(size, b.big(f === LONG ? 1n << 52n : 1n << 23n)), 0x80],
    [b.ltU(size, b.big(f.infinity)), 0x200],
    [b.eq(size, b.big(f.infinity)), 0x20],
    [isQuiet(i, f, x), 0x8],
  ];
  const kind = kinds.reduceRight<Value>((other, [test, bit]) => b.select(test, b.i32(bit), other), b.i32(2));
  return b.shr(kind, b.ne(size, x));
}

const testClass: Emitter = vector((i) => {
  const { b } = i;
  const f = formatOf(i, i.f.m4);
  const single = only(i, i.f.m5, SINGLE) !== 0;
  const ones = f === LONG ? -1n : 0xffff_ffffn;
  const values = Array.from({ length: elementsOf(f, single) }, (_, n) => {
    const selected = b.and(classOf(i, f, element(i, f, i.f.v2, n, single)), b.i32(i.f.i3));
    return b.select(selected, b.big(ones), b.i64(0));
  });
  const code = codeOf(i, values);
  setElements(i, f, values);
  i.setCcValue(code);
});

// --- minimum and maximum (vector enhancements 1) ---

/** What m6 says of NaNs and zeros: 0 as IEEE 754, or one of these. With 8 operands are magnitudes; of IEEE's, only compared so. */
const IEEE_MAGNITUDE = 8;
const JAVA = 1;
const C_MACRO = 2;
const CPP = 3;
const C_FUNCTION = 4;

function extremeOf(i: Builds, f: Format, x: Value, y: Value, how: number, isMax: boolean): Value {
  const { b } = i;
  const result = b.local('i64', x);
  const signaling = (v: Value): Value => b.and(isNan(i, f, v), b.eqz(isQuiet(i, f, v)));
  const quiet = (v: Value): Value => b.or(v, b.big(f.quiet));
  const invalid = (): void => b.set(floatFlags, b.or(b.get(floatFlags), b.i32(16)));
  const [nanX, nanY] = [isNan(i, f, x), isNan(i, f, y)];
  const anySignaling = b.or(signaling(x), signaling(y));
  /** Which operand a NaN leads to; a signaling one becomes quiet where it is itself the result of a rule of IEEE's or Java's. */
  const withNan = (): Value => {
    switch (how) {
      case C_MACRO:
        return y;
      case CPP:
        return x;
      case C_FUNCTION:
        return b.select(nanY, x, y);
      case JAVA:
        return quiet(firstNan(i, f, x, y));
      default: {
        const isNumber = b.eqz(b.or(b.and(nanX, nanY), anySignaling));
        return b.select(isNumber, b.select(nanX, y, x), quiet(firstNan(i, f, x, y)));
      }
    }
  };
  const withNumbers = (): void => {
    // Bits of numbers order as sign and magnitude; of two zeros the sign decides, or none.
    const key = (v: Value): Value => {
      const wide = f === LONG ? v : b.sext(v, 32);
      return b.xor(wide, b.and(b.sar(wide, b.i64(63)), b.big((1n << 63n) - 1n)));
    };
    const zeros = b.eqz(b.or(magnitude(i, f, x), magnitude(i, f, y)));
    const bySign = how !== C_MACRO && how !== CPP;
    const takes = (p: Value, q: Value): Value => (isMax ? b.gtS(p, q) : b.ltS(p, q));
    const signedOrder = b.select(takes(key(x), key(y)), x, y);
    const [sizeX, sizeY] = [magnitude(i, f, x), magnitude(i, f, y)];
    const ordered =
      how === IEEE_MAGNITUDE
        ? b.select(b.eq(sizeX, sizeY), signedOrder, b.select(takes(sizeX, sizeY), x, y))
        : signedOrder;
    b.setLocal(result, bySign ? ordered : b.select(zeros, how === CPP ? x : y, ordered));
  };
  b.if(
    b.or(nanX, nanY),
    () => {
      if (how === C_MACRO || how === CPP) invalid();
      else b.if(anySignaling, invalid);
      b.setLocal(result, withNan());
    },
    withNumbers,
  );
  return b.getLocal(result);
}

/** Of two operands with a NaN: a signaling one, else a quiet one, the first before the second. */
function firstNan(i: Builds, f: Format, x: Value, y: Value): Value {
  const first = firstOperand(i, f, x, y);
  return i.b.select(isNan(i, f, first), first, y);
}

const extremeHelper = (f: Format, how: number, isMax: boolean): IrHelper =>
  helperOf(`${isMax ? 'max' : 'min'}${how}_${f.name}`, (name) =>
    defineHelper(name, ['i64', 'i64'], 'i64', (b, x, y) => extremeOf({ b }, f, x, y, how, isMax)),
  );

const extreme = (isMax: boolean): Emitter =>
  vector((i) => {
    const { m6 } = i.f;
    if ((m6 & 7) > C_FUNCTION || m6 > 12) i.refuse(PGM.specification);
    operation(i, i.f.m4, only(i, i.f.m5, SINGLE), (f, of) => {
      const [x, y] = [of(i.f.v2), of(i.f.v3)];
      const operand = (v: Value): Value => (m6 <= IEEE_MAGNITUDE ? v : magnitude(i, f, v));
      const how = m6 === IEEE_MAGNITUDE ? m6 : m6 & 7;
      return i.b.call(extremeHelper(f, how, isMax), operand(x), operand(y));
    });
  });

export const vectorFloatSemantics: Readonly<Record<string, Emitter>> = {
  vfa: binary((f) => soft.add(f)),
  vfs: binary((f) => soft.sub(f)),
  vfm: binary((f) => soft.mul(f)),
  vfd: binary((f) => soft.div(f)),
  vfsq: squareRoot,
  vfma: multiplyAdd(false, false),
  vfms: multiplyAdd(true, false),
  vfnma: multiplyAdd(false, true),
  vfnms: multiplyAdd(true, true),
  vfce: comparison('eq'),
  vfch: comparison('lt'),
  vfche: comparison('le'),
  wfc: compareScalar(false),
  wfk: compareScalar(true),
  vcdg: fromInteger(true),
  vcdlg: fromInteger(false),
  vcgd: toInteger(true),
  vclgd: toInteger(false),
  vfi: toIntegral,
  vlde: lengthen,
  vled: round,
  vfpso: setSign,
  vftci: testClass,
  vfmax: extreme(true),
  vfmin: extreme(false),
};
