/**
 * Semantics of the general instructions that compute: arithmetic, logic, loads and stores, comparisons. Principles of Operation,
 * SA22-7832, chapter "General Instructions". Rows name where operands come from and what becomes of them.
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { CC, type CcKind } from '../condition.ts';
import type { Emitter, Insn, Size } from './insn.ts';

/** Where an operand comes from; the value is an i64. */
type Source = (i: Insn) => Value;
/** What becomes of a result. */
type Target = (i: Insn, value: Value) => void;

const memory =
  (size: Size, signed: boolean): Source =>
  (i) =>
    i.load2(size, signed);
/** The relative operand of load and compare relative long; words and doublewords must be aligned. */
const relative =
  (size: Size, signed: boolean): Source =>
  (i) => {
    i.alignedRelative(size);
    return i.b.load(i.relativeAddress(), { size, signed, endian: 'big', mmu: i.instructionMmu });
  };

const R1: Source = (i) => i.get64(i.f.r1);
const R2: Source = (i) => i.get64(i.f.r2);
const R3: Source = (i) => i.get64(i.f.r3);
const R1_32S: Source = (i) => i.get32s(i.f.r1);
const R2_32S: Source = (i) => i.get32s(i.f.r2);
const R3_32S: Source = (i) => i.get32s(i.f.r3);
const R1_32U: Source = (i) => i.get32u(i.f.r1);
const R2_32U: Source = (i) => i.get32u(i.f.r2);
const R3_32U: Source = (i) => i.get32u(i.f.r3);
const R1_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r1), i.b.i64(32));
const R1_HIGH_U: Source = (i) => i.getHigh(i.f.r1);
const R2_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r2), i.b.i64(32));
const R2_HIGH_U: Source = (i) => i.getHigh(i.f.r2);
const R3_HIGH_S: Source = (i) => i.b.sar(i.get64(i.f.r3), i.b.i64(32));
const R3_HIGH_U: Source = (i) => i.getHigh(i.f.r3);
const M8U = memory(1, false);
const M8S = memory(1, true);
const M16S = memory(2, true);
const M16U = memory(2, false);
const M32S = memory(4, true);
const M32U = memory(4, false);
const M64 = memory(8, false);
/** A signed immediate. */
const I2: Source = (i) => i.b.i64(i.f.i2);
/** The low 16 or 32 bits of the immediate, unsigned. */
const I2_16U: Source = (i) => i.b.i64(i.f.i2 & 0xffff);
const I2_32U: Source = (i) => i.b.i64(i.f.i2 >>> 0);
const I2_8U: Source = (i) => i.b.i64(i.f.i2 & 0xff);

const TO64: Target = (i, v) => i.set64(i.f.r1, v);
const TO32: Target = (i, v) => i.set32(i.f.r1, v);
const TO_HIGH: Target = (i, v) => i.setHigh(i.f.r1, v);

/** r1 = source. */
const move =
  (source: Source, target: Target): Emitter =>
  (i) =>
    target(i, source(i));

/** Overflow: the exception, where the program mask asks for it. The result is stored before. */
function overflow(i: Insn, isOverflow: Value): void {
  if (i.overflowTraps) i.raiseIf(isOverflow, PGM.fixedOverflow);
}

type Operation = 'add' | 'sub';

const apply = (b: IrBuilder, op: Operation, x: Value, y: Value): Value => (op === 'add' ? b.add(x, y) : b.sub(x, y));

/** Signed arithmetic of 32 bits: operands are sign-extended, so the result is exact. */
const signed32 =
  (op: Operation, first: Source, second: Source, target: Target = TO32): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    const exact = apply(b, op, x, y);
    i.setCc(CC.exact32, exact);
    target(i, exact);
    overflow(i, b.ne(b.sext(exact, 32), exact));
  };

const signed64 =
  (op: Operation, first: Source, second: Source): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    const result = apply(b, op, x, y);
    i.setCc(op === 'add' ? CC.add64 : CC.sub64, x, y);
    TO64(i, result);
    overflow(i, op === 'add' ? b.addOverflow(x, y, result) : b.subOverflow(x, y, result));
  };

