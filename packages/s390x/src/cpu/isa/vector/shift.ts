/** Shifts, rotations, and products without carries: SA22-7832, chapter "Vector Integer Instructions". */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import type { Emitter, Insn } from '../insn.ts';
import {
  and,
  bitselect,
  bitsOf,
  constant,
  constants,
  countOf,
  elementSize,
  extract,
  get,
  halves,
  join,
  lanewise,
  moveLeft,
  or,
  pick,
  replace,
  sar,
  set,
  shl,
  shr,
  vector,
  xor,
} from './lanes.ts';

type Shift = 'shl' | 'shr' | 'sar' | 'rotl';

/** Every element by the same count (i32), taken modulo its bits. */
function shiftAll(b: IrBuilder, how: Shift, es: number, x: Value, count: Value): Value {
  if (how !== 'rotl') return lanewise(b, how, es, x, count);
  const rest = b.sub(b.i32(0), count);
  return or(b, lanewise(b, 'shl', es, x, count), lanewise(b, 'shr', es, x, rest));
}

/** Each element by a count of its own, modulo its bits: large elements one by one, small ones bit by bit of the count. */
function shiftEach(b: IrBuilder, how: Shift, es: number, x: Value, counts: Value): Value {
  if (es >= 2) {
    let result = x;
    for (let n = 0; n < countOf(es); n++) {
      const [element, count] = [extract(b, es, x, n), extract(b, es, counts, n)];
      const shifted = es === 3 ? b[how](element, count) : b.extend32U(b[how](b.wrap(element), b.wrap(count)));
      result = replace(b, es, result, n, shifted);
    }
    return result;
  }
  let result = x;
  const bits = bitsOf(es);
  for (let n = 0; 1 << n < bits; n++) {
    const chosen = sar(b, es, shl(b, es, counts, bits - 1 - n), bits - 1);
    result = bitselect(b, shiftAll(b, how, es, result, b.i32(1 << n)), result, chosen);
  }
  return result;
}

/** By the low bits of the second operand's address. */
const byAddress = (how: Shift): Emitter =>
  vector((i) => {
    const es = elementSize(i, i.f.m4);
    const count = i.b.wrap(i.address(i.f.b2, i.f.d2));
    set(i, i.f.v1, shiftAll(i.b, how, es, get(i, i.f.v3), count));
  });

const byElements = (how: Shift): Emitter =>
  vector((i) => {
    const es = elementSize(i, i.f.m4);
    set(i, i.f.v1, shiftEach(i.b, how, es, get(i, i.f.v2), get(i, i.f.v3)));
  });

/** ROTATE AND INSERT UNDER MASK. */
const rotateInsert: Emitter = vector((i) => {
  const es = elementSize(i, i.f.m5);
  const rotated = shiftAll(i.b, 'rotl', es, get(i, i.f.v2), i.b.i32(i.f.i4));
  set(i, i.f.v1, bitselect(i.b, rotated, get(i, i.f.v1), get(i, i.f.v3)));
});

// --- of all 128 bits ---

const ZERO_BYTE = 16;

/**
 * By 0 to 7 bits that each byte of the third operand says for its byte, which takes what its neighbour loses. Where all say the same,
 * as they must before vector enhancements 2, that is a shift of the whole.
 */
const byBits = (how: 'shl' | 'shr' | 'sar'): Emitter =>
  vector((i) => {
    const { b } = i;
    const x = get(i, i.f.v2);
    const counts = and(b, get(i, i.f.v3), constant(b, 0, 7n));
    const rest = xor(b, counts, constant(b, 0, 7n));
    const zero = b.v128(0n, 0n);
    const toLeft = how === 'shl';
    const neighbour = pick(b, x, how === 'sar' ? signs(b, x) : zero, (byte) => {
      const from = toLeft ? byte + 1 : byte - 1;
      return from < 0 || from > 15 ? ZERO_BYTE : from;
    });
    const own = shiftEach(b, toLeft ? 'shl' : 'shr', 0, x, counts);
    const back = toLeft ? 'shr' : 'shl';
    const others = lanewise(b, back, 0, shiftEach(b, back, 0, neighbour, rest), b.i32(1));
    set(i, i.f.v1, or(b, own, others));
  });

/** The sign of the whole in every bit. */
const signs = (b: IrBuilder, x: Value): Value => b.pure('splat.i64x2', b.sar(b.pure('high64', x), b.i64(63)));

/** By the bytes that bits 1 to 4 of the third operand's eighth byte say. */
const byBytes = (how: 'shl' | 'shr' | 'sar'): Emitter =>
  vector((i) => {
    const { b } = i;
    const x = get(i, i.f.v2);
    const bytes = b.and(b.shr(b.wrap(b.pure('high64', get(i, i.f.v3))), b.i32(3)), b.i32(15));
    const moved = moveLeft(b, x, how === 'shl' ? bytes : b.sub(b.i32(0), bytes));
    if (how !== 'sar') {
      set(i, i.f.v1, moved);
      return;
    }
    const numbers = constants(b, 0, (byte) => byte);
    const isNew = lanewise(b, 'ltU', 0, numbers, b.pure('splat.i8x16', bytes));
    set(i, i.f.v1, bitselect(b, signs(b, x), moved, isNew));
  });

