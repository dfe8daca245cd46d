/**
 * The values of the intermediate code: constants, reads and writes of state, arithmetic. Every operation checks the types of
 * its operands when it is built. Constants are folded where that is free.
 */
import { ADDRESS, type Detail, Node } from './nodes.ts';
import { constantOp, type PureOp, pureOp, shuffleOp, type TypedOps, typedOp, typedOps } from './ops.ts';
import type { Slot, Ty } from './types.ts';

const AND32 = pureOp('and.i32');
const AND64 = pureOp('and.i64');
const SEXT32 = pureOp('sext32.i64');
const EXTEND32S = pureOp('extend32S');
const EXTEND32U = pureOp('extend32U');
const WRAP = pureOp('wrap');
const SELECT = typedOps('select');
const SEXT8 = typedOps('sext8');
const SEXT16 = typedOps('sext16');

/** Those that methods name, found once: names put together and looked up for each value took a tenth of a block's translation. */
const OPS = {
  add: typedOps('add'),
  sub: typedOps('sub'),
  mul: typedOps('mul'),
  divS: typedOps('divS'),
  divU: typedOps('divU'),
  remS: typedOps('remS'),
  remU: typedOps('remU'),
  and: typedOps('and'),
  or: typedOps('or'),
  xor: typedOps('xor'),
  shl: typedOps('shl'),
  shr: typedOps('shr'),
  sar: typedOps('sar'),
  rotl: typedOps('rotl'),
  rotr: typedOps('rotr'),
  clz: typedOps('clz'),
  ctz: typedOps('ctz'),
  popcnt: typedOps('popcnt'),
  eq: typedOps('eq'),
  ne: typedOps('ne'),
  ltS: typedOps('ltS'),
  ltU: typedOps('ltU'),
  leS: typedOps('leS'),
  leU: typedOps('leU'),
  gtS: typedOps('gtS'),
  gtU: typedOps('gtU'),
  geS: typedOps('geS'),
  geU: typedOps('geU'),
  eqz: typedOps('eqz'),
  fadd: typedOps('fadd'),
  fsub: typedOps('fsub'),
  fmul: typedOps('fmul'),
  fdiv: typedOps('fdiv'),
  fsqrt: typedOps('fsqrt'),
  fneg: typedOps('fneg'),
  fabs: typedOps('fabs'),
  feq: typedOps('feq'),
  flt: typedOps('flt'),
  fle: typedOps('fle'),
} as const;

const CONST: Detail = { kind: 'const' };
const NO_VALUES: Value[] = [];

/** A value of the IR: assigned once, typed. */
export type Value = Node;
/** A variable of the IR that can be set more than once; lives within one instruction or helper. */
export type Local = Node;

/** Builds the values of the IR; `IrBuilder` adds memory, control and ends of blocks. */
export class ValueBuilder {
  /** Where statements go. */
  protected list: Node[] = [];

  // --- constants ---
  i32(value: number): Value {
    return new Node(CONST, 'i32', NO_VALUES, value | 0, value < 0 ? -1 : 0);
  }

  /** A 64-bit constant from a safe integer. */
  i64(value: number): Value {
    if (!Number.isSafeInteger(value)) throw new Error(`i64 constant ${value} is not a safe integer`);
    return this.i64x(value | 0, Math.floor(value / 2 ** 32) | 0);
  }

  /** A 64-bit constant from its halves. */
  i64x(lo: number, hi: number): Value {
    return new Node(CONST, 'i64', NO_VALUES, lo | 0, hi | 0);
  }

