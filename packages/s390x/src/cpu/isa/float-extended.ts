/**
 * Semantics of binary floating point, extended: 128 bits in a pair of registers n and n + 2. Principles of Operation, SA22-7832,
 * chapter "Binary-Floating-Point Instructions".
 */
import type { IrHelper, Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { CC } from '../condition.ts';
import { floatFlags, floatLow } from '../state.ts';
import { type Builds, begin, currentRounding, end, roundingOf, soft, withoutInexact } from './float.ts';
import { binaryFloat, getFloat, getShort, setFloat, setShort } from './float-support.ts';
import type { Emitter, Insn } from './insn.ts';

export const quad: ReturnType<typeof soft.quad> = soft.quad(floatLow);

export const SIGN = 1n << 63n;
const INFINITY = 0x7fffn << 48n;
export const QUIET = 1n << 47n;
const SMALLEST_NORMAL = 1n << 48n;
const INVALID = 16;

/** An extended number. */
export interface Extended {
  readonly high: Value;
  readonly low: Value;
}

/** Refuses registers that are no first of a pair: those whose number has bit 2 set. */
function pairs(i: Insn, ...numbers: readonly number[]): void {
  if (numbers.some((n) => (n & 2) !== 0)) i.refuse(PGM.specification);
}

const get = (i: Insn, n: number): Extended => ({ high: getFloat(i, n), low: getFloat(i, n + 2) });
function set(i: Insn, n: number, { high, low }: Extended): void {
  setFloat(i, n, high);
  setFloat(i, n + 2, low);
}

/** Calls a helper that gives an extended number. */
function call(i: Insn, helper: IrHelper, ...args: readonly Value[]): Extended {
  const { b } = i;
  const high = b.local('i64', b.call(helper, ...args));
  const low = b.local('i64', b.get(floatLow));
  return { high: b.getLocal(high), low: b.getLocal(low) };
}

export const magnitude = (i: Builds, x: Extended): Extended => ({
  high: i.b.and(x.high, i.b.big(SIGN - 1n)),
  low: x.low,
});
export const isZero = (i: Builds, x: Extended): Value => i.b.eqz(i.b.or(magnitude(i, x).high, x.low));
export function isNan(i: Builds, x: Extended): Value {
  const { b } = i;
  const { high, low } = magnitude(i, x);
  const hasPayload = b.and(b.eq(high, b.big(INFINITY)), b.ne(low, b.i64(0)));
  return b.or(b.gtU(high, b.big(INFINITY)), hasPayload);
}
export const isQuiet = (i: Builds, x: Extended): Value => i.b.geU(magnitude(i, x).high, i.b.big(INFINITY | QUIET));
export const isSignaling = (i: Builds, x: Extended): Value => i.b.and(isNan(i, x), i.b.eqz(isQuiet(i, x)));

/** The condition code of a number: zero 0, negative 1, positive 2, a NaN 3. */
function codeOf(i: Insn, x: Extended): Value {
  const { b } = i;
  const number = b.select(isZero(i, x), b.i32(0), b.select(b.ltS(x.high, b.i64(0)), b.i32(1), b.i32(2)));
  return b.select(isNan(i, x), b.i32(3), number);
}

/** Of two NaNs a signaling one comes first: the software takes the first NaN. */
export function firstOperand(i: Builds, x: Extended, y: Extended): Extended {
  const { b } = i;
  const swapped = b.and(isQuiet(i, x), isSignaling(i, y));
  return { high: b.select(swapped, y.high, x.high), low: b.select(swapped, y.low, x.low) };
}

const arithmetic =
  (operation: 'add' | 'sub' | 'mul' | 'div', setsCc: boolean): Emitter =>
  (i) => {
    pairs(i, i.f.r1, i.f.r2);
    begin(i);
    const [x, y] = [get(i, i.f.r1), get(i, i.f.r2)];
    const first = firstOperand(i, x, y);
    const rm = i.b.i32(currentRounding(i));
    const result = call(i, quad.binary(operation), first.high, first.low, y.high, y.low, rm);
    end(i, () => {
      set(i, i.f.r1, result);
      if (setsCc) i.setCcValue(codeOf(i, result));
    });
  };

const squareRoot: Emitter = (i) => {
  pairs(i, i.f.r1, i.f.r2);
  begin(i);
  const { high, low } = get(i, i.f.r2);
  const result = call(i, quad.sqrt(), high, low, i.b.i32(currentRounding(i)));
  end(i, () => set(i, i.f.r1, result));
};

/** COMPARE, and COMPARE AND SIGNAL, to which a quiet NaN is invalid too. */
const compare =
  (signals: boolean): Emitter =>
  (i) => {
    const { b } = i;
    pairs(i, i.f.r1, i.f.r2);
    begin(i);
    const [x, y] = [get(i, i.f.r1), get(i, i.f.r2)];
    const operands = [x.high, x.low, y.high, y.low];
    const cc = b.local('i32', b.i32(3));
    b.if(
      b.or(isNan(i, x), isNan(i, y)),
      () => void b.call(signals ? quad.lt() : quad.eq(), ...operands),
      () => {
        const equal = b.call(quad.eq(), ...operands);
        const low = b.call(quad.lt(), ...operands);
        b.setLocal(cc, b.select(equal, b.i32(0), b.select(low, b.i32(1), b.i32(2))));
      },
    );
    end(i, () => i.setCcValue(b.getLocal(cc)));
  };

/** LOAD AND TEST: a signaling NaN is invalid, and becomes quiet. */
const loadAndTest: Emitter = (i) => {
  const { b } = i;
  pairs(i, i.f.r1, i.f.r2);
  begin(i);
  const x = get(i, i.f.r2);
  const signaling = isSignaling(i, x);
  const high = b.local('i64', b.select(signaling, b.or(x.high, b.big(QUIET)), x.high));
  b.if(signaling, () => b.set(floatFlags, b.or(b.get(floatFlags), b.i32(INVALID))));
  const result = { high: b.getLocal(high), low: x.low };
  end(i, () => {
    set(i, i.f.r1, result);
    i.setCcValue(codeOf(i, result));
  });
};

/** LOAD COMPLEMENT, POSITIVE, NEGATIVE: of the sign alone. */
const sign =
  (how: 'xor' | 'or' | 'clear'): Emitter =>
  (i) => {
    const { b } = i;
    pairs(i, i.f.r1, i.f.r2);
    binaryFloat(i);
    const { high, low } = get(i, i.f.r2);
    const changed = how === 'clear' ? b.and(high, b.big(SIGN - 1n)) : b[how](high, b.big(SIGN));
    const result = { high: changed, low };
    set(i, i.f.r1, result);
    i.setCcValue(codeOf(i, result));
  };

/** A shorter operand: of the second register, or in storage. */
type Shorter = (i: Insn) => { readonly format: 'f32' | 'f64'; readonly value: Value };
const shortRegister: Shorter = (i) => ({ format: 'f32', value: i.b.extend32U(getShort(i, i.f.r2)) });
const longRegister: Shorter = (i) => ({ format: 'f64', value: getFloat(i, i.f.r2) });
const shortStorage: Shorter = (i) => ({ format: 'f32', value: i.load2(4) });
const longStorage: Shorter = (i) => ({ format: 'f64', value: i.load2(8) });

/** LOAD LENGTHENED: exact. */
const lengthen =
  (operand: Shorter): Emitter =>
  (i) => {
    pairs(i, i.f.r1);
    begin(i);
    const { format, value } = operand(i);
    const result = call(i, quad.widen(format), value);
    end(i, () => set(i, i.f.r1, result));
  };

/** LOAD ROUNDED: the register of the result is the first of a pair as well. */
const shorten =
  (format: 'f32' | 'f64'): Emitter =>
  (i) => {
    const { b } = i;
    pairs(i, i.f.r1, i.f.r2);
    begin(i);
    const { high, low } = get(i, i.f.r2);
    const rm = b.i32(roundingOf(i, i.f.m3));
    const result = b.local('i64', b.call(quad.narrow(format), high, low, rm));
    withoutInexact(i);
    end(i, () => {
      if (format === 'f64') setFloat(i, i.f.r1, b.getLocal(result));
      else setShort(i, i.f.r1, b.wrap(b.getLocal(result)));
    });
  };

/** Whether a long number is a signaling NaN. */
function isSignalingLong(i: Insn, v: Value): Value {
  const { b } = i;
  const [infinity, quiet] = [0x7ffn << 52n, 1n << 51n];
  return b.ltU(b.sub(b.and(v, b.big(SIGN - 1n)), b.big(infinity + 1n)), b.big(quiet - 1n));
}

/** MULTIPLY of two long numbers: the product is exact. */
const multiplyLonger =
  (operand: Shorter): Emitter =>
  (i) => {
    const { b } = i;
    pairs(i, i.f.r1);
    begin(i);
    const [left, right] = [getFloat(i, i.f.r1), operand(i).value];
    // Widening makes a signaling NaN quiet: which of two comes first is to be seen before.
    const comesFirst = b.and(isSignalingLong(i, right), b.eqz(isSignalingLong(i, left)));
    const x = call(i, quad.widen('f64'), b.select(comesFirst, right, left));
    const y = call(i, quad.widen('f64'), right);
    const result = call(i, quad.binary('mul'), x.high, x.low, y.high, y.low, b.i32(currentRounding(i)));
    end(i, () => set(i, i.f.r1, result));
  };

/** CONVERT FROM FIXED and FROM LOGICAL: exact, but a mode that is none is refused. */
const fromInteger =
  (bits: 32 | 64, signed: boolean): Emitter =>
  (i) => {
    pairs(i, i.f.r1);
    begin(i);
    roundingOf(i, i.f.m3);
    const result = call(i, quad.fromInt({ bits, signed }), i.get64(i.f.r2));
    end(i, () => set(i, i.f.r1, result));
  };

/** CONVERT TO FIXED and TO LOGICAL: what does not fit is the nearest that does, and a NaN the smallest; condition code 3. */
const toInteger =
  (bits: 32 | 64, signed: boolean): Emitter =>
  (i) => {
    const { b } = i;
    pairs(i, i.f.r2);
    begin(i);
    const rm = b.i32(roundingOf(i, i.f.m3));
    const x = get(i, i.f.r2);
    // Whether this operation is invalid is looked at on its own.
    const before = b.local('i32', b.get(floatFlags));
    b.set(floatFlags, b.and(b.getLocal(before), b.i32(INVALID - 1)));
    const value = b.call(quad.toInt({ bits, signed }), x.high, x.low, rm);
    const invalid = b.local('i32', b.ne(b.and(b.get(floatFlags), b.i32(INVALID)), b.i32(0)));
    // A number that does not fit is inexact too.
    const outside = b.and(b.getLocal(invalid), b.eqz(isNan(i, x)));
    b.set(floatFlags, b.or(b.get(floatFlags), outside));
    withoutInexact(i);
    b.set(floatFlags, b.or(b.get(floatFlags), b.getLocal(before)));
    const smallest = signed ? b.big(-(1n << BigInt(bits - 1))) : b.i64(0);
    const result = b.local('i64', b.select(isNan(i, x), smallest, value));
    const cc = b.local('i32', b.select(b.getLocal(invalid), b.i32(3), codeOf(i, x)));
    end(i, () => {
      if (bits === 64) i.set64(i.f.r1, b.getLocal(result));
      else i.set32(i.f.r1, b.getLocal(result));
      i.setCcValue(b.getLocal(cc));
    });
  };

/** LOAD FP INTEGER. */
const loadInteger: Emitter = (i) => {
  pairs(i, i.f.r1, i.f.r2);
  begin(i);
  const { high, low } = get(i, i.f.r2);
  const result = call(i, quad.roundToIntegral(), high, low, i.b.i32(roundingOf(i, i.f.m3)));
  withoutInexact(i);
  end(i, () => set(i, i.f.r1, result));
};

/** The bit of TEST DATA CLASS that a number is of (i32). */
export function kindOf(i: Builds, x: Extended): Value {
  const { b } = i;
  const size = magnitude(i, x);
  const nan = b.select(isQuiet(i, x), b.i32(0x8), b.i32(0x2));
  const infinite = b.eq(size.high, b.big(INFINITY));
  const large = b.select(infinite, b.i32(0x20), b.i32(0x200));
  const finite = b.select(b.ltU(size.high, b.big(SMALLEST_NORMAL)), b.i32(0x80), large);
  const kind = b.select(isNan(i, x), nan, b.select(isZero(i, x), b.i32(0x800), finite));
  return b.shr(kind, b.wrap(b.shr(x.high, b.i64(63))));
}

/** TEST DATA CLASS: whether the number is of a class that the second operand's address selects. */
const testClass: Emitter = (i) => {
  const { b } = i;
  pairs(i, i.f.r1);
  binaryFloat(i);
  const selected = b.and(kindOf(i, get(i, i.f.r1)), b.wrap(i.address2()));
  i.setCc(CC.value, b.extend32U(b.ne(selected, b.i32(0))));
};

export const extendedFloatSemantics: Readonly<Record<string, Emitter>> = {
  axbr: arithmetic('add', true),
  sxbr: arithmetic('sub', true),
  mxbr: arithmetic('mul', false),
  dxbr: arithmetic('div', false),
  sqxbr: squareRoot,
  cxbr: compare(false),
  kxbr: compare(true),
  ltxbr: loadAndTest,
  lcxbr: sign('xor'),
  lpxbr: sign('clear'),
  lnxbr: sign('or'),
  lxebr: lengthen(shortRegister),
  lxdbr: lengthen(longRegister),
  lxeb: lengthen(shortStorage),
  lxdb: lengthen(longStorage),
  ldxbr: shorten('f64'),
  lexbr: shorten('f32'),
  mxdbr: multiplyLonger(longRegister),
  mxdb: multiplyLonger(longStorage),
  cxfbr: fromInteger(32, true),
  cxgbr: fromInteger(64, true),
  cxlfbr: fromInteger(32, false),
  cxlgbr: fromInteger(64, false),
  cfxbr: toInteger(32, true),
  cgxbr: toInteger(64, true),
  clfxbr: toInteger(32, false),
  clgxbr: toInteger(64, false),
  fixbr: loadInteger,
  tcxb: testClass,
};
