/**
 * Semantics of addition, subtraction and signs of binary integers. Principles of Operation, SA22-7832, chapter "General
 * Instructions".
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import type { Emitter } from '../insn.ts';
import {
  I2,
  I2_32U,
  M16S,
  M32S,
  M32U,
  M64,
  overflow,
  overflow32,
  R1,
  R1_32S,
  R1_32U,
  R1_HIGH_S,
  R1_HIGH_U,
  R2,
  R2_32S,
  R2_32U,
  R2_HIGH_S,
  R2_HIGH_U,
  R3,
  R3_32S,
  R3_32U,
  R3_HIGH_S,
  R3_HIGH_U,
  type Source,
  signCode,
  type Target,
  TO_HIGH,
  TO32,
  TO64,
} from '../operands.ts';

type Operation = 'add' | 'sub';

const apply = (b: IrBuilder, op: Operation, x: Value, y: Value): Value => (op === 'add' ? b.add(x, y) : b.sub(x, y));

/** Signed arithmetic of 32 bits: operands are sign-extended, so the result is exact. */
const signed32 =
  (op: Operation, first: Source, second: Source, target: Target = TO32): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    const word = apply(b, op, b.wrap(x), b.wrap(y));
    i.setCc(op === 'add' ? CC.add32 : CC.sub32, x, y);
    target(i, word);
    if (i.overflowTraps) overflow32(i, apply(b, op, x, y));
  };

const signed64 =
  (op: Operation, first: Source, second: Source): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    const result = apply(b, op, x, y);
    i.setCc(op === 'add' ? CC.add64 : CC.sub64, x, y);
    TO64(i, result);
    if (i.overflowTraps) overflow(i, op === 'add' ? b.addOverflow(x, y, result) : b.subOverflow(x, y, result));
  };

/** Unsigned arithmetic of 32 bits: operands are zero-extended. */
const logical32 =
  (op: Operation, first: Source, second: Source, target: Target = TO32): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    const word = apply(b, op, b.wrap(x), b.wrap(y));
    i.setCc(op === 'add' ? CC.addLogical32 : CC.subLogical, x, y);
    target(i, word);
  };

const logical64 =
  (op: Operation, first: Source, second: Source): Emitter =>
  (i) => {
    const [x, y] = [first(i), second(i)];
    const result = apply(i.b, op, x, y);
    i.setCc(op === 'add' ? CC.addLogical64 : CC.subLogical, x, y);
    TO64(i, result);
  };

/** With carry or borrow: the condition code in says which. */
const withCarry =
  (op: Operation, bits: 32 | 64, first: Source, second: Source, target: Target): Emitter =>
  (i) => {
    const { b } = i;
    const carryIn = b.and(b.shr(i.cc(), b.i32(1)), b.i32(1));
    const [x, y] = [first(i), second(i)];
    const extra = op === 'add' ? carryIn : b.xor(carryIn, b.i32(1));
    let result: Value;
    let carry: Value;
    if (bits === 32) {
      result = apply(b, op, apply(b, op, x, y), b.extend32U(extra));
      carry = b.and(b.wrap(b.shr(result, b.i64(32))), b.i32(1));
      result = b.zext(result, 32);
    } else if (op === 'add') {
      ({ sum: result, carry } = b.addCarry(x, y, extra));
    } else {
      const { difference, borrow } = b.subBorrow(x, y, extra);
      [result, carry] = [difference, borrow];
    }
    const out = op === 'add' ? carry : b.xor(carry, b.i32(1));
    const cc = b.or(b.shl(out, b.i32(1)), b.ne(result, b.i64(0)));
    target(i, result);
    i.setCcValue(cc);
  };

const negate: (b: IrBuilder, v: Value) => Value = (b, v) => b.neg(v);

const absolute = (b: IrBuilder, v: Value): Value => b.select(b.ltS(v, b.i64(0)), b.neg(v), v);

const negativeAbsolute = (b: IrBuilder, v: Value): Value => b.select(b.gtS(v, b.i64(0)), b.neg(v), v);

/** LOAD COMPLEMENT, POSITIVE, NEGATIVE of 32 bits. */
const unary32 =
  (op: (b: IrBuilder, v: Value) => Value, overflows: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const result = op(b, R2_32S(i));
    i.setCc(CC.add32, result, b.i64(0));
    TO32(i, result);
    if (overflows) overflow(i, b.ne(b.sext(result, 32), result));
  };

/** The same of 64 bits; the operand may be a sign-extended word, with which nothing overflows. */
const unary64 =
  (op: 'lc' | 'lp' | 'ln', source: Source): Emitter =>
  (i) => {
    const { b } = i;
    const x = source(i);
    if (op === 'ln') {
      const result = negativeAbsolute(b, x);
      i.setCc(CC.sign, result);
      return TO64(i, result);
    }
    const result = op === 'lc' ? b.neg(x) : absolute(b, x);
    const smallest = b.and(b.eq(result, x), b.ltS(x, b.i64(0)));
    i.setCcValue(b.select(smallest, b.i32(3), signCode(b, result)));
    TO64(i, result);
    overflow(i, smallest);
  };

/** ASI and its like: an immediate is added to storage, interlocked. */
const addStorage =
  (size: 4 | 8, logical: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address1();
    // The immediate is a signed byte even for logical addition.
    const operand = b.i64((i.f.i2 << 24) >> 24);
    const old = i.atomicAny('add', address, i.f.b1, operand, size);
    if (size === 8) {
      i.setCc(logical ? CC.addLogical64 : CC.add64, old, operand);
      if (!logical) overflow(i, b.addOverflow(old, operand, b.add(old, operand)));
      return;
    }
    if (logical) i.setCc(CC.addLogical32, b.zext(old, 32), b.zext(operand, 32));
    else {
      const word = b.sext(old, 32);
      const exact = b.add(word, operand);
      i.setCc(CC.add32, word, operand);
      overflow32(i, exact);
    }
  };

