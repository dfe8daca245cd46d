/**
 * Semantics of binary floating point, short and long. Principles of Operation, SA22-7832, chapter "Binary-Floating-Point
 * Instructions". The arithmetic is the translator's exact software floating point.
 */
import {
  createSoftFloat,
  type FloatFormatName,
  type IrBuilder,
  type IrHelper,
  type Value,
} from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { CC } from '../condition.ts';
import { MODE_FLOAT_TRAPS, modeRounding } from '../mode.ts';
import { floatFlags, fpc } from '../state.ts';
import { binaryFloat, getFloat, getShort, setFloat, setShort } from './float-support.ts';
import type { Emitter, Insn } from './insn.ts';

export const soft = createSoftFloat({
  flags: floatFlags,
  defaultNan: false,
  tininess: 'before',
  invalidInteger: 'saturate-nan-zero',
});

/** Where the flags of an operation lie in the FPC: inexact in bit 12, and so on to invalid in bit 8. */
export const FLAGS_SHIFT = 19;
/** Where their masks lie. */
export const MASKS_SHIFT = 27;

/** Rounding modes of the software floating point. */
export const NEAREST = 0;
const TO_ZERO = 1;
export const DOWN = 2;
export const UP = 3;
const AWAY = 4;
const TO_ODD = 5;

/** A format: its bits, and how registers and storage hold it. */
export interface Format {
  readonly name: FloatFormatName;
  readonly size: 4 | 8;
  readonly sign: bigint;
  readonly infinity: bigint;
  readonly quiet: bigint;
  get(i: Insn, n: number): Value;
  set(i: Insn, n: number, v: Value): void;
}

export const SHORT: Format = {
  name: 'f32',
  size: 4,
  sign: 1n << 31n,
  infinity: 0xffn << 23n,
  quiet: 1n << 22n,
  get: (i, n) => i.b.extend32U(getShort(i, n)),
  set: (i, n, v) => setShort(i, n, i.b.wrap(v)),
};
export const LONG: Format = {
  name: 'f64',
  size: 8,
  sign: 1n << 63n,
  infinity: 0x7ffn << 52n,
  quiet: 1n << 51n,
  get: getFloat,
  set: setFloat,
};

/** What builds IR: an instruction, or a helper. */
export interface Builds {
  readonly b: IrBuilder;
}

export const magnitude = (i: Builds, f: Format, v: Value): Value => i.b.and(v, i.b.big(f.sign - 1n));
export const isNan = (i: Builds, f: Format, v: Value): Value => i.b.gtU(magnitude(i, f, v), i.b.big(f.infinity));
export const isQuiet = (i: Builds, f: Format, v: Value): Value =>
  i.b.geU(magnitude(i, f, v), i.b.big(f.infinity | f.quiet));

/** The rounding mode that the FPC says; 7 prepares for a shorter precision. */
export function currentRounding(i: Insn): number {
  return [NEAREST, TO_ZERO, UP, DOWN, NEAREST, NEAREST, NEAREST, TO_ODD][modeRounding(i.mode)] ?? NEAREST;
}

/** The rounding mode that an instruction says in a mask. */
export function roundingOf(i: Insn, m: number): number {
  switch (m) {
    case 0:
      return currentRounding(i);
    case 1:
      return AWAY;
    case 4:
      return NEAREST;
    case 3:
      return TO_ODD;
    case 5:
      return TO_ZERO;
    case 6:
      return UP;
    case 7:
      return DOWN;
    default:
      return i.refuse(PGM.specification);
  }
}

/** Begins an operation. Where no exception is enabled, flags that are set already need not be found again. */
export function begin(i: Insn): void {
  binaryFloat(i);
  const { b } = i;
  const traps = (i.mode & MODE_FLOAT_TRAPS) !== 0;
  b.set(floatFlags, traps ? b.i32(0) : b.and(b.shr(b.get(fpc), b.i32(FLAGS_SHIFT)), b.i32(31)));
}

/** Ends an operation: its flags become the FPC's, or an exception that is enabled is one. `store` is what it would do. */
export function end(i: Insn, store: () => void): void {
  const { b } = i;
  const flags = b.get(floatFlags);
  if ((i.mode & MODE_FLOAT_TRAPS) === 0) {
    b.set(fpc, b.or(b.get(fpc), b.shl(flags, b.i32(FLAGS_SHIFT))));
    store();
    return;
  }
  const enabled = b.local('i32', b.and(flags, b.and(b.shr(b.get(fpc), b.i32(MASKS_SHIFT)), b.i32(31))));
  const code = (dxc: number): void => i.raise(PGM.data, b.i64(dxc));
  b.if(b.and(b.getLocal(enabled), b.i32(16)), () => code(0x80));
  b.if(b.and(b.getLocal(enabled), b.i32(8)), () => code(0x40));
  const untrapped = b.and(flags, b.xor(b.getLocal(enabled), b.i32(31)));
  b.set(fpc, b.or(b.get(fpc), b.shl(untrapped, b.i32(FLAGS_SHIFT))));
  store();
  const inexact = b.ne(b.and(flags, b.i32(1)), b.i32(0));
  for (const [flag, dxc] of [
    [4, 0x20],
    [2, 0x10],
  ] as const) {
    b.if(b.and(b.getLocal(enabled), b.i32(flag)), () => {
      b.if(inexact, () => code(dxc | 8));
      code(dxc);
    });
  }
  b.if(b.and(b.getLocal(enabled), b.i32(1)), () => code(8));
}

