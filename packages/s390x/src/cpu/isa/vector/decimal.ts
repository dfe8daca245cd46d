/**
 * Packed decimal numbers in vectors: 31 digits and a sign. SA22-7832, chapter "Vector Decimal Instructions". Digits are computed with as
 * in storage (decimal/packed.ts), 32 in two i64; results leave helpers in `block`.
 */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { DXC, PGM, PSW } from '../../bits.ts';
import { raiseFrom, times } from '../../memory.ts';
import {
  addDigits,
  addNumbers,
  codeOf,
  type Digits,
  digitsLocal,
  getDigits,
  isLess,
  isOther,
  isZero,
  keepDigits,
  MINUS,
  noDigits,
  OVERFLOW,
  opposite,
  overTen,
  type Packed,
  PLUS,
  setDigits,
  subtractDigits,
  timesTen,
  zero,
} from '../decimal/packed.ts';
import type { Emitter, Insn } from '../insn.ts';
import { get, halves, join, set, vector } from './lanes.ts';

/** Bits of the last mask field: an operand or the result is positive whatever its sign; the condition code is set. */
const FORCE_SECOND = 8;
const FORCE_THIRD = 4;
const FORCE_RESULT = 2;
const CONDITION = 1;
/** Sign of a result that is forced to be positive. */
const FORCED_SIGN = 15;
/** The most digits of a number. */
const DIGITS = 31;

/** Control word of helpers: the mask field in bits 3:0, a count of digits in bits 15:8. */
const flag = (b: IrBuilder, control: Value, bit: number): Value => b.and(control, b.i32(bit));
const countOf = (b: IrBuilder, control: Value): Value => b.and(b.shr(control, b.i32(8)), b.i32(0xff));

const isInvalidSign = (b: IrBuilder, sign: Value): Value => b.ltU(sign, b.i64(10));
const isMinus = (b: IrBuilder, sign: Value): Value => b.or(b.eq(sign, b.i64(MINUS)), b.eq(sign, b.i64(11)));
const badDigits = (b: IrBuilder, { high, low }: Digits): Value =>
  b.ne(b.or(noDigits(b, high), noDigits(b, low)), b.i64(0));

/** The number of a register's halves; raises where a digit or a sign that counts is none. */
function numberOf(b: IrBuilder, left: Value, right: Value, forced: Value): Packed {
  const sign = b.and(right, b.i64(15));
  const digits = overTen(b, { high: left, low: right });
  const ignored = b.ne(forced, b.i32(0));
  const badSign = b.and(isInvalidSign(b, sign), b.eqz(ignored));
  b.if(b.or(badDigits(b, digits), badSign), () => raiseFrom(b, b.i32(PGM.data), b.i64(DXC.decimal), b.i32(0)));
  return { ...digits, negative: b.extend32U(b.and(isMinus(b, sign), b.eqz(ignored))) };
}

/** Leaves digits and a sign as the halves of a register. */
function leave(b: IrBuilder, digits: Digits, sign: Value): void {
  const { high, low } = timesTen(b, digits);
  setDigits(b, { high, low: b.or(low, sign) });
}

/** Leaves as many digits of a result as there is room for, and gives the condition code. */
function finish(b: IrBuilder, result: Packed, count: Value, control: Value, lostBefore: Value): Value {
  b.call(keepDigits, result.high, result.low, b.extend32U(count));
  const kept = getDigits(b);
  const lost = b.or(isOther(b, kept, result), lostBefore);
  const forced = b.ne(flag(b, control, FORCE_RESULT), b.i32(0));
  // Zero is positive.
  const negative = b.and(b.wrap(result.negative), b.eqz(b.or(forced, isZero(b, kept))));
  const sign = b.select(negative, b.i64(MINUS), b.select(forced, b.i64(FORCED_SIGN), b.i64(PLUS)));
  const code = b.local('i32', b.select(isZero(b, kept), b.i32(0), b.select(negative, b.i32(1), b.i32(2))));
  leave(b, kept, sign);
  return b.select(lost, b.i32(OVERFLOW), b.getLocal(code));
}

interface Operation {
  readonly b: IrBuilder;
  readonly x: Packed;
  readonly y: Packed;
  readonly control: Value;
  readonly none: Value;
}

