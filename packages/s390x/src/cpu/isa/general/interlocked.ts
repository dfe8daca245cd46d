/** Semantics of interlocked updates of storage. Principles of Operation, SA22-7832, chapter "General Instructions". */
import type { Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import type { Emitter } from '../insn.ts';
import { overflow, overflow32, R3, TO32, TO64 } from '../operands.ts';
import { AND, OR, XOR } from './logic.ts';

/** LAA and its like. */
const loadAnd =
  (op: 'add' | 'and' | 'or' | 'xor', size: 4 | 8, logical = false): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    const operand = R3(i);
    const old = i.atomic(op, address, i.f.b2, operand, size);
    if (op !== 'add') {
      const logical1 = op === 'and' ? AND : op === 'or' ? OR : XOR;
      const result = logical1(b, old, operand);
      i.setCc(CC.nonZero, size === 4 ? b.zext(result, 32) : result);
    } else if (size === 8) i.setCc(logical ? CC.addLogical64 : CC.add64, old, operand);
    else if (logical) i.setCc(CC.addLogical32, b.zext(old, 32), b.zext(operand, 32));
    else i.setCc(CC.add32, b.sext(old, 32), b.sext(operand, 32));
    (size === 4 ? TO32 : TO64)(i, old);
    if (op !== 'add' || logical) return;
    if (size === 8) overflow(i, b.addOverflow(old, operand, b.add(old, operand)));
    else {
      const exact = b.add(b.sext(old, 32), b.sext(operand, 32));
      overflow32(i, exact);
    }
  };

/** COMPARE AND SWAP: equal 0, else 1 and the operand in `r1`. */
const compareAndSwap =
  (size: 4 | 8): Emitter =>
  (i) => {
    const { b } = i;
    const { r1, r3, b2 } = i.f;
    const address = i.address(b2, i.f.d2);
    const expected = size === 4 ? i.get32u(r1) : i.get64(r1);
    const old = i.compareSwap(address, b2, expected, i.get64(r3), size);
    i.setCc(CC.nonZero, b.xor(old, expected));
    if (size === 4) i.set32(r1, old);
    else i.set64(r1, old);
  };

/** COMPARE DOUBLE AND SWAP of words: pairs of registers are 64 bits. */
const compareDoubleAndSwap: Emitter = (i) => {
  const { b } = i;
  const { r1, r3, b2 } = i.f;
  i.evenOdd(r1, r3);
  const address = i.address(b2, i.f.d2);
  const expected = i.getPair32(r1);
  const old = i.compareSwap(address, b2, expected, i.getPair32(r3), 8);
  i.setCc(CC.nonZero, b.xor(old, expected));
  i.setPair32(r1, old);
};

/** CDSG: 16 bytes. */
const compareDoubleAndSwapLong: Emitter = (i) => {
  const { b } = i;
  const { r1, r3, b2 } = i.f;
  i.evenOdd(r1, r3);
  const pair = (n: number): Value => b.pure('withHigh64', b.pure('splat.i64x2', i.get64(n + 1)), i.get64(n));
  const address = i.address(b2, i.f.d2);
  i.aligned(address, 16);
  const expected = pair(r1);
  const old = i.b.atomicCas(address, expected, pair(r3), { size: 16, endian: 'big', mmu: i.mmu });
  const [high, low] = [b.pure('high64', old), b.pure('low64', old)];
  i.setCc(CC.nonZero, b.or(b.xor(high, i.get64(r1)), b.xor(low, i.get64(r1 + 1))));
  i.set64(r1, high);
  i.set64(r1 + 1, low);
};

const loadPair: Emitter = (i) => {
  i.evenOdd(i.f.r1);
  const address = i.alignedAddress2(16);
  const [high, low] = [i.load(address, i.f.b2, 8), i.load(i.b.add(address, i.b.i64(8)), i.f.b2, 8)];
  i.set64(i.f.r1, high);
  i.set64(i.f.r1 + 1, low);
};

const storePair: Emitter = (i) => {
  i.evenOdd(i.f.r1);
  const address = i.alignedAddress2(16);
  i.store(address, i.f.b2, i.get64(i.f.r1), 8);
  i.store(i.b.add(address, i.b.i64(8)), i.f.b2, i.get64(i.f.r1 + 1), 8);
};

/** LPD and LPDG: two operands, interlocked where nobody changes them; condition code 0 says that they are. */
const loadPairDisjoint =
  (size: 4 | 8): Emitter =>
  (i) => {
    const { r3 } = i.f;
    i.evenOdd(r3);
    const [x, y] = [i.address1(), i.address2()];
    i.aligned(x, size);
    i.aligned(y, size);
    const [first, second] = [i.load(x, i.f.b1, size), i.load(y, i.f.b2, size)];
    if (size === 8) {
      i.set64(r3, first);
      i.set64(r3 + 1, second);
    } else {
      i.set32(r3, first);
      i.set32(r3 + 1, second);
    }
    i.setCcValue(i.b.i32(0));
  };

const testAndSet: Emitter = (i) => {
  const old = i.atomic('or', i.address2(), i.f.b2, i.b.i64(255), 1);
  // The byte becomes all ones, and its leftmost bit before is the condition code.
  i.setCcValue(i.b.wrap(i.b.shr(old, i.b.i64(7))));
};

export const interlocked: Readonly<Record<string, Emitter>> = {
  laa: loadAnd('add', 4),
  laag: loadAnd('add', 8),
  laal: loadAnd('add', 4, true),
  laalg: loadAnd('add', 8, true),
  lan: loadAnd('and', 4),
  lang: loadAnd('and', 8),
  lao: loadAnd('or', 4),
  laog: loadAnd('or', 8),
  lax: loadAnd('xor', 4),
  laxg: loadAnd('xor', 8),
  cs: compareAndSwap(4),
  csy: compareAndSwap(4),
  csg: compareAndSwap(8),
  cds: compareDoubleAndSwap,
  cdsy: compareDoubleAndSwap,
  cdsg: compareDoubleAndSwapLong,
  lpq: loadPair,
  stpq: storePair,
  lpd: loadPairDisjoint(4),
  lpdg: loadPairDisjoint(8),
  ts: testAndSet,
};