/** Unsigned arithmetic of 32 bits: operands are zero-extended. */
const logical32 =
  (op: Operation, first: Source, second: Source, target: Target = TO32): Emitter =>
  (i) => {
    const [x, y] = [first(i), second(i)];
    const result = apply(i.b, op, x, y);
    if (op === 'add') i.setCc(CC.addLogical32, result);
    else i.setCc(CC.subLogical, x, y);
    target(i, result);
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

const compare =
  (kind: CcKind, first: Source, second: Source): Emitter =>
  (i) => {
    const [x, y] = [first(i), second(i)];
    i.setCc(kind, x, y);
  };
const compareSigned = (first: Source, second: Source): Emitter => compare(CC.signed, first, second);
const compareLogical = (first: Source, second: Source): Emitter => compare(CC.unsigned, first, second);

type Logic = (b: IrBuilder, x: Value, y: Value) => Value;
const AND: Logic = (b, x, y) => b.and(x, y);
const OR: Logic = (b, x, y) => b.or(x, y);
const XOR: Logic = (b, x, y) => b.xor(x, y);

/** Bitwise logic with the condition code of a result that is zero or not. 32-bit operands are zero-extended. */
const logic =
  (op: Logic, first: Source, second: Source, target: Target): Emitter =>
  (i) => {
    const result = op(i.b, first(i), second(i));
    i.setCc(CC.nonZero, result);
    target(i, result);
  };

const logic32 = (op: Logic): ((second: Source, first?: Source) => Emitter) => {
  return (second, first = R1_32U) => logic((b, x, y) => b.zext(op(b, x, y), 32), first, second, TO32);
};
const logic64 = (op: Logic): ((second: Source, first?: Source) => Emitter) => {
  return (second, first = R1) => logic(op, first, second, TO64);
};
const [and32, or32, xor32] = [logic32(AND), logic32(OR), logic32(XOR)];
const [and64, or64, xor64] = [logic64(AND), logic64(OR), logic64(XOR)];

/** Logic with an immediate of `bits` bits at a position from the right; the condition code is of these bits alone. */
const immediateLogic =
  (op: 'and' | 'or' | 'xor' | 'insert' | 'load', position: number, bits: 16 | 32): Emitter =>
  (i) => {
    const { b } = i;
    const field = BigInt.asUintN(bits, BigInt(i.f.i2)) << BigInt(position);
    const mask = ((1n << BigInt(bits)) - 1n) << BigInt(position);
    if (op === 'load') return TO64(i, b.big(field));
    const old = R1(i);
    if (op === 'insert') return TO64(i, b.or(b.and(old, b.big(~mask)), b.big(field)));
    const result =
      op === 'and'
        ? b.and(old, b.big(field | ~mask))
        : op === 'or'
          ? b.or(old, b.big(field))
          : b.xor(old, b.big(field));
    i.setCc(CC.nonZero, b.and(result, b.big(mask)));
    TO64(i, result);
  };

/** TEST UNDER MASK of 16 bits of a register. */
const testBits =
  (position: number): Emitter =>
  (i) => {
    const mask = i.b.big(BigInt(i.f.i2 & 0xffff) << BigInt(position));
    i.setCc(CC.testMaskLeft, i.b.and(R1(i), mask), mask);
  };

/** TEST UNDER MASK of a byte of storage. */
const testStorage: Emitter = (i) => {
  const mask = i.b.i64(i.f.i2 & 255);
  i.setCc(CC.testMask, i.b.and(i.load(i.address1(), i.f.b1, 1), mask), mask);
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
    i.setCc(CC.exact32, result);
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
    i.setCcValue(
      b.select(
        smallest,
        b.i32(3),
        b.select(b.eqz(result), b.i32(0), b.select(b.ltS(result, b.i64(0)), b.i32(1), b.i32(2))),
      ),
    );
    TO64(i, result);
    overflow(i, smallest);
  };

const loadAndTest =
  (source: Source, target: Target): Emitter =>
  (i) => {
    const value = source(i);
    i.setCc(CC.sign, value);
    target(i, value);
  };

const store =
  (size: Size, source: Source = R1): Emitter =>
  (i) =>
    i.store2(source(i), size);

const storeRelative =
  (size: Size): Emitter =>
  (i) => {
    i.alignedRelative(size);
    i.b.store(i.relativeAddress(), R1(i), { size, endian: 'big', mmu: i.instructionMmu });
  };

/** Stores an immediate. */
const storeImmediate =
  (size: Size): Emitter =>
  (i) =>
    i.store(i.address1(), i.f.b1, i.b.i64(size === 1 ? i.f.i2 & 255 : i.f.i2), size);

/** Compares storage with an immediate. */
const compareStorage =
  (size: Size, signed: boolean): Emitter =>
  (i) => {
    const x = i.load(i.address1(), i.f.b1, size, signed);
    const y = signed ? I2(i) : size === 1 ? I2_8U(i) : I2_16U(i);
    i.setCc(signed ? CC.signed : CC.unsigned, x, y);
  };

/** NI, OI, XI: an interlocked update of a byte. */
const storageLogic =
  (op: 'and' | 'or' | 'xor'): Emitter =>
  (i) => {
    const { b } = i;
    const operand = I2_8U(i);
    const address = i.address1();
    const logical = op === 'and' ? AND : op === 'or' ? OR : XOR;
    const old = i.atomic(op, address, i.f.b1, operand, 1);
    i.setCc(CC.nonZero, logical(b, old, operand));
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
    if (logical) i.setCc(CC.addLogical32, b.add(b.zext(old, 32), b.zext(operand, 32)));
    else {
      const exact = b.add(b.sext(old, 32), operand);
      i.setCc(CC.exact32, exact);
      overflow(i, b.ne(b.sext(exact, 32), exact));
    }
  };

/** LAA and its like. */
const loadAnd =
  (op: 'add' | 'and' | 'or' | 'xor', size: 4 | 8, logical = false): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    const operand = R3(i);
    const old = i.atomic(op, address, i.f.b2, operand, size);
    if (op !== 'add') {
      const logical1 = op === 'and' ? AND : op === 'or' ? OR : XOR;
      const result = logical1(b, old, operand);
      i.setCc(CC.nonZero, size === 4 ? b.zext(result, 32) : result);
    } else if (size === 8) i.setCc(logical ? CC.addLogical64 : CC.add64, old, operand);
    else if (logical) i.setCc(CC.addLogical32, b.add(b.zext(old, 32), b.zext(operand, 32)));
    else i.setCc(CC.exact32, b.add(b.sext(old, 32), b.sext(operand, 32)));
    (size === 4 ? TO32 : TO64)(i, old);
    if (op !== 'add' || logical) return;
    if (size === 8) overflow(i, b.addOverflow(old, operand, b.add(old, operand)));
    else {
      const exact = b.add(b.sext(old, 32), b.sext(operand, 32));
      overflow(i, b.ne(b.sext(exact, 32), exact));
    }
  };

const reversed =
  (size: Size): Source =>
  (i) => {
    const { b } = i;
    const raw = b.bswap(i.load2(size));
    return size === 8 ? raw : b.shr(raw, b.i64(64 - size * 8));
  };
const storeReversed =
  (size: Size): Emitter =>
  (i) => {
    const { b } = i;
    const raw = b.bswap(R1(i));
    i.store2(size === 8 ? raw : b.shr(raw, b.i64(64 - size * 8)), size);
  };