/** A helper of (halves of the second, halves of the third operand, control) -> condition code. */
const arithmetic = (name: string, body: (o: Operation) => Value): IrHelper =>
  defineHelper(name, ['i64', 'i64', 'i64', 'i64', 'i32'], 'i32', (b, xl, xr, yl, yr, control) => {
    const x = numberOf(b, xl, xr, flag(b, control, FORCE_SECOND));
    const y = numberOf(b, yl, yr, flag(b, control, FORCE_THIRD));
    return body({ b, x, y, control, none: b.i32(0) });
  });

const add = arithmetic('s390_vap', ({ b, x, y, control, none }) =>
  finish(b, addNumbers(b, x, y), countOf(b, control), control, none),
);
const subtract = arithmetic('s390_vsp', ({ b, x, y, control, none }) =>
  finish(b, addNumbers(b, x, opposite(b, y)), countOf(b, control), control, none),
);
const compare = arithmetic('s390_vcp', ({ b, x, y }) => codeOf(b, addNumbers(b, x, opposite(b, y))));

/** The product of numbers, 62 digits: the left 32 of 64, the right 32. */
function product(b: IrBuilder, x: Digits, y: Digits): { readonly left: Digits; readonly right: Digits } {
  const [left, right, rest] = [zero(b), zero(b), y].map((digits) => digitsLocal(b, digits)) as [
    ReturnType<typeof digitsLocal>,
    ReturnType<typeof digitsLocal>,
    ReturnType<typeof digitsLocal>,
  ];
  times(b, b.i32(32), () => {
    const next = b.local('i64', b.shr(rest.get().high, b.i64(60)));
    rest.set(timesTen(b, rest.get()));
    const carried = b.shr(right.get().high, b.i64(60));
    const shifted = timesTen(b, left.get());
    left.set({ high: shifted.high, low: b.or(shifted.low, carried) });
    right.set(timesTen(b, right.get()));
    times(b, b.wrap(b.getLocal(next)), () => {
      right.set(addDigits(b, right.get(), x));
      const carry = getDigits(b).high;
      left.set(addDigits(b, left.get(), { high: b.i64(0), low: carry }));
    });
  });
  return { left: left.get(), right: right.get() };
}

const signOf = (b: IrBuilder, x: Packed, y: Packed): Value => b.xor(x.negative, y.negative);

const multiply = arithmetic('s390_vmp', ({ b, x, y, control }) => {
  const { left, right } = product(b, x, y);
  const lost = b.eqz(isZero(b, left));
  return finish(b, { ...right, negative: signOf(b, x, y) }, countOf(b, control), control, lost);
});

/** MULTIPLY AND SHIFT: the product without as many digits on its right. */
const multiplyShift = arithmetic('s390_vmsp', ({ b, x, y, control }) => {
  const { left, right } = product(b, x, y);
  const [l, r] = [digitsLocal(b, left), digitsLocal(b, right)];
  times(b, countOf(b, control), () => {
    const { high, low } = overTen(b, r.get());
    r.set({ high: b.or(high, b.shl(l.get().low, b.i64(60))), low });
    l.set(overTen(b, l.get()));
  });
  const lost = b.eqz(isZero(b, l.get()));
  return finish(b, { ...r.get(), negative: signOf(b, x, y) }, b.i32(DIGITS), control, lost);
});

/** Quotient and remainder of a number with `zeros` more digits, digit by digit; `lost`: the quotient has more than 32. */
function divide(b: IrBuilder, x: Digits, y: Digits, zeros: Value) {
  const [rest, left, quotient] = [digitsLocal(b, zero(b)), digitsLocal(b, x), digitsLocal(b, zero(b))];
  const lost = b.local('i32', b.i32(0));
  times(b, b.add(b.i32(32), zeros), () => {
    const from = left.get();
    const shifted = timesTen(b, rest.get());
    rest.set({ high: shifted.high, low: b.or(shifted.low, b.shr(from.high, b.i64(60))) });
    left.set(timesTen(b, from));
    const digit = b.local('i64', b.i64(0));
    b.loop((breakIf) => {
      breakIf(isLess(b, rest.get(), y));
      rest.set(subtractDigits(b, rest.get(), y));
      b.setLocal(digit, b.add(b.getLocal(digit), b.i64(1)));
    });
    b.setLocal(lost, b.or(b.getLocal(lost), b.ne(b.shr(quotient.get().high, b.i64(60)), b.i64(0))));
    const next = timesTen(b, quotient.get());
    quotient.set({ high: next.high, low: b.or(next.low, b.getLocal(digit)) });
  });
  return { quotient: quotient.get(), remainder: rest.get(), lost: b.getLocal(lost) };
}

