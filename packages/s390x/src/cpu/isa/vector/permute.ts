/** Masks, merges, packs, permutations, selections: SA22-7832, chapter "Vector Overview and Support Instructions". */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  and,
  bitselect,
  bitsOf,
  constant,
  countOf,
  elementSize,
  get,
  lanewise,
  or,
  pick,
  pickElements,
  sar,
  set,
  shl,
  shr,
  vector,
  xor,
} from './lanes.ts';

const byteMask: Emitter = (i) => {
  let value = 0n;
  for (let n = 0; n < 16; n++) value = (value << 8n) | ((i.f.i2 << n) & 0x8000 ? 0xffn : 0n);
  set(i, i.f.v1, i.b.v128(value, value >> 64n));
};

/** Ones from one bit to another, around the end of the element. */
const generateMask: Emitter = (i) => {
  const es = elementSize(i, i.f.m4);
  const bits = bitsOf(es);
  const [from, to] = [i.f.i2 & (bits - 1), i.f.i3 & (bits - 1)];
  let mask = 0n;
  for (let n = 0; n < bits; n++) {
    const inside = from <= to ? n >= from && n <= to : n >= from || n <= to;
    mask = (mask << 1n) | (inside ? 1n : 0n);
  }
  set(i, i.f.v1, constant(i.b, es, mask));
};

const replicate: Emitter = (i) => {
  const es = elementSize(i, i.f.m4);
  const { i2 } = i.f;
  if (i2 >= countOf(es)) i.refuse(PGM.specification);
  const x = get(i, i.f.v3);
  set(
    i,
    i.f.v1,
    pickElements(i.b, es, x, x, () => i2),
  );
};

const replicateImmediate: Emitter = (i) => {
  const es = elementSize(i, i.f.m3);
  set(i, i.f.v1, constant(i.b, es, BigInt((i.f.i2 << 16) >> 16)));
};

/** Elements of both operands in turn, from an element on. */
const merge =
  (isHigh: boolean): Emitter =>
  (i) => {
    const es = elementSize(i, i.f.m4);
    const count = countOf(es);
    const first = isHigh ? 0 : count / 2;
    const of = (n: number): number => first + (n >> 1) + (n & 1) * count;
    set(i, i.f.v1, pickElements(i.b, es, get(i, i.f.v2), get(i, i.f.v3), of));
  };

// --- packs: elements of a size to those of half of it ---

/** The right halves of the elements of both. */
const rightHalves = (b: IrBuilder, es: number, x: Value, y: Value): Value =>
  pickElements(b, es - 1, x, y, (n) => n * 2 + 1);

const pack: Emitter = (i) => {
  const es = elementSize(i, i.f.m4, 3, 1);
  set(i, i.f.v1, rightHalves(i.b, es, get(i, i.f.v2), get(i, i.f.v3)));
};

/** The nearest number that half of the element can hold, in all of the element. */
function saturate(b: IrBuilder, es: number, x: Value, signed: boolean): Value {
  const half = BigInt(bitsOf(es) / 2);
  if (signed) {
    const [low, high] = [constant(b, es, -(1n << (half - 1n))), constant(b, es, (1n << (half - 1n)) - 1n)];
    if (es < 3) return lanewise(b, 'minS', es, lanewise(b, 'maxS', es, x, low), high);
    const notTooLow = bitselect(b, low, x, lanewise(b, 'ltS', es, x, low));
    return bitselect(b, high, notTooLow, lanewise(b, 'gtS', es, notTooLow, high));
  }
  const most = constant(b, es, (1n << half) - 1n);
  if (es < 3) return lanewise(b, 'minU', es, x, most);
  const fits = lanewise(b, 'eq', es, shr(b, es, x, 32), constant(b, es, 0n));
  return bitselect(b, x, most, fits);
}

/** With the rightmost bit of m5 the condition code: 0 nothing saturated, 1 some, 3 all. */
const packSaturate =
  (signed: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const es = elementSize(i, i.f.m4, 3, 1);
    const operands = [get(i, i.f.v2), get(i, i.f.v3)] as const;
    const [x, y] = operands.map((operand) => saturate(b, es, operand, signed)) as [Value, Value];
    set(i, i.f.v1, rightHalves(b, es, x, y));
    if ((i.f.m5 & 1) === 0) return;
    const [same2, same3] = [lanewise(b, 'eq', es, operands[0], x), lanewise(b, 'eq', es, operands[1], y)];
    const none = b.pure('v128.allTrue.i8x16', and(b, same2, same3));
    const some = b.select(b.pure('v128.anyTrue', or(b, same2, same3)), b.i32(1), b.i32(3));
    i.setCcValue(b.select(none, b.i32(0), some));
  };

