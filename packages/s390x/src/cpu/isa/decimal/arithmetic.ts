/** Semantics of arithmetic on packed decimal numbers. Principles of Operation, SA22-7832, chapter "Decimal Instructions". */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { DXC, PGM, PSW } from '../../bits.ts';
import { LOAD, raiseFrom, STORE, times } from '../../memory.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  addDigits,
  addNumbers,
  codeOf,
  type Digits,
  digitsIn,
  digitsLocal,
  getDigits,
  isLess,
  isOther,
  isZero,
  keepDigits,
  lengths,
  loadFirst,
  loadSecond,
  type Operands,
  OVERFLOW,
  operandsOf,
  opposite,
  overTen,
  type Packed,
  storeNumber,
  subtractDigits,
  timesTen,
  zero,
} from './packed.ts';

/**
 * Stores a result over the first operand, as much as there is room for, and gives the condition code. `lostBefore`: digits were
 * lost already.
 */
function finish({ b, first, l1, mmu1 }: Operands, result: Packed, lostBefore?: Value): Value {
  b.call(keepDigits, result.high, result.low, digitsIn(b, l1));
  const kept = getDigits(b);
  const lostNow = isOther(b, kept, result);
  const lost = lostBefore === undefined ? lostNow : b.or(lostNow, lostBefore);
  // Zero is positive, unless it is what is left of something else.
  const negative = b.select(b.and(isZero(b, kept), b.eqz(lost)), b.i64(0), result.negative);
  storeNumber(b, first, l1, mmu1, { ...kept, negative });
  return b.select(lost, b.i32(OVERFLOW), codeOf(b, { ...kept, negative }));
}

/** A helper of (first, second, lengths and spaces) -> condition code. */
const withCode = (name: string, access: number, body: (o: Operands, none: Value) => Value) =>
  defineHelper(name, ['i64', 'i64', 'i32'], 'i32', (b, first, second, packed) => {
    const none = b.i32(0);
    return body(operandsOf(b, first, second, packed, none, access), none);
  });

const addPacked = withCode('s390_ap', STORE, (o, none) => {
  const [y, x] = [loadSecond(o, none), loadFirst(o, none)];
  return finish(o, addNumbers(o.b, x, y));
});

const subtractPacked = withCode('s390_sp', STORE, (o, none) => {
  const [y, x] = [loadSecond(o, none), loadFirst(o, none)];
  return finish(o, addNumbers(o.b, x, opposite(o.b, y)));
});

const zeroAndAdd = withCode('s390_zap', STORE, (o, none) => finish(o, loadSecond(o, none)));

const comparePacked = withCode('s390_cp', LOAD, (o, none) => {
  const { b } = o;
  const [y, x] = [loadSecond(o, none), loadFirst(o, none)];
  return codeOf(b, addNumbers(b, x, opposite(b, y)));
});

/** (first, second, lengths and spaces): the operand has as many zero bytes on the left as the multiplier has bytes. */
const multiplyPacked = defineHelper('s390_mp', ['i64', 'i64', 'i32'], undefined, (b, first, second, packed) => {
  const o = operandsOf(b, first, second, packed, undefined);
  const [y, x] = [loadSecond(o), loadFirst(o)];
  b.call(keepDigits, x.high, x.low, digitsIn(b, b.sub(b.sub(o.l1, o.l2), b.i32(1))));
  const kept = getDigits(b);
  b.if(isOther(b, kept, x), () => raiseFrom(b, b.i32(PGM.data), b.i64(DXC.decimal)));
  const product = digitsLocal(b, zero(b));
  times(b, b.i32(16), (n) => {
    product.set(timesTen(b, product.get()));
    const place = b.extend32U(b.shl(b.sub(b.i32(15), n), b.i32(2)));
    const digit = b.wrap(b.and(b.shr(y.low, place), b.i64(15)));
    times(b, digit, () => product.set(addDigits(b, product.get(), x)));
  });
  storeNumber(b, first, o.l1, o.mmu1, { ...product.get(), negative: b.xor(x.negative, y.negative) });
});

/** Quotient and remainder, digit by digit. */
function divide(b: IrBuilder, dividend: Digits, divisor: Digits): { quotient: Digits; remainder: Digits } {
  const rest = digitsLocal(b, zero(b));
  const left = digitsLocal(b, dividend);
  const quotient = digitsLocal(b, zero(b));
  times(b, b.i32(32), () => {
    const from = left.get();
    const shifted = timesTen(b, rest.get());
    rest.set({ high: shifted.high, low: b.or(shifted.low, b.shr(from.high, b.i64(60))) });
    left.set(timesTen(b, from));
    const digit = b.local('i64', b.i64(0));
    b.loop((breakIf) => {
      breakIf(isLess(b, rest.get(), divisor));
      rest.set(subtractDigits(b, rest.get(), divisor));
      b.setLocal(digit, b.add(b.getLocal(digit), b.i64(1)));
    });
    const next = timesTen(b, quotient.get());
    quotient.set({ high: next.high, low: b.or(next.low, b.getLocal(digit)) });
  });
  return { quotient: quotient.get(), remainder: rest.get() };
}

