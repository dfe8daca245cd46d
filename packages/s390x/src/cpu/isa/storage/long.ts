/**
 * Semantics of moves, comparisons and checksums of any length. Principles of Operation, SA22-7832, chapter "General Instructions".
 */
import {
  accessDescriptor,
  defineHelper,
  ENGINE,
  type IrBuilder,
  type IrHelper,
  type Value,
} from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault, loadByte, moveBytes, STORE, times, toPageEnd } from '../../memory.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  again,
  bothRegisters,
  compareValues,
  getBlock,
  getLong,
  minimum,
  OUT_A1,
  OUT_A2,
  OUT_L1,
  OUT_L2,
  out,
  setAddress,
  setBlock,
  setLong,
} from './pairs.ts';

/**
 * One step of MVCL and MVCLE, or of MVCLU in units of two bytes: at most what lies in one page of each. Takes `block` 0 to 3 (first
 * address, length, second address, length) and changes them: (pad, spaces).
 */
const moveStep = (name: string, size: 1 | 2) =>
  defineHelper(name, ['i32', 'i32'], undefined, (b, pad, both) => {
    const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
    const first = b.and(both, b.i32(15));
    b.if(b.eqz(l1), () => b.return_());
    const inPage = (address: Value): Value => b.extend32U(toPageEnd(b, address));
    // A unit that lies in two pages is moved by itself.
    const whole = (n: Value): Value => (size === 1 ? n : b.select(b.gtU(n, b.i64(1)), b.and(n, b.i64(-2)), b.i64(2)));
    const bytes = b.local('i64', minimum(b, l1, inPage(a1)));
    b.if(
      b.ne(l2, b.i64(0)),
      () => {
        b.setLocal(bytes, whole(minimum(b, minimum(b, b.getLocal(bytes), l2), inPage(a2))));
        const n = b.getLocal(bytes);
        b.call(moveBytes, a1, a2, b.wrap(n), both);
        leaveOnFault(b);
        b.set(out(OUT_A2), b.add(a2, n));
        b.set(out(OUT_L2), b.sub(l2, n));
      },
      () => {
        b.setLocal(bytes, whole(b.getLocal(bytes)));
        fill(b, a1, b.getLocal(bytes), pad, first, size);
      },
    );
    b.set(out(OUT_A1), b.add(a1, b.getLocal(bytes)));
    b.set(out(OUT_L1), b.sub(l1, b.getLocal(bytes)));
  });

/** Fills bytes within a page, or a unit that lies in two. */
function fill(b: IrBuilder, address: Value, bytes: Value, pad: Value, mmu: Value, size: 1 | 2): void {
  const n = b.wrap(bytes);
  b.call(ENGINE.probe, address, n, b.i32(STORE), mmu);
  leaveOnFault(b);
  if (size === 1) {
    const host = b.call(ENGINE.translate, address, b.i32(STORE), mmu);
    leaveOnFault(b);
    b.hostFill(host, pad, n);
    return;
  }
  const descriptor = b.i32(accessDescriptor({ size: 2, endian: 'big' }));
  times(b, b.shr(n, b.i32(1)), (index) => {
    const at = b.add(address, b.extend32U(b.shl(index, b.i32(1))));
    b.call(ENGINE.store, at, b.extend32U(pad), descriptor, mmu);
    leaveOnFault(b);
  });
}

const moveLongStep = moveStep('s390_mvcl', 1);
const moveUnicodeStep = moveStep('s390_mvclu', 2);

/** Bytes that a comparison looks at in one step. */
const COMPARED = 2048;

/**
 * One step of CLCL and CLCLE, as the move's, or with characters of two bytes of CLCLU: -> condition code where they differ, else 0. The
 * shorter is padded.
 */
