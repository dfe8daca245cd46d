/**
 * Semantics of the conversions between binary and packed decimal, and between packed and zoned. Principles of Operation,
 * SA22-7832, chapters "General Instructions" and "Decimal Instructions".
 */
import { defineHelper, type Value } from '@boardwalk/translator';
import { DXC, PGM } from '../../bits.ts';
import { loadByte, storeByte, times } from '../../memory.ts';
import { block } from '../../state.ts';
import { type Emitter, type Insn, slotOf } from '../insn.ts';
import { lengths, MINUS, type Operands, operandsOf, PLUS } from './packed.ts';

const [HIGH, LOW] = [slotOf(block, 0), slotOf(block, 1)];

/** (value) -> the right 16 digits and sign of its packed form; `block` 0 has what is left of them. */
const toPacked = defineHelper('s390_cvd', ['i64'], 'i64', (b, value) => {
  const negative = b.ltS(value, b.i64(0));
  const rest = b.local('i64', b.select(negative, b.neg(value), value));
  const low = b.local('i64', b.select(negative, b.i64(MINUS), b.i64(PLUS)));
  const high = b.local('i64', b.i64(0));
  times(b, b.i32(19), (n) => {
    const digit = b.remU(b.getLocal(rest), b.i64(10));
    const place = b.extend32U(b.shl(b.add(n, b.i32(1)), b.i32(2)));
    b.if(
      b.ltU(n, b.i32(15)),
      () => b.setLocal(low, b.or(b.getLocal(low), b.shl(digit, place))),
      () => b.setLocal(high, b.or(b.getLocal(high), b.shl(digit, b.sub(place, b.i64(64))))),
    );
    b.setLocal(rest, b.divU(b.getLocal(rest), b.i64(10)));
  });
  b.set(HIGH, b.getLocal(high));
  return b.getLocal(low);
});

/**
 * (left half, right half) -> 0, or not 0 where a digit or the sign is none, with the value in `block` 1; `block` 0 is not 0 where it
 * does not fit in 64 bits.
 */
const fromPacked = defineHelper('s390_cvb', ['i64', 'i64'], 'i32', (b, high, low) => {
  const total = b.local('i64', b.i64(0));
  const overflow = b.local('i64', b.i64(0));
  const bad = b.local('i32', b.i32(0));
  times(b, b.i32(31), (n) => {
    const place = b.sub(b.i64(124), b.extend32U(b.shl(n, b.i32(2))));
    const word = b.select(b.geU(place, b.i64(64)), high, low);
    const digit = b.and(b.shr(word, b.and(place, b.i64(63))), b.i64(15));
    b.setLocal(bad, b.or(b.getLocal(bad), b.gtU(digit, b.i64(9))));
    const old = b.getLocal(total);
    const next = b.add(b.mul(old, b.i64(10)), digit);
    // Ten times the value needs more than 64 bits.
    const lost = b.or(b.gtU(old, b.big(0xffff_ffff_ffff_ffffn / 10n)), b.ltU(next, digit));
    b.setLocal(overflow, b.or(b.getLocal(overflow), b.extend32U(lost)));
    b.setLocal(total, next);
  });
  const sign = b.and(low, b.i64(15));
  b.setLocal(bad, b.or(b.getLocal(bad), b.ltU(sign, b.i64(10))));
  const negative = b.or(b.eq(sign, b.i64(MINUS)), b.eq(sign, b.i64(11)));
  const size = b.getLocal(total);
  const limit = b.select(negative, b.big(1n << 63n), b.big((1n << 63n) - 1n));
  b.set(HIGH, b.or(b.getLocal(overflow), b.extend32U(b.gtU(size, limit))));
  b.set(LOW, b.select(negative, b.neg(size), size));
  return b.getLocal(bad);
});

const convertToDecimal32: Emitter = (i) => i.store2(i.b.call(toPacked, i.get32s(i.f.r1)), 8);

const convertToDecimal64: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  const low = b.local('i64', b.call(toPacked, i.get64(i.f.r1)));
  i.probe(address, i.f.b2, b.i32(16), true);
  i.store(address, i.f.b2, b.get(HIGH), 8);
  i.store(i.wrap(b.add(address, b.i64(8))), i.f.b2, b.getLocal(low), 8);
};

const decimalData = (i: Insn, bad: Value): void => {
  i.b.if(bad, () => i.raise(PGM.data, i.b.i64(DXC.decimal)));
};

const convertToBinary32: Emitter = (i) => {
  const { b } = i;
  decimalData(i, b.call(fromPacked, b.i64(0), i.load2(8)));
  const value = b.local('i64', b.get(LOW));
  i.raiseIf(b.ne(b.sext(b.getLocal(value), 32), b.getLocal(value)), PGM.fixedDivide);
  i.set32(i.f.r1, b.getLocal(value));
};