const unpack =
  (name: 'extendHighS' | 'extendHighU' | 'extendLowS' | 'extendLowU'): Emitter =>
  (i) => {
    const es = elementSize(i, i.f.m3, 2);
    set(i, i.f.v1, lanewise(i.b, name, es + 1, get(i, i.f.v2)));
  };

/** The rightmost element of each doubleword, sign-extended. */
const signExtend: Emitter = (i) => {
  const es = elementSize(i, i.f.m3, 2);
  const unused = 64 - bitsOf(es);
  set(i, i.f.v1, sar(i.b, 3, shl(i.b, 3, get(i, i.f.v2), unused), unused));
};

/** Bytes of both operands by numbers that the fourth holds: what is beyond one operand's is zero in a swizzle of it. */
const permute: Emitter = (i) => {
  const { b } = i;
  const numbers = and(b, get(i, i.f.v4), constant(b, 0, 31n));
  const swizzle = (n: number, flip: bigint): Value =>
    b.pure('v128.swizzle.i8x16', get(i, n), xor(b, numbers, constant(b, 0, flip)));
  set(i, i.f.v1, or(b, swizzle(i.f.v2, 15n), swizzle(i.f.v3, 31n)));
};

const permuteDoublewords: Emitter = (i) => {
  const { m4 } = i.f;
  const of = (n: number): number => (n === 0 ? (m4 & 4) >> 2 : 2 + (m4 & 1));
  set(i, i.f.v1, pickElements(i.b, 3, get(i, i.f.v2), get(i, i.f.v3), of));
};

const shiftDoubleByBytes: Emitter = (i) => {
  const n = i.f.i4;
  if (n > 15) i.refuse(PGM.specification);
  set(
    i,
    i.f.v1,
    pick(i.b, get(i, i.f.v2), get(i, i.f.v3), (byte) => byte + n),
  );
};

/** BIT PERMUTE: bits of the second operand by the numbers in the third, in the right of the leftmost doubleword. */
const bitPermute: Emitter = (i: Insn) => {
  const { b } = i;
  const [x, numbers] = [get(i, i.f.v2), get(i, i.f.v3)];
  const inside = lanewise(b, 'geS', 0, numbers, constant(b, 0, 0n));
  const byte = xor(b, shr(b, 0, numbers, 3), constant(b, 0, 15n));
  const bytes = b.pure('v128.swizzle.i8x16', x, byte);
  // The bit that a number means within its byte, from the left.
  const bits = b.v128(0x0102_0408_1020_4080n, 0n);
  const bit = b.pure('v128.swizzle.i8x16', bits, and(b, numbers, constant(b, 0, 7n)));
  const isSet = lanewise(b, 'ne', 0, and(b, bytes, bit), constant(b, 0, 0n));
  const mask = b.pure('v128.bitmask.i8x16', and(b, isSet, inside));
  set(i, i.f.v1, b.pure('withHigh64', b.v128(0n, 0n), b.extend32U(mask)));
};

export const permuteSemantics: Readonly<Record<string, Emitter>> = {
  vgbm: vector(byteMask),
  vgm: vector(generateMask),
  vrep: vector(replicate),
  vrepi: vector(replicateImmediate),
  vmrh: vector(merge(true)),
  vmrl: vector(merge(false)),
  vpk: vector(pack),
  vpks: vector(packSaturate(true)),
  vpkls: vector(packSaturate(false)),
  vuph: vector(unpack('extendHighS')),
  vuplh: vector(unpack('extendHighU')),
  vupl: vector(unpack('extendLowS')),
  vupll: vector(unpack('extendLowU')),
  vseg: vector(signExtend),
  vperm: vector(permute),
  vpdi: vector(permuteDoublewords),
  vsldb: vector(shiftDoubleByBytes),
  vbperm: vector(bitPermute),
};
