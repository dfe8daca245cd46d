/**
 * Semantics of editing, testing, and of the conversions between packed decimal and characters. Principles of Operation, SA22-7832,
 * chapters "Decimal Instructions" and "General Instructions".
 */
import { defineHelper, ENGINE, type IrBuilder, type Value } from '@boardwalk/translator';
import { DXC, PGM } from '../../bits.ts';
import { LOAD, leaveOnFault, loadByte, raiseFrom, STORE, storeByte, times, twoSpaces } from '../../memory.ts';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { insertAddress } from '../storage/bytes.ts';
import { MINUS } from './packed.ts';

// --- ED, EDMK ---

const PATTERN = { digitSelector: 0x20, significanceStarter: 0x21, fieldSeparator: 0x22 } as const;
/** Where a nonzero digit was met first: its place, from 1. */
const MARK = slotOf(block, 0);

/**
 * (pattern, source, bytes, spaces | writes << 8) -> condition code. Without `writes` it only finds whether it would fault, so that
 * the operation is suppressed then.
 */
const edit = defineHelper('s390_ed', ['i64', 'i64', 'i32', 'i32'], 'i32', (b, pattern, source, bytes, modes) => {
  const none = b.i32(0);
  const zero = b.i64(0);
  const [mmu1, mmu2] = [b.and(modes, b.i32(15)), b.and(b.shr(modes, b.i32(4)), b.i32(15))];
  const writes = b.and(modes, b.i32(0x100));
  const fill = b.local('i64', zero);
  const significant = b.local('i32', none);
  const nonzero = b.local('i32', none);
  const at = b.local('i64', source);
  /** The right digit of the last byte of the source, or more than 9 where the next byte is to be read. */
  const rest = b.local('i64', b.i64(16));
  b.set(MARK, zero);
  times(b, bytes, (n) => {
    const place = b.add(pattern, b.extend32U(n));
    const character = loadByte(b, place, mmu1, none);
    b.if(b.eqz(n), () => b.setLocal(fill, character));
    const result = b.local('i64', b.select(b.getLocal(significant), character, b.getLocal(fill)));
    b.if(b.eq(character, b.i64(PATTERN.fieldSeparator)), () => {
      b.setLocal(result, b.getLocal(fill));
      b.setLocal(significant, none);
      b.setLocal(nonzero, none);
    });
    const isStarter = b.eq(character, b.i64(PATTERN.significanceStarter));
    b.if(b.or(isStarter, b.eq(character, b.i64(PATTERN.digitSelector))), () => {
      const digit = b.local('i64', b.getLocal(rest));
      const sign = b.local('i64', zero);
      b.if(
        b.gtU(b.getLocal(rest), b.i64(9)),
        () => {
          const byte = loadByte(b, b.getLocal(at), mmu2, none);
          b.setLocal(at, b.add(b.getLocal(at), b.i64(1)));
          b.setLocal(digit, b.shr(byte, b.i64(4)));
          b.if(b.gtU(b.getLocal(digit), b.i64(9)), () => raiseFrom(b, b.i32(PGM.data), b.i64(DXC.decimal), none));
          b.setLocal(rest, b.and(byte, b.i64(15)));
          b.setLocal(sign, b.getLocal(rest));
        },
        () => b.setLocal(rest, b.i64(16)),
      );
      const isNonzero = b.ne(b.getLocal(digit), zero);
      const wasSignificant = b.getLocal(significant);
      const shows = b.or(isNonzero, wasSignificant);
      b.if(b.and(isNonzero, b.eqz(wasSignificant)), () => b.set(MARK, b.extend32U(b.add(n, b.i32(1)))));
      b.setLocal(result, b.select(shows, b.or(b.getLocal(digit), b.i64(0xf0)), b.getLocal(fill)));
      b.setLocal(nonzero, b.or(b.getLocal(nonzero), isNonzero));
      // A plus sign behind the digit turns significance off.
      const code = b.getLocal(sign);
      const isPlus = b.and(b.gtU(code, b.i64(9)), b.and(b.ne(code, b.i64(MINUS)), b.ne(code, b.i64(11))));
      b.setLocal(significant, b.and(b.or(shows, isStarter), b.eqz(isPlus)));
    });
    b.if(writes, () => storeByte(b, place, b.getLocal(result), mmu1, none));
  });
  return b.select(b.getLocal(nonzero), b.select(b.getLocal(significant), b.i32(1), b.i32(2)), none);
});