const refuseZero = ({ b, y, none }: Operation): void =>
  b.if(isZero(b, y), () => raiseFrom(b, b.i32(PGM.decimalDivide), b.i64(0), none));

const divideDecimal = arithmetic('s390_vdp', (o) => {
  const { b, x, y, control, none } = o;
  refuseZero(o);
  const { quotient } = divide(b, x, y, none);
  return finish(b, { ...quotient, negative: signOf(b, x, y) }, countOf(b, control), control, none);
});
const remainder = arithmetic('s390_vrp', (o) => {
  const { b, x, y, control, none } = o;
  refuseZero(o);
  const { remainder: rest } = divide(b, x, y, none);
  return finish(b, { ...rest, negative: x.negative }, countOf(b, control), control, none);
});
/** SHIFT AND DIVIDE: of the number with as many zeros more on its right. */
const shiftDivide = arithmetic('s390_vsdp', (o) => {
  const { b, x, y, control } = o;
  refuseZero(o);
  const { quotient, lost } = divide(b, x, y, countOf(b, control));
  return finish(b, { ...quotient, negative: signOf(b, x, y) }, b.i32(DIGITS), control, lost);
});

/** (halves, shift: signed, rounding digit 5 or 0, control) -> condition code. */
const shiftRound = defineHelper(
  's390_vsrp',
  ['i64', 'i64', 'i32', 'i64', 'i32'],
  'i32',
  (b, l, r, shift, round, control) => {
    const x = numberOf(b, l, r, flag(b, control, FORCE_SECOND));
    const result = digitsLocal(b, x);
    const lost = b.local('i32', b.i32(0));
    b.if(
      b.geS(shift, b.i32(0)),
      () =>
        times(b, shift, () => {
          const from = result.get();
          b.setLocal(lost, b.or(b.getLocal(lost), b.ne(b.shr(from.high, b.i64(60)), b.i64(0))));
          result.set(timesTen(b, from));
        }),
      () => {
        times(b, b.not(shift), () => result.set(overTen(b, result.get())));
        const from = result.get();
        const carry = b.extend32U(b.gtU(b.add(b.and(from.low, b.i64(15)), round), b.i64(9)));
        result.set(addDigits(b, overTen(b, from), { high: b.i64(0), low: carry }));
      },
    );
    return finish(b, { ...result.get(), negative: x.negative }, countOf(b, control), control, b.getLocal(lost));
  },
);

/** Operations of PERFORM SIGN OPERATION, and its other controls in bits 7:4 of the control word. */
const MAINTAIN = 0;
const COMPLEMENT = 1;
const FORCE_NEGATIVE = 3;

/** (halves, operation, positive sign, control; its bit 4: the sign is checked) -> condition code. */
const performSign = defineHelper(
  's390_vpsop',
  ['i64', 'i64', 'i32', 'i64', 'i32'],
  'i32',
  (b, l, r, operation, plus, control) => {
    const unchecked = b.eqz(b.and(control, b.i32(16)));
    const x = numberOf(b, l, r, unchecked);
    const minus = isMinus(b, b.and(r, b.i64(15)));
    const isOperation = (which: number): Value => b.eq(operation, b.i32(which));
    const kept = b.or(b.and(isOperation(MAINTAIN), minus), b.and(isOperation(COMPLEMENT), b.eqz(minus)));
    const negative = b.or(kept, isOperation(FORCE_NEGATIVE));
    const code = finish(b, { ...x, negative: b.extend32U(negative) }, countOf(b, control), b.i32(0), b.i32(0));
    // The sign of what is not negative is the instruction's to choose.
    const { high, low } = getDigits(b);
    const isPositive = b.eq(b.and(low, b.i64(15)), b.i64(PLUS));
    setDigits(b, { high, low: b.select(isPositive, b.or(b.and(low, b.i64(-16)), plus), low) });
    return code;
  },
);