/** (first, second, lengths and spaces): the quotient over the left of the dividend, the remainder over the right. */
const dividePacked = defineHelper('s390_dp', ['i64', 'i64', 'i32'], undefined, (b, first, second, packed) => {
  const o = operandsOf(b, first, second, packed, undefined);
  const [y, x] = [loadSecond(o), loadFirst(o)];
  const refuse = (): void => raiseFrom(b, b.i32(PGM.decimalDivide), b.i64(0));
  b.if(isZero(b, y), refuse);
  const { quotient, remainder } = divide(b, x, y);
  const left = b.sub(b.sub(o.l1, o.l2), b.i32(1));
  b.call(keepDigits, quotient.high, quotient.low, digitsIn(b, left));
  const kept = getDigits(b);
  b.if(isOther(b, kept, quotient), refuse);
  storeNumber(b, first, left, o.mmu1, { ...quotient, negative: b.xor(x.negative, y.negative) });
  const right = b.add(first, b.extend32U(b.add(left, b.i32(1))));
  storeNumber(b, right, o.l2, o.mmu1, { ...remainder, negative: x.negative });
});

/** (first, shift: 6 bits, signed, lengths and spaces, rounding digit) -> condition code. */
const shiftAndRound = defineHelper(
  's390_srp',
  ['i64', 'i64', 'i32', 'i64'],
  'i32',
  (b, first, shift, packed, digit) => {
    const none = b.i32(0);
    const o = operandsOf(b, first, first, packed, none);
    const x = loadFirst(o, none);
    b.if(b.gtU(digit, b.i64(9)), () => raiseFrom(b, b.i32(PGM.data), b.i64(DXC.decimal), none));
    const distance = b.wrap(b.sar(b.shl(shift, b.i64(58)), b.i64(58)));
    const result = digitsLocal(b, x);
    const lost = b.local('i32', none);
    b.if(
      b.geS(distance, none),
      () =>
        times(b, distance, () => {
          const from = result.get();
          // A digit that leaves the field is lost.
          b.call(keepDigits, from.high, from.low, b.sub(digitsIn(b, o.l1), b.i64(1)));
          const kept = getDigits(b);
          b.setLocal(lost, b.or(b.getLocal(lost), isOther(b, kept, from)));
          result.set(timesTen(b, kept));
        }),
      () => {
        times(b, b.not(distance), () => result.set(overTen(b, result.get())));
        const from = result.get();
        const carry = b.extend32U(b.gtU(b.add(b.and(from.low, b.i64(15)), digit), b.i64(9)));
        result.set(addDigits(b, overTen(b, from), { high: b.i64(0), low: carry }));
      },
    );
    return finish(o, { ...result.get(), negative: x.negative }, b.getLocal(lost));
  },
);

/** Takes a condition code, and raises where digits were lost and the program mask asks for it. */
function take(i: Insn, cc: Value): void {
  const { b } = i;
  i.setCcValue(cc);
  i.raiseIf(b.and(b.eq(cc, b.i32(OVERFLOW)), i.psw(PSW.DECIMAL_OVERFLOW)), PGM.decimalOverflow);
}

const twoOperands =
  (helper: IrHelper): Emitter =>
  (i) =>
    take(i, i.call(helper, i.address1(), i.address2(), lengths(i)));

/** MP and DP: the second operand has at most 8 bytes, and fewer than the first. */
const uneven =
  (helper: IrHelper): Emitter =>
  (i) => {
    if (i.f.l2 > 7 || i.f.l2 >= i.f.l1) i.refuse(PGM.specification);
    i.call(helper, i.address1(), i.address2(), lengths(i));
  };

const shiftAndRoundPacked: Emitter = (i) => {
  const { b } = i;
  const spaces = b.or(b.i32((i.f.l1 << 8) | (i.f.l1 << 16)), b.mul(i.space(i.f.b1), b.i32(0x11)));
  take(i, i.call(shiftAndRound, i.address1(), i.address(i.f.b2, i.f.d2), spaces, b.i64(i.f.i3)));
};

export const decimalArithmetic: Readonly<Record<string, Emitter>> = {
  ap: twoOperands(addPacked),
  sp: twoOperands(subtractPacked),
  zap: twoOperands(zeroAndAdd),
  cp: (i) => i.setCcValue(i.call(comparePacked, i.address1(), i.address2(), lengths(i))),
  mp: uneven(multiplyPacked),
  dp: uneven(dividePacked),
  srp: shiftAndRoundPacked,
};
