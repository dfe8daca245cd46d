/** Loads, stores, gathers and moves between general and vector registers: SA22-7832, chapter "Vector Overview and Support Instructions". */
import { accessDescriptor, defineHelper, ENGINE, type IrBuilder, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { leaveOnFault, STORE } from '../../memory.ts';
import type { Emitter, Insn, Size } from '../insn.ts';
import {
  and,
  bitselect,
  bitsOf,
  constants,
  countOf,
  elementSize,
  extract,
  get,
  join,
  lanewise,
  leftBytes,
  moveLeft,
  pick,
  pickElements,
  replace,
  set,
  splat,
  vector,
} from './lanes.ts';

const sizeOf = (es: number): Size => (1 << es) as Size;

const load: Emitter = (i) => set(i, i.f.v1, i.load128(i.address2(), i.f.b2));
const store: Emitter = (i) => i.store128(i.address2(), i.f.b2, get(i, i.f.v1));

const addressOf = (i: Insn, n: number): Value => i.wrap(i.b.add(i.address2(), i.b.i64(n * 16)));

/** Registers v1 to v3, which must be at most 16 and in order. */
function range(i: Insn): readonly number[] {
  const { v1, v3 } = i.f;
  if (v3 < v1 || v3 - v1 >= 16) i.refuse(PGM.specification);
  return Array.from({ length: v3 - v1 + 1 }, (_, n) => v1 + n);
}

const loadMultiple: Emitter = (i) => {
  const values = range(i).map((_, n) => i.load128(addressOf(i, n), i.f.b2));
  for (const [n, value] of values.entries()) set(i, i.f.v1 + n, value);
};

const storeMultiple: Emitter = (i) => {
  const registers = range(i);
  i.probe(i.address2(), i.f.b2, i.b.i32(registers.length * 16), true);
  for (const [n, register] of registers.entries()) i.store128(addressOf(i, n), i.f.b2, get(i, register));
};

/** Refuses an element that there is none of. */
function elementOf(i: Insn, es: number, m: number): number {
  if (m >= countOf(es)) i.refuse(PGM.specification);
  return m;
}

const loadElement =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    const value = i.load2(sizeOf(es));
    set(i, i.f.v1, replace(i.b, es, get(i, i.f.v1), element, value));
  };
const storeElement =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    i.store2(extract(i.b, es, get(i, i.f.v1), element), sizeOf(es));
  };
const loadElementImmediate =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    set(i, i.f.v1, replace(i.b, es, get(i, i.f.v1), element, i.b.i64((i.f.i2 << 16) >> 16)));
  };

const loadReplicate: Emitter = (i) => {
  const es = elementSize(i, i.f.m3);
  set(i, i.f.v1, splat(i.b, es, i.load2(sizeOf(es))));
};

/** The element, right-aligned in the leftmost doubleword; size 6 is a word in its left half. */
const loadZero =
  (swapped: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const isLeft = i.f.m3 === 6;
    const es = isLeft ? 2 : elementSize(i, i.f.m3, 3, swapped ? 1 : 0);
    const value = swapped ? i.loadSwapped(i.address2(), i.f.b2, sizeOf(es)) : i.load2(sizeOf(es));
    const left = isLeft ? b.shl(value, b.i64(32)) : value;
    set(i, i.f.v1, b.pure('withHigh64', b.v128(0n, 0n), left));
  };

// --- parts of a vector ---

/**
 * `count` bytes (i32, 1 to 16) from the left, zeros behind them; or from the right, zeros in front. One access of 16 bytes, which
 * lies before the operand's end where it would else reach into a page that the operand does not.
 */
function loadPart(i: Insn, address: Value, count: Value, isRight = false): Value {
  const { b } = i;
  const at = b.and(b.wrap(address), b.i32(0xfff));
  const reaches = b.and(b.gtU(at, b.i32(0xff0)), b.leU(b.add(at, count), b.i32(0x1000)));
  const back = b.select(reaches, b.sub(at, b.i32(0xff0)), b.i32(0));
  const whole = i.load128(b.sub(address, b.extend32U(back)), i.f.b2);
  if (isRight) {
    const left = moveLeft(b, whole, b.sub(b.add(back, count), b.i32(16)));
    return b.pure('v128.andnot', left, leftBytes(b, b.sub(b.i32(16), count)));
  }
  return and(b, moveLeft(b, whole, back), leftBytes(b, count));
}