export const arithmetic: Readonly<Record<string, Emitter>> = {
  ar: signed32('add', R1_32S, R2_32S),
  ark: signed32('add', R2_32S, R3_32S),
  a: signed32('add', R1_32S, M32S),
  ay: signed32('add', R1_32S, M32S),
  ah: signed32('add', R1_32S, M16S),
  ahy: signed32('add', R1_32S, M16S),
  ahi: signed32('add', R1_32S, I2),
  ahik: signed32('add', R3_32S, I2),
  afi: signed32('add', R1_32S, I2),
  ahhhr: signed32('add', R2_HIGH_S, R3_HIGH_S, TO_HIGH),
  ahhlr: signed32('add', R2_HIGH_S, R3_32S, TO_HIGH),
  aih: signed32('add', R1_HIGH_S, I2, TO_HIGH),
  agr: signed64('add', R1, R2),
  agrk: signed64('add', R2, R3),
  agfr: signed64('add', R1, R2_32S),
  ag: signed64('add', R1, M64),
  agf: signed64('add', R1, M32S),
  agh: signed64('add', R1, M16S),
  aghi: signed64('add', R1, I2),
  aghik: signed64('add', R3, I2),
  agfi: signed64('add', R1, I2),
  sr: signed32('sub', R1_32S, R2_32S),
  srk: signed32('sub', R2_32S, R3_32S),
  s: signed32('sub', R1_32S, M32S),
  sy: signed32('sub', R1_32S, M32S),
  sh: signed32('sub', R1_32S, M16S),
  shy: signed32('sub', R1_32S, M16S),
  shhhr: signed32('sub', R2_HIGH_S, R3_HIGH_S, TO_HIGH),
  shhlr: signed32('sub', R2_HIGH_S, R3_32S, TO_HIGH),
  sgr: signed64('sub', R1, R2),
  sgrk: signed64('sub', R2, R3),
  sgfr: signed64('sub', R1, R2_32S),
  sg: signed64('sub', R1, M64),
  sgf: signed64('sub', R1, M32S),
  sgh: signed64('sub', R1, M16S),
  alr: logical32('add', R1_32U, R2_32U),
  alrk: logical32('add', R2_32U, R3_32U),
  al: logical32('add', R1_32U, M32U),
  aly: logical32('add', R1_32U, M32U),
  alfi: logical32('add', R1_32U, I2_32U),
  alhsik: logical32('add', R3_32U, I2_32U),
  alhhhr: logical32('add', R2_HIGH_U, R3_HIGH_U, TO_HIGH),
  alhhlr: logical32('add', R2_HIGH_U, R3_32U, TO_HIGH),
  alsih: logical32('add', R1_HIGH_U, I2_32U, TO_HIGH),
  alsihn: (i) => i.setHigh(i.f.r1, i.b.add(R1_HIGH_U(i), I2(i))),
  algr: logical64('add', R1, R2),
  algrk: logical64('add', R2, R3),
  algfr: logical64('add', R1, R2_32U),
  alg: logical64('add', R1, M64),
  algf: logical64('add', R1, M32U),
  algfi: logical64('add', R1, I2_32U),
  alghsik: logical64('add', R3, I2),
  slr: logical32('sub', R1_32U, R2_32U),
  slrk: logical32('sub', R2_32U, R3_32U),
  sl: logical32('sub', R1_32U, M32U),
  sly: logical32('sub', R1_32U, M32U),
  slfi: logical32('sub', R1_32U, I2_32U),
  slhhhr: logical32('sub', R2_HIGH_U, R3_HIGH_U, TO_HIGH),
  slhhlr: logical32('sub', R2_HIGH_U, R3_32U, TO_HIGH),
  slgr: logical64('sub', R1, R2),
  slgrk: logical64('sub', R2, R3),
  slgfr: logical64('sub', R1, R2_32U),
  slg: logical64('sub', R1, M64),
  slgf: logical64('sub', R1, M32U),
  slgfi: logical64('sub', R1, I2_32U),
  alcr: withCarry('add', 32, R1_32U, R2_32U, TO32),
  alc: withCarry('add', 32, R1_32U, M32U, TO32),
  alcgr: withCarry('add', 64, R1, R2, TO64),
  alcg: withCarry('add', 64, R1, M64, TO64),
  slbr: withCarry('sub', 32, R1_32U, R2_32U, TO32),
  slb: withCarry('sub', 32, R1_32U, M32U, TO32),
  slbgr: withCarry('sub', 64, R1, R2, TO64),
  slbg: withCarry('sub', 64, R1, M64, TO64),
  asi: addStorage(4, false),
  alsi: addStorage(4, true),
  agsi: addStorage(8, false),
  algsi: addStorage(8, true),
  lcr: unary32(negate, true),
  lpr: unary32(absolute, true),
  lnr: unary32(negativeAbsolute, false),
  lcgr: unary64('lc', R2),
  lpgr: unary64('lp', R2),
  lngr: unary64('ln', R2),
  lcgfr: unary64('lc', R2_32S),
  lpgfr: unary64('lp', R2_32S),
  lngfr: unary64('ln', R2_32S),
};