const editing =
  (marks: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const [pattern, source, bytes] = [i.address1(), i.address2(), b.i32(i.f.l1 + 1)];
    const spaces = twoSpaces(b, i.space(i.f.b1), i.space(i.f.b2));
    i.probe(pattern, i.f.b1, bytes, true);
    i.call(edit, pattern, source, bytes, spaces);
    const cc = b.local('i32', i.call(edit, pattern, source, bytes, b.or(spaces, b.i32(0x100))));
    if (marks) {
      const mark = b.get(MARK);
      b.if(b.ne(mark, b.i64(0)), () => insertAddress(i, 1, i.wrap(b.add(pattern, b.sub(mark, b.i64(1))))));
    }
    i.setCcValue(b.getLocal(cc));
  };

// --- TP ---

/** (address, bytes, regime) -> condition code: 1 the sign is none, 2 a digit, 3 both. */
const testDecimal = defineHelper('s390_tp', ['i64', 'i32', 'i32'], 'i32', (b, address, bytes, mmu) => {
  const none = b.i32(0);
  const [digits, sign] = [b.local('i32', none), b.local('i32', none)];
  const isDigit = (nibble: Value): Value => b.ltU(nibble, b.i64(10));
  times(b, bytes, (n) => {
    const byte = loadByte(b, b.add(address, b.extend32U(n)), mmu, none);
    const right = isDigit(b.and(byte, b.i64(15)));
    const isLast = b.eq(b.add(n, b.i32(1)), bytes);
    b.setLocal(sign, b.and(right, isLast));
    const bad = b.or(b.eqz(isDigit(b.shr(byte, b.i64(4)))), b.and(b.eqz(right), b.eqz(isLast)));
    b.setLocal(digits, b.or(b.getLocal(digits), bad));
  });
  return b.or(b.getLocal(sign), b.shl(b.getLocal(digits), b.i32(1)));
});

// --- PKA, PKU, UNPKA, UNPKU ---

/** Bytes of the packed number. */
const PACKED = 16;

/** The byte so many characters from the right, or zero in front of them. */
function digitAt(b: IrBuilder, source: Value, bytes: Value, back: Value, size: 1 | 2, mmu: Value): Value {
  const digit = b.local('i64', b.i64(0));
  const offset = b.sub(b.sub(bytes, b.i32(1)), b.mul(back, b.i32(size)));
  b.if(b.geS(offset, b.i32(0)), () =>
    b.setLocal(digit, b.and(loadByte(b, b.add(source, b.extend32U(offset)), mmu), b.i64(15))),
  );
  return b.getLocal(digit);
}

/** (to, from, bytes of characters, spaces). */
const packCharacters = (name: string, size: 1 | 2) =>
  defineHelper(name, ['i64', 'i64', 'i32', 'i32'], undefined, (b, to, from, bytes, spaces) => {
    const [mmu1, mmu2] = [b.and(spaces, b.i32(15)), b.and(b.shr(spaces, b.i32(4)), b.i32(15))];
    b.call(ENGINE.probe, from, bytes, b.i32(LOAD), mmu2);
    leaveOnFault(b);
    b.call(ENGINE.probe, to, b.i32(PACKED), b.i32(STORE), mmu1);
    leaveOnFault(b);
    const [high, low] = [b.local('i64', b.i64(0)), b.local('i64', b.i64(12))];
    times(b, b.i32(31), (n) => {
      const digit = digitAt(b, from, bytes, n, size, mmu2);
      const place = b.extend32U(b.shl(b.add(n, b.i32(1)), b.i32(2)));
      b.if(
        b.ltU(n, b.i32(15)),
        () => b.setLocal(low, b.or(b.getLocal(low), b.shl(digit, place))),
        () => b.setLocal(high, b.or(b.getLocal(high), b.shl(digit, place))),
      );
    });
    times(b, b.i32(PACKED), (n) => {
      const word = b.select(b.ltU(n, b.i32(8)), b.getLocal(high), b.getLocal(low));
      const shift = b.extend32U(b.shl(b.sub(b.i32(7), b.and(n, b.i32(7))), b.i32(3)));
      storeByte(b, b.add(to, b.extend32U(n)), b.shr(word, shift), mmu1);
    });
  });

