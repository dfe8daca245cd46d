/**
 * Semantics of the instructions on strings that end with a byte. Principles of Operation, SA22-7832, chapter "General
 * Instructions".
 */
import { accessDescriptor, defineHelper, ENGINE, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault, loadByte, storeByte, times, toPageEnd } from '../../memory.ts';
import type { Emitter } from '../insn.ts';
import { bothRegisters, minimum, out, setAddress } from './pairs.ts';

/** Most bytes that one execution of a string instruction looks at; condition code 3 says that there is more. */
const STRING_STEP = 256;

/**
 * SRST: (from, end, byte, space) -> place of the byte, with `block[0]` the condition code: 1 found, 2 not, 3 go on there.
 */
const searchString = defineHelper('s390_srst', ['i64', 'i64', 'i64', 'i32'], 'i64', (b, from, end, byte, mmu) => {
  const at = b.local('i64', from);
  times(b, b.i32(4096), () => {
    const place = b.getLocal(at);
    b.if(b.eq(place, end), () => {
      b.set(out(0), b.i64(2));
      b.return_(place);
    });
    const found = loadByte(b, place, mmu, place);
    b.if(b.eq(found, byte), () => {
      b.set(out(0), b.i64(1));
      b.return_(place);
    });
    b.setLocal(at, b.add(place, b.i64(1)));
  });
  b.set(out(0), b.i64(3));
  return b.getLocal(at);
});

/** SRST and SRSTU: the character is in the right of register 0, in front of which are zeros. */
const search =
  (helper: IrHelper, size: 1 | 2): Emitter =>
  (i) => {
    const { b } = i;
    const { r1, r2 } = i.f;
    const reserved = size === 2 ? 0xffff_0000 : 0xffff_ff00;
    i.raiseIf(b.ne(b.and(i.get64(0), b.i64(reserved)), b.i64(0)), PGM.specification);
    const [from, end] = [i.wrap(i.get64(r2)), i.wrap(i.get64(r1))];
    const place = b.local('i64', i.call(helper, from, end, b.zext(i.get64(0), 8 * size), i.space(r2)));
    const cc = b.wrap(b.get(out(0)));
    b.if(b.eq(cc, b.i32(1)), () => setAddress(i, r1, b.getLocal(place)));
    b.if(b.eq(cc, b.i32(3)), () => setAddress(i, r2, b.getLocal(place)));
    i.setCcValue(cc);
  };

/** SRSTU: (from, end, character, space) -> place of the character, with `block[0]` the condition code, as SRST. */
const searchUnicodeString = defineHelper(
  's390_srstu',
  ['i64', 'i64', 'i64', 'i32'],
  'i64',
  (b, from, end, character, mmu) => {
    const at = b.local('i64', from);
    // Where the end is an odd number of bytes away, the character that it is within is looked at too.
    const last = b.add(end, b.and(b.xor(from, end), b.i64(1)));
    const descriptor = b.i32(accessDescriptor({ size: 2, endian: 'big' }));
    times(b, b.i32(2048), () => {
      const place = b.getLocal(at);
      const leave = (cc: number): void => {
        b.set(out(0), b.i64(cc));
        b.return_(place);
      };
      b.if(b.eq(place, last), () => leave(2));
      const found = b.call(ENGINE.load, place, descriptor, mmu);
      leaveOnFault(b, place);
      b.if(b.eq(found, character), () => leave(1));
      b.setLocal(at, b.add(place, b.i64(2)));
    });
    b.set(out(0), b.i64(3));
    return b.getLocal(at);
  },
);

/** MVST: (to, from, end byte, spaces) -> bytes moved, with `block[0]` the condition code: 1 the end was moved, 3 go on. */
const moveStringStep = defineHelper('s390_mvst', ['i64', 'i64', 'i64', 'i32'], 'i64', (b, to, from, end, both) => {
  const room = minimum(b, b.extend32U(toPageEnd(b, to)), b.extend32U(toPageEnd(b, from)));
  const none = b.i64(0);
  const mmu1 = b.and(both, b.i32(15));
  const mmu2 = b.and(b.shr(both, b.i32(4)), b.i32(15));
  times(b, b.wrap(room), (n) => {
    const at = b.extend32U(n);
    const byte = loadByte(b, b.add(from, at), mmu2, none);
    storeByte(b, b.add(to, at), byte, mmu1, none);
    b.if(b.eq(byte, end), () => {
      b.set(out(0), b.i64(1));
      b.return_(at);
    });
  });
  b.set(out(0), b.i64(3));
  return room;
});

const moveString: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff00)), b.i64(0)), PGM.specification);
  const [to, from] = [i.wrap(i.get64(r1)), i.wrap(i.get64(r2))];
  const both = bothRegisters(i, r2);
  const moved = b.local('i64', i.call(moveStringStep, to, from, b.zext(i.get64(0), 8), both));
  const cc = b.wrap(b.get(out(0)));
  setAddress(i, r1, b.add(to, b.getLocal(moved)));
  b.if(b.eq(cc, b.i32(3)), () => setAddress(i, r2, b.add(from, b.getLocal(moved))));
  i.setCcValue(cc);
};

/** CLST: (first, second, end byte, spaces) -> bytes that are the same, with `block[0]` the condition code. */
const compareStringStep = defineHelper(
  's390_clst',
  ['i64', 'i64', 'i64', 'i32'],
  'i64',
  (b, first, second, end, both) => {
    const none = b.i64(0);
    times(b, b.i32(STRING_STEP), (n) => {
      const at = b.extend32U(n);
      const x = loadByte(b, b.add(first, at), b.and(both, b.i32(15)), none);
      const y = loadByte(b, b.add(second, at), b.and(b.shr(both, b.i32(4)), b.i32(15)), none);
      const [endX, endY] = [b.eq(x, end), b.eq(y, end)];
      const finish = (cc: Value): void => {
        b.set(out(0), b.extend32U(cc));
        b.return_(at);
      };
      b.if(b.and(endX, endY), () => finish(b.i32(0)));
      // The ending byte is low against any other.
      b.if(endX, () => finish(b.i32(1)));
      b.if(endY, () => finish(b.i32(2)));
      b.if(b.ne(x, y), () => finish(b.select(b.ltU(x, y), b.i32(1), b.i32(2))));
    });
    b.set(out(0), b.i64(3));
    return b.i64(STRING_STEP);
  },
);

const compareString: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.raiseIf(b.ne(b.and(i.get64(0), b.i64(0xffff_ff00)), b.i64(0)), PGM.specification);
  const [first, second] = [i.wrap(i.get64(r1)), i.wrap(i.get64(r2))];
  const both = bothRegisters(i, r2);
  const same = b.local('i64', i.call(compareStringStep, first, second, b.zext(i.get64(0), 8), both));
  const cc = b.wrap(b.get(out(0)));
  b.if(b.ne(cc, b.i32(0)), () => {
    setAddress(i, r1, b.add(first, b.getLocal(same)));
    setAddress(i, r2, b.add(second, b.getLocal(same)));
  });
  i.setCcValue(cc);
};

export const stringSemantics: Readonly<Record<string, Emitter>> = {
  srst: search(searchString, 1),
  srstu: search(searchUnicodeString, 2),
  mvst: moveString,
  clst: compareString,
};