/** The condition code of a number: zero 0, negative 1, positive 2, a NaN 3. */
function codeOf(i: Insn, f: Format, v: Value): Value {
  const { b } = i;
  const size = magnitude(i, f, v);
  const sign = b.select(b.eq(size, v), b.i32(2), b.i32(1));
  const number = b.select(b.eqz(size), b.i32(0), sign);
  return b.select(b.gtU(size, b.big(f.infinity)), b.i32(3), number);
}

type Second = (i: Insn, f: Format) => Value;
const register2: Second = (i, f) => f.get(i, i.f.r2);
const storage2: Second = (i, f) => i.load2(f.size);

/** Of two NaNs a signaling one comes first: the software takes the first NaN. */
export function firstOperand(i: Builds, f: Format, x: Value, y: Value): Value {
  const { b } = i;
  const signaling = b.and(isNan(i, f, y), b.eqz(isQuiet(i, f, y)));
  return b.select(b.and(isQuiet(i, f, x), signaling), y, x);
}

const binary =
  (op: (f: FloatFormatName) => IrHelper, f: Format, second: Second, setsCc: boolean): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const x = f.get(i, i.f.r1);
    const y = second(i, f);
    const result = b.local('i64', b.call(op(f.name), firstOperand(i, f, x, y), y, b.i32(currentRounding(i))));
    end(i, () => {
      f.set(i, i.f.r1, b.getLocal(result));
      if (setsCc) i.setCcValue(codeOf(i, f, b.getLocal(result)));
    });
  };

const squareRoot =
  (f: Format, second: Second): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const result = b.local('i64', b.call(soft.sqrt(f.name), second(i, f), b.i32(currentRounding(i))));
    end(i, () => f.set(i, i.f.r1, b.getLocal(result)));
  };

/** MULTIPLY AND ADD: second times third plus first, rounded once; of NaNs the first in this order is the result. */
const multiplyAdd =
  (f: Format, second: Second, subtract: boolean): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const y = second(i, f);
    const first = f.get(i, i.f.r1);
    const addend = subtract ? b.select(isNan(i, f, first), first, b.xor(first, b.big(f.sign))) : first;
    const result = b.local('i64', b.call(soft.fma(f.name), y, f.get(i, i.f.r3), addend, b.i32(currentRounding(i))));
    end(i, () => f.set(i, i.f.r1, b.getLocal(result)));
  };

/** COMPARE, and COMPARE AND SIGNAL, to which a quiet NaN is invalid too. */
const compare =
  (f: Format, second: Second, signal: boolean): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const x = f.get(i, i.f.r1);
    const y = second(i, f);
    const unordered = b.or(isNan(i, f, x), isNan(i, f, y));
    const cc = b.local('i32', b.i32(3));
    b.if(
      unordered,
      () => void b.call(signal ? soft.lt(f.name) : soft.eq(f.name), x, y),
      () => {
        const equal = b.call(soft.eq(f.name), x, y);
        const low = b.call(soft.lt(f.name), x, y);
        b.setLocal(cc, b.select(equal, b.i32(0), b.select(low, b.i32(1), b.i32(2))));
      },
    );
    end(i, () => i.setCcValue(b.getLocal(cc)));
  };

/** LOAD AND TEST: a signaling NaN is invalid, and becomes quiet. */
const loadAndTest =
  (f: Format): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const x = f.get(i, i.f.r2);
    const signaling = b.and(isNan(i, f, x), b.eqz(isQuiet(i, f, x)));
    const result = b.local('i64', b.select(signaling, b.or(x, b.big(f.quiet)), x));
    b.if(signaling, () => b.set(floatFlags, b.or(b.get(floatFlags), b.i32(16))));
    end(i, () => {
      f.set(i, i.f.r1, b.getLocal(result));
      i.setCcValue(codeOf(i, f, b.getLocal(result)));
    });
  };

/** LOAD COMPLEMENT, POSITIVE, NEGATIVE: of the sign alone. */
const sign =
  (f: Format, how: 'xor' | 'or' | 'clear'): Emitter =>
  (i) => {
    binaryFloat(i);
    const { b } = i;
    const x = f.get(i, i.f.r2);
    const result = how === 'clear' ? magnitude(i, f, x) : b[how](x, b.big(f.sign));
    f.set(i, i.f.r1, result);
    i.setCcValue(codeOf(i, f, result));
  };