/** (address, left half, right half, bytes, space): stores bytes from the left. */
const storeBytes = defineHelper(
  's390_vstl',
  ['i64', 'i64', 'i64', 'i32', 'i32'],
  undefined,
  (b, address, left, right, count, mmu) => {
    b.call(ENGINE.probe, address, count, b.i32(STORE), mmu);
    leaveOnFault(b);
    const at = b.local('i64', address);
    const rest = b.local('i64', left);
    const put = (size: Size): void => {
      const descriptor = b.i32(accessDescriptor({ size, endian: 'big' }));
      const value = size === 8 ? b.getLocal(rest) : b.shr(b.getLocal(rest), b.i64(64 - size * 8));
      b.call(ENGINE.store, b.getLocal(at), value, descriptor, mmu);
      leaveOnFault(b);
      b.setLocal(at, b.add(b.getLocal(at), b.i64(size)));
      b.setLocal(rest, size === 8 ? right : b.shl(b.getLocal(rest), b.i64(size * 8)));
    };
    b.if(b.geU(count, b.i32(8)), () => put(8));
    b.if(b.eq(count, b.i32(16)), () => {
      put(8);
      b.return_();
    });
    for (const size of [4, 2, 1] as const) b.if(b.and(count, b.i32(size)), () => put(size));
  },
);

function storePart(i: Insn, address: Value, value: Value, count: Value): void {
  const { b } = i;
  const [left, right] = [b.pure('high64', value), b.pure('low64', value)];
  i.call(storeBytes, address, left, right, count, i.space(i.f.b2));
}

const minimum = (b: IrBuilder, x: Value, y: Value): Value => b.select(b.ltU(x, y), x, y);

/** Bytes that a length less one in a general register means. */
const lengthOf = (i: Insn): Value => i.b.add(minimum(i.b, i.get32(i.f.r3), i.b.i32(15)), i.b.i32(1));

/** Bytes up to the next boundary, at most 16. */
function toBoundary(i: Insn, address: Value, m: number): Value {
  if (m > 6) i.refuse(PGM.specification);
  const { b } = i;
  const within = b.and(b.wrap(address), b.i32((64 << m) - 1));
  return minimum(b, b.sub(b.i32(64 << m), within), b.i32(16));
}

const loadToBoundary: Emitter = (i) => {
  const address = i.address2();
  set(i, i.f.v1, loadPart(i, address, toBoundary(i, address, i.f.m3)));
};

const countToBoundary: Emitter = (i) => {
  const { b } = i;
  const count = b.local('i32', toBoundary(i, i.address2(), i.f.m3));
  i.set32(i.f.r1, b.extend32U(b.getLocal(count)));
  i.setCcValue(b.select(b.eq(b.getLocal(count), b.i32(16)), b.i32(0), b.i32(3)));
};

/** Length in the immediate, less one. */
function immediateLength(i: Insn): Value {
  if (i.f.i3 > 15) i.refuse(PGM.specification);
  return i.b.i32(i.f.i3 + 1);
}

const loadRight =
  (count: (i: Insn) => Value): Emitter =>
  (i) =>
    set(i, i.f.v1, loadPart(i, i.address2(), count(i), true));
const storeRight =
  (count: (i: Insn) => Value): Emitter =>
  (i) => {
    const bytes = count(i);
    storePart(i, i.address2(), moveLeft(i.b, get(i, i.f.v1), i.b.sub(i.b.i32(16), bytes)), bytes);
  };

// --- gathers ---

/** Base and displacement, and an element of the second register. */
function gatherAddress(i: Insn, es: number, element: number): Value {
  const { b } = i;
  return i.wrap(b.add(i.address(i.f.b2, i.f.d2), extract(b, es, get(i, i.f.v2), element)));
}

const gather =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    const value = i.load(gatherAddress(i, es, element), i.f.b2, sizeOf(es));
    set(i, i.f.v1, replace(i.b, es, get(i, i.f.v1), element, value));
  };
const scatter =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    i.store(gatherAddress(i, es, element), i.f.b2, extract(i.b, es, get(i, i.f.v1), element), sizeOf(es));
  };

// --- general registers ---

/** Element number of the second operand's address, if translation knows it. */
const fixedElement = (i: Insn, es: number): number | undefined =>
  i.f.b2 === 0 ? i.f.d2 & (countOf(es) - 1) : undefined;

const elementNumber = (i: Insn, es: number): Value =>
  i.b.and(i.b.wrap(i.address(i.f.b2, i.f.d2)), i.b.i32(countOf(es) - 1));

const toGeneral: Emitter = (i) => {
  const { b } = i;
  const es = elementSize(i, i.f.m4);
  const x = get(i, i.f.v3);
  const fixed = fixedElement(i, es);
  if (fixed !== undefined) {
    i.set64(i.f.r1, extract(b, es, x, fixed));
    return;
  }
  const inHalf = countOf(es) / 2;
  const n = elementNumber(i, es);
  const half = b.select(b.ltU(n, b.i32(inHalf)), b.pure('high64', x), b.pure('low64', x));
  const fromRight = b.sub(b.i32(inHalf - 1), b.and(n, b.i32(inHalf - 1)));
  const shifted = b.shr(half, b.extend32U(b.mul(fromRight, b.i32(bitsOf(es)))));
  i.set64(i.f.r1, b.zext(shifted, bitsOf(es)));
};