/** (halves) -> 1 where the sign is none, 2 where a digit is, 3 where both are. */
const testDecimal = defineHelper('s390_vtp', ['i64', 'i64'], 'i32', (b, l, r) => {
  const sign = isInvalidSign(b, b.and(r, b.i64(15)));
  return b.or(sign, b.shl(badDigits(b, overTen(b, { high: l, low: r })), b.i32(1)));
});

/** (halves, control) -> 0; the magnitude, of 128 bits, is left. */
const toBinary = defineHelper('s390_vcvb', ['i64', 'i64', 'i32'], 'i32', (b, l, r, control) => {
  const x = numberOf(b, l, r, flag(b, control, FORCE_SECOND));
  const rest = digitsLocal(b, x);
  const [high, low] = [b.local('i64', b.i64(0)), b.local('i64', b.i64(0))];
  times(b, b.i32(32), () => {
    const digit = b.shr(rest.get().high, b.i64(60));
    const wide = b.mulWide(b.getLocal(low), b.i64(10), false);
    const { sum: next, carry } = b.addCarry(wide.low, digit);
    b.setLocal(high, b.add(b.add(b.mul(b.getLocal(high), b.i64(10)), wide.high), b.extend32U(carry)));
    b.setLocal(low, next);
    rest.set(timesTen(b, rest.get()));
  });
  setDigits(b, { high: b.getLocal(high), low: b.getLocal(low) });
  return b.wrap(x.negative);
});

/** (magnitude, negative, control) -> condition code. */
const fromBinary = defineHelper('s390_vcvd', ['i64', 'i32', 'i32'], 'i32', (b, magnitude, negative, control) => {
  const rest = b.local('i64', magnitude);
  const result = digitsLocal(b, zero(b));
  // The last digit first: each goes in from the left, 32 places in all.
  times(b, b.i32(32), () => {
    const digit = b.remU(b.getLocal(rest), b.i64(10));
    const { high, low } = overTen(b, result.get());
    result.set({ high: b.or(high, b.shl(digit, b.i64(60))), low });
    b.setLocal(rest, b.divU(b.getLocal(rest), b.i64(10)));
  });
  return finish(b, { ...result.get(), negative: b.extend32U(negative) }, countOf(b, control), control, b.i32(0));
});

// --- instructions ---

/** Takes result and condition code of a helper; digits that were lost are an exception if the program mask asks for it. */
function take(i: Insn, cc: Value): void {
  const { b } = i;
  const code = b.local('i32', cc);
  const { high, low } = getDigits(b);
  set(i, i.f.v1, join(b, high, low));
  const flags = i.name.startsWith('vcvd') ? i.f.m4 : i.f.m5;
  const lost = b.eq(b.getLocal(code), b.i32(OVERFLOW));
  if ((flags & CONDITION) !== 0) {
    i.setCcValue(i.name.startsWith('vcvd') ? b.select(lost, b.i32(OVERFLOW), b.i32(0)) : b.getLocal(code));
  }
  i.raiseIf(b.and(lost, i.psw(PSW.DECIMAL_OVERFLOW)), PGM.decimalOverflow);
}

/** How many digits there is room for, of a field whose other bits are zero. */
function resultDigits(i: Insn, field: number): number {
  if ((field & 0xe0) !== 0 || field === 0) i.refuse(PGM.specification);
  return field;
}

/** How many digits to shift by. */
function shiftDigits(i: Insn, field: number): number {
  if ((field & 0xe0) !== 0) i.refuse(PGM.specification);
  return field;
}

const control = (i: Insn, flags: number, count: number): Value => i.b.i32((flags & 15) | (count << 8));

const twoOperands = (helper: IrHelper, digits: (i: Insn, field: number) => number = resultDigits): Emitter =>
  vector((i) => {
    const { b, f } = i;
    const count = digits(i, f.i4);
    const [x, y] = [halves(b, get(i, f.v2)), halves(b, get(i, f.v3))];
    take(i, i.call(helper, ...x, ...y, control(i, f.m5, count)));
  });

const shiftAndRound: Emitter = vector((i) => {
  const { b, f } = i;
  const count = resultDigits(i, f.i3);
  const shift = (f.i4 << 25) >> 25;
  const rounding = (f.i4 & 0x80) !== 0 ? 5 : 0;
  const x = halves(b, get(i, f.v2));
  take(i, i.call(shiftRound, ...x, b.i32(shift), b.i64(rounding), control(i, f.m5, count)));
});