/** (to, from, bytes of characters, spaces) -> condition code: the sign's. */
const unpackCharacters = (name: string, size: 1 | 2) =>
  defineHelper(name, ['i64', 'i64', 'i32', 'i32'], 'i32', (b, to, from, bytes, spaces) => {
    const none = b.i32(0);
    const [mmu1, mmu2] = [b.and(spaces, b.i32(15)), b.and(b.shr(spaces, b.i32(4)), b.i32(15))];
    b.call(ENGINE.probe, from, b.i32(PACKED), b.i32(LOAD), mmu2);
    leaveOnFault(b, none);
    b.call(ENGINE.probe, to, bytes, b.i32(STORE), mmu1);
    leaveOnFault(b, none);
    const [high, low] = [b.local('i64', b.i64(0)), b.local('i64', b.i64(0))];
    times(b, b.i32(PACKED), (n) => {
      const byte = loadByte(b, b.add(from, b.extend32U(n)), mmu2, none);
      b.setLocal(high, b.or(b.shl(b.getLocal(high), b.i64(8)), b.shr(b.getLocal(low), b.i64(56))));
      b.setLocal(low, b.or(b.shl(b.getLocal(low), b.i64(8)), byte));
    });
    const sign = b.and(b.getLocal(low), b.i64(15));
    const isMinus = b.or(b.eq(sign, b.i64(MINUS)), b.eq(sign, b.i64(11)));
    const cc = b.select(b.ltU(sign, b.i64(10)), b.i32(3), isMinus);
    times(b, b.divU(bytes, b.i32(size)), (n) => {
      b.setLocal(low, b.or(b.shr(b.getLocal(low), b.i64(4)), b.shl(b.getLocal(high), b.i64(60))));
      b.setLocal(high, b.shr(b.getLocal(high), b.i64(4)));
      const place = b.add(to, b.extend32U(b.sub(bytes, b.mul(b.add(n, b.i32(1)), b.i32(size)))));
      if (size === 2) storeByte(b, place, b.i64(0), mmu1, none);
      const last = size === 2 ? b.add(place, b.i64(1)) : place;
      storeByte(b, last, b.or(b.and(b.getLocal(low), b.i64(15)), b.i64(0x30)), mmu1, none);
    });
    return cc;
  });

const spacesOf = (i: Insn): Value => twoSpaces(i.b, i.space(i.f.b1), i.space(i.f.b2));

/** Refuses more characters than a packed number has digits and a sign, and half of one. */
function characterBytes(i: Insn, length: number, size: 1 | 2): Value {
  const bytes = length + 1;
  if (bytes > 32 * size || bytes % size !== 0) i.refuse(PGM.specification);
  return i.b.i32(bytes);
}

const packing = (name: string, size: 1 | 2): Emitter => {
  const helper = packCharacters(name, size);
  return (i) => void i.call(helper, i.address1(), i.address2(), characterBytes(i, i.f.l2, size), spacesOf(i));
};

const unpacking = (name: string, size: 1 | 2): Emitter => {
  const helper = unpackCharacters(name, size);
  return (i) => i.setCcValue(i.call(helper, i.address1(), i.address2(), characterBytes(i, i.f.l1, size), spacesOf(i)));
};

export const decimalEditing: Readonly<Record<string, Emitter>> = {
  ed: editing(false),
  edmk: editing(true),
  tp: (i) => i.setCcValue(i.call(testDecimal, i.address1(), i.b.i32(i.f.l1 + 1), i.space(i.f.b1))),
  pka: packing('s390_pka', 1),
  pku: packing('s390_pku', 2),
  unpka: unpacking('s390_unpka', 1),
  unpku: unpacking('s390_unpku', 2),
};
