/**
 * Packed decimal numbers: up to 31 digits and a sign, from the left. Principles of Operation, SA22-7832, chapter "Decimal
 * Instructions". Helpers hold one as two i64, digits without the sign, right-aligned: 15 in the left, 16 in the right.
 */
import { defineHelper, ENGINE, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { DXC, PGM } from '../../bits.ts';
import { LOAD, leaveOnFault, loadByte, raiseFrom, STORE, storeByte, times, twoSpaces } from '../../memory.ts';
import { block } from '../../state.ts';
import { type Insn, slotOf } from '../insn.ts';

export const PLUS = 12;
export const MINUS = 13;

/** Digits of a number. */
export interface Digits {
  readonly high: Value;
  readonly low: Value;
}

/** A number: digits, and 1 (i64) where it is negative. */
export interface Packed extends Digits {
  readonly negative: Value;
}

/** What helpers give beside their result, in slots of `block`. */
const [HIGH, LOW] = [slotOf(block, 0), slotOf(block, 1)];

export const setDigits = (b: IrBuilder, { high, low }: Digits): void => {
  b.set(HIGH, high);
  b.set(LOW, low);
};
export const getDigits = (b: IrBuilder): Digits => ({ high: b.get(HIGH), low: b.get(LOW) });

export const zero = (b: IrBuilder): Digits => ({ high: b.i64(0), low: b.i64(0) });
export const isZero = (b: IrBuilder, { high, low }: Digits): Value => b.eqz(b.or(high, low));
export const isLess = (b: IrBuilder, x: Digits, y: Digits): Value =>
  b.or(b.ltU(x.high, y.high), b.and(b.eq(x.high, y.high), b.ltU(x.low, y.low)));
export const choose = (b: IrBuilder, condition: Value, x: Digits, y: Digits): Digits => ({
  high: b.select(condition, x.high, y.high),
  low: b.select(condition, x.low, y.low),
});

/** Not zero where any of 16 nibbles is no digit. */
export const noDigits = (b: IrBuilder, word: Value): Value =>
  b.and(b.and(word, b.or(b.shl(word, b.i64(1)), b.shl(word, b.i64(2)))), b.big(0x8888_8888_8888_8888n));

/** One in each nibble. */
const ONES = 0x1111_1111_1111_1111n;
const SIXES = 0x6666_6666_6666_6666n;

/** (x, y, carry) -> the sum of 16 digits; `block` 0 is the carry. */
const addWord = defineHelper('s390_bcd_add', ['i64', 'i64', 'i64'], 'i64', (b, x, y, carry) => {
  // With six in each nibble, a nibble carries where the digits do.
  const raised = b.add(x, b.big(SIXES));
  const partial = b.add(raised, y);
  const sum = b.add(partial, carry);
  const out = b.extend32U(b.or(b.ltU(partial, raised), b.ltU(sum, partial)));
  const carries = b.or(b.shr(b.xor(b.xor(raised, y), sum), b.i64(4)), b.shl(out, b.i64(60)));
  const without = b.xor(b.and(carries, b.big(ONES)), b.big(ONES));
  b.set(HIGH, out);
  return b.sub(sum, b.mul(without, b.i64(6)));
});

/** (x, y, borrow) -> the difference of 16 digits; `block` 0 is the borrow. */
const subtractWord = defineHelper('s390_bcd_sub', ['i64', 'i64', 'i64'], 'i64', (b, x, y, borrow) => {
  const partial = b.sub(x, y);
  const difference = b.sub(partial, borrow);
  const out = b.extend32U(b.or(b.ltU(x, y), b.ltU(partial, borrow)));
  const borrows = b.or(b.shr(b.xor(b.xor(x, y), difference), b.i64(4)), b.shl(out, b.i64(60)));
  b.set(HIGH, out);
  return b.sub(difference, b.mul(b.and(borrows, b.big(ONES)), b.i64(6)));
});

function onWords(b: IrBuilder, word: IrHelper, x: Digits, y: Digits): Digits {
  const low = b.call(word, x.low, y.low, b.i64(0));
  return { low, high: b.call(word, x.high, y.high, b.get(HIGH)) };
}

/** The sum, which has 32 digits. */
export const addDigits = (b: IrBuilder, x: Digits, y: Digits): Digits => onWords(b, addWord, x, y);
/** The difference of a number and one that is not larger. */
export const subtractDigits = (b: IrBuilder, x: Digits, y: Digits): Digits => onWords(b, subtractWord, x, y);

/** Shifts by a digit. */
export const timesTen = (b: IrBuilder, { high, low }: Digits): Digits => ({
  high: b.or(b.shl(high, b.i64(4)), b.shr(low, b.i64(60))),
  low: b.shl(low, b.i64(4)),
});
export const overTen = (b: IrBuilder, { high, low }: Digits): Digits => ({
  high: b.shr(high, b.i64(4)),
  low: b.or(b.shr(low, b.i64(4)), b.shl(high, b.i64(60))),
});

/** A number that changes in a loop. */
export interface DigitsLocal {
  get(): Digits;
  set(digits: Digits): void;
}
export function digitsLocal(b: IrBuilder, initial: Digits): DigitsLocal {
  const [high, low] = [b.local('i64', initial.high), b.local('i64', initial.low)];
  return {
    get: () => ({ high: b.getLocal(high), low: b.getLocal(low) }),
    set: (digits) => {
      b.setLocal(high, digits.high);
      b.setLocal(low, digits.low);
    },
  };
}

/** The condition code that says that digits were lost. */
export const OVERFLOW = 3;

/** The condition code of a number. */
export function codeOf(b: IrBuilder, number: Packed): Value {
  return b.select(isZero(b, number), b.i32(0), b.select(b.wrap(number.negative), b.i32(1), b.i32(2)));
}

export const isOther = (b: IrBuilder, x: Digits, y: Digits): Value => b.or(b.ne(x.high, y.high), b.ne(x.low, y.low));

/** The number with the other sign. */
export const opposite = (b: IrBuilder, number: Packed): Packed => ({
  ...number,
  negative: b.xor(number.negative, b.i64(1)),
});

/** The sum of two numbers; where one takes the other away, it has the sign of the larger. */
export function addNumbers(b: IrBuilder, x: Packed, y: Packed): Packed {
  const sum = digitsLocal(b, zero(b));
  const negative = b.local('i64', x.negative);
  const less = isLess(b, x, y);
  b.if(
    b.eq(x.negative, y.negative),
    () => sum.set(addDigits(b, x, y)),
    () => {
      sum.set(subtractDigits(b, choose(b, less, y, x), choose(b, less, x, y)));
      b.setLocal(negative, b.select(less, y.negative, x.negative));
    },
  );
  return { ...sum.get(), negative: b.getLocal(negative) };
}

/** (digits' high, low, how many from the right): what is left of them, as `block`. */
export const keepDigits = defineHelper('s390_keep_digits', ['i64', 'i64', 'i64'], undefined, (b, high, low, count) => {
  const bits = b.shl(count, b.i64(2));
  const maskOf = (n: Value): Value => b.sub(b.shl(b.i64(1), n), b.i64(1));
  b.if(
    b.geU(bits, b.i64(64)),
    () => setDigits(b, { high: b.and(high, maskOf(b.sub(bits, b.i64(64)))), low }),
    () => setDigits(b, { high: b.i64(0), low: b.and(low, maskOf(bits)) }),
  );
});

/** (address, bytes less one, regime, raises) -> sign nibble, with the digits in `block`: raises or gives -1 where a digit is none. */
const loadPacked = defineHelper('s390_load_packed', ['i64', 'i32', 'i32'], 'i64', (b, address, length, mmu) => {
  const none = b.i64(0);
  const [high, low] = [b.local('i64', none), b.local('i64', none)];
  times(b, b.add(length, b.i32(1)), (n) => {
    const byte = loadByte(b, b.add(address, b.extend32U(n)), mmu, none);
    b.setLocal(high, b.or(b.shl(b.getLocal(high), b.i64(8)), b.shr(b.getLocal(low), b.i64(56))));
    b.setLocal(low, b.or(b.shl(b.getLocal(low), b.i64(8)), byte));
  });
  const sign = b.and(b.getLocal(low), b.i64(15));
  const digits = overTen(b, { high: b.getLocal(high), low: b.getLocal(low) });
  setDigits(b, digits);
  const bad = b.or(b.ne(b.or(noDigits(b, digits.high), noDigits(b, digits.low)), none), b.ltU(sign, b.i64(10)));
  b.if(bad, () => raiseFrom(b, b.i32(PGM.data), b.i64(DXC.decimal), none));
  return sign;
});

/** (address, bytes less one, regime, negative): stores the digits in `block`, as many as there is room for. */
const storePacked = defineHelper(
  's390_store_packed',
  ['i64', 'i32', 'i32', 'i64'],
  undefined,
  (b, address, length, mmu, negative) => {
    const sign = b.add(b.i64(PLUS), negative);
    const { high, low } = timesTen(b, getDigits(b));
    const rest = digitsLocal(b, { high, low: b.or(low, sign) });
    times(b, b.add(length, b.i32(1)), (n) => {
      const { high, low } = rest.get();
      storeByte(b, b.add(address, b.extend32U(b.sub(length, n))), low, mmu);
      rest.set({ high: b.shr(high, b.i64(8)), low: b.or(b.shr(low, b.i64(8)), b.shl(high, b.i64(56))) });
    });
  },
);

/** Operands of an instruction with two lengths, in a helper. */
export interface Operands {
  readonly b: IrBuilder;
  readonly first: Value;
  readonly second: Value;
  /** Bytes of each, less one (i32). */
  readonly l1: Value;
  readonly l2: Value;
  readonly mmu1: Value;
  readonly mmu2: Value;
}

/** What helpers take as their third argument: lengths less one of both operands, and their spaces. */
export function lengths(i: Insn): Value {
  const { b } = i;
  const spaces = twoSpaces(b, i.space(i.f.b1), i.space(i.f.b2));
  return b.or(b.i32((i.f.l1 << 8) | (i.f.l2 << 16)), spaces);
}

/** Takes apart what `lengths` made, and looks at both operands. `access` is how the first is accessed. */
export function operandsOf(
  b: IrBuilder,
  first: Value,
  second: Value,
  packed: Value,
  result: Value | undefined,
  access = STORE,
): Operands {
  const part = (shift: number, mask: number): Value => b.and(b.shr(packed, b.i32(shift)), b.i32(mask));
  const o: Operands = {
    b,
    first,
    second,
    l1: part(8, 255),
    l2: part(16, 255),
    mmu1: part(0, 15),
    mmu2: part(4, 15),
  };
  b.call(ENGINE.probe, second, b.add(o.l2, b.i32(1)), b.i32(LOAD), o.mmu2);
  leaveOnFault(b, result);
  b.call(ENGINE.probe, first, b.add(o.l1, b.i32(1)), b.i32(access), o.mmu1);
  leaveOnFault(b, result);
  return o;
}

function load(b: IrBuilder, address: Value, length: Value, mmu: Value, result: Value | undefined): Packed {
  const sign = b.call(loadPacked, address, length, mmu);
  leaveOnFault(b, result);
  const negative = b.extend32U(b.or(b.eq(sign, b.i64(MINUS)), b.eq(sign, b.i64(11))));
  return { ...getDigits(b), negative };
}

export const loadFirst = ({ b, first, l1, mmu1 }: Operands, result?: Value): Packed => load(b, first, l1, mmu1, result);
export const loadSecond = ({ b, second, l2, mmu2 }: Operands, result?: Value): Packed =>
  load(b, second, l2, mmu2, result);

/** Stores a number over bytes at an address. */
export function storeNumber(b: IrBuilder, address: Value, length: Value, mmu: Value, number: Packed): void {
  setDigits(b, number);
  b.call(storePacked, address, length, mmu, number.negative);
}

/** Digits of a field of so many bytes, less one. */
export const digitsIn = (b: IrBuilder, length: Value): Value => b.extend32U(b.add(b.shl(length, b.i32(1)), b.i32(1)));
