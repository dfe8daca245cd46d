/**
 * Semantics of multiplication and division of binary integers. Principles of Operation, SA22-7832, chapter "General Instructions".
 */
import type { Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  I2,
  M16S,
  M32S,
  M32U,
  M64,
  overflow,
  overflow32,
  R1,
  R1_32S,
  R2,
  R2_32S,
  R2_32U,
  R3,
  R3_32S,
  type Source,
  signCode,
  type Target,
  TO32,
  TO64,
} from '../operands.ts';

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
      i.setCcValue(b.select(b.ne(b.sext(exact, 32), exact), b.i32(3), signCode(b, exact)));
      TO32(i, exact);
      return overflow32(i, exact);
    }
    const { low, high } = b.mulWide(x, y, true);
    const isOverflow = b.ne(high, b.sar(low, b.i64(63)));
    const sign = signCode(b, low);
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
    i.setPair32(i.f.r1, product);
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

/** Quotient and remainder of signed numbers; a divide exception where there is no quotient. */
function divideSigned(
  i: Insn,
  dividend: Value,
  divisor: Value,
): { readonly quotient: Value; readonly remainder: Value } {
  const { b } = i;
  i.raiseIf(b.eqz(divisor), PGM.fixedDivide);
  const smallest = b.eq(dividend, b.big(1n << 63n));
  i.raiseIf(b.and(smallest, b.eq(divisor, b.i64(-1))), PGM.fixedDivide);
  return { quotient: b.divS(dividend, divisor), remainder: b.remS(dividend, divisor) };
}

/** Division of a 64-bit signed dividend in the low words of a pair by a word. */
const divide32 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const dividend = i.getPair32(i.f.r1);
    const { quotient, remainder } = divideSigned(i, dividend, second(i));
    i.raiseIf(b.ne(b.sext(quotient, 32), quotient), PGM.fixedDivide);
    i.set32(i.f.r1, remainder);
    i.set32(i.f.r1 + 1, quotient);
  };

/** DSG: a 64-bit dividend in the odd register. */
const divide64 =
  (second: Source): Emitter =>
  (i) => {
    i.evenOdd(i.f.r1);
    const { quotient, remainder } = divideSigned(i, i.get64(i.f.r1 + 1), second(i));
    i.set64(i.f.r1, remainder);
    i.set64(i.f.r1 + 1, quotient);
  };

/** DL: a 64-bit unsigned dividend in the low words of a pair. */
const divideLogical32 =
  (second: Source): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const dividend = i.getPair32(i.f.r1);
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

export const multiplication: Readonly<Record<string, Emitter>> = {
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
