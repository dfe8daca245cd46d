/**
 * Builds intermediate code: the language of frontends (one instruction at a time) and of helpers (whole functions).
 * What computes values is in values.ts; here are control flow, memory, services of the engine and ends of blocks.
 */
import { COMMON } from '../state.ts';
import { ENGINE } from './engine.ts';
import { HOST_FENCE } from './fence.ts';
import type { Helper } from './helper.ts';
import { type AccessSize, BLOCK_ENDS, type BlockEnd, type MemAccess, Node, type RmwOp } from './nodes.ts';
import type { Ty } from './types.ts';
import { expectType, isConst, type Local, type Value, ValueBuilder } from './values.ts';

export { isConst, type Local, type Value };

/** Options of a guest access; little-endian, any alignment, zero extension unless said otherwise. */
export interface AccessOptions {
  /** Bytes; the value of 16 is a v128, and no other is. */
  readonly size: AccessSize;
  readonly signed?: boolean;
  /** Type of what a load gives: i64 if not said, v128 if the size is 16. */
  readonly ty?: 'i32' | 'i64' | 'v128';
  readonly mmu?: number;
  readonly endian?: 'little' | 'big';
  readonly align?: 'any' | 'natural';
}

/** Bitwise operations, and swap: what a read-modify-write of 16 bytes can do. */
const VECTOR_RMW: ReadonlySet<RmwOp> = new Set<RmwOp>(['swap', 'and', 'or', 'xor']);

/** Type of the value of a load; throws where size and type do not go together. */
function loadedType(o: AccessOptions): 'i32' | 'i64' | 'v128' {
  const ty = o.ty ?? (o.size === 16 ? 'v128' : 'i64');
  checkSize(ty, o);
  return ty;
}

function checkSize(ty: Ty, o: AccessOptions): void {
  if ((ty === 'v128') !== (o.size === 16)) throw new Error(`an access of ${o.size} bytes has no ${ty}`);
  if (o.size === 16 && o.signed === true) throw new Error('an access of 16 bytes has no sign');
}