const signOperation: Emitter = vector((i) => {
  const { b, f } = i;
  const count = resultDigits(i, f.i3);
  const operation = (f.i4 >> 2) & 3;
  const plus = (f.i4 & 2) !== 0 ? FORCED_SIGN : PLUS;
  const isChecked = operation <= COMPLEMENT || (f.i4 & 1) !== 0;
  const x = halves(b, get(i, f.v2));
  const flags = b.i32((count << 8) | (isChecked ? 16 : 0));
  take(i, i.call(performSign, ...x, b.i32(operation), b.i64(plus), flags));
});

const compareDecimal: Emitter = vector((i) => {
  const [x, y] = [halves(i.b, get(i, i.f.v1)), halves(i.b, get(i, i.f.v2))];
  i.setCcValue(i.call(compare, ...x, ...y, i.b.i32(i.f.m3 & (FORCE_SECOND | FORCE_THIRD))));
});

/** The integer of a number: what does not fit is cut off on the left, and is an exception if the program mask asks for it. */
const convertToBinary = (bits: 32 | 64): Emitter =>
  vector((i) => {
    const { b, f } = i;
    const isLogical = (f.m3 & 2) !== 0;
    const x = halves(b, get(i, f.v2));
    const isNegative = b.local('i32', i.call(toBinary, ...x, b.i32(f.m3 & FORCE_SECOND)));
    const { high, low } = getDigits(b);
    const minus = isLogical ? b.i32(0) : b.getLocal(isNegative);
    const most = isLogical ? (1n << BigInt(bits)) - 1n : (1n << BigInt(bits - 1)) - 1n;
    const limit = isLogical ? b.big(most) : b.select(minus, b.big(most + 1n), b.big(most));
    const lost = b.local('i32', b.or(b.ne(high, b.i64(0)), b.gtU(low, limit)));
    const value = b.select(minus, b.neg(low), low);
    if (bits === 64) i.set64(f.r1, value);
    else i.set32(f.r1, value);
    if ((f.m3 & CONDITION) !== 0) i.setCcValue(b.select(b.getLocal(lost), b.i32(OVERFLOW), b.i32(0)));
    if (i.overflowTraps) i.raiseIf(b.getLocal(lost), PGM.fixedOverflow);
  });

const convertToDecimal = (bits: 32 | 64): Emitter =>
  vector((i) => {
    const { b, f } = i;
    const count = resultDigits(i, f.i3);
    const isLogical = (f.m4 & 8) !== 0;
    const wide = bits === 64 ? i.get64(f.r2) : isLogical ? i.get32u(f.r2) : i.get32s(f.r2);
    const minus = isLogical ? b.i32(0) : b.ltS(wide, b.i64(0));
    const magnitude = b.select(minus, b.neg(wide), wide);
    take(i, i.call(fromBinary, magnitude, minus, control(i, f.m4 & FORCE_RESULT, count)));
  });

const loadImmediate: Emitter = vector((i) => {
  const { i2, i3 } = i.f;
  const digits = i2.toString(16);
  if (!/^\d+$/.test(digits)) i.refuse(PGM.data, i.b.i64(DXC.decimal));
  const sign = (i3 & 8) !== 0 ? MINUS : PLUS;
  const value = (BigInt(i2) << BigInt(4 * ((i3 & 7) + 1))) | BigInt(sign);
  set(i, i.f.v1, i.b.v128(value, value >> 64n));
});

export const vectorDecimalSemantics: Readonly<Record<string, Emitter>> = {
  vap: twoOperands(add),
  vsp: twoOperands(subtract),
  vmp: twoOperands(multiply),
  vmsp: twoOperands(multiplyShift, shiftDigits),
  vdp: twoOperands(divideDecimal),
  vrp: twoOperands(remainder),
  vsdp: twoOperands(shiftDivide, shiftDigits),
  vsrp: shiftAndRound,
  vpsop: signOperation,
  vcp: compareDecimal,
  vtp: vector((i) => i.setCcValue(i.b.call(testDecimal, ...halves(i.b, get(i, i.f.v1))))),
  vcvb: convertToBinary(32),
  vcvbg: convertToBinary(64),
  vcvd: convertToDecimal(32),
  vcvdg: convertToDecimal(64),
  vlip: loadImmediate,
};