const convert =
  (from: Format, to: Format, second: Second): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    // The longer format has every number of the shorter; the other way, the instruction may say how to round.
    const rm = b.i32(from === LONG ? roundingOf(i, i.f.m3) : NEAREST);
    const result = b.local('i64', b.call(soft.convert(from.name, to.name), second(i, from), rm));
    if (from === LONG) withoutInexact(i);
    end(i, () => to.set(i, i.f.r1, b.getLocal(result)));
  };

/** MDEB: the exact product of two short numbers is a long one. */
const multiplyLonger =
  (second: Second): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const wide = (v: Value): Value => b.call(soft.convert('f32', 'f64'), v, b.i32(NEAREST));
    const [x, y] = [SHORT.get(i, i.f.r1), second(i, SHORT)];
    const product = b.call(soft.mul('f64'), wide(firstOperand(i, SHORT, x, y)), wide(y), b.i32(NEAREST));
    const result = b.local('i64', product);
    end(i, () => LONG.set(i, i.f.r1, b.getLocal(result)));
  };

/** CONVERT FROM FIXED and FROM LOGICAL. */
const fromInteger =
  (f: Format, bits: 32 | 64, signed: boolean): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const rm = roundingOf(i, i.f.m3);
    const helper = soft.fromInt(f.name, { bits, signed });
    const result = b.local('i64', b.call(helper, i.get64(i.f.r2), b.i32(rm)));
    withoutInexact(i);
    end(i, () => f.set(i, i.f.r1, b.getLocal(result)));
  };

/** Bit 5 of m4: inexact is not told. */
export function withoutInexact(i: Insn): void {
  if ((i.f.m4 & 4) === 0) return;
  const { b } = i;
  const before = (i.mode & MODE_FLOAT_TRAPS) !== 0 ? b.i32(0) : b.and(b.shr(b.get(fpc), b.i32(FLAGS_SHIFT)), b.i32(1));
  b.set(floatFlags, b.or(b.and(b.get(floatFlags), b.i32(-2)), before));
}

/**
 * The integer of a number: of what does not fit the nearest that does, of a NaN the smallest. `invalid`: one of these, 0 or 1. Exceptions
 * are added to `floatFlags`; a number that does not fit is inexact too.
 */
export function integerOf(
  i: Builds,
  f: Format,
  x: Value,
  integer: { readonly bits: 32 | 64; readonly signed: boolean },
  rm: Value,
): { readonly value: Value; readonly invalid: Value } {
  const { b } = i;
  // Whether this operation is invalid is looked at on its own.
  const before = b.local('i32', b.get(floatFlags));
  b.set(floatFlags, b.and(b.getLocal(before), b.i32(15)));
  const value = b.call(soft.toInt(f.name, integer), x, rm);
  const invalid = b.local('i32', b.ne(b.and(b.get(floatFlags), b.i32(16)), b.i32(0)));
  const outside = b.and(b.getLocal(invalid), b.eqz(isNan(i, f, x)));
  b.set(floatFlags, b.or(b.or(b.get(floatFlags), outside), b.getLocal(before)));
  const smallest = integer.signed ? b.big(integer.bits === 32 ? -(1n << 31n) : -(1n << 63n)) : b.i64(0);
  const result = b.local('i64', b.select(isNan(i, f, x), smallest, value));
  return { value: b.getLocal(result), invalid: b.getLocal(invalid) };
}

/** CONVERT TO FIXED and TO LOGICAL; condition code 3 where the integer is not the number's. */
const toInteger =
  (f: Format, bits: 32 | 64, signed: boolean): Emitter =>
  (i) => {
    const { b } = i;
    begin(i);
    const rm = roundingOf(i, i.f.m3);
    const x = f.get(i, i.f.r2);
    const { value, invalid } = integerOf(i, f, x, { bits, signed }, b.i32(rm));
    withoutInexact(i);
    const size = magnitude(i, f, x);
    const number = b.select(b.eqz(size), b.i32(0), b.select(b.eq(size, x), b.i32(2), b.i32(1)));
    const cc = b.local('i32', b.select(invalid, b.i32(3), number));
    end(i, () => {
      if (bits === 64) i.set64(i.f.r1, value);
      else i.set32(i.f.r1, value);
      i.setCcValue(b.getLocal(cc));
    });
  };