/** Masks of 4 bits over 4 bytes of a register: ICM, STCM, CLM. `high`: bytes 0 to 3, else 4 to 7. */
function maskedBytes(i: Insn): readonly number[] {
  return [0, 1, 2, 3].filter((n) => (i.f.m3 & (8 >> n)) !== 0);
}

const insertUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const bytes = maskedBytes(i);
    const address = i.address2();
    const start = high ? 56 : 24;
    if (bytes.length === 0) {
      i.probe(address, i.f.b2, b.i32(1), false);
      return i.setCcValue(b.i32(0));
    }
    if (bytes.length > 1) i.probe(address, i.f.b2, b.i32(bytes.length), false);
    let register = R1(i);
    let all = b.i64(0);
    for (const [n, place] of bytes.entries()) {
      const byte = i.load(i.wrap(b.add(address, b.i64(n))), i.f.b2, 1);
      register = b.deposit(register, start - place * 8, 8, byte);
      all = b.or(b.shl(all, b.i64(8)), byte);
    }
    TO64(i, register);
    // Zero 0, leftmost bit one 1, else 2: as the sign of what was inserted.
    i.setCc(CC.sign, b.sext(all, bytes.length * 8));
  };

const storeUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const bytes = maskedBytes(i);
    const address = i.address2();
    const start = high ? 56 : 24;
    if (bytes.length > 1) i.probe(address, i.f.b2, b.i32(bytes.length), true);
    for (const [n, place] of bytes.entries()) {
      const byte = b.shr(R1(i), b.i64(start - place * 8));
      i.store(i.wrap(b.add(address, b.i64(n))), i.f.b2, byte, 1);
    }
  };

const compareUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    const start = high ? 56 : 24;
    let [x, y] = [b.i64(0), b.i64(0)];
    const bytes = maskedBytes(i);
    if (bytes.length === 0) i.probe(address, i.f.b2, b.i32(1), false);
    for (const [n, place] of bytes.entries()) {
      x = b.or(b.shl(x, b.i64(8)), b.extract(R1(i), start - place * 8, 8));
      y = b.or(b.shl(y, b.i64(8)), i.load(i.wrap(b.add(address, b.i64(n))), i.f.b2, 1));
    }
    i.setCc(CC.unsigned, x, y);
  };

/** Multiplication without a condition code. */
const multiply =
  (first: Source, second: Source, target: Target): Emitter =>
  (i) =>
    target(i, i.b.mul(first(i), second(i)));

/** MULTIPLY SINGLE with a condition code (miscellaneous-instruction-extensions 2). */
const multiplyTest =
  (bits: 32 | 64, first: Source, second: Source): Emitter =>
  (i) => {
    const { b } = i;
    const [x, y] = [first(i), second(i)];
    if (bits === 32) {
      const exact = b.mul(x, y);
      i.setCc(CC.exact32, exact);
      TO32(i, exact);
      return overflow(i, b.ne(b.sext(exact, 32), exact));
    }
    const { low, high } = b.mulWide(x, y, true);
    const isOverflow = b.ne(high, b.sar(low, b.i64(63)));
    const sign = b.select(b.eqz(low), b.i32(0), b.select(b.ltS(low, b.i64(0)), b.i32(1), b.i32(2)));
    i.setCcValue(b.select(isOverflow, b.i32(3), sign));
    TO64(i, low);
    overflow(i, isOverflow);
  };

/** The product fills the low words of an even-odd pair. */
const multiplyPair32 =
  (signed: boolean, second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const x = signed ? i.get32s(i.f.r1 + 1) : i.get32u(i.f.r1 + 1);
    const product = b.mul(x, second(i));
    i.set32(i.f.r1, b.shr(product, b.i64(32)));
    i.set32(i.f.r1 + 1, product);
  };

/** The product fills an even-odd pair. */
const multiplyPair64 =
  (signed: boolean, second: Source, first: (i: Insn) => Value = (i) => i.get64(i.f.r1 + 1)): Emitter =>
  (i) => {
    i.evenOdd(i.f.r1);
    const [x, y] = [first(i), second(i)];
    const { low, high } = i.b.mulWide(x, y, signed);
    i.set64(i.f.r1, high);
    i.set64(i.f.r1 + 1, low);
  };

/** Division of a 64-bit signed dividend in the low words of a pair by a word. */
const divide32 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const dividend = b.or(b.shl(i.get64(i.f.r1), b.i64(32)), i.get32u(i.f.r1 + 1));
    const divisor = second(i);
    i.raiseIf(b.eqz(divisor), PGM.fixedDivide);
    const smallest = b.eq(dividend, b.big(1n << 63n));
    i.raiseIf(b.and(smallest, b.eq(divisor, b.i64(-1))), PGM.fixedDivide);
    const quotient = b.divS(dividend, divisor);
    i.raiseIf(b.ne(b.sext(quotient, 32), quotient), PGM.fixedDivide);
    const remainder = b.remS(dividend, divisor);
    i.set32(i.f.r1, remainder);
    i.set32(i.f.r1 + 1, quotient);
  };

/** DSG: a 64-bit dividend in the odd register. */
const divide64 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const dividend = i.get64(i.f.r1 + 1);
    const divisor = second(i);
    i.raiseIf(b.eqz(divisor), PGM.fixedDivide);
    const smallest = b.eq(dividend, b.big(1n << 63n));
    i.raiseIf(b.and(smallest, b.eq(divisor, b.i64(-1))), PGM.fixedDivide);
    const quotient = b.divS(dividend, divisor);
    i.set64(i.f.r1, b.remS(dividend, divisor));
    i.set64(i.f.r1 + 1, quotient);
  };

