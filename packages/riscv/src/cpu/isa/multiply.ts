/** Semantics of M. RISC-V Unprivileged ISA, chapter "M", with its table of division by zero and overflow. */
import { defineHelper, type IrBuilder, type Value } from '@boardwalk/translator';
import { computeFromRegisters, type Emitter, readX, writeX } from './emitter.ts';

type Operation = (b: IrBuilder, x: Value, y: Value) => Value;

/** The high half of a product takes some twenty operations: a helper, so that the interpreter makes one call. */
function highProduct(name: string, multiply: Operation): Emitter {
  const helper = defineHelper(`riscv.${name}`, ['i64', 'i64'], 'i64', multiply);
  return computeFromRegisters((b, x, y) => b.call(helper, x, y));
}

/** High half of signed times unsigned. */
const mulHighSU: Operation = (b, x, y) => b.sub(b.mulHighU(x, y), b.and(b.sar(x, b.i64(63)), y));

/** A division: which divisors the host's must not see, what they give, and the host's for all others. */
interface Division {
  readonly isSpecial: (b: IrBuilder, divisor: Value) => Value;
  readonly special: Operation;
  readonly ordinary: Operation;
}

function constant(b: IrBuilder, like: Value, n: number): Value {
  return like.ty === 'i32' ? b.i32(n) : b.i64(n);
}

const isZero = (b: IrBuilder, divisor: Value): Value => b.eqz(divisor);

/** 0, and -1 for the sake of the most negative number, whose quotient overflows. */
function isZeroOrMinusOne(b: IrBuilder, divisor: Value): Value {
  const one = constant(b, divisor, 1);
  return b.leU(b.add(divisor, one), one);
}

const DIVISIONS = {
  div: {
    isSpecial: isZeroOrMinusOne,
    special: (b, x, y) => b.select(b.eqz(y), constant(b, x, -1), b.neg(x)),
    ordinary: (b, x, y) => b.divS(x, y),
  },
  rem: {
    isSpecial: isZeroOrMinusOne,
    special: (b, x, y) => b.select(b.eqz(y), x, constant(b, x, 0)),
    ordinary: (b, x, y) => b.remS(x, y),
  },
  divu: { isSpecial: isZero, special: (b, x) => constant(b, x, -1), ordinary: (b, x, y) => b.divU(x, y) },
  remu: { isSpecial: isZero, special: (_, x) => x, ordinary: (b, x, y) => b.remU(x, y) },
} as const satisfies Record<string, Division>;

/** On 64 bits, or on the low 32 with a result that is sign-extended. */
function divide({ isSpecial, special, ordinary }: Division, bits: 32 | 64): Emitter {
  return (b, f) => {
    if (f.rd === 0) return;
    const read = (n: number): Value => (bits === 32 ? b.wrap(readX(b, n)) : readX(b, n));
    const [x, y] = [read(f.rs1), read(f.rs2)];
    const write = (v: Value): void => writeX(b, f.rd, bits === 32 ? b.extend32S(v) : v);
    b.if(
      isSpecial(b, y),
      () => write(special(b, x, y)),
      () => write(ordinary(b, x, y)),
    );
  };
}

export const multiplySemantics: Readonly<Record<string, Emitter>> = {
  mul: computeFromRegisters((b, x, y) => b.mul(x, y)),
  mulh: highProduct('mulh', (b, x, y) => b.mulHighS(x, y)),
  mulhsu: highProduct('mulhsu', mulHighSU),
  mulhu: highProduct('mulhu', (b, x, y) => b.mulHighU(x, y)),
  div: divide(DIVISIONS.div, 64),
  divu: divide(DIVISIONS.divu, 64),
  rem: divide(DIVISIONS.rem, 64),
  remu: divide(DIVISIONS.remu, 64),

  mulw: computeFromRegisters((b, x, y) => b.sext(b.mul(x, y), 32)),
  divw: divide(DIVISIONS.div, 32),
  divuw: divide(DIVISIONS.divu, 32),
  remw: divide(DIVISIONS.rem, 32),
  remuw: divide(DIVISIONS.remu, 32),
};