const fromGeneral: Emitter = (i) => {
  const { b } = i;
  const es = elementSize(i, i.f.m4);
  const value = i.get64(i.f.r3);
  const old = get(i, i.f.v1);
  const fixed = fixedElement(i, es);
  if (fixed !== undefined) {
    set(i, i.f.v1, replace(b, es, old, fixed, value));
    return;
  }
  const numbers = constants(b, es, (element) => element);
  const isIt = lanewise(b, 'eq', es, numbers, splat(b, es, b.extend32U(elementNumber(i, es))));
  set(i, i.f.v1, bitselect(b, splat(b, es, value), old, isIt));
};

// --- reversed bytes and elements (vector enhancements 2) ---

/** Reverses the bytes in each element; 4 is the whole. */
const swapBytes = (i: Insn, x: Value, es: number): Value => pick(i.b, x, x, (byte) => byte ^ ((1 << es) - 1));
const swapElements = (i: Insn, x: Value, es: number): Value =>
  pickElements(i.b, es, x, x, (element) => countOf(es) - 1 - element);

function reversedSize(i: Insn, most: number): number {
  const { m3 } = i.f;
  if (m3 < 1 || m3 > most) i.refuse(PGM.specification);
  return m3;
}

const loadSwappedElement =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    const value = i.loadSwapped(i.address2(), i.f.b2, sizeOf(es));
    set(i, i.f.v1, replace(i.b, es, get(i, i.f.v1), element, value));
  };
const storeSwappedElement =
  (es: number): Emitter =>
  (i) => {
    const element = elementOf(i, es, i.f.m3);
    const value = extract(i.b, es, get(i, i.f.v1), element);
    i.storeSwapped(i.address2(), i.f.b2, value, sizeOf(es));
  };

export const loadStoreSemantics: Readonly<Record<string, Emitter>> = {
  vl: vector(load),
  vst: vector(store),
  vlr: vector((i) => set(i, i.f.v1, get(i, i.f.v2))),
  vlm: vector(loadMultiple),
  vstm: vector(storeMultiple),
  vleb: vector(loadElement(0)),
  vleh: vector(loadElement(1)),
  vlef: vector(loadElement(2)),
  vleg: vector(loadElement(3)),
  vsteb: vector(storeElement(0)),
  vsteh: vector(storeElement(1)),
  vstef: vector(storeElement(2)),
  vsteg: vector(storeElement(3)),
  vleib: vector(loadElementImmediate(0)),
  vleih: vector(loadElementImmediate(1)),
  vleif: vector(loadElementImmediate(2)),
  vleig: vector(loadElementImmediate(3)),
  vllez: vector(loadZero(false)),
  vlrep: vector(loadReplicate),
  vlbb: vector(loadToBoundary),
  lcbb: countToBoundary,
  vll: vector((i) => set(i, i.f.v1, loadPart(i, i.address2(), lengthOf(i)))),
  vstl: vector((i) => storePart(i, i.address2(), get(i, i.f.v1), lengthOf(i))),
  vlrl: vector(loadRight(immediateLength)),
  vlrlr: vector(loadRight(lengthOf)),
  vstrl: vector(storeRight(immediateLength)),
  vstrlr: vector(storeRight(lengthOf)),
  vgef: vector(gather(2)),
  vgeg: vector(gather(3)),
  vscef: vector(scatter(2)),
  vsceg: vector(scatter(3)),
  vlgv: vector(toGeneral),
  vlvg: vector(fromGeneral),
  vlvgp: vector((i) => set(i, i.f.v1, join(i.b, i.get64(i.f.r2), i.get64(i.f.r3)))),
  vlebrh: vector(loadSwappedElement(1)),
  vlebrf: vector(loadSwappedElement(2)),
  vlebrg: vector(loadSwappedElement(3)),
  vstebrh: vector(storeSwappedElement(1)),
  vstebrf: vector(storeSwappedElement(2)),
  vstebrg: vector(storeSwappedElement(3)),
  vllebrz: vector(loadZero(true)),
  vlbrrep: vector((i) => {
    const es = elementSize(i, i.f.m3, 3, 1);
    set(i, i.f.v1, splat(i.b, es, i.loadSwapped(i.address2(), i.f.b2, sizeOf(es))));
  }),
  vlbr: vector((i) => set(i, i.f.v1, swapBytes(i, i.load128(i.address2(), i.f.b2), reversedSize(i, 4)))),
  vstbr: vector((i) => i.store128(i.address2(), i.f.b2, swapBytes(i, get(i, i.f.v1), reversedSize(i, 4)))),
  vler: vector((i) => set(i, i.f.v1, swapElements(i, i.load128(i.address2(), i.f.b2), reversedSize(i, 3)))),
  vster: vector((i) => i.store128(i.address2(), i.f.b2, swapElements(i, get(i, i.f.v1), reversedSize(i, 3)))),
};