const compareStep = (name: string, size: 1 | 2) =>
  defineHelper(name, ['i32', 'i32'], 'i32', (b, pad, both) => {
    const zero = b.i32(0);
    const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
    const longest = b.select(b.gtU(l1, l2), l1, l2);
    const bytes = b.wrap(minimum(b, longest, b.i64(COMPARED)));
    const count = size === 2 ? b.shr(bytes, b.i32(1)) : bytes;
    const cc = b.local('i32', zero);
    const done = b.local('i64', b.i64(0));
    const padding = b.extend32U(b.and(pad, b.i32(size === 2 ? 0xffff : 255)));
    const descriptor = b.i32(accessDescriptor({ size, endian: 'big' }));
    const character = (address: Value, length: Value, at: Value, mmu: Value): Value => {
      const value = b.local('i64', padding);
      b.if(b.ltU(at, length), () => {
        b.setLocal(value, b.call(ENGINE.load, b.add(address, at), descriptor, mmu));
        leaveOnFault(b, zero);
      });
      return b.getLocal(value);
    };
    times(b, count, (n, breakIf) => {
      const at = b.mul(b.extend32U(n), b.i64(size));
      const p = character(a1, l1, at, b.and(both, b.i32(15)));
      const q = character(a2, l2, at, b.and(b.shr(both, b.i32(4)), b.i32(15)));
      b.if(b.ne(p, q), () => b.setLocal(cc, b.select(b.ltU(p, q), b.i32(1), b.i32(2))));
      breakIf(b.getLocal(cc));
      b.setLocal(done, b.add(at, b.i64(size)));
    });
    const n = b.getLocal(done);
    const [n1, n2] = [minimum(b, n, l1), minimum(b, n, l2)];
    b.set(out(OUT_A1), b.add(a1, n1));
    b.set(out(OUT_L1), b.sub(l1, n1));
    b.set(out(OUT_A2), b.add(a2, n2));
    b.set(out(OUT_L2), b.sub(l2, n2));
    return b.getLocal(cc);
  });

const compareLongStep = compareStep('s390_clcl', 1);
const compareUnicodeStep = compareStep('s390_clclu', 2);

/** Length of MVCL and CLCL: 24 bits; the byte in front of it stays. */
const get24 = (i: Insn, n: number): Value => i.b.zext(i.get64(n), 24);

const set24 = (i: Insn, n: number, v: Value): void => i.set64(n, i.b.deposit(i.get64(n), 0, 24, v));

const moveLong: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r1, r2);
  setBlock(i, r1, r2, get24);
  const [a1, l1, a2, l2] = [OUT_A1, OUT_L1, OUT_A2, OUT_L2].map((n) => b.local('i64', b.get(out(n)))) as [
    Value,
    Value,
    Value,
    Value,
  ];
  const v = (n: Value): Value => b.getLocal(n);
  // Destructive overlap: the first operand begins within what is still to be moved.
  const moved = minimum(b, v(l1), v(l2));
  const behind = b.sub(v(a1), v(a2));
  const overlap = b.and(b.gtU(moved, b.i64(1)), b.and(b.ne(behind, b.i64(0)), b.ltU(behind, moved)));
  const pad = b.wrap(b.extract(i.get64(r2 + 1), 24, 8));
  const both = bothRegisters(i, r2);
  b.if(b.eqz(overlap), () => {
    i.call(moveLongStep, pad, both);
    getBlock(i, r1, r2, set24);
    again(i, b.ne(b.get(out(OUT_L1)), b.i64(0)));
  });
  const equal = b.select(b.ltU(v(l1), v(l2)), b.i32(1), b.i32(2));
  const cc = b.select(b.eq(v(l1), v(l2)), b.i32(0), equal);
  i.setCcValue(b.select(overlap, b.i32(3), cc));
};

const compareLong: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r1, r2);
  setBlock(i, r1, r2, get24);
  const pad = b.wrap(b.extract(i.get64(r2 + 1), 24, 8));
  const cc = b.local('i32', i.call(compareLongStep, pad, bothRegisters(i, r2)));
  getBlock(i, r1, r2, set24);
  const left = b.or(b.get(out(OUT_L1)), b.get(out(OUT_L2)));
  again(i, b.and(b.eqz(b.getLocal(cc)), b.ne(left, b.i64(0))));
  i.setCcValue(b.getLocal(cc));
};

