/** Strings: SA22-7832, chapter "Vector String Instructions". */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  and,
  constant,
  countOf,
  elementSize,
  get,
  lanewise,
  leftBytes,
  leftmost,
  moveLeft,
  not,
  or,
  pickElements,
  sar,
  set,
  shl,
  vector,
} from './lanes.ts';

/** Bits of the last mask field. */
const INVERT = 8;
const RESULT_TYPE = 4;
const ZERO_SEARCH = 2;
const CONDITION = 1;

/** Three sizes of elements: bytes, halfwords, words. */
const sizeOf = (i: Insn, m: number): 0 | 1 | 2 => elementSize(i, m, 2) as 0 | 1 | 2;

const zerosOf = (b: IrBuilder, es: number, x: Value): Value => lanewise(b, 'eq', es, x, constant(b, es, 0n));

/** A number of bytes (i32) in the eighth byte, the rest zero. */
const setIndex = (i: Insn, index: Value): void =>
  set(i, i.f.v1, i.b.pure('withHigh64', i.b.v128(0n, 0n), i.b.extend32U(index)));

const minimum = (b: IrBuilder, x: Value, y: Value): Value => b.select(b.ltU(x, y), x, y);

/** Whether something was found before the first zero, behind it, or neither: the condition code. */
function foundCode(b: IrBuilder, found: Value, zero: Value): Value {
  const none = b.select(b.eq(found, b.i32(16)), b.i32(3), b.i32(1));
  const before = b.select(b.ltU(found, zero), b.i32(2), b.i32(0));
  return b.select(b.eq(zero, b.i32(16)), none, before);
}

/** The end of a search for the leftmost element of a mask, and for the first zero of the second operand if flags say so. */
function search(i: Insn, es: number, flags: number, mask: Value): void {
  const { b } = i;
  const found = b.local('i32', leftmost(b, mask));
  const zero = b.local('i32', (flags & ZERO_SEARCH) !== 0 ? leftmost(b, zerosOf(b, es, get(i, i.f.v2))) : b.i32(16));
  const [first, end] = [b.getLocal(found), b.getLocal(zero)];
  if ((flags & RESULT_TYPE) !== 0) set(i, i.f.v1, mask);
  else setIndex(i, minimum(b, first, end));
  if ((flags & CONDITION) !== 0) i.setCcValue(foundCode(b, first, end));
}

/** (x, set): ones in the elements of x that are equal to any of the set's. */
const anyOf = (es: number): IrHelper =>
  defineHelper(`s390_vfae${es}`, ['v128', 'v128'], 'v128', (b, x, of) => {
    let found: Value | undefined;
    for (let n = 0; n < countOf(es); n++) {
      const equal = lanewise(
        b,
        'eq',
        es,
        x,
        pickElements(b, es, of, of, () => n),
      );
      found = found === undefined ? equal : or(b, found, equal);
    }
    return found ?? b.v128(0n, 0n);
  });
const ANY = [anyOf(0), anyOf(1), anyOf(2)] as const;

const findAny: Emitter = (i) => {
  const { b } = i;
  const es = sizeOf(i, i.f.m4);
  const equal = b.call(ANY[es], get(i, i.f.v2), get(i, i.f.v3));
  search(i, es, i.f.m5, (i.f.m5 & INVERT) !== 0 ? not(b, equal) : equal);
};

/** Refuses flags that an instruction has not. */
function flagsOf(i: Insn, m: number, allowed: number): number {
  if ((m & ~allowed) !== 0) i.refuse(PGM.specification);
  return m;
}

const findEqual: Emitter = (i) => {
  const es = sizeOf(i, i.f.m4);
  const flags = flagsOf(i, i.f.m5, ZERO_SEARCH | CONDITION);
  const equal = lanewise(i.b, 'eq', es, get(i, i.f.v2), get(i, i.f.v3));
  search(i, es, flags, equal);
};

const findNotEqual: Emitter = (i) => {
  const { b } = i;
  const es = sizeOf(i, i.f.m4);
  const flags = flagsOf(i, i.f.m5, ZERO_SEARCH | CONDITION);
  const [x, y] = [get(i, i.f.v2), get(i, i.f.v3)];
  const found = b.local('i32', leftmost(b, lanewise(b, 'ne', es, x, y)));
  const zero = b.local('i32', (flags & ZERO_SEARCH) !== 0 ? leftmost(b, zerosOf(b, es, x)) : b.i32(16));
  const [first, end] = [b.getLocal(found), b.getLocal(zero)];
  const low = b.pure('v128.bitmask.i8x16', lanewise(b, 'ltU', es, x, y));
  const isLow = b.and(b.shl(low, first), b.i32(0x8000));
  setIndex(i, minimum(b, first, end));
  if ((flags & CONDITION) === 0) return;
  const order = b.select(isLow, b.i32(1), b.i32(2));
  const code = b.select(b.ltU(end, first), b.i32(0), order);
  i.setCcValue(b.select(b.eq(minimum(b, first, end), b.i32(16)), b.i32(3), code));
};