/** DL: a 64-bit unsigned dividend in the low words of a pair. */
const divideLogical32 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const dividend = b.or(b.shl(i.get64(i.f.r1), b.i64(32)), i.get32u(i.f.r1 + 1));
    const divisor = second(i);
    i.raiseIf(b.eqz(divisor), PGM.fixedDivide);
    const quotient = b.divU(dividend, divisor);
    i.raiseIf(b.ne(b.shr(quotient, b.i64(32)), b.i64(0)), PGM.fixedDivide);
    const remainder = b.remU(dividend, divisor);
    i.set32(i.f.r1, remainder);
    i.set32(i.f.r1 + 1, quotient);
  };

/** DLG: a 128-bit unsigned dividend, by long division bit by bit where the high half is not zero. */
const divideLogical64 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const high = i.get64(i.f.r1);
    const low = i.get64(i.f.r1 + 1);
    const divisor = second(i);
    i.raiseIf(b.leU(divisor, high), PGM.fixedDivide);
    const remainder = b.local('i64', high);
    const quotient = b.local('i64', low);
    b.if(
      b.eqz(high),
      () => {
        b.setLocal(remainder, b.remU(low, divisor));
        b.setLocal(quotient, b.divU(low, divisor));
      },
      () => {
        const count = b.local('i32', b.i32(64));
        b.loop((breakIf) => {
          const rest = b.getLocal(remainder);
          const bits = b.getLocal(quotient);
          const carry = b.ltS(rest, b.i64(0));
          const next = b.or(b.shl(rest, b.i64(1)), b.shr(bits, b.i64(63)));
          const fits = b.or(carry, b.geU(next, divisor));
          b.setLocal(remainder, b.select(fits, b.sub(next, divisor), next));
          b.setLocal(quotient, b.or(b.shl(bits, b.i64(1)), b.extend32U(fits)));
          b.setLocal(count, b.sub(b.getLocal(count), b.i32(1)));
          breakIf(b.eqz(b.getLocal(count)));
        });
      },
    );
    i.set64(i.f.r1, b.getLocal(remainder));
    i.set64(i.f.r1 + 1, b.getLocal(quotient));
  };

/** Shift amount: the low six bits of the second operand's address, not an address of storage. */
const amount = (i: Insn): Value => i.b.and(i.address(i.f.b2, i.f.d2), i.b.i64(63));

type Shift = 'shl' | 'shr' | 'sar';

/** Shifts of 32 bits: a shift by 32 to 63 leaves nothing, or signs. */
const shift32 =
  (op: Shift, from: (i: Insn) => number): Emitter =>
  (i) => {
    const { b } = i;
    const n = from(i);
    const x = op === 'sar' ? i.get32s(n) : i.get32u(n);
    const result = b[op](x, amount(i));
    if (op === 'sar') i.setCc(CC.sign, b.sext(result, 32));
    TO32(i, result);
  };

const shift64 =
  (op: Shift): Emitter =>
  (i) => {
    const result = i.b[op](R3(i), amount(i));
    if (op === 'sar') i.setCc(CC.sign, result);
    TO64(i, result);
  };

/** Whether a signed left shift loses or changes a bit that is unlike the sign; `x` is sign-extended from `bits`. */
function shiftOverflows(b: IrBuilder, x: Value, count: Value, bits: 32 | 64): Value {
  const unlike = b.xor(x, b.sar(x, b.i64(63)));
  const most = b.i64(bits - 1);
  const within = bits === 64 ? count : b.select(b.ltU(count, most), count, most);
  const lost = b.ne(b.shr(unlike, b.sub(most, within)), b.i64(0));
  // Beyond the width, the zeros that came in from the right are lost too: unlike a negative sign.
  return bits === 64 ? lost : b.or(lost, b.and(b.gtU(count, most), b.ltS(x, b.i64(0))));
}

/** SHIFT LEFT SINGLE: the sign stays, and is what overflow is told by. */
function shiftLeftArithmetic(i: Insn, x: Value, count: Value, bits: 32 | 64): { result: Value; lost: Value } {
  const { b } = i;
  const sign = 1n << BigInt(bits - 1);
  const shifted = b.and(b.shl(x, count), b.big(sign - 1n));
  const result = b.sext(b.or(shifted, b.and(x, b.big(sign))), bits);
  const lost = shiftOverflows(b, x, count, bits);
  const cc = b.select(b.eqz(result), b.i32(0), b.select(b.ltS(result, b.i64(0)), b.i32(1), b.i32(2)));
  i.setCcValue(b.select(lost, b.i32(3), cc));
  return { result, lost };
}

const shiftLeftSigned =
  (bits: 32 | 64, from: (i: Insn) => number): Emitter =>
  (i) => {
    const x = bits === 64 ? i.get64(from(i)) : i.get32s(from(i));
    const { result, lost } = shiftLeftArithmetic(i, x, amount(i), bits);
    (bits === 64 ? TO64 : TO32)(i, result);
    overflow(i, lost);
  };

/** Shifts of the 64 bits in the low words of a pair. */
const shiftPair =
  (op: Shift | 'sla'): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const x = b.or(b.shl(i.get64(i.f.r1), b.i64(32)), i.get32u(i.f.r1 + 1));
    const count = amount(i);
    if (op === 'sla') {
      const { result, lost } = shiftLeftArithmetic(i, x, count, 64);
      i.set32(i.f.r1, i.b.shr(result, b.i64(32)));
      i.set32(i.f.r1 + 1, result);
      return overflow(i, lost);
    }
    const result = b[op](x, count);
    if (op === 'sar') i.setCc(CC.sign, result);
    i.set32(i.f.r1, b.shr(result, b.i64(32)));
    i.set32(i.f.r1 + 1, result);
  };

