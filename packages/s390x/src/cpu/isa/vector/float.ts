/**
 * Binary floating point in vectors: SA22-7832, chapter "Vector Floating-Point Instructions". An exception that is enabled in the FPC is a
 * vector-processing one, of the first element that has it, and nothing is stored then.
 */
import { defineHelper, type FloatFormatName, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { floatFlags } from '../../state.ts';
import {
  type Builds,
  currentRounding,
  type Format,
  firstOperand,
  integerOf,
  isNan,
  isQuiet,
  LONG,
  magnitude,
  NEAREST,
  roundingOf,
  roundToIntegral,
  SHORT,
  soft,
} from '../float.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  C_FUNCTION,
  C_MACRO,
  CPP,
  forEach,
  IEEE_MAGNITUDE,
  inexactBy,
  JAVA,
  mirrored,
  NO_INEXACT,
  only,
  type Relation,
  SIGNALING,
  SINGLE,
} from './float-common.ts';
import { extendedVectors } from './float-extended.ts';
import { countOf, extract, get, getLeft, join, replace, set, setLeft, vector } from './lanes.ts';

function formatOf(i: Insn, m: number): Format {
  return m === 3 ? LONG : m === 2 ? SHORT : i.refuse(PGM.specification);
}

const sizeOf = (f: Format): 2 | 3 => (f === LONG ? 3 : 2);

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

/** Second times third, plus or minus the fourth, rounded once; negated or not. */
const multiplyAdd = (subtract: boolean, negate: boolean): Emitter =>
  vector((i) => {
    const { b } = i;
    const rm = currentRounding(i);
    operation(i, i.f.m6, only(i, i.f.m5, SINGLE), (f, of) => {
      const [x, y, z] = [of(i.f.v2), of(i.f.v3), of(i.f.v4)];
      const addend = subtract ? negated(i, f, z) : z;
      const sum = (mode: number): Value => b.call(soft.fma(f.name), x, y, addend, b.i32(mode));
      if (!negate) return sum(rm);
      // What is negated is what is rounded; but the sign of a zero that is exact is by the mode that there is.
      const result = b.local('i64', sum(mirrored(rm)));
      if (mirrored(rm) === rm) return negated(i, f, b.getLocal(result));
      const plain = b.local('i64', sum(rm));
      const isZero = b.eqz(magnitude(i, f, b.or(b.getLocal(result), b.getLocal(plain))));
      return negated(i, f, b.select(isZero, b.getLocal(plain), b.getLocal(result)));
    });
  });

// --- comparisons ---

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

const shorter: Readonly<Record<string, Emitter>> = {
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

/** The field that says the format: 2 short, 3 long, 4 extended. */
const formatField = (i: Insn): number =>
  i.f[/^vfn?m[as]$/.test(i.name) ? 'm6' : /^(vl|vfi|vfsq|vfpso|wf)/.test(i.name) ? 'm3' : 'm4'];
/** LOAD LENGTHENED names the format that it loads. */
const isExtended = (i: Insn): boolean => formatField(i) === (i.name === 'vlde' ? 3 : 4);

export const vectorFloatSemantics: Readonly<Record<string, Emitter>> = Object.fromEntries(
  Object.entries(shorter).map(([name, emit]) => {
    const extended = extendedVectors[name];
    if (extended === undefined) return [name, emit];
    const checked = vector(extended);
    return [name, (i: Insn): void => (isExtended(i) ? checked(i) : emit(i))];
  }),
);