/** ISOLATE STRING: what is from the first zero on becomes zero. */
const isolate: Emitter = (i) => {
  const { b } = i;
  const es = sizeOf(i, i.f.m3);
  const flags = flagsOf(i, i.f.m5, CONDITION);
  const x = get(i, i.f.v2);
  const zero = b.local('i32', leftmost(b, zerosOf(b, es, x)));
  set(i, i.f.v1, and(b, x, leftBytes(b, b.getLocal(zero))));
  if (flags !== 0) i.setCcValue(b.select(b.eq(b.getLocal(zero), b.i32(16)), b.i32(3), b.i32(0)));
};

/**
 * (x, bounds, controls): ones in the elements of x that are within any pair of bounds. The leftmost bits of a control say whether equal,
 * low and high satisfy its bound.
 */
const rangesOf = (es: number): IrHelper =>
  defineHelper(`s390_vstrc${es}`, ['v128', 'v128', 'v128'], 'v128', (b, x, bounds, controls) => {
    const bits = 8 << es;
    const all = (v: Value, n: number): Value => pickElements(b, es, v, v, () => n);
    const within = (n: number): Value => {
      const [bound, control] = [all(bounds, n), all(controls, n)];
      const allows = (bit: number): Value => sar(b, es, shl(b, es, control, bit), bits - 1);
      const equal = and(b, allows(0), lanewise(b, 'eq', es, x, bound));
      const low = and(b, allows(1), lanewise(b, 'ltU', es, x, bound));
      const high = and(b, allows(2), lanewise(b, 'gtU', es, x, bound));
      return or(b, equal, or(b, low, high));
    };
    let found: Value | undefined;
    for (let n = 0; n < countOf(es); n += 2) {
      const inside = and(b, within(n), within(n + 1));
      found = found === undefined ? inside : or(b, found, inside);
    }
    return found ?? b.v128(0n, 0n);
  });
const RANGES = [rangesOf(0), rangesOf(1), rangesOf(2)] as const;

const compareRanges: Emitter = (i) => {
  const { b } = i;
  const es = sizeOf(i, i.f.m5);
  const inside = b.call(RANGES[es], get(i, i.f.v2), get(i, i.f.v3), get(i, i.f.v4));
  search(i, es, i.f.m6, (i.f.m6 & INVERT) !== 0 ? not(b, inside) : inside);
};

/** What a search for a string came to. */
const FOUND = 2;
const FOUND_PART = 3;

/**
 * (string, what is searched for, its bytes, the string's bytes before its end, whether it ends) -> index of bytes in bits 7:0, condition
 * code in bits 15:8. What reaches beyond the register is found in part, if the string does not end before.
 */
const searchOf = (es: number): IrHelper =>
  defineHelper(`s390_vstrs${es}`, ['v128', 'v128', 'i32', 'i32'], 'i32', (b, x, what, length, end) => {
    const step = b.i32(1 << es);
    const at = b.local('i32', b.i32(0));
    const result = (index: Value, code: Value): Value => b.or(index, b.shl(code, b.i32(8)));
    b.if(b.eqz(length), () => b.return_(b.i32(FOUND << 8)));
    b.loop((breakIf) => {
      const from = b.getLocal(at);
      const room = b.sub(b.i32(16), from);
      breakIf(b.geS(from, end));
      const equal = b.pure('v128.bitmask.i8x16', lanewise(b, 'eq', 0, moveLeft(b, x, from), what));
      const compared = minimum(b, length, room);
      // Bytes that differ, the leftmost in bit 31.
      const differ = b.shl(b.not(equal), b.i32(16));
      const isSame = b.geU(b.clz(b.or(differ, b.i32(0x8000))), compared);
      const fits = b.leU(b.add(from, length), end);
      const isPart = b.and(b.gtU(length, room), b.eq(end, b.i32(16)));
      b.if(b.and(isSame, b.or(fits, isPart)), () =>
        b.return_(result(from, b.select(fits, b.i32(FOUND), b.i32(FOUND_PART)))),
      );
      b.setLocal(at, b.add(from, step));
    });
    return result(b.i32(16), b.ne(end, b.i32(16)));
  });
const SEARCH = [searchOf(0), searchOf(1), searchOf(2)] as const;

/** STRING SEARCH: for as many bytes of the third operand as the fourth says, up to zeros if m6 says so. */
const searchString: Emitter = (i) => {
  const { b } = i;
  const es = sizeOf(i, i.f.m5);
  const flags = flagsOf(i, i.f.m6, ZERO_SEARCH);
  const [x, what] = [get(i, i.f.v2), get(i, i.f.v3)];
  // Of whole elements.
  const bytes = b.and(b.wrap(b.pure('high64', get(i, i.f.v4))), b.i32(0xff & -(1 << es)));
  const ends = (v: Value): Value => leftmost(b, zerosOf(b, es, v));
  const given = minimum(b, bytes, b.i32(16));
  const length = flags === 0 ? given : minimum(b, given, ends(what));
  const end = flags === 0 ? b.i32(16) : ends(x);
  const found = b.local('i32', b.call(SEARCH[es], x, what, length, end));
  setIndex(i, b.and(b.getLocal(found), b.i32(0xff)));
  i.setCcValue(b.shr(b.getLocal(found), b.i32(8)));
};

export const stringSemantics: Readonly<Record<string, Emitter>> = {
  vfae: vector(findAny),
  vfee: vector(findEqual),
  vfene: vector(findNotEqual),
  vistr: vector(isolate),
  vstrc: vector(compareRanges),
  vstrs: vector(searchString),
};