/** The bits that rotate-then instructions select: from `first` to `last`, around the end where that is before. */
function selectedBits(first: number, last: number): bigint {
  const from = (1n << BigInt(64 - first)) - 1n;
  const to = ~((1n << BigInt(63 - last)) - 1n) & 0xffff_ffff_ffff_ffffn;
  return first <= last ? from & to : from | to;
}

/** RISBG and RISBGN. */
const rotateInsert =
  (setsCc: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const mask = selectedBits(i.f.i3 & 63, i.f.i4 & 63);
    const rotated = b.and(b.rotl(R2(i), b.i64(i.f.i5 & 63)), b.big(mask));
    const zero = (i.f.i4 & 0x80) !== 0;
    const result = zero ? rotated : b.or(b.and(R1(i), b.big(~mask)), rotated);
    TO64(i, result);
    if (setsCc) i.setCc(CC.sign, result);
  };

/** RISBHG and RISBLG: the same within one half; the other stays. */
const rotateInsertHalf =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const half = high ? 0xffff_ffff_0000_0000n : 0xffff_ffffn;
    const offset = high ? 0 : 32;
    const mask = selectedBits((i.f.i3 & 31) + offset, (i.f.i4 & 31) + offset) & half;
    const rotated = b.and(b.rotl(R2(i), b.i64(i.f.i5 & 63)), b.big(mask));
    const keep = (i.f.i4 & 0x80) !== 0 ? ~half : ~mask;
    TO64(i, b.or(b.and(R1(i), b.big(keep)), rotated));
  };

/** RNSBG, ROSBG, RXSBG; with the test bit the register stays. */
const rotateLogic =
  (op: 'and' | 'or' | 'xor'): Emitter =>
  (i) => {
    const { b } = i;
    const mask = selectedBits(i.f.i3 & 63, i.f.i4 & 63);
    const rotated = b.rotl(R2(i), b.i64(i.f.i5 & 63));
    const old = R1(i);
    const result = op === 'and' ? b.and(old, b.or(rotated, b.big(~mask))) : b[op](old, b.and(rotated, b.big(mask)));
    i.setCc(CC.nonZero, b.and(result, b.big(mask)));
    if ((i.f.i3 & 0x80) === 0) TO64(i, result);
  };

/** Under the mask in `m3`, else the register stays. */
const onCondition =
  (source: Source, target: Target, old: Source): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m3);
    target(i, i.b.select(taken, source(i), old(i)));
  };
/** The same where the operand lies in storage, which is not accessed unless the condition holds. */
const loadOnCondition =
  (size: 4 | 8, target: Target): Emitter =>
  (i) => {
    const { b } = i;
    const taken = i.condition(i.f.m3);
    const address = i.address2();
    b.if(taken, () => target(i, i.load(address, i.f.b2, size)));
  };
const storeOnCondition =
  (size: 4 | 8, source: Source): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m3);
    const address = i.address2();
    i.b.if(taken, () => i.store(address, i.f.b2, source(i), size));
  };

/** SELECT: m4 chooses between the second and the third operand. */
const select =
  (target: Target, from: (i: Insn, n: number) => Value): Emitter =>
  (i) => {
    const taken = i.condition(i.f.m4);
    target(i, i.b.select(taken, from(i, i.f.r2), from(i, i.f.r3)));
  };

/** POPULATION COUNT: of each byte, or with a bit of m3 (miscellaneous-instruction-extensions 3) of all. */
const populationCount: Emitter = (i) => {
  const { b } = i;
  const x = R2(i);
  if ((i.f.m3 & 8) !== 0) {
    const count = b.popcnt(x);
    i.setCc(CC.nonZero, count);
    return TO64(i, count);
  }
  const part = (v: Value, shift: number, mask: bigint): Value => b.and(b.shr(v, b.i64(shift)), b.big(mask));
  const M1 = 0x5555_5555_5555_5555n;
  const M2 = 0x3333_3333_3333_3333n;
  const M4 = 0x0f0f_0f0f_0f0f_0f0fn;
  const twos = b.add(part(x, 0, M1), part(x, 1, M1));
  const fours = b.add(part(twos, 0, M2), part(twos, 2, M2));
  const eights = b.and(b.add(fours, b.shr(fours, b.i64(4))), b.big(M4));
  i.setCc(CC.nonZero, eights);
  TO64(i, eights);
};

/** FIND LEFTMOST ONE: its number, and the operand without it. */
const findLeftmostOne: Emitter = (i) => {
  const { b } = i;
  i.evenOdd(i.f.r1);
  const x = R2(i);
  const place = b.clz(x);
  const found = b.ne(x, b.i64(0));
  const rest = b.and(x, b.not(b.shr(b.big(1n << 63n), place)));
  i.setCcValue(b.shl(found, b.i32(1)));
  i.set64(i.f.r1, place);
  i.set64(i.f.r1 + 1, b.select(found, rest, b.i64(0)));
};

const not =
  (op: Logic): Logic =>
  (b, x, y) =>
    b.not(op(b, x, y));
const withComplement =
  (op: Logic): Logic =>
  (b, x, y) =>
    op(b, x, b.not(y));

/** Loads of several registers: all bytes are probed, so that a fault changes nothing. */
const loadMultiple =
  (size: 4 | 8, set: (i: Insn, n: number, v: Value) => void): Emitter =>
  (i) => {
    const { b } = i;
    const count = ((i.f.r3 - i.f.r1) & 15) + 1;
    const address = i.address2();
    // Every value is read before a register is set: the base may be among them, and a fault leaves them all.
    const values = Array.from({ length: count }, (_, n) =>
      i.load(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, size),
    );
    for (const [n, value] of values.entries()) set(i, (i.f.r1 + n) & 15, value);
  };