/** SHIFT LEFT or RIGHT DOUBLE BY BIT: 16 bytes of both operands, by up to seven bits (vector enhancements 2). */
const doubleByBits = (toLeft: boolean): Emitter =>
  vector((i) => {
    const { b } = i;
    const n = i.f.i4;
    if (n > 7) i.refuse(PGM.specification);
    const [x, y] = [get(i, i.f.v2), get(i, i.f.v3)];
    const [[xl, xr], [yl, yr]] = [halves(b, x), halves(b, y)];
    const funnel = (left: Value, right: Value, count: number): Value =>
      count === 0 ? left : b.or(b.shl(left, b.i64(count)), b.shr(right, b.i64(64 - count)));
    if (toLeft) set(i, i.f.v1, join(b, funnel(xl, xr, n), funnel(xr, yl, n)));
    else if (n === 0) set(i, i.f.v1, y);
    else set(i, i.f.v1, join(b, funnel(xr, yl, 64 - n), funnel(yl, yr, 64 - n)));
  });

// --- Galois field ---

/** (x, y): sums modulo 2 of the products of even and odd elements, of twice their size. */
const carrylessOf = (es: 0 | 1 | 2): IrHelper =>
  defineHelper(`s390_vgfm${es}`, ['v128', 'v128'], 'v128', (b, x, y) => {
    const wide = bitsOf(es + 1);
    const parts = (v: Value): readonly [Value, Value] => [
      shr(b, es + 1, v, bitsOf(es)),
      and(b, v, constant(b, es + 1, (1n << BigInt(bitsOf(es))) - 1n)),
    ];
    const [[x0, x1], [y0, y1]] = [parts(x), parts(y)];
    const sum = b.local('v128', b.v128(0n, 0n));
    const n = b.local('i32', b.i32(0));
    b.loop((breakIf) => {
      breakIf(b.eq(b.getLocal(n), b.i32(bitsOf(es))));
      const toSign = b.sub(b.i32(wide - 1), b.getLocal(n));
      const term = (p: Value, q: Value): Value =>
        and(
          b,
          sar(b, es + 1, lanewise(b, 'shl', es + 1, q, toSign), wide - 1),
          lanewise(b, 'shl', es + 1, p, b.getLocal(n)),
        );
      b.setLocal(sum, xor(b, b.getLocal(sum), xor(b, term(x0, y0), term(x1, y1))));
      b.setLocal(n, b.add(b.getLocal(n), b.i32(1)));
    });
    return b.getLocal(sum);
  });

/** The same of doublewords, to a quadword. */
const carrylessDoublewords = defineHelper('s390_vgfm3', ['v128', 'v128'], 'v128', (b, x, y) => {
  const left = b.local('i64', b.i64(0));
  const right = b.local('i64', b.i64(0));
  const n = b.local('i64', b.i64(0));
  const pairs = [halves(b, x), halves(b, y)] as const;
  b.loop((breakIf) => {
    const count = b.getLocal(n);
    breakIf(b.eq(count, b.i64(64)));
    for (const k of [0, 1] as const) {
      const [p, q] = [pairs[0][k], pairs[1][k]];
      const chosen = b.sub(b.i64(0), b.and(b.shr(q, count), b.i64(1)));
      b.setLocal(right, b.xor(b.getLocal(right), b.and(chosen, b.shl(p, count))));
      const carried = b.shr(b.shr(p, b.xor(count, b.i64(63))), b.i64(1));
      b.setLocal(left, b.xor(b.getLocal(left), b.and(chosen, carried)));
    }
    b.setLocal(n, b.add(count, b.i64(1)));
  });
  return join(b, b.getLocal(left), b.getLocal(right));
});

const CARRYLESS = [carrylessOf(0), carrylessOf(1), carrylessOf(2), carrylessDoublewords] as const;

function carryless(i: Insn, m: number): Value {
  const helper = CARRYLESS[elementSize(i, m)];
  return i.b.call(helper, get(i, i.f.v2), get(i, i.f.v3));
}

export const shiftSemantics: Readonly<Record<string, Emitter>> = {
  vesl: byAddress('shl'),
  vesrl: byAddress('shr'),
  vesra: byAddress('sar'),
  verll: byAddress('rotl'),
  veslv: byElements('shl'),
  vesrlv: byElements('shr'),
  vesrav: byElements('sar'),
  verllv: byElements('rotl'),
  verim: rotateInsert,
  vsl: byBits('shl'),
  vsrl: byBits('shr'),
  vsra: byBits('sar'),
  vslb: byBytes('shl'),
  vsrlb: byBytes('shr'),
  vsrab: byBytes('sar'),
  vsld: doubleByBits(true),
  vsrd: doubleByBits(false),
  vgfm: vector((i) => set(i, i.f.v1, carryless(i, i.f.m4))),
  vgfma: vector((i) => set(i, i.f.v1, xor(i.b, carryless(i, i.f.m5), get(i, i.f.v4)))),
};