const convertToBinary64: Emitter = (i) => {
  const { b } = i;
  const address = i.address2();
  const high = i.load(address, i.f.b2, 8);
  const low = i.load(i.wrap(b.add(address, b.i64(8))), i.f.b2, 8);
  decimalData(i, b.call(fromPacked, high, low));
  const value = b.local('i64', b.get(LOW));
  i.raiseIf(b.ne(b.get(HIGH), b.i64(0)), PGM.fixedDivide);
  i.set64(i.f.r1, b.getLocal(value));
};

/** A helper of (first, second, lengths and spaces) that works from right to left; both operands are looked at before. */
function rightToLeft(
  name: string,
  body: (o: Operands, byteOf2: (back: Value) => Value, set: (back: Value, byte: Value) => void) => void,
) {
  return defineHelper(name, ['i64', 'i64', 'i32'], undefined, (b, first, second, packed) => {
    const o = operandsOf(b, first, second, packed, undefined);
    const [last1, last2] = [b.extend32U(o.l1), b.extend32U(o.l2)];
    /** The byte so many from the right, or zero in front of the operand. */
    const byteOf2 = (back: Value): Value => {
      const byte = b.local('i64', b.i64(0));
      b.if(b.leU(back, last2), () => b.setLocal(byte, loadByte(b, b.add(second, b.sub(last2, back)), o.mmu2)));
      return b.getLocal(byte);
    };
    const set = (back: Value, byte: Value): void => storeByte(b, b.add(first, b.sub(last1, back)), byte, o.mmu1);
    body(o, byteOf2, set);
  });
}

const swapHalves = (b: Insn['b'], byte: Value): Value =>
  b.or(b.shr(byte, b.i64(4)), b.and(b.shl(byte, b.i64(4)), b.i64(0xf0)));

const packBytes = rightToLeft('s390_pack', ({ b, l1 }, byteOf2, set) => {
  set(b.i64(0), swapHalves(b, byteOf2(b.i64(0))));
  times(b, l1, (n) => {
    const back = b.add(b.extend32U(n), b.i64(1));
    const source = b.sub(b.shl(back, b.i64(1)), b.i64(1));
    const right = b.and(byteOf2(source), b.i64(15));
    const left = b.and(byteOf2(b.add(source, b.i64(1))), b.i64(15));
    set(back, b.or(right, b.shl(left, b.i64(4))));
  });
});

const unpackBytes = rightToLeft('s390_unpk', ({ b, l1 }, byteOf2, set) => {
  set(b.i64(0), swapHalves(b, byteOf2(b.i64(0))));
  const byte = b.local('i64', b.i64(0));
  times(b, l1, (n) => {
    const odd = b.and(n, b.i32(1));
    b.if(b.eqz(odd), () => b.setLocal(byte, byteOf2(b.add(b.extend32U(b.shr(n, b.i32(1))), b.i64(1)))));
    const digit = b.and(b.shr(b.getLocal(byte), b.extend32U(b.shl(odd, b.i32(2)))), b.i64(15));
    set(b.add(b.extend32U(n), b.i64(1)), b.or(digit, b.i64(0xf0)));
  });
});

const moveWithOffset = rightToLeft('s390_mvo', ({ b, first, l1, mmu1 }, byteOf2, set) => {
  const last = b.add(first, b.extend32U(l1));
  const sign = b.and(loadByte(b, last, mmu1), b.i64(15));
  const source = b.local('i64', byteOf2(b.i64(0)));
  set(b.i64(0), b.or(sign, b.and(b.shl(b.getLocal(source), b.i64(4)), b.i64(0xf0))));
  times(b, l1, (n) => {
    const back = b.add(b.extend32U(n), b.i64(1));
    const next = b.local('i64', byteOf2(back));
    const right = b.shr(b.getLocal(source), b.i64(4));
    set(back, b.or(right, b.and(b.shl(b.getLocal(next), b.i64(4)), b.i64(0xf0))));
    b.setLocal(source, b.getLocal(next));
  });
});

const onStorage =
  (helper: ReturnType<typeof rightToLeft>): Emitter =>
  (i) =>
    void i.call(helper, i.address1(), i.address2(), lengths(i));

export const decimalConversion: Readonly<Record<string, Emitter>> = {
  cvd: convertToDecimal32,
  cvdy: convertToDecimal32,
  cvdg: convertToDecimal64,
  cvb: convertToBinary32,
  cvby: convertToBinary32,
  cvbg: convertToBinary64,
  pack: onStorage(packBytes),
  unpk: onStorage(unpackBytes),
  mvo: onStorage(moveWithOffset),
};