const storeMultiple =
  (size: 4 | 8, get: (i: Insn, n: number) => Value): Emitter =>
  (i) => {
    const { b } = i;
    const count = ((i.f.r3 - i.f.r1) & 15) + 1;
    const address = i.address2();
    // Where the second of two pages faults, what was stored is stored again when the instruction is repeated.
    for (let n = 0; n < count; n++) {
      i.store(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, get(i, (i.f.r1 + n) & 15), size);
    }
  };

const set64 = (i: Insn, n: number, v: Value): void => i.set64(n, v);
const set32 = (i: Insn, n: number, v: Value): void => i.set32(n, v);
const setHigh = (i: Insn, n: number, v: Value): void => i.setHigh(n, v);
const get64 = (i: Insn, n: number): Value => i.get64(n);
const getHigh = (i: Insn, n: number): Value => i.getHigh(n);

/** LOAD ADDRESS: in 24- and 31-bit mode the left half of the register stays. */
const loadAddress =
  (address: Source): Emitter =>
  (i) => {
    if (i.amode === 3) i.set64(i.f.r1, address(i));
    else i.set32(i.f.r1, address(i));
  };

const r1Of = (i: Insn): number => i.f.r1;
const r3Of = (i: Insn): number => i.f.r3;
/** 31 bits of the operand. */
const low31 =
  (source: Source): Source =>
  (i) =>
    i.b.zext(source(i), 31);
const withoutRight8 =
  (source: Source): Source =>
  (i) =>
    i.b.and(source(i), i.b.i64(-256));