/** MVCLE and MVCLU. */
const movePadded =
  (step: IrHelper, size: 1 | 2): Emitter =>
  (i) => {
    const { b } = i;
    const { r1, r3 } = i.f;
    i.evenOdd(r1, r3);
    const pad = b.wrap(i.address(i.f.b2, i.f.d2));
    if (size === 2) wholeCharacters(i, r1, r3);
    setBlock(i, r1, r3, getLong);
    const l1 = b.local('i64', b.get(out(OUT_L1)));
    const l2 = b.local('i64', b.get(out(OUT_L2)));
    i.call(step, pad, bothRegisters(i, r3));
    getBlock(i, r1, r3, setLong);
    again(i, b.ne(b.get(out(OUT_L1)), b.i64(0)));
    compareValues(i, b.getLocal(l1), b.getLocal(l2));
  };

/** CLCLE and CLCLU. */
const comparePadded =
  (step: IrHelper, size: 1 | 2): Emitter =>
  (i) => {
    const { b } = i;
    const { r1, r3 } = i.f;
    i.evenOdd(r1, r3);
    const pad = b.wrap(i.address(i.f.b2, i.f.d2));
    setBlock(i, r1, r3, getLong);
    if (size === 2) wholeCharacters(i, r1, r3);
    const cc = b.local('i32', i.call(step, pad, bothRegisters(i, r3)));
    getBlock(i, r1, r3, setLong);
    const left = b.or(b.get(out(OUT_L1)), b.get(out(OUT_L2)));
    again(i, b.and(b.eqz(b.getLocal(cc)), b.ne(left, b.i64(0))));
    i.setCcValue(b.getLocal(cc));
  };

/** Refuses lengths that are no multiple of two bytes. */
function wholeCharacters(i: Insn, first: number, second: number): void {
  const { b } = i;
  const odd = b.and(b.or(i.get64(first + 1), i.get64(second + 1)), b.i64(1));
  i.raiseIf(b.wrap(odd), PGM.specification);
}

/** CKSM: (sum, address, bytes (at most a page), space) -> the sum of words with end-around carry. */
const checksumStep = defineHelper('s390_cksm', ['i64', 'i64', 'i32', 'i32'], 'i64', (b, sum, address, bytes, mmu) => {
  const total = b.local('i64', sum);
  const word = b.local('i64', b.i64(0));
  times(b, bytes, (n) => {
    const byte = loadByte(b, b.add(address, b.extend32U(n)), mmu, sum);
    const shift = b.extend32U(b.shl(b.sub(b.i32(3), b.and(n, b.i32(3))), b.i32(3)));
    b.setLocal(word, b.shl(byte, shift));
    const added = b.add(b.getLocal(total), b.getLocal(word));
    b.setLocal(total, b.add(b.zext(added, 32), b.shr(added, b.i64(32))));
  });
  return b.getLocal(total);
});

const checksum: Emitter = (i) => {
  const { b } = i;
  const { r1, r2 } = i.f;
  i.evenOdd(r2);
  const address = i.wrap(i.get64(r2));
  const left = getLong(i, r2 + 1);
  const count = b.local('i64', minimum(b, left, b.i64(1024)));
  const sum = b.local('i64', i.call(checksumStep, i.get32u(r1), address, b.wrap(b.getLocal(count)), i.space(r2)));
  const rest = b.local('i64', b.sub(left, b.getLocal(count)));
  i.set32(r1, b.getLocal(sum));
  setAddress(i, r2, b.add(address, b.getLocal(count)));
  setLong(i, r2 + 1, b.getLocal(rest));
  again(i, b.ne(b.getLocal(rest), b.i64(0)));
  i.setCcValue(b.i32(0));
};

export const longSemantics: Readonly<Record<string, Emitter>> = {
  mvcl: moveLong,
  clcl: compareLong,
  mvcle: movePadded(moveLongStep, 1),
  clcle: comparePadded(compareLongStep, 1),
  mvclu: movePadded(moveUnicodeStep, 2),
  clclu: comparePadded(compareUnicodeStep, 2),
  cksm: checksum,
};
