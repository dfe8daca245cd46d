/** Semantics of M. RISC-V Unprivileged ISA, chapter "M", with its table of division by zero and overflow. */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { computeFromRegisters, type Emitter } from './emitter.ts';

type Operation = (b: IrBuilder, x: Value, y: Value) => Value;

function constant(b: IrBuilder, like: Value, n: number): Value {
  return like.ty === 'i32' ? b.i32(n) : b.i64(n);
}

/** High half of signed times unsigned. */
const mulHighSU: Operation = (b, x, y) => b.sub(b.mulHighU(x, y), b.and(b.sar(x, b.i64(63)), y));

/** True for the divisors 0 and -1, which the host's division must not see. */
function isSpecial(b: IrBuilder, divisor: Value): Value {
  const one = constant(b, divisor, 1);
  return b.leU(b.add(divisor, one), one);
}

/** By zero: -1. By -1: the negation, which for the most negative number is that number, as the manual asks. */
const divideSigned: Operation = (b, x, y) => {
  const special = isSpecial(b, y);
  const quotient = b.divS(x, b.select(special, constant(b, y, 1), y));
  return b.select(special, b.select(b.eqz(y), constant(b, x, -1), b.neg(x)), quotient);
};

/** By zero: the dividend. By -1: 0, as by the 1 that stands in. */
const remainderSigned: Operation = (b, x, y) => {
  const remainder = b.remS(x, b.select(isSpecial(b, y), constant(b, y, 1), y));
  return b.select(b.eqz(y), x, remainder);
};

/** By zero: all ones. */
const divideUnsigned: Operation = (b, x, y) => {
  const isZero = b.eqz(y);
  return b.select(isZero, constant(b, x, -1), b.divU(x, b.select(isZero, constant(b, y, 1), y)));
};

/** By zero: the dividend. */
const remainderUnsigned: Operation = (b, x, y) => {
  const isZero = b.eqz(y);
  return b.select(isZero, x, b.remU(x, b.select(isZero, constant(b, y, 1), y)));
};

/** On the low 32 bits; the result is sign-extended. */
function onWords(operation: Operation): Emitter {
  return computeFromRegisters((b, x, y) => b.extend32S(operation(b, b.wrap(x), b.wrap(y))));
}

export const multiplySemantics: Readonly<Record<string, Emitter>> = {
  mul: computeFromRegisters((b, x, y) => b.mul(x, y)),
  mulh: computeFromRegisters((b, x, y) => b.mulHighS(x, y)),
  mulhsu: computeFromRegisters(mulHighSU),
  mulhu: computeFromRegisters((b, x, y) => b.mulHighU(x, y)),
  div: computeFromRegisters(divideSigned),
  divu: computeFromRegisters(divideUnsigned),
  rem: computeFromRegisters(remainderSigned),
  remu: computeFromRegisters(remainderUnsigned),

  mulw: computeFromRegisters((b, x, y) => b.sext(b.mul(x, y), 32)),
  divw: onWords(divideSigned),
  divuw: onWords(divideUnsigned),
  remw: onWords(remainderSigned),
  remuw: onWords(remainderUnsigned),
};