const arithmetic: Readonly<Record<string, Emitter>> = {
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

const multiplication: Readonly<Record<string, Emitter>> = {
  mr: multiplyPair32(true, R2_32S),
  m: multiplyPair32(true, M32S),
  mfy: multiplyPair32(true, M32S),
  mlr: multiplyPair32(false, R2_32U),
  ml: multiplyPair32(false, M32U),
  mlgr: multiplyPair64(false, R2),
  mlg: multiplyPair64(false, M64),
  mgrk: multiplyPair64(true, R3, R2),
  mg: multiplyPair64(true, M64),
  mh: multiply(R1_32S, M16S, TO32),
  mhy: multiply(R1_32S, M16S, TO32),
  mhi: multiply(R1_32S, I2, TO32),
  mghi: multiply(R1, I2, TO64),
  mgh: multiply(R1, M16S, TO64),
  msr: multiply(R1, R2, TO32),
  ms: multiply(R1, M32S, TO32),
  msy: multiply(R1, M32S, TO32),
  msfi: multiply(R1, I2, TO32),
  msgr: multiply(R1, R2, TO64),
  msgfr: multiply(R1, R2_32S, TO64),
  msg: multiply(R1, M64, TO64),
  msgf: multiply(R1, M32S, TO64),
  msgfi: multiply(R1, I2, TO64),
  msrkc: multiplyTest(32, R2_32S, R3_32S),
  msc: multiplyTest(32, R1_32S, M32S),
  msgrkc: multiplyTest(64, R2, R3),
  msgc: multiplyTest(64, R1, M64),
  dr: divide32(R2_32S),
  d: divide32(M32S),
  dsgr: divide64(R2),
  dsg: divide64(M64),
  dsgfr: divide64(R2_32S),
  dsgf: divide64(M32S),
  dlr: divideLogical32(R2_32U),
  dl: divideLogical32(M32U),
  dlgr: divideLogical64(R2),
  dlg: divideLogical64(M64),
};

const comparison: Readonly<Record<string, Emitter>> = {
  cr: compareSigned(R1_32S, R2_32S),
  c: compareSigned(R1_32S, M32S),
  cy: compareSigned(R1_32S, M32S),
  ch: compareSigned(R1_32S, M16S),
  chy: compareSigned(R1_32S, M16S),
  chi: compareSigned(R1_32S, I2),
  cfi: compareSigned(R1_32S, I2),
  crl: compareSigned(R1_32S, relative(4, true)),
  chrl: compareSigned(R1_32S, relative(2, true)),
  chf: compareSigned(R1_HIGH_S, M32S),
  chhr: compareSigned(R1_HIGH_S, R2_HIGH_S),
  chlr: compareSigned(R1_HIGH_S, R2_32S),
  cih: compareSigned(R1_HIGH_S, I2),
  cgr: compareSigned(R1, R2),
  cgfr: compareSigned(R1, R2_32S),
  cg: compareSigned(R1, M64),
  cgf: compareSigned(R1, M32S),
  cgh: compareSigned(R1, M16S),
  cghi: compareSigned(R1, I2),
  cgfi: compareSigned(R1, I2),
  cgrl: compareSigned(R1, relative(8, true)),
  cgfrl: compareSigned(R1, relative(4, true)),
  cghrl: compareSigned(R1, relative(2, true)),
  clr: compareLogical(R1_32U, R2_32U),
  cl: compareLogical(R1_32U, M32U),
  cly: compareLogical(R1_32U, M32U),
  clfi: compareLogical(R1_32U, I2_32U),
  clrl: compareLogical(R1_32U, relative(4, false)),
  clhrl: compareLogical(R1_32U, relative(2, false)),
  clhf: compareLogical(R1_HIGH_U, M32U),
  clhhr: compareLogical(R1_HIGH_U, R2_HIGH_U),
  clhlr: compareLogical(R1_HIGH_U, R2_32U),
  clih: compareLogical(R1_HIGH_U, I2_32U),
  clgr: compareLogical(R1, R2),
  clgfr: compareLogical(R1, R2_32U),
  clg: compareLogical(R1, M64),
  clgf: compareLogical(R1, M32U),
  clgfi: compareLogical(R1, I2_32U),
  clgrl: compareLogical(R1, relative(8, false)),
  clgfrl: compareLogical(R1, relative(4, false)),
  clghrl: compareLogical(R1, relative(2, false)),
  cli: compareStorage(1, false),
  cliy: compareStorage(1, false),
  chhsi: compareStorage(2, true),
  chsi: compareStorage(4, true),
  cghsi: compareStorage(8, true),
  clhhsi: compareStorage(2, false),
  clfhsi: compareStorage(4, false),
  clghsi: compareStorage(8, false),
  clm: compareUnderMask(false),
  clmy: compareUnderMask(false),
  clmh: compareUnderMask(true),
  tmll: testBits(0),
  tmlh: testBits(16),
  tmhl: testBits(32),
  tmhh: testBits(48),
  tm: testStorage,
  tmy: testStorage,
  ltr: loadAndTest(R2_32S, TO32),
  ltgr: loadAndTest(R2, TO64),
  ltgfr: loadAndTest(R2_32S, TO64),
  lt: loadAndTest(M32S, TO32),
  ltg: loadAndTest(M64, TO64),
  ltgf: loadAndTest(M32S, TO64),
};

const logicInstructions: Readonly<Record<string, Emitter>> = {
  nr: and32(R2_32U),
  n: and32(M32U),
  ny: and32(M32U),
  nrk: and32(R3_32U, R2_32U),
  or: or32(R2_32U),
  o: or32(M32U),
  oy: or32(M32U),
  ork: or32(R3_32U, R2_32U),
  xr: xor32(R2_32U),
  x: xor32(M32U),
  xy: xor32(M32U),
  xrk: xor32(R3_32U, R2_32U),
  ngr: and64(R2),
  ng: and64(M64),
  ngrk: and64(R3, R2),
  ogr: or64(R2),
  og: or64(M64),
  ogrk: or64(R3, R2),
  xgr: xor64(R2),
  xg: xor64(M64),
  xgrk: xor64(R3, R2),
  ncrk: logic32(withComplement(AND))(R3_32U, R2_32U),
  ncgrk: logic64(withComplement(AND))(R3, R2),
  ocrk: logic32(withComplement(OR))(R3_32U, R2_32U),
  ocgrk: logic64(withComplement(OR))(R3, R2),
  nnrk: logic32(not(AND))(R3_32U, R2_32U),
  nngrk: logic64(not(AND))(R3, R2),
  nork: logic32(not(OR))(R3_32U, R2_32U),
  nogrk: logic64(not(OR))(R3, R2),
  nxrk: logic32(not(XOR))(R3_32U, R2_32U),
  nxgrk: logic64(not(XOR))(R3, R2),
  ni: storageLogic('and'),
  niy: storageLogic('and'),
  oi: storageLogic('or'),
  oiy: storageLogic('or'),
  xi: storageLogic('xor'),
  xiy: storageLogic('xor'),
  nihh: immediateLogic('and', 48, 16),
  nihl: immediateLogic('and', 32, 16),
  nilh: immediateLogic('and', 16, 16),
  nill: immediateLogic('and', 0, 16),
  oihh: immediateLogic('or', 48, 16),
  oihl: immediateLogic('or', 32, 16),
  oilh: immediateLogic('or', 16, 16),
  oill: immediateLogic('or', 0, 16),
  iihh: immediateLogic('insert', 48, 16),
  iihl: immediateLogic('insert', 32, 16),
  iilh: immediateLogic('insert', 16, 16),
  iill: immediateLogic('insert', 0, 16),
  llihh: immediateLogic('load', 48, 16),
  llihl: immediateLogic('load', 32, 16),
  llilh: immediateLogic('load', 16, 16),
  llill: immediateLogic('load', 0, 16),
  nihf: immediateLogic('and', 32, 32),
  nilf: immediateLogic('and', 0, 32),
  oihf: immediateLogic('or', 32, 32),
  oilf: immediateLogic('or', 0, 32),
  xihf: immediateLogic('xor', 32, 32),
  xilf: immediateLogic('xor', 0, 32),
  iihf: immediateLogic('insert', 32, 32),
  iilf: immediateLogic('insert', 0, 32),
  llihf: immediateLogic('load', 32, 32),
  llilf: immediateLogic('load', 0, 32),
  popcnt: populationCount,
  flogr: findLeftmostOne,
};

const moves: Readonly<Record<string, Emitter>> = {
  lr: move(R2, TO32),
  lgr: move(R2, TO64),
  lgfr: move(R2_32S, TO64),
  llgfr: move(R2_32U, TO64),
  llgtr: move(low31(R2), TO64),
  lbr: move((i) => i.b.sext(R2(i), 8), TO32),
  lhr: move((i) => i.b.sext(R2(i), 16), TO32),
  lgbr: move((i) => i.b.sext(R2(i), 8), TO64),
  lghr: move((i) => i.b.sext(R2(i), 16), TO64),
  llcr: move((i) => i.b.zext(R2(i), 8), TO32),
  llhr: move((i) => i.b.zext(R2(i), 16), TO32),
  llgcr: move((i) => i.b.zext(R2(i), 8), TO64),
  llghr: move((i) => i.b.zext(R2(i), 16), TO64),
  lhi: move(I2, TO32),
  lghi: move(I2, TO64),
  lgfi: move(I2, TO64),
  l: move(M32U, TO32),
  ly: move(M32U, TO32),
  lg: move(M64, TO64),
  lgf: move(M32S, TO64),
  llgf: move(M32U, TO64),
  llgt: move(low31(M32U), TO64),
  lh: move(M16S, TO32),
  lhy: move(M16S, TO32),
  lgh: move(M16S, TO64),
  llh: move(M16U, TO32),
  llgh: move(M16U, TO64),
  lb: move(M8S, TO32),
  lgb: move(M8S, TO64),
  llc: move(M8U, TO32),
  llgc: move(M8U, TO64),
  lzrf: move(withoutRight8(M32U), TO32),
  lzrg: move(withoutRight8(M64), TO64),
  llzrgf: move(withoutRight8(M32U), TO64),
  lbh: move(M8S, TO_HIGH),
  llch: move(M8U, TO_HIGH),
  lhh: move(M16S, TO_HIGH),
  llhh: move(M16U, TO_HIGH),
  lfh: move(M32U, TO_HIGH),
  lrl: move(relative(4, false), TO32),
  lgrl: move(relative(8, false), TO64),
  lgfrl: move(relative(4, true), TO64),
  llgfrl: move(relative(4, false), TO64),
  lhrl: move(relative(2, true), TO32),
  lghrl: move(relative(2, true), TO64),
  llhrl: move(relative(2, false), TO32),
  llghrl: move(relative(2, false), TO64),
  ic: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 8, M8U(i))),
  icy: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 8, M8U(i))),
  icm: insertUnderMask(false),
  icmy: insertUnderMask(false),
  icmh: insertUnderMask(true),
  stcm: storeUnderMask(false),
  stcmy: storeUnderMask(false),
  stcmh: storeUnderMask(true),
  la: loadAddress((i) => i.address2()),
  lay: loadAddress((i) => i.address2()),
  larl: loadAddress((i) => i.relativeAddress()),
  st: store(4),
  sty: store(4),
  stg: store(8),
  sth: store(2),
  sthy: store(2),
  stc: store(1),
  stcy: store(1),
  stch: store(1, R1_HIGH_U),
  sthh: store(2, R1_HIGH_U),
  stfh: store(4, R1_HIGH_U),
  strl: storeRelative(4),
  stgrl: storeRelative(8),
  sthrl: storeRelative(2),
  mvi: storeImmediate(1),
  mviy: storeImmediate(1),
  mvhhi: storeImmediate(2),
  mvhi: storeImmediate(4),
  mvghi: storeImmediate(8),
  lrvr: (i) => i.set32(i.f.r1, i.b.shr(i.b.bswap(R2(i)), i.b.i64(32))),
  lrvgr: move((i) => i.b.bswap(R2(i)), TO64),
  lrv: move(reversed(4), TO32),
  lrvg: move(reversed(8), TO64),
  lrvh: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 16, reversed(2)(i))),
  strv: storeReversed(4),
  strvg: storeReversed(8),
  strvh: storeReversed(2),
  lm: loadMultiple(4, set32),
  lmy: loadMultiple(4, set32),
  lmg: loadMultiple(8, set64),
  lmh: loadMultiple(4, setHigh),
  stm: storeMultiple(4, get64),
  stmy: storeMultiple(4, get64),
  stmg: storeMultiple(8, get64),
  stmh: storeMultiple(4, getHigh),
  locr: onCondition(R2, TO32, R1),
  locgr: onCondition(R2, TO64, R1),
  locfhr: onCondition(R2_HIGH_U, TO_HIGH, R1_HIGH_U),
  lochi: onCondition(I2, TO32, R1),
  locghi: onCondition(I2, TO64, R1),
  lochhi: onCondition(I2, TO_HIGH, R1_HIGH_U),
  loc: loadOnCondition(4, TO32),
  locg: loadOnCondition(8, TO64),
  locfh: loadOnCondition(4, TO_HIGH),
  stoc: storeOnCondition(4, R1),
  stocg: storeOnCondition(8, R1),
  stocfh: storeOnCondition(4, R1_HIGH_U),
  selr: select(TO32, (i, n) => i.get64(n)),
  selgr: select(TO64, (i, n) => i.get64(n)),
  selfhr: select(TO_HIGH, (i, n) => i.getHigh(n)),
  laa: loadAnd('add', 4),
  laag: loadAnd('add', 8),
  laal: loadAnd('add', 4, true),
  laalg: loadAnd('add', 8, true),
  lan: loadAnd('and', 4),
  lang: loadAnd('and', 8),
  lao: loadAnd('or', 4),
  laog: loadAnd('or', 8),
  lax: loadAnd('xor', 4),
  laxg: loadAnd('xor', 8),
};

