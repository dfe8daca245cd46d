/** Zoned decimal numbers in storage, packed in vectors: SA22-7832, chapter "Vector Decimal Instructions". */
import { defineHelper, ENGINE } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { LOAD, leaveOnFault, loadByte, STORE, storeByte, times } from '../../memory.ts';
import { digitsLocal, getDigits, overTen, setDigits, timesTen, zero } from '../decimal/packed.ts';
import type { Emitter, Insn } from '../insn.ts';
import { get, halves, join, set, vector } from './lanes.ts';

/** (address, bytes, space): leaves the digits in the right halves of bytes, and the sign in the left half of the last, packed. */
const packZoned = defineHelper('s390_vpkz', ['i64', 'i32', 'i32'], undefined, (b, address, count, mmu) => {
  b.call(ENGINE.probe, address, count, b.i32(LOAD), mmu);
  leaveOnFault(b);
  const result = digitsLocal(b, zero(b));
  const sign = b.local('i64', b.i64(0));
  times(b, count, (n) => {
    const byte = b.local('i64', loadByte(b, b.add(address, b.extend32U(n)), mmu));
    const { high, low } = timesTen(b, result.get());
    result.set({ high, low: b.or(low, b.and(b.getLocal(byte), b.i64(15))) });
    b.setLocal(sign, b.shr(b.getLocal(byte), b.i64(4)));
  });
  const { high, low } = timesTen(b, result.get());
  setDigits(b, { high, low: b.or(low, b.getLocal(sign)) });
});

/** (address, halves, bytes, space): stores digits from the right, with a zone of ones; the sign is that of the last. */
const unpackZoned = defineHelper(
  's390_vupkz',
  ['i64', 'i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, address, left, right, count, mmu) => {
    b.call(ENGINE.probe, address, count, b.i32(STORE), mmu);
    leaveOnFault(b);
    const rest = digitsLocal(b, overTen(b, { high: left, low: right }));
    const zone = b.local('i64', b.shl(b.and(right, b.i64(15)), b.i64(4)));
    times(b, count, (n) => {
      const digit = b.and(rest.get().low, b.i64(15));
      const place = b.add(address, b.extend32U(b.sub(b.sub(count, n), b.i32(1))));
      storeByte(b, place, b.or(b.getLocal(zone), digit), mmu);
      b.setLocal(zone, b.i64(0xf0));
      rest.set(overTen(b, rest.get()));
    });
  },
);

/** Bytes of the operand in storage: at most 31. */
function lengthOf(i: Insn): number {
  if (i.f.i3 > 30) i.refuse(PGM.specification);
  return i.f.i3 + 1;
}

export const zonedSemantics: Readonly<Record<string, Emitter>> = {
  vpkz: vector((i) => {
    const { b } = i;
    const length = lengthOf(i);
    i.call(packZoned, i.address2(), b.i32(length), i.space(i.f.b2));
    const { high, low } = getDigits(b);
    set(i, i.f.v1, join(b, high, low));
  }),
  vupkz: vector((i) => {
    const { b } = i;
    const length = lengthOf(i);
    i.call(unpackZoned, i.address2(), ...halves(b, get(i, i.f.v1)), b.i32(length), i.space(i.f.b2));
  }),
};
