/**
 * Semantics of moves, comparisons and checksums of any length. Principles of Operation, SA22-7832, chapter "General Instructions".
 */
import { defineHelper, ENGINE, type Value } from '@boardwalk/translator';
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
 * One step of MVCL and MVCLE: at most what lies in one page of each. Takes `block` 0 to 3 (first address, length, second address,
 * length) and changes them: (pad, spaces).
 */
const moveLongStep = defineHelper('s390_mvcl', ['i32', 'i32'], undefined, (b, pad, both) => {
  const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
  const page1 = b.extend32U(toPageEnd(b, a1));
  const first = b.and(both, b.i32(15));
  b.if(b.eqz(l1), () => b.return_());
  const bytes = b.local('i64', minimum(b, l1, page1));
  b.if(
    b.ne(l2, b.i64(0)),
    () => {
      b.setLocal(bytes, minimum(b, minimum(b, b.getLocal(bytes), l2), b.extend32U(toPageEnd(b, a2))));
      const n = b.getLocal(bytes);
      b.call(moveBytes, a1, a2, b.wrap(n), both);
      leaveOnFault(b);
      b.set(out(OUT_A2), b.add(a2, n));
      b.set(out(OUT_L2), b.sub(l2, n));
    },
    () => {
      const n = b.wrap(b.getLocal(bytes));
      b.call(ENGINE.probe, a1, n, b.i32(STORE), first);
      leaveOnFault(b);
      const host = b.call(ENGINE.translate, a1, b.i32(STORE), first);
      leaveOnFault(b);
      b.hostFill(host, pad, n);
    },
  );
  b.set(out(OUT_A1), b.add(a1, b.getLocal(bytes)));
  b.set(out(OUT_L1), b.sub(l1, b.getLocal(bytes)));
});

/** One step of CLCL and CLCLE, as the move's: -> condition code where they differ, else 0. The shorter is padded. */
const compareLongStep = defineHelper('s390_clcl', ['i32', 'i32'], 'i32', (b, pad, both) => {
  const zero = b.i32(0);
  const [a1, l1, a2, l2] = [b.get(out(OUT_A1)), b.get(out(OUT_L1)), b.get(out(OUT_A2)), b.get(out(OUT_L2))];
  const longest = b.select(b.gtU(l1, l2), l1, l2);
  const count = b.wrap(minimum(b, longest, b.i64(2048)));
  const cc = b.local('i32', zero);
  const done = b.local('i64', b.i64(0));
  const padByte = b.extend32U(b.and(pad, b.i32(255)));
  times(b, count, (n, breakIf) => {
    const at = b.extend32U(n);
    const x = b.local('i64', padByte);
    const y = b.local('i64', padByte);
    b.if(b.ltU(at, l1), () => b.setLocal(x, loadByte(b, b.add(a1, at), b.and(both, b.i32(15)), zero)));
    b.if(b.ltU(at, l2), () => b.setLocal(y, loadByte(b, b.add(a2, at), b.and(b.shr(both, b.i32(4)), b.i32(15)), zero)));
    const [p, q] = [b.getLocal(x), b.getLocal(y)];
    b.if(b.ne(p, q), () => b.setLocal(cc, b.select(b.ltU(p, q), b.i32(1), b.i32(2))));
    breakIf(b.getLocal(cc));
    b.setLocal(done, b.add(at, b.i64(1)));
  });
  const n = b.getLocal(done);
  const [n1, n2] = [minimum(b, n, l1), minimum(b, n, l2)];
  b.set(out(OUT_A1), b.add(a1, n1));
  b.set(out(OUT_L1), b.sub(l1, n1));
  b.set(out(OUT_A2), b.add(a2, n2));
  b.set(out(OUT_L2), b.sub(l2, n2));
  return b.getLocal(cc);
});

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

const moveLongExtended: Emitter = (i) => {
  const { b } = i;
  const { r1, r3 } = i.f;
  i.evenOdd(r1, r3);
  const pad = b.wrap(i.address(i.f.b2, i.f.d2));
  setBlock(i, r1, r3, getLong);
  const l1 = b.local('i64', b.get(out(OUT_L1)));
  const l2 = b.local('i64', b.get(out(OUT_L2)));
  i.call(moveLongStep, pad, bothRegisters(i, r3));
  getBlock(i, r1, r3, setLong);
  again(i, b.ne(b.get(out(OUT_L1)), b.i64(0)));
  compareValues(i, b.getLocal(l1), b.getLocal(l2));
};

const compareLongExtended: Emitter = (i) => {
  const { b } = i;
  const { r1, r3 } = i.f;
  i.evenOdd(r1, r3);
  const pad = b.wrap(i.address(i.f.b2, i.f.d2));
  setBlock(i, r1, r3, getLong);
  const cc = b.local('i32', i.call(compareLongStep, pad, bothRegisters(i, r3)));
  getBlock(i, r1, r3, setLong);
  const left = b.or(b.get(out(OUT_L1)), b.get(out(OUT_L2)));
  again(i, b.and(b.eqz(b.getLocal(cc)), b.ne(left, b.i64(0))));
  i.setCcValue(b.getLocal(cc));
};

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
  mvcle: moveLongExtended,
  clcle: compareLongExtended,
  cksm: checksum,
};