const shifts: Readonly<Record<string, Emitter>> = {
  sll: shift32('shl', r1Of),
  srl: shift32('shr', r1Of),
  sra: shift32('sar', r1Of),
  sla: shiftLeftSigned(32, r1Of),
  sllk: shift32('shl', r3Of),
  srlk: shift32('shr', r3Of),
  srak: shift32('sar', r3Of),
  slak: shiftLeftSigned(32, r3Of),
  sllg: shift64('shl'),
  srlg: shift64('shr'),
  srag: shift64('sar'),
  slag: shiftLeftSigned(64, r3Of),
  sldl: shiftPair('shl'),
  srdl: shiftPair('shr'),
  srda: shiftPair('sar'),
  slda: shiftPair('sla'),
  rll: (i) => i.set32(i.f.r1, i.b.extend32U(i.b.rotl(i.get32(i.f.r3), i.b.wrap(amount(i))))),
  rllg: (i) => i.set64(i.f.r1, i.b.rotl(R3(i), amount(i))),
  risbg: rotateInsert(true),
  risbgn: rotateInsert(false),
  risbhg: rotateInsertHalf(true),
  risblg: rotateInsertHalf(false),
  rnsbg: rotateLogic('and'),
  rosbg: rotateLogic('or'),
  rxsbg: rotateLogic('xor'),
};

export const generalSemantics: Readonly<Record<string, Emitter>> = {
  ...arithmetic,
  ...multiplication,
  ...comparison,
  ...logicInstructions,
  ...moves,
  ...shifts,
};
