/**
 * Builds intermediate code: the language of frontends (one instruction at a time) and of helpers (whole functions).
 * Every operation checks the types of its operands when it is built. Constants are folded where that is free.
 */
import { COMMON } from '../state.ts';
import { ENGINE } from './engine.ts';
import type { Helper } from './helper.ts';
import { BLOCK_ENDS, type BlockEnd, type Detail, type MemAccess, Node, type RmwOp } from './nodes.ts';
import { pureOp } from './ops.ts';
import type { Slot, Ty } from './types.ts';

/** A value of the IR: assigned once, typed. */
export type Value = Node;
/** A variable of the IR that can be set more than once; lives within one instruction or helper. */
export type Local = Node;

/** Options of a guest access; little-endian, any alignment, zero extension unless said otherwise. */
export interface AccessOptions {
  readonly size: 1 | 2 | 4 | 8;
  readonly signed?: boolean;
  readonly ty?: 'i32' | 'i64';
  readonly mmu?: number;
  readonly endian?: 'little' | 'big';
  readonly align?: 'any' | 'natural';
}

function access(o: AccessOptions): MemAccess {
  return {
    size: o.size,
    signed: o.signed ?? false,
    endian: o.endian ?? 'little',
    align: o.align ?? 'any',
    mmu: o.mmu ?? 0,
  };
}

/** Builds IR: values, statements and structured control flow. Types are checked as it is built; a mismatch throws. */
export class IrBuilder {
  #list: Node[] = [];

  /** Ends building and gives the statements in order. The builder can be used again. */
  finish(): Node[] {
    const list = this.#list;
    this.#list = [];
    return list;
  }

  // --- constants ---
  i32(value: number): Value {
    return new Node({ kind: 'const' }, 'i32', [], value | 0, value < 0 ? -1 : 0);
  }

  /** A 64-bit constant from a safe integer. */
  i64(value: number): Value {
    if (!Number.isSafeInteger(value)) throw new Error(`i64 constant ${value} is not a safe integer`);
    return this.i64x(value | 0, Math.floor(value / 2 ** 32) | 0);
  }

  /** A 64-bit constant from its halves. */
  i64x(lo: number, hi: number): Value {
    return new Node({ kind: 'const' }, 'i64', [], lo | 0, hi | 0);
  }