function expectAddress(what: string, address: Value): void {
  if (address.type !== 'i32') expectType(what, address, 'i64');
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

/** What must be done for the order of plain accesses: nothing in one thread, and less on a host whose processor keeps most of it. */
export type FenceNeed = 'none' | 'storeLoad' | 'all';

/** Builds IR: values, statements and structured control flow. Types are checked as it is built; a mismatch throws. */
export class IrBuilder extends ValueBuilder {
  /** What a fence of the guest's has to do on this host. */
  fences: FenceNeed = 'none';

  /** Addresses of code count from `state.codePage`: see `address`. */
  slides = false;

  /** Value of an address of code: one that `InsnContext.addressOf` gave. */
  address(lo: number, hi: number): Value {
    const constant = this.addressConstant(lo, hi);
    return this.slides ? this.add(this.get(COMMON.codePage), constant) : constant;
  }

  /** Other vCPUs run at the same time: what has to happen at once for them needs an atomic operation, not a load and a store. */
  get isConcurrent(): boolean {
    return this.fences !== 'none';
  }

  /** Ends building and gives the statements in order. The builder can be used again. */
  finish(): Node[] {
    const list = this.list;
    this.list = [];
    return list;
  }

  // --- structured control ---
  if(condition: Value, then: () => void, otherwise?: () => void): void {
    expectType('if', condition, 'i32');
    const outer = this.list;
    const a = this.#nested(then);
    const b = otherwise === undefined ? [] : this.#nested(otherwise);
    outer.push(new Node({ kind: 'if', taken: a, otherwise: b }, undefined, [condition]));
  }

  /** Repeats the body until a `breakIf` inside it (at any depth of `if`) is given a condition that is not zero. */
  loop(body: (breakIf: (condition: Value) => void) => void): void {
    const outer = this.list;
    const statements = this.#nested(() => body((condition) => this.#breakIf(condition)));
    outer.push(new Node({ kind: 'loop', body: statements }, undefined));
  }

  /** Leaves a helper, with its result if it has one. */
  return_(value?: Value): void {
    this.emit({ kind: 'return' }, undefined, value === undefined ? [] : [value]);
  }

  call(helper: Helper, ...args: Value[]): Value {
    return this.#call(helper, args, false);
  }

  /** In a block: calls a helper that accesses guest memory, and ends the instruction where it has set `state.fault`. */
  callChecked(helper: Helper, ...args: Value[]): Value {
    return this.#call(helper, args, true);
  }

  #call(helper: Helper, args: readonly Value[], faults: boolean): Value {
    if (args.length !== helper.params.length) throw new Error(`${helper.name} takes ${helper.params.length} arguments`);
    for (let i = 0; i < args.length; i++) {
      const [arg, ty] = [args[i], helper.params[i]];
      if (arg !== undefined && ty !== undefined && arg.type !== ty) expectType(`${helper.name} argument ${i}`, arg, ty);
    }
    return this.emit({ kind: 'call', helper, faults }, helper.result, args);
  }

  // --- guest memory ---
  /** Loads from guest memory; a fault ends the instruction. */
  load(address: Value, o: AccessOptions): Value {
    return this.emit({ kind: 'load', access: access(o) }, loadedType(o), [this.#address(address)]);
  }

  store(address: Value, value: Value, o: AccessOptions): void {
    checkSize(value.ty, o);
    this.emit({ kind: 'store', access: access(o) }, undefined, [this.#address(address), value]);
  }

  /**
   * Atomic read-modify-write; the value before, zero-extended (sign-extended if `signed`) from `size` bytes to i64. Of 16
   * bytes values are v128, and the operation is swap, and, or, xor. An address that is no multiple of the size faults.
   */
  atomicRmw(op: RmwOp, address: Value, value: Value, o: AccessOptions): Value {
    const ty = o.size === 16 ? 'v128' : 'i64';
    checkSize(ty, o);
    expectType('atomicRmw', value, ty);
    if (ty === 'v128' && !VECTOR_RMW.has(op)) throw new Error(`no atomic ${op} of 16 bytes`);
    return this.emit({ kind: 'rmw', access: access(o), op }, ty, [this.#address(address), value]);
  }

  /** Atomic compare and swap; the value before, extended as by `atomicRmw`. `expected` is compared in `size` bytes. */
  atomicCas(address: Value, expected: Value, value: Value, o: AccessOptions): Value {
    const ty = o.size === 16 ? 'v128' : 'i64';
    checkSize(ty, o);
    expectType('atomicCas', expected, ty);
    expectType('atomicCas', value, ty);
    return this.emit({ kind: 'cas', access: access(o) }, ty, [this.#address(address), expected, value]);
  }

  /** Faults now if any of `length` bytes (an i32, at most a page) at the address could not be accessed. */
  probe(address: Value, length: Value, o: { readonly write: boolean; readonly mmu?: number }): void {
    this.emit({ kind: 'probe', mmu: o.mmu ?? 0, write: o.write }, undefined, [this.#address(address), length]);
  }

  /**
   * Orders memory accesses as other vCPUs see them: all of them, or with `storeLoad: false` all but loads after earlier stores.
   * Nothing where all vCPUs run on one thread.
   */
  fence(o: { readonly storeLoad: boolean } = { storeLoad: true }): void {
    if (this.fences === 'all' || (this.fences === 'storeLoad' && o.storeLoad)) this.call(HOST_FENCE);
  }

  /** Orders host memory accesses of this thread as other threads see them. */
  hostFence(): void {
    this.emit({ kind: 'hostFence' }, undefined);
  }

  // --- host memory, for helpers. Addresses are host offsets: i64, or i32 for what always lies below 4 GiB (state, tables) ---
  hostLoad(address: Value, o: AccessOptions): Value {
    expectAddress('hostLoad', address);
    if (o.endian !== 'big' || o.size === 1)
      return this.emit({ kind: 'hostLoad', access: access(o) }, loadedType(o), [address]);
    const raw = this.bswap(this.hostLoad(address, { ...o, endian: 'little' }));
    if (o.size === 16) return raw;
    const unused = this.constant(raw.ty, (raw.ty === 'i32' ? 32 : 64) - o.size * 8);
    return o.signed === true ? this.sar(raw, unused) : this.shr(raw, unused);
  }

  hostStore(address: Value, value: Value, o: AccessOptions): void {
    expectAddress('hostStore', address);
    checkSize(value.ty, o);
    const big = o.endian === 'big' && o.size > 1;
    const unused = (value.ty === 'i32' ? 32 : 64) - o.size * 8;
    let raw = big ? this.bswap(value) : value;
    if (big && o.size !== 16) raw = this.shr(raw, this.constant(value.ty, unused));
    this.emit({ kind: 'hostStore', access: access({ ...o, endian: 'little' }) }, undefined, [address, raw]);
  }

  /** Fills `length` bytes (an i32, as `byte` is) at a host offset. */
  hostFill(address: Value, byte: Value, length: Value): void {
    expectAddress('hostFill', address);
    this.emit({ kind: 'hostFill' }, undefined, [address, byte, length]);
  }

  /** Atomic read-modify-write on host memory; value and result are i64, zero-extended. No min and max. */
  hostRmw(op: RmwOp, address: Value, value: Value, size: 1 | 2 | 4 | 8): Value {
    expectAddress('hostRmw', address);
    return this.emit({ kind: 'hostRmw', op, size }, 'i64', [address, value]);
  }

  hostCas(address: Value, expected: Value, value: Value, size: 1 | 2 | 4 | 8): Value {
    expectAddress('hostCas', address);
    return this.emit({ kind: 'hostCas', size }, 'i64', [address, expected, value]);
  }

  /** Host offset of the vCPU's state (i32). */
  cpuBase(): Value {
    return this.emit({ kind: 'cpuBase' }, 'i32');
  }

  /** Tells the count of instructions to what is called next and asks for the time, so that its answer is exact. */
  tellCount(): void {
    this.set(COMMON.counted, this.instructionCount());
  }

  /** Instructions that the vCPU has executed before this one since reset, exact (i64). */
  instructionCount(): Value {
    return this.emit({ kind: 'count' }, 'i64');
  }

  // --- services of the engine ---
  /** Host offset (i64) of the RAM or ROM at a physical address (i64), -1 where there is none. */
  ramHost(pa: Value): Value {
    return this.call(ENGINE.ramHost, pa);
  }

  /** Forgets every address translation of this vCPU. */
  tlbFlush(): void {
    this.call(ENGINE.tlbFlush);
  }

  /** Forgets the translations of the regimes that have any of the present address space (`state.walkLocal`): another one begins. */
  tlbFlushSpace(): void {
    this.call(ENGINE.tlbFlushSpace);
  }

  /** Forgets the translations of one regime (i32), whose pages may all be cached. */
  tlbFlushRegime(mmu: Value): void {
    this.call(ENGINE.tlbFlushRegime, mmu);
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
    this.forgetAddresses();
    this.emit({ kind: 'insn', pcLo, pcHi, restart }, undefined);
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
    const kind = this.list.at(-1)?.kind;
    return kind !== undefined && BLOCK_ENDS.has(kind);
  }

  #end(detail: BlockEnd, ...args: Value[]): void {
    this.emit(detail, undefined, args);
  }

  #breakIf(condition: Value): void {
    expectType('breakIf', condition, 'i32');
    this.emit({ kind: 'breakIf' }, undefined, [condition]);
  }

  #nested(fill: () => void): Node[] {
    const outer = this.list;
    const inner: Node[] = [];
    this.list = inner;
    try {
      fill();
    } finally {
      this.list = outer;
    }
    return inner;
  }
  #address(address: Value): Value {
    if (address.ty === 'i64') return address;
    expectType('address', address, 'i32');
    return this.extend32U(address);
  }
}
