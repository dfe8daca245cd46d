/**
 * Binary floating point in vectors, extended: a register is one number of 128 bits. SA22-7832, chapter "Vector Floating-Point
 * Instructions", with vector enhancements 1. What an instruction does with shorter numbers is in float.ts.
 */
import type { Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { addendHigh, addendLow, floatFlags, floatLow } from '../../state.ts';
import { currentRounding, roundingOf } from '../float.ts';
import {
  type Extended,
  firstOperand,
  isNan,
  isSignaling,
  isZero,
  kindOf,
  magnitude,
  QUIET,
  quad,
  SIGN,
} from '../float-extended.ts';
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
import { get, getLeft, halves, join, set, setLeft } from './lanes.ts';

const numberOf = (i: Insn, register: number): Extended => {
  const [high, low] = halves(i.b, get(i, register));
  return { high, low };
};

const setNumber = (i: Insn, { high, low }: Extended): void => set(i, i.f.v1, join(i.b, high, low));
const words = (...numbers: readonly Extended[]): Value[] => numbers.flatMap(({ high, low }) => [high, low]);

/** Computes the left half of a number, whose right half is in its slot, with its exceptions. */
function result(i: Insn, compute: () => Value, change: (number: Extended) => Extended = (number) => number): void {
  const { b } = i;
  const low = b.local('i64');
  const high = (): Value => {
    const left = compute();
    b.setLocal(low, b.get(floatLow));
    return left;
  };
  forEach(i, 1, high, ([left]) => {
    if (left !== undefined) setNumber(i, change({ high: left, low: b.getLocal(low) }));
  });
}

const binary =
  (operation: 'add' | 'sub' | 'mul' | 'div'): Emitter =>
  (i) => {
    only(i, i.f.m5, SINGLE);
    const [x, y] = [numberOf(i, i.f.v2), numberOf(i, i.f.v3)];
    const rm = i.b.i32(currentRounding(i));
    result(i, () => i.b.call(quad.binary(operation), ...words(firstOperand(i, x, y), y), rm));
  };

const squareRoot: Emitter = (i) => {
  only(i, i.f.m4, SINGLE);
  const x = numberOf(i, i.f.v2);
  result(i, () => i.b.call(quad.sqrt(), ...words(x), i.b.i32(currentRounding(i))));
};

/** The number with its sign changed; a NaN as it is. */
const negated = (i: Insn, x: Extended): Extended => ({
  high: i.b.select(isNan(i, x), x.high, i.b.xor(x.high, i.b.big(SIGN))),
  low: x.low,
});

const multiplyAdd =
  (subtract: boolean, negate: boolean): Emitter =>
  (i) => {
    const { b } = i;
    only(i, i.f.m5, SINGLE);
    const [x, y, z] = [numberOf(i, i.f.v2), numberOf(i, i.f.v3), numberOf(i, i.f.v4)];
    const addend = subtract ? negated(i, z) : z;
    const rm = currentRounding(i);
    const sum = (mode: number): Extended => {
      b.set(addendHigh, addend.high);
      b.set(addendLow, addend.low);
      const high = b.local('i64', b.call(quad.fma(addendHigh, addendLow), ...words(x, y), b.i32(mode)));
      return { high: b.getLocal(high), low: b.getLocal(b.local('i64', b.get(floatLow))) };
    };
    const compute = (): Value => {
      const first = sum(negate ? mirrored(rm) : rm);
      if (!negate || mirrored(rm) === rm) return first.high;
      // As in float.ts: a zero that is exact.
      const plain = sum(rm);
      const bothZero = b.and(isZero(i, first), isZero(i, plain));
      b.set(floatLow, b.select(bothZero, plain.low, first.low));
      return b.select(bothZero, plain.high, first.high);
    };
    result(i, compute, negate ? (number) => negated(i, number) : undefined);
  };

// --- comparisons ---

/** Whether a relation holds (i64, 0 or 1); a NaN is invalid if it is signaling, or the comparison. */
function relation(i: Insn, how: Relation, x: Extended, y: Extended, signals: boolean): Value {
  const { b } = i;
  const holds = b.local('i64', b.i64(0));
  b.if(
    b.or(isNan(i, x), isNan(i, y)),
    () => void b.call(signals ? quad.lt() : quad.eq(), ...words(x, y)),
    () => {
      const [equal, less] = [
        how === 'lt' ? b.i32(0) : b.call(quad.eq(), ...words(x, y)),
        how === 'eq' ? b.i32(0) : b.call(quad.lt(), ...words(x, y)),
      ];
      b.setLocal(holds, b.extend32U(b.or(equal, less)));
    },
  );
  return b.getLocal(holds);
}

const comparison =
  (how: Relation): Emitter =>
  (i) => {
    const { b } = i;
    const flags = only(i, i.f.m5, SINGLE | SIGNALING);
    const setsCc = only(i, i.f.m6, 1) !== 0;
    const [second, third] = [numberOf(i, i.f.v2), numberOf(i, i.f.v3)];
    // High is the reverse of low.
    const [x, y] = how === 'eq' ? [second, third] : [third, second];
    forEach(
      i,
      1,
      () => relation(i, how, x, y, (flags & SIGNALING) !== 0),
      ([holds]) => {
        if (holds === undefined) return;
        set(i, i.f.v1, b.pure('splat.i64x2', b.neg(holds)));
        if (setsCc) i.setCcValue(b.select(b.wrap(holds), b.i32(0), b.i32(3)));
      },
    );
  };

const compareScalar =
  (signals: boolean): Emitter =>
  (i) => {
    const { b } = i;
    only(i, i.f.m4, 0);
    const [x, y] = [numberOf(i, i.f.v1), numberOf(i, i.f.v2)];
    const compute = (): Value => {
      const cc = b.local('i64', b.i64(3));
      b.if(
        b.or(isNan(i, x), isNan(i, y)),
        () => void b.call(signals ? quad.lt() : quad.eq(), ...words(x, y)),
        () => {
          const other = b.select(b.call(quad.lt(), ...words(x, y)), b.i64(1), b.i64(2));
          b.setLocal(cc, b.select(b.call(quad.eq(), ...words(x, y)), b.i64(0), other));
        },
      );
      return b.getLocal(cc);
    };
    forEach(i, 1, compute, ([cc]) => {
      if (cc !== undefined) i.setCcValue(b.wrap(cc));
    });
  };

// --- conversions ---

const toIntegral: Emitter = (i) => {
  only(i, i.f.m4, SINGLE | NO_INEXACT);
  const rm = i.b.i32(roundingOf(i, i.f.m5));
  const x = numberOf(i, i.f.v2);
  result(i, () => inexactBy(i, () => i.b.call(quad.roundToIntegral(), ...words(x), rm)));
};

const lengthen: Emitter = (i) => {
  only(i, i.f.m4, SINGLE);
  const x = getLeft(i, i.f.v2);
  result(i, () => i.b.call(quad.widen('f64'), x));
};

const round: Emitter = (i) => {
  only(i, i.f.m4, SINGLE | NO_INEXACT);
  const rm = i.b.i32(roundingOf(i, i.f.m5));
  const x = numberOf(i, i.f.v2);
  forEach(
    i,
    1,
    () => inexactBy(i, () => i.b.call(quad.narrow('f64'), ...words(x), rm)),
    ([long]) => {
      if (long !== undefined) setLeft(i, i.f.v1, long);
    },
  );
};

// --- signs and classes ---

const setSign: Emitter = (i) => {
  const { b } = i;
  only(i, i.f.m4, SINGLE);
  const { m5 } = i.f;
  if (m5 > 2) i.refuse(PGM.specification);
  const x = numberOf(i, i.f.v2);
  setNumber(i, m5 === 2 ? magnitude(i, x) : { high: b[m5 === 0 ? 'xor' : 'or'](x.high, b.big(SIGN)), low: x.low });
};

const testClass: Emitter = (i) => {
  const { b } = i;
  only(i, i.f.m5, SINGLE);
  const selected = b.ne(b.and(kindOf(i, numberOf(i, i.f.v2)), b.i32(i.f.i3)), b.i32(0));
  const isOf = b.local('i32', selected);
  set(i, i.f.v1, b.pure('splat.i64x2', b.neg(b.extend32U(b.getLocal(isOf)))));
  i.setCcValue(b.select(b.getLocal(isOf), b.i32(0), b.i32(3)));
};

// --- minimum and maximum ---

/** The operand that two of which one is a NaN lead to, and whether it becomes quiet (i32). */
function ofNans(i: Insn, x: Extended, y: Extended, how: number): readonly [Extended, Value] {
  const { b } = i;
  const choose = (condition: Value, p: Extended, q: Extended): Extended => ({
    high: b.select(condition, p.high, q.high),
    low: b.select(condition, p.low, q.low),
  });
  const [nanX, nanY] = [isNan(i, x), isNan(i, y)];
  const first = firstOperand(i, x, y);
  const nan = choose(isNan(i, first), first, y);
  if (how === C_MACRO) return [y, b.i32(0)];
  if (how === CPP) return [x, b.i32(0)];
  if (how === C_FUNCTION) return [choose(nanY, x, y), b.i32(0)];
  if (how === JAVA) return [nan, b.i32(1)];
  const anySignaling = b.or(isSignaling(i, x), isSignaling(i, y));
  const isResultNan = b.or(b.and(nanX, nanY), anySignaling);
  return [choose(isResultNan, nan, choose(nanX, y, x)), isResultNan];
}

/** Whether x is the minimum, or maximum, of two numbers (i32). */
function takesFirst(i: Insn, x: Extended, y: Extended, how: number, isMax: boolean): Value {
  const { b } = i;
  const before = (p: Extended, q: Extended): Value => b.call(quad.lt(), ...(isMax ? words(q, p) : words(p, q)));
  const zeros = b.and(isZero(i, x), isZero(i, y));
  if (how === C_MACRO) return before(x, y);
  if (how === CPP) return b.or(zeros, before(x, y));
  const isNegative = b.ltS(x.high, b.i64(0));
  const bySign = b.or(before(x, y), b.and(zeros, isMax ? b.eqz(isNegative) : isNegative));
  if (how !== IEEE_MAGNITUDE) return bySign;
  const [p, q] = [magnitude(i, x), magnitude(i, y)];
  const isSame = b.and(b.eq(p.high, q.high), b.eq(p.low, q.low));
  return b.select(isSame, bySign, before(p, q));
}

const extreme =
  (isMax: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const { m6 } = i.f;
    if ((m6 & 7) > C_FUNCTION || m6 > 12) i.refuse(PGM.specification);
    only(i, i.f.m5, SINGLE);
    const operand = (register: number): Extended =>
      m6 <= IEEE_MAGNITUDE ? numberOf(i, register) : magnitude(i, numberOf(i, register));
    const how = m6 === IEEE_MAGNITUDE ? m6 : m6 & 7;
    const [x, y] = [operand(i.f.v2), operand(i.f.v3)];
    const invalid = (): void => b.set(floatFlags, b.or(b.get(floatFlags), b.i32(16)));
    const compute = (): Value => {
      const high = b.local('i64');
      b.if(
        b.or(isNan(i, x), isNan(i, y)),
        () => {
          if (how === C_MACRO || how === CPP) invalid();
          else b.if(b.or(isSignaling(i, x), isSignaling(i, y)), invalid);
          const [nan, becomesQuiet] = ofNans(i, x, y, how);
          b.setLocal(high, b.or(nan.high, b.select(becomesQuiet, b.big(QUIET), b.i64(0))));
          b.set(floatLow, nan.low);
        },
        () => {
          const first = b.local('i32', takesFirst(i, x, y, how, isMax));
          b.setLocal(high, b.select(b.getLocal(first), x.high, y.high));
          b.set(floatLow, b.select(b.getLocal(first), x.low, y.low));
        },
      );
      return b.getLocal(high);
    };
    result(i, compute);
  };

/** By the mnemonics of float.ts, where the format field says 4. */
export const extendedVectors: Readonly<Record<string, Emitter>> = {
  vfa: binary('add'),
  vfs: binary('sub'),
  vfm: binary('mul'),
  vfd: binary('div'),
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
  vfi: toIntegral,
  vlde: lengthen,
  vled: round,
  vfpso: setSign,
  vftci: testClass,
  vfmax: extreme(true),
  vfmin: extreme(false),
};