/** A number rounded to an integral one: from 2^52 on it is one; smaller ones go by way of an integer, and keep their sign. */
export function roundToIntegral(i: Builds, f: Format, x: Value, rm: Value): Value {
  const { b } = i;
  const result = b.local('i64', x);
  const large = f === LONG ? 0x4330_0000_0000_0000n : 0x4b00_0000n;
  const integer = { bits: 64, signed: true } as const;
  b.if(
    b.ltU(magnitude(i, f, x), b.big(large)),
    () => {
      const whole = b.call(soft.toInt(f.name, integer), x, rm);
      const back = b.call(soft.fromInt(f.name, integer), whole, b.i32(NEAREST));
      b.setLocal(result, b.or(magnitude(i, f, back), b.and(x, b.big(f.sign))));
    },
    () =>
      b.if(b.and(isNan(i, f, x), b.eqz(isQuiet(i, f, x))), () => {
        b.setLocal(result, b.or(x, b.big(f.quiet)));
        b.set(floatFlags, b.or(b.get(floatFlags), b.i32(16)));
      }),
  );
  return b.getLocal(result);
}

/** LOAD FP INTEGER. */
const loadInteger =
  (f: Format): Emitter =>
  (i) => {
    begin(i);
    const result = roundToIntegral(i, f, f.get(i, i.f.r2), i.b.i32(roundingOf(i, i.f.m3)));
    withoutInexact(i);
    end(i, () => f.set(i, i.f.r1, result));
  };

/** TEST DATA CLASS: whether the number is of a class that the second operand's address selects. */
const testClass =
  (f: Format): Emitter =>
  (i) => {
    const { b } = i;
    binaryFloat(i);
    const x = f.get(i, i.f.r1);
    const size = magnitude(i, f, x);
    const smallestNormal = f === LONG ? 1n << 52n : 1n << 23n;
    const positive: readonly (readonly [test: Value, bit: number])[] = [
      [b.eqz(size), 0x800],
      [b.ltU(size, b.big(smallestNormal)), 0x80],
      [b.ltU(size, b.big(f.infinity)), 0x200],
      [b.eq(size, b.big(f.infinity)), 0x20],
      [b.geU(size, b.big(f.infinity | f.quiet)), 0x8],
    ];
    const kind = positive.reduceRight<Value>((other, [test, bit]) => b.select(test, b.i32(bit), other), b.i32(2));
    const negative = b.ne(size, x);
    const selected = b.and(b.shr(kind, negative), b.wrap(i.address2()));
    i.setCc(CC.value, b.extend32U(b.ne(selected, b.i32(0))));
  };

function arithmetic(suffix: 'e' | 'd', f: Format): Record<string, Emitter> {
  const both = (name: string, make: (second: Second) => Emitter): Record<string, Emitter> => ({
    [`${name}br`]: make(register2),
    [`${name}b`]: make(storage2),
  });
  const multiplyName = suffix === 'e' ? 'mee' : 'md';
  return {
    ...both(`a${suffix}`, (second) => binary((n) => soft.add(n), f, second, true)),
    ...both(`s${suffix}`, (second) => binary((n) => soft.sub(n), f, second, true)),
    ...both(multiplyName, (second) => binary((n) => soft.mul(n), f, second, false)),
    ...both(`d${suffix}`, (second) => binary((n) => soft.div(n), f, second, false)),
    ...both(`sq${suffix}`, (second) => squareRoot(f, second)),
    ...both(`ma${suffix}`, (second) => multiplyAdd(f, second, false)),
    ...both(`ms${suffix}`, (second) => multiplyAdd(f, second, true)),
    ...both(`c${suffix}`, (second) => compare(f, second, false)),
    ...both(`k${suffix}`, (second) => compare(f, second, true)),
    [`lt${suffix}br`]: loadAndTest(f),
    [`lc${suffix}br`]: sign(f, 'xor'),
    [`lp${suffix}br`]: sign(f, 'clear'),
    [`ln${suffix}br`]: sign(f, 'or'),
    [`fi${suffix}br`]: loadInteger(f),
    [`tc${suffix}b`]: testClass(f),
    [`c${suffix}fbr`]: fromInteger(f, 32, true),
    [`c${suffix}gbr`]: fromInteger(f, 64, true),
    [`c${suffix}lfbr`]: fromInteger(f, 32, false),
    [`c${suffix}lgbr`]: fromInteger(f, 64, false),
    [`cf${suffix}br`]: toInteger(f, 32, true),
    [`cg${suffix}br`]: toInteger(f, 64, true),
    [`clf${suffix}br`]: toInteger(f, 32, false),
    [`clg${suffix}br`]: toInteger(f, 64, false),
  };
}

export const floatSemantics: Readonly<Record<string, Emitter>> = {
  ...arithmetic('e', SHORT),
  ...arithmetic('d', LONG),
  ldebr: convert(SHORT, LONG, register2),
  ldeb: convert(SHORT, LONG, storage2),
  ledbr: convert(LONG, SHORT, register2),
  mdebr: multiplyLonger(register2),
  mdeb: multiplyLonger(storage2),
};