  /** A 64-bit constant from a bigint, taken modulo 2^64. */
  big(value: bigint): Value {
    return this.i64x(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)));
  }

  f64(value: number): Value {
    const bits = new Int32Array(new Float64Array([value]).buffer);
    return this.#pure('reinterpret.i64.f64', this.i64x(bits[0] ?? 0, bits[1] ?? 0));
  }

  f32(value: number): Value {
    const bits = new Int32Array(new Float32Array([value]).buffer);
    return this.#pure('reinterpret.i32.f32', this.i32(bits[0] ?? 0));
  }

  // --- state ---
  get(slot: Slot): Value {
    return this.#add({ kind: 'get', slot }, slot.ty);
  }

  set(slot: Slot, value: Value): void {
    expectType(`set ${slot.name}`, value, slot.ty);
    this.#add({ kind: 'set', slot }, undefined, [value]);
  }

  /** A mutable temporary. It lives to the end of the instruction or helper, across structured control. */
  local(ty: Ty, initial?: Value): Local {
    const local = this.#add({ kind: 'local' }, ty);
    if (initial !== undefined) this.setLocal(local, initial);
    return local;
  }

  getLocal(local: Local): Value {
    return this.#add({ kind: 'getLocal', local }, local.ty);
  }

  setLocal(local: Local, value: Value): void {
    expectType('setLocal', value, local.ty);
    this.#add({ kind: 'setLocal', local }, undefined, [value]);
  }

  param(ty: Ty, index: number): Value {
    return this.#add({ kind: 'param', index }, ty);
  }

  // --- integers ---
  add(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    if (isZero(a)) return b;
    if (isConst(a) && isConst(b)) return addConstants(this, a, b);
    return this.#binary('add', a, b);
  }

  sub(a: Value, b: Value): Value {
    return isZero(b) ? a : this.#binary('sub', a, b);
  }

  mul(a: Value, b: Value): Value {
    return this.#binary('mul', a, b);
  }

  /** Signed quotient. The caller has excluded zero and overflow: they trap. */
  divS(a: Value, b: Value): Value {
    return this.#binary('divS', a, b);
  }

  divU(a: Value, b: Value): Value {
    return this.#binary('divU', a, b);
  }

  remS(a: Value, b: Value): Value {
    return this.#binary('remS', a, b);
  }

  remU(a: Value, b: Value): Value {
    return this.#binary('remU', a, b);
  }

  and(a: Value, b: Value): Value {
    return this.#binary('and', a, b);
  }

  or(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    return isZero(a) ? b : this.#binary('or', a, b);
  }

  xor(a: Value, b: Value): Value {
    if (isZero(b)) return a;
    return isZero(a) ? b : this.#binary('xor', a, b);
  }

  /** Shift left; the count is taken modulo the width. */
  shl(a: Value, count: Value): Value {
    return isZero(count) ? a : this.#binary('shl', a, count);
  }

  /** Logical shift right. */
  shr(a: Value, count: Value): Value {
    return isZero(count) ? a : this.#binary('shr', a, count);
  }

  /** Arithmetic shift right. */
  sar(a: Value, count: Value): Value {
    return isZero(count) ? a : this.#binary('sar', a, count);
  }

  rotl(a: Value, count: Value): Value {
    return this.#binary('rotl', a, count);
  }

  rotr(a: Value, count: Value): Value {
    return this.#binary('rotr', a, count);
  }

  not(a: Value): Value {
    return this.xor(a, a.ty === 'i32' ? this.i32(-1) : this.i64x(-1, -1));
  }

  neg(a: Value): Value {
    return this.#binary('sub', this.#zero(a.ty), a);
  }

  clz(a: Value): Value {
    return this.#unary('clz', a);
  }

  ctz(a: Value): Value {
    return this.#unary('ctz', a);
  }

  popcnt(a: Value): Value {
    return this.#unary('popcnt', a);
  }

  eq(a: Value, b: Value): Value {
    return this.#binary('eq', a, b);
  }

  ne(a: Value, b: Value): Value {
    return this.#binary('ne', a, b);
  }

  ltS(a: Value, b: Value): Value {
    return this.#binary('ltS', a, b);
  }

  ltU(a: Value, b: Value): Value {
    return this.#binary('ltU', a, b);
  }

  leS(a: Value, b: Value): Value {
    return this.#binary('leS', a, b);
  }

  leU(a: Value, b: Value): Value {
    return this.#binary('leU', a, b);
  }

  gtS(a: Value, b: Value): Value {
    return this.#binary('gtS', a, b);
  }

  gtU(a: Value, b: Value): Value {
    return this.#binary('gtU', a, b);
  }

  geS(a: Value, b: Value): Value {
    return this.#binary('geS', a, b);
  }

  geU(a: Value, b: Value): Value {
    return this.#binary('geU', a, b);
  }

  eqz(a: Value): Value {
    return this.#unary('eqz', a);
  }

  /** `a` where the i32 `condition` is not zero, else `b`; both are computed. */
  select(condition: Value, a: Value, b: Value): Value {
    expectType('select', condition, 'i32');
    expectType('select', b, a.ty);
    return this.#pure(`select.${a.ty}`, condition, a, b);
  }

  /** Sign-extends the low `bits` of the value within its type. */
  sext(a: Value, bits: number): Value {
    const width = a.ty === 'i32' ? 32 : 64;
    if (bits === width) return a;
    if (bits === 8 || bits === 16 || (bits === 32 && width === 64)) {
      if (bits === 32 && isConst(a)) return this.i64x(a.lo, a.lo >> 31);
      return this.#pure(`sext${bits}.${a.ty}`, a);
    }
    const count = this.#constant(a.ty, width - bits);
    return this.sar(this.shl(a, count), count);
  }

  /** Keeps the low `bits` of the value. */
  zext(a: Value, bits: number): Value {
    return this.extract(a, 0, bits);
  }

  /** Sign-extends an i32 to i64. */
  extend32S(a: Value): Value {
    expectType('extend32S', a, 'i32');
    return isConst(a) ? this.i64x(a.lo, a.lo >> 31) : this.#pure('extend32S', a);
  }

  /** Zero-extends an i32 to i64. */
  extend32U(a: Value): Value {
    expectType('extend32U', a, 'i32');
    return isConst(a) ? this.i64x(a.lo, 0) : this.#pure('extend32U', a);
  }

  /** The low half of an i64. */
  wrap(a: Value): Value {
    expectType('wrap', a, 'i64');
    return isConst(a) ? this.i32(a.lo) : this.#pure('wrap', a);
  }

  /** Bits `position` to `position + length - 1`, shifted down. */
  extract(a: Value, position: number, length: number): Value {
    const width = a.ty === 'i32' ? 32 : 64;
    const down = this.shr(a, this.#constant(a.ty, position));
    return position + length >= width ? down : this.and(down, this.#mask(a.ty, length));
  }

  /** `a` with bits `position` to `position + length - 1` replaced by the low bits of `part`. */
  deposit(a: Value, position: number, length: number, part: Value): Value {
    expectType('deposit', part, a.ty);
    const mask = this.#mask(a.ty, length);
    const count = this.#constant(a.ty, position);
    const hole = this.not(a.ty === 'i32' ? this.i32(mask.lo << position) : shifted(this, mask, position));
    const field = this.shl(this.and(part, mask), count);
    return this.or(this.and(a, hole), field);
  }

  /** The bytes in reverse order. */
  bswap(a: Value): Value {
    if (a.ty === 'i32') {
      const even = this.and(this.rotl(a, this.i32(8)), this.i32(0x00ff00ff));
      return this.or(even, this.and(this.rotr(a, this.i32(8)), this.i32(0xff00ff00 | 0)));
    }
    const low = this.bswap(this.wrap(a));
    const high = this.bswap(this.wrap(this.shr(a, this.i64(32))));
    return this.or(this.shl(this.extend32U(low), this.i64(32)), this.extend32U(high));
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
    return this.#binary('fadd', a, b);
  }

  fsub(a: Value, b: Value): Value {
    return this.#binary('fsub', a, b);
  }

  fmul(a: Value, b: Value): Value {
    return this.#binary('fmul', a, b);
  }

  fdiv(a: Value, b: Value): Value {
    return this.#binary('fdiv', a, b);
  }

  fsqrt(a: Value): Value {
    return this.#unary('fsqrt', a);
  }

  fneg(a: Value): Value {
    return this.#unary('fneg', a);
  }

  fabs(a: Value): Value {
    return this.#unary('fabs', a);
  }

  feq(a: Value, b: Value): Value {
    return this.#binary('feq', a, b);
  }

  flt(a: Value, b: Value): Value {
    return this.#binary('flt', a, b);
  }

  fle(a: Value, b: Value): Value {
    return this.#binary('fle', a, b);
  }

  /** The bits of a float as an integer, or the reverse. */
  reinterpret(a: Value): Value {
    const to = { f32: 'i32', f64: 'i64', i32: 'f32', i64: 'f64', v128: '' }[a.ty];
    return this.#pure(`reinterpret.${a.ty}.${to}`, a);
  }

  convert(a: Value, to: 'f32' | 'f64', signed: boolean): Value {
    return this.#pure(`convert${signed ? 'S' : 'U'}.${a.ty}.${to}`, a);
  }

  truncSat(a: Value, to: 'i32' | 'i64', signed: boolean): Value {
    return this.#pure(`truncSat${signed ? 'S' : 'U'}.${a.ty}.${to}`, a);
  }

  promote(a: Value): Value {
    return this.#pure('promote', a);
  }

  demote(a: Value): Value {
    return this.#pure('demote', a);
  }

  /** Any pure operation by its name in the table of `ops.ts`; vectors are reached through it. */
  pure(name: string, ...args: Value[]): Value {
    return this.#pure(name, ...args);
  }

  // --- structured control ---
  if(condition: Value, then: () => void, otherwise?: () => void): void {
    expectType('if', condition, 'i32');
    const outer = this.#list;
    const a = this.#nested(then);
    const b = otherwise === undefined ? [] : this.#nested(otherwise);
    outer.push(new Node({ kind: 'if', taken: a, otherwise: b }, undefined, [condition]));
  }

  /** Repeats the body until a `breakIf` inside it (at any depth of `if`) is given a condition that is not zero. */
  loop(body: (breakIf: (condition: Value) => void) => void): void {
    const outer = this.#list;
    const statements = this.#nested(() => body((condition) => this.#breakIf(condition)));
    outer.push(new Node({ kind: 'loop', body: statements }, undefined));
  }

  /** Leaves a helper, with its result if it has one. */
  return_(value?: Value): void {
    this.#add({ kind: 'return' }, undefined, value === undefined ? [] : [value]);
  }

  call(helper: Helper, ...args: Value[]): Value {
    if (args.length !== helper.params.length) throw new Error(`${helper.name} takes ${helper.params.length} arguments`);
    for (const [i, ty] of helper.params.entries()) {
      const arg = args[i];
      if (arg !== undefined) expectType(`${helper.name} argument ${i}`, arg, ty);
    }
    return this.#add({ kind: 'call', helper }, helper.result, args);
  }

  // --- guest memory ---
  /** Loads from guest memory; a fault ends the instruction. */
  load(address: Value, o: AccessOptions): Value {
    return this.#add({ kind: 'load', access: access(o) }, o.ty ?? 'i64', [this.#address(address)]);
  }

  store(address: Value, value: Value, o: AccessOptions): void {
    this.#add({ kind: 'store', access: access(o) }, undefined, [this.#address(address), value]);
  }

  /** Atomic read-modify-write; the value before, zero-extended (sign-extended if `signed`) from `size` bytes to i64. */
  atomicRmw(op: RmwOp, address: Value, value: Value, o: AccessOptions): Value {
    expectType('atomicRmw', value, 'i64');
    return this.#add({ kind: 'rmw', access: access(o), op }, 'i64', [this.#address(address), value]);
  }

  /** Atomic compare and swap; the value before, extended as by `atomicRmw`. `expected` is compared in `size` bytes. */
  atomicCas(address: Value, expected: Value, value: Value, o: AccessOptions): Value {
    return this.#add({ kind: 'cas', access: access(o) }, 'i64', [this.#address(address), expected, value]);
  }

  /** Faults now if any of `length` bytes (an i32, at most a page) at the address could not be accessed. */
  probe(address: Value, length: Value, o: { readonly write: boolean; readonly mmu?: number }): void {
    this.#add({ kind: 'probe', mmu: o.mmu ?? 0, write: o.write }, undefined, [this.#address(address), length]);
  }

  /** Orders memory accesses among vCPUs. WebAssembly's accesses by one thread are in order already. */
  fence(): void {
    // One thread runs all vCPUs today; atomics are sequentially consistent.
  }

  // --- host memory, for helpers ---
  hostLoad(address: Value, o: AccessOptions): Value {
    expectType('hostLoad', address, 'i32');
    if (o.endian !== 'big' || o.size === 1)
      return this.#add({ kind: 'hostLoad', access: access(o) }, o.ty ?? 'i64', [address]);
    const raw = this.bswap(this.hostLoad(address, { ...o, endian: 'little' }));
    const unused = this.#constant(raw.ty, (raw.ty === 'i32' ? 32 : 64) - o.size * 8);
    return o.signed === true ? this.sar(raw, unused) : this.shr(raw, unused);
  }

  hostStore(address: Value, value: Value, o: AccessOptions): void {
    expectType('hostStore', address, 'i32');
    const big = o.endian === 'big' && o.size > 1;
    const unused = this.#constant(value.ty, (value.ty === 'i32' ? 32 : 64) - o.size * 8);
    const raw = big ? this.shr(this.bswap(value), unused) : value;
    this.#add({ kind: 'hostStore', access: access({ ...o, endian: 'little' }) }, undefined, [address, raw]);
  }

  /** Fills `length` bytes at a host offset (all i32). */
  hostFill(address: Value, byte: Value, length: Value): void {
    this.#add({ kind: 'hostFill' }, undefined, [address, byte, length]);
  }

  /** Atomic read-modify-write on host memory; value and result are i64, zero-extended. No min and max. */
  hostRmw(op: RmwOp, address: Value, value: Value, size: 1 | 2 | 4 | 8): Value {
    return this.#add({ kind: 'hostRmw', op, size }, 'i64', [address, value]);
  }

  hostCas(address: Value, expected: Value, value: Value, size: 1 | 2 | 4 | 8): Value {
    return this.#add({ kind: 'hostCas', size }, 'i64', [address, expected, value]);
  }

  /** Host offset of the vCPU's state. */
  cpuBase(): Value {
    return this.#add({ kind: 'cpuBase' }, 'i32');
  }

  /** Instructions that the vCPU has executed before this one since reset, exact (i64). */
  instructionCount(): Value {
    return this.#add({ kind: 'count' }, 'i64');
  }

  // --- services of the engine ---
  /** Host offset of the RAM or ROM at a physical address (i64), -1 where there is none. */
  ramHost(pa: Value): Value {
    return this.call(ENGINE.ramHost, pa);
  }

  /** Forgets every address translation of this vCPU. */
  tlbFlush(): void {
    this.call(ENGINE.tlbFlush);
  }

  /** Forgets the translations of the page that holds a virtual address (i64). */
  tlbFlushPage(va: Value): void {
    this.call(ENGINE.tlbFlushPage, va);
  }

  /** Leaves translated code at the end of this block, so that interrupts are looked at. */
  requestExit(): void {
    this.set(COMMON.exitRequest, this.i32(1));
  }

  /** Ends the vCPU's slice at the end of this block, for the others' sake: what a spin-wait hint means. */
  yieldSlice(): void {
    this.set(COMMON.yielded, this.i32(1));
    this.requestExit();
  }

  // --- instructions and ends of blocks, for frontends ---
  insnStart(pcLo: number, pcHi: number, restart: readonly number[] = []): void {
    this.#add({ kind: 'insn', pcLo, pcHi, restart }, undefined);
  }

  goto(pcLo: number, pcHi: number): void {
    this.#end({ kind: 'goto', pcLo, pcHi });
  }

  gotoIf(condition: Value, takenLo: number, takenHi: number, fallLo: number, fallHi: number): void {
    expectType('gotoIf', condition, 'i32');
    this.#end({ kind: 'gotoIf', takenLo, takenHi, fallLo, fallHi }, condition);
  }

  /** Goes to the pc in an i64, in the present mode. */
  gotoIndirect(pc: Value): void {
    expectType('gotoIndirect', pc, 'i64');
    this.#end({ kind: 'gotoIndirect' }, pc);
  }

  /** Raises an exception at this instruction: `excCode` and `excValue` of the state, then the frontend's `raise`. */
  raise(code: number, value: Value): void {
    expectType('raise', value, 'i64');
    this.#end({ kind: 'raise' }, this.i32(code), value);
  }

  /** Goes on at `state.pc` in `state.mode`, after a look at interrupts. */
  exitToLookup(): void {
    this.#end({ kind: 'lookup' });
  }

  /** Stops the vCPU until an interrupt; `state.pc` is where it goes on. */
  halt(): void {
    this.#end({ kind: 'halt' });
  }

  /** The last statement ends the block on every path: no further instruction can follow. */
  get ended(): boolean {
    const kind = this.#list.at(-1)?.kind;
    return kind !== undefined && BLOCK_ENDS.has(kind);
  }

  #end(detail: BlockEnd, ...args: Value[]): void {
    this.#add(detail, undefined, args);
  }

  #breakIf(condition: Value): void {
    expectType('breakIf', condition, 'i32');
    this.#add({ kind: 'breakIf' }, undefined, [condition]);
  }

  #nested(fill: () => void): Node[] {
    const outer = this.#list;
    const inner: Node[] = [];
    this.#list = inner;
    try {
      fill();
    } finally {
      this.#list = outer;
    }
    return inner;
  }

  #add(detail: Detail, type: Ty | undefined, args: readonly Value[] = []): Node {
    const node = new Node(detail, type, args);
    this.#list.push(node);
    return node;
  }

  #address(address: Value): Value {
    if (address.ty === 'i64') return address;
    expectType('address', address, 'i32');
    return this.extend32U(address);
  }

  #pure(name: string, ...args: Value[]): Value {
    const op = pureOp(name);
    for (const [i, ty] of op.args.entries()) {
      const arg = args[i];
      if (arg === undefined) throw new Error(`${name} takes ${op.args.length} operands`);
      expectType(name, arg, ty);
    }
    return this.#add({ kind: 'pure', op }, op.result, args);
  }

  #unary(name: string, a: Value): Value {
    return this.#pure(`${name}.${a.ty}`, a);
  }

  #binary(name: string, a: Value, b: Value): Value {
    const key = `${name}.${a.ty}`;
    const swap = isConst(a) && !isConst(b) && pureOp(key).commutative;
    return swap ? this.#pure(key, b, a) : this.#pure(key, a, b);
  }

  #zero(ty: Ty): Value {
    return ty === 'i32' ? this.i32(0) : this.i64x(0, 0);
  }

  #constant(ty: Ty, value: number): Value {
    return ty === 'i32' ? this.i32(value) : this.i64(value);
  }

  #mask(ty: Ty, length: number): Value {
    if (ty === 'i32') return this.i32(length >= 32 ? -1 : 2 ** length - 1);
    return length >= 32 ? this.i64x(-1, length >= 64 ? -1 : 2 ** (length - 32) - 1) : this.i64x(2 ** length - 1, 0);
  }
}

function expectType(what: string, value: Value, ty: Ty): void {
  if (value.type !== ty) throw new Error(`${what}: operand is ${value.type ?? 'no value'}, not ${ty}`);
}

export function isConst(v: Value): boolean {
  return v.detail.kind === 'const';
}

function isZero(v: Value): boolean {
  return v.detail.kind === 'const' && v.lo === 0 && (v.ty === 'i32' || v.hi === 0);
}

function addConstants(b: IrBuilder, x: Value, y: Value): Value {
  if (x.ty === 'i32') return b.i32(x.lo + y.lo);
  const lo = (x.lo >>> 0) + (y.lo >>> 0);
  return b.i64x(lo | 0, (x.hi + y.hi + (lo >= 2 ** 32 ? 1 : 0)) | 0);
}

function shifted(b: IrBuilder, v: Value, count: number): Value {
  const value = (BigInt.asUintN(32, BigInt(v.hi)) << 32n) | BigInt.asUintN(32, BigInt(v.lo));
  return b.big(value << BigInt(count));
}