  /** A 64-bit constant from a bigint, taken modulo 2^64. */
  big(value: bigint): Value {
    return this.i64x(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  f64(value: number): Value {
    const bits = new Int32Array(new Float64Array([value]).buffer);
    return this.op('reinterpret.i64.f64', this.i64x(bits[0] ?? 0, bits[1] ?? 0));
  }

  f32(value: number): Value {
    const bits = new Int32Array(new Float32Array([value]).buffer);
    return this.op('reinterpret.i32.f32', this.i32(bits[0] ?? 0));
  }

  /** Constants that are addresses of code, since the instruction began. */
  addresses: readonly Value[] = NO_VALUES;

  /** An address of code as a constant: what is made of it is the same for any other address. */
  addressConstant(lo: number, hi: number): Value {
    const constant = new Node(ADDRESS, 'i64', NO_VALUES, lo | 0, hi | 0);
    this.addresses = [...this.addresses, constant];
    return constant;
  }

  protected forgetAddresses(): void {
    this.addresses = NO_VALUES;
  }

  // --- state ---
  /** Halves of vectors are read and set as parts of the whole: for code that keeps the whole in a local. */
  wholes = false;

  get(slot: Slot): Value {
    if (this.wholes && slot.whole !== undefined) {
      return this.op(isHighHalf(slot, slot.whole) ? 'high64' : 'low64', this.get(slot.whole));
    }
    return this.emit({ kind: 'get', slot }, slot.ty);
  }

  set(slot: Slot, value: Value): void {
    if (value.type !== slot.ty) expectType(`set ${slot.name}`, value, slot.ty);
    if (this.wholes && slot.whole !== undefined) {
      const replace = isHighHalf(slot, slot.whole) ? 'withHigh64' : 'withLow64';
      this.set(slot.whole, this.op(replace, this.get(slot.whole), value));
      return;
    }
    this.emit({ kind: 'set', slot }, undefined, [value]);
  }

  /** A mutable temporary. It lives to the end of the instruction or helper, across structured control. */
  local(ty: Ty, initial?: Value): Local {
    const local = this.emit({ kind: 'local' }, ty);
    if (initial !== undefined) this.setLocal(local, initial);
    return local;
  }

  getLocal(local: Local): Value {
    return this.emit({ kind: 'getLocal', local }, local.ty);
  }

  setLocal(local: Local, value: Value): void {
    expectType('setLocal', value, local.ty);
    this.emit({ kind: 'setLocal', local }, undefined, [value]);
  }

  param(ty: Ty, index: number): Value {
    return this.emit({ kind: 'param', index }, ty);
  }

  // --- integers ---
  add(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    if (isZero(a)) return b;
    if (isConst(a) && isConst(b) && (isKnown(a) || isKnown(b))) return addConstants(this, a, b);
    return this.binary(OPS.add, a, b);
  }

  sub(a: Value, b: Value): Value {
    return isZero(b) ? a : this.binary(OPS.sub, a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.binary(OPS.mul, a, b);
  }

  /** Signed quotient. The caller has excluded zero and overflow: they trap. */
  divS(a: Value, b: Value): Value {
    return this.binary(OPS.divS, a, b);
  }

  divU(a: Value, b: Value): Value {
    return this.binary(OPS.divU, a, b);
  }

  remS(a: Value, b: Value): Value {
    return this.binary(OPS.remS, a, b);
  }

  remU(a: Value, b: Value): Value {
    return this.binary(OPS.remU, a, b);
  }

  and(a: Value, b: Value): Value {
    return this.binary(OPS.and, a, b);
  }

  or(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    return isZero(a) ? b : this.binary(OPS.or, a, b);
  }

  xor(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    return isZero(a) ? b : this.binary(OPS.xor, a, b);
  }

  /** Shift left; the count is taken modulo the width. */
  shl(a: Value, count: Value): Value {
    return isZero(count) ? a : this.binary(OPS.shl, a, count);
  }

  /** Logical shift right. */
  shr(a: Value, count: Value): Value {
    return isZero(count) ? a : this.binary(OPS.shr, a, count);
  }

  /** Arithmetic shift right. */
  sar(a: Value, count: Value): Value {
    return isZero(count) ? a : this.binary(OPS.sar, a, count);
  }

  rotl(a: Value, count: Value): Value {
    return this.binary(OPS.rotl, a, count);
  }

  rotr(a: Value, count: Value): Value {
    return this.binary(OPS.rotr, a, count);
  }

  not(a: Value): Value {
    return this.xor(a, a.ty === 'i32' ? this.i32(-1) : this.i64x(-1, -1));
  }

  neg(a: Value): Value {
    return this.binary(OPS.sub, this.zero(a.ty), a);
  }

  clz(a: Value): Value {
    return this.unary(OPS.clz, a);
  }

  ctz(a: Value): Value {
    return this.unary(OPS.ctz, a);
  }

  popcnt(a: Value): Value {
    return this.unary(OPS.popcnt, a);
  }

  eq(a: Value, b: Value): Value {
    return this.binary(OPS.eq, a, b);
  }

  ne(a: Value, b: Value): Value {
    return this.binary(OPS.ne, a, b);
  }

  ltS(a: Value, b: Value): Value {
    return this.binary(OPS.ltS, a, b);
  }

  ltU(a: Value, b: Value): Value {
    return this.binary(OPS.ltU, a, b);
  }

  leS(a: Value, b: Value): Value {
    return this.binary(OPS.leS, a, b);
  }

  leU(a: Value, b: Value): Value {
    return this.binary(OPS.leU, a, b);
  }

  gtS(a: Value, b: Value): Value {
    return this.binary(OPS.gtS, a, b);
  }

  gtU(a: Value, b: Value): Value {
    return this.binary(OPS.gtU, a, b);
  }

  geS(a: Value, b: Value): Value {
    return this.binary(OPS.geS, a, b);
  }

  geU(a: Value, b: Value): Value {
    return this.binary(OPS.geU, a, b);
  }

  eqz(a: Value): Value {
    return this.unary(OPS.eqz, a);
  }

  /** `a` where the i32 `condition` is not zero, else `b`; both are computed. */
  select(condition: Value, a: Value, b: Value): Value {
    expectType('select', condition, 'i32');
    expectType('select', b, a.ty);
    return this.apply(typedOp(SELECT, a.ty), [condition, a, b]);
  }

  /** Sign-extends the low `bits` of the value within its type. */
  sext(a: Value, bits: number): Value {
    const width = a.ty === 'i32' ? 32 : 64;
    if (bits === width) return a;
    if (bits === 8 || bits === 16 || (bits === 32 && width === 64)) {
      if (bits === 32 && isKnown(a)) return this.i64x(a.lo, a.lo >> 31);
      return this.apply(bits === 32 ? SEXT32 : typedOp(bits === 8 ? SEXT8 : SEXT16, a.ty), [a]);
    }
    const count = this.constant(a.ty, width - bits);
    return this.sar(this.shl(a, count), count);
  }

  /** Keeps the low `bits` of the value. */
  zext(a: Value, bits: number): Value {
    return this.extract(a, 0, bits);
  }

  /** Sign-extends an i32 to i64. */
  extend32S(a: Value): Value {
    expectType('extend32S', a, 'i32');
    return isKnown(a) ? this.i64x(a.lo, a.lo >> 31) : this.apply(EXTEND32S, [a]);
  }

  /** Zero-extends an i32 to i64. */
  extend32U(a: Value): Value {
    expectType('extend32U', a, 'i32');
    return isKnown(a) ? this.i64x(a.lo, 0) : this.apply(EXTEND32U, [a]);
  }

  /** The low half of an i64. */
  wrap(a: Value): Value {
    expectType('wrap', a, 'i64');
    if (isKnown(a)) return this.i32(a.lo);
    const low = lowOf(a);
    if (low !== undefined) return low.type === 'i32' ? low : this.wrap(low);
    return this.apply(WRAP, [a]);
  }

  /** Bits `position` to `position + length - 1`, shifted down. */
  extract(a: Value, position: number, length: number): Value {
    const width = a.ty === 'i32' ? 32 : 64;
    const down = this.shr(a, this.constant(a.ty, position));
    return position + length >= width || isBelow(down, length) ? down : this.and(down, this.mask(a.ty, length));
  }

  /** `a` with bits `position` to `position + length - 1` replaced by the low bits of `part`. */
  deposit(a: Value, position: number, length: number, part: Value): Value {
    expectType('deposit', part, a.ty);
    const mask = this.mask(a.ty, length);
    const count = this.constant(a.ty, position);
    const hole = this.not(a.ty === 'i32' ? this.i32(mask.lo << position) : shifted(this, mask, position));
    const field = this.shl(this.and(part, mask), count);
    return this.or(this.and(a, hole), field);
  }

  /** The bytes in reverse order. */
  bswap(a: Value): Value {
    if (a.ty === 'v128') {
      return this.op('v128.swizzle.i8x16', a, this.v128(0x0809_0a0b_0c0d_0e0fn, 0x0001_0203_0405_0607n));
    }
    if (a.ty === 'i32') {
      const even = this.and(this.rotl(a, this.i32(8)), this.i32(0x00ff00ff));
      return this.or(even, this.and(this.rotr(a, this.i32(8)), this.i32(0xff00ff00 | 0)));
    }
    const low = this.bswap(this.wrap(a));
    const high = this.bswap(this.wrap(this.shr(a, this.i64(32))));
    return this.or(this.shl(this.extend32U(low), this.i64(32)), this.extend32U(high));
  }

  /** The 128-bit product of two i64, as its halves. */
  mulWide(a: Value, b: Value, signed: boolean): { readonly low: Value; readonly high: Value } {
    return { low: this.mul(a, b), high: signed ? this.mulHighS(a, b) : this.mulHighU(a, b) };
  }

  /** The 64-bit product of two i32, as an i64. */
  mulWide32(a: Value, b: Value, signed: boolean): Value {
    const wide = (v: Value): Value => (signed ? this.extend32S(v) : this.extend32U(v));
    return this.mul(wide(a), wide(b));
  }

  /** Sum with a carry in (i32, 0 or 1), and the carry out (i32). */
  addCarry(a: Value, b: Value, carryIn?: Value): { readonly sum: Value; readonly carry: Value } {
    const first = this.add(a, b);
    const carry = this.ltU(first, a);
    if (carryIn === undefined) return { sum: first, carry };
    expectType('addCarry', carryIn, 'i32');
    const sum = this.add(first, a.ty === 'i32' ? carryIn : this.extend32U(carryIn));
    return { sum, carry: this.or(carry, this.ltU(sum, first)) };
  }

  /** Difference less a borrow in (i32, 0 or 1), and the borrow out (i32). */
  subBorrow(a: Value, b: Value, borrowIn?: Value): { readonly difference: Value; readonly borrow: Value } {
    const first = this.sub(a, b);
    const borrow = this.ltU(a, b);
    if (borrowIn === undefined) return { difference: first, borrow };
    expectType('subBorrow', borrowIn, 'i32');
    const wide = a.ty === 'i32' ? borrowIn : this.extend32U(borrowIn);
    const difference = this.sub(first, wide);
    return { difference, borrow: this.or(borrow, this.ltU(first, wide)) };
  }

  /** Whether the signed addition that gave `sum` (with or without a carry) overflowed: 0 or 1, i32. */
  addOverflow(a: Value, b: Value, sum: Value): Value {
    return this.#topBit(this.and(this.xor(a, sum), this.xor(b, sum)));
  }

  /** Whether the signed subtraction that gave `difference` overflowed: 0 or 1, i32. */
  subOverflow(a: Value, b: Value, difference: Value): Value {
    return this.#topBit(this.and(this.xor(a, b), this.xor(a, difference)));
  }

  #topBit(a: Value): Value {
    return a.ty === 'i32' ? this.shr(a, this.i32(31)) : this.wrap(this.shr(a, this.i64(63)));
  }

  /** A vector from its 64-bit halves. */
  v128(low: bigint, high: bigint): Value {
    return this.emit({ kind: 'pure', op: constantOp(low, high) }, 'v128');
  }

  /** Bytes of two vectors by constant numbers: 0 to 15 of `a`, 16 to 31 of `b`. */
  shuffle(a: Value, b: Value, lanes: readonly number[]): Value {
    expectType('shuffle', a, 'v128');
    expectType('shuffle', b, 'v128');
    const op = shuffleOp(lanes);
    const isOne = a === b || lanes.every((lane) => lane < 16);
    if (!isOne && lanes.some((lane) => lane < 16)) return this.emit({ kind: 'pure', op }, 'v128', [a, b]);
    const half = (start: number): bigint =>
      lanes.slice(start, start + 8).reduceRight((n, lane) => n * 256n + BigInt(lane & 15), 0n);
    return this.op('v128.swizzle.i8x16', isOne ? a : b, this.v128(half(0), half(8)));
  }

  /** High 64 bits of the unsigned 128-bit product. */
  mulHighU(a: Value, b: Value): Value {
    const mask = this.i64x(-1, 0);
    const w = this.i64(32);
    const [al, ah, bl, bh] = [this.and(a, mask), this.shr(a, w), this.and(b, mask), this.shr(b, w)];
    const cross = this.add(this.mul(ah, bl), this.shr(this.mul(al, bl), w));
    const low = this.add(this.and(cross, mask), this.mul(al, bh));
    return this.add(this.add(this.mul(ah, bh), this.shr(cross, w)), this.shr(low, w));
  }

  /** High 64 bits of the signed 128-bit product. */
  mulHighS(a: Value, b: Value): Value {
    const sign = this.i64(63);
    const high = this.sub(this.mulHighU(a, b), this.and(this.sar(a, sign), b));
    return this.sub(high, this.and(this.sar(b, sign), a));
  }

  // --- floating point, on the host's: round to nearest, no flags ---
  fadd(a: Value, b: Value): Value {
    return this.binary(OPS.fadd, a, b);
  }

  fsub(a: Value, b: Value): Value {
    return this.binary(OPS.fsub, a, b);
  }

  fmul(a: Value, b: Value): Value {
    return this.binary(OPS.fmul, a, b);
  }

  fdiv(a: Value, b: Value): Value {
    return this.binary(OPS.fdiv, a, b);
  }

  fsqrt(a: Value): Value {
    return this.unary(OPS.fsqrt, a);
  }

  fneg(a: Value): Value {
    return this.unary(OPS.fneg, a);
  }

  fabs(a: Value): Value {
    return this.unary(OPS.fabs, a);
  }

  feq(a: Value, b: Value): Value {
    return this.binary(OPS.feq, a, b);
  }

  flt(a: Value, b: Value): Value {
    return this.binary(OPS.flt, a, b);
  }

  fle(a: Value, b: Value): Value {
    return this.binary(OPS.fle, a, b);
  }

  /** The bits of a float as an integer, or the reverse. */
  reinterpret(a: Value): Value {
    const to = { f32: 'i32', f64: 'i64', i32: 'f32', i64: 'f64', v128: '' }[a.ty];
    return this.op(`reinterpret.${a.ty}.${to}`, a);
  }

  convert(a: Value, to: 'f32' | 'f64', signed: boolean): Value {
    return this.op(`convert${signed ? 'S' : 'U'}.${a.ty}.${to}`, a);
  }

  truncSat(a: Value, to: 'i32' | 'i64', signed: boolean): Value {
    return this.op(`truncSat${signed ? 'S' : 'U'}.${a.ty}.${to}`, a);
  }

  promote(a: Value): Value {
    return this.op('promote', a);
  }

  demote(a: Value): Value {
    return this.op('demote', a);
  }

  /** Any pure operation by its name in the table of `ops.ts`; vectors are reached through it. */
  pure(name: string, ...args: Value[]): Value {
    return this.op(name, ...args);
  }

  protected emit(detail: Detail, type: Ty | undefined, args: readonly Value[] = []): Node {
    const node = new Node(detail, type, args);
    this.list.push(node);
    return node;
  }

  protected op(name: string, ...args: Value[]): Value {
    return this.apply(pureOp(name), args);
  }

  protected apply(op: PureOp, args: readonly Value[]): Value {
    for (let i = 0; i < op.args.length; i++) {
      const [arg, ty] = [args[i], op.args[i]];
      if (arg === undefined || ty === undefined) throw new Error(`${op.name} takes ${op.args.length} operands`);
      expectType(op.name, arg, ty);
    }
    return this.emit({ kind: 'pure', op }, op.result, args);
  }

  protected unary(ops: TypedOps, a: Value): Value {
    return this.apply(typedOp(ops, a.ty), [a]);
  }

  protected binary(ops: TypedOps, a: Value, b: Value): Value {
    const op = typedOp(ops, a.ty);
    const swap = op.commutative && isConst(a) && !isConst(b);
    return this.apply(op, swap ? [b, a] : [a, b]);
  }

  protected zero(ty: Ty): Value {
    return ty === 'i32' ? this.i32(0) : this.i64x(0, 0);
  }

  protected constant(ty: Ty, value: number): Value {
    return ty === 'i32' ? this.i32(value) : this.i64(value);
  }

  protected mask(ty: Ty, length: number): Value {
    if (ty === 'i32') return this.i32(length >= 32 ? -1 : 2 ** length - 1);
    return length >= 32 ? this.i64x(-1, length >= 64 ? -1 : 2 ** (length - 32) - 1) : this.i64x(2 ** length - 1, 0);
  }
}

/** @throws Error where the value is of another type */
export function expectType(what: string, value: Value, ty: Ty): void {
  if (value.type !== ty) throw new Error(`${what}: operand is ${value.type ?? 'no value'}, not ${ty}`);
}

/** Whether a value is a constant. */
export function isConst(v: Value): boolean {
  return v.kind === 'const';
}

/** Whether a value is the same constant wherever the instruction stands: only then what is made of it may depend on it. */
function isKnown(v: Value): boolean {
  return v.kind === 'const' && v.detail !== ADDRESS;
}

function isZero(v: Value): boolean {
  return isKnown(v) && v.lo === 0 && (v.ty === 'i32' || v.hi === 0);
}

/** Whether a value is known to have no bits but the low `length`: they need not be kept once more. */
function isBelow(v: Value, length: number): boolean {
  if (v.kind === 'load') {
    const d = v.detail;
    return d.kind === 'load' && !d.access.signed && d.access.size * 8 <= length;
  }
  if (v.op === EXTEND32U) return length >= 32;
  const [, mask] = v.args;
  if ((v.op !== AND32 && v.op !== AND64) || mask === undefined || !isKnown(mask)) return false;
  const fits = (word: number, bits: number): boolean => bits >= 32 || word >>> Math.max(bits, 0) === 0;
  return fits(mask.lo, length) && (v.type === 'i32' || (length >= 32 ? fits(mask.hi, length - 32) : mask.hi === 0));
}

function addConstants(b: ValueBuilder, x: Value, y: Value): Value {
  if (x.ty === 'i32') return b.i32(x.lo + y.lo);
  const lo = (x.lo >>> 0) + (y.lo >>> 0);
  const hi = x.hi + y.hi + (lo >= 2 ** 32 ? 1 : 0);
  return isKnown(x) && isKnown(y) ? b.i64x(lo | 0, hi | 0) : b.addressConstant(lo, hi);
}

function shifted(b: ValueBuilder, v: Value, count: number): Value {
  const value = (BigInt.asUintN(32, BigInt(v.hi)) << 32n) | BigInt.asUintN(32, BigInt(v.lo));
  return b.big(value << BigInt(count));
}

const isHighHalf = (half: Slot, whole: Slot): boolean => half.offset > whole.offset;

/** What an i64 has its low half from unchanged: an i32 or another i64. */
function lowOf({ op, args: [inner, bits] }: Value): Value | undefined {
  if (op === EXTEND32U || op === EXTEND32S || op === SEXT32) return inner;
  return op === AND64 && bits !== undefined && isKnown(bits) && bits.lo === -1 ? inner : undefined;
}
