/** Guest memory accesses of tier 1: the TLB lookup, the host address, byte order. */
import { isKind, type MemAccess, type Node } from '../ir/nodes.ts';
import { pureOp } from '../ir/ops.ts';
import type { Ty } from '../ir/types.ts';
import { pcOf } from '../pc.ts';
import { TLB, TLB_ENTRIES, TLB_REGIME_BITS, TLB_SPAN_BYTES, TLB_SPANS, TLB_TABLE_BYTES } from '../softmmu/layout.ts';
import { EXTRACT64, loadCode, REVERSE_V128, REVERSED_LANES, SPLAT64, SWIZZLE, storeCode } from '../wasm/lower.ts';
import { W } from '../wasm/opcodes.ts';
import { CPU, type Emitter } from './emitter.ts';
import type { Span, UsedSpan } from './spans.ts';

/** Where a lookup finds its entry. */
export interface Lookup {
  readonly mmu: number;
  readonly store: boolean;
  readonly size: number;
  /** Addresses that are no multiple of the size are looked up too, within a page. */
  readonly unaligned: boolean;
}

/** Where accesses lie that are looked up together: bytes from their base to the first and to the last of them. */
export type Reach = readonly [first: number, last: number];

/** Where stores in spans are marked (`StoreMarks`): host offset of the first byte. */
export interface Marks {
  readonly table: number;
  readonly pageBits: number;
  readonly value: number;
}

/** Locals that hold the TLB entry that a base register led to last: its tag, and the low half of its addend or all of it. */
export interface PageCache {
  readonly tag: number;
  readonly addend: number;
}

/** The address without the constants that it is more: the access itself can add them, as guest memory lies higher. */
export function splitAddress(address: Node): readonly [base: Node, offset: number] {
  const [base, constant] = address.args;
  if (address.op !== ADD || base === undefined || !isKind(constant, 'const')) return [address, 0];
  if (constant.hi !== 0 || constant.lo < 0 || constant.lo >= MOST_OFFSET) return [address, 0];
  const [inner, offset] = splitAddress(base);
  return offset + constant.lo < MOST_OFFSET ? [inner, offset + constant.lo] : [base, constant.lo];
}

const ADD = pureOp('add.i64');
/** Nothing below is given out in the RAM space. */
const MOST_OFFSET = 0x8000;

/**
 * Bytes are reversed as lanes of a vector: three instructions, where WebAssembly's integers take six for 32 bits and twenty for 64.
 * The order is in a local, as V8 makes a constant anew at each use.
 */
const simd = (op: number, ...immediates: readonly number[]): readonly number[] => [W.prefixSimd, op, ...immediates];
const LOAD32_SPLAT = simd(0x09, 0);
const LOAD64_ZERO = simd(0x5d, 0);
const SPLAT32 = simd(0x11);
const EXTRACT32 = simd(0x1b, 0);
const FLOAT32_LANE = simd(0x1f, 0);
const FLOAT64_LANE = simd(0x21, 0);

/**
 * How far behind an address an access's comparison with a span begins: at the address, where the access itself is as aligned as that. An
 * address below the span is a miss then, though an access behind it may be in the span: that is rare.
 */
function comparedFrom({ size }: Lookup, offset: number, isAligned: boolean): number {
  return isAligned && offset % size !== 0 ? offset : 0;
}

/** Whether an access has its bytes reversed as lanes of a vector. */
export function isLane({ endian, size }: MemAccess): boolean {
  return endian === 'big' && (size === 4 || size === 8);
}

/** Whether bytes of a statement's access are reversed as lanes. */
export function isReversed(node: Node): boolean {
  if (!isKind(node, 'load') && !isKind(node, 'store')) return false;
  const { endian, size } = node.detail.access;
  return endian === 'big' && size >= 4;
}

export class AccessEmitter {
  readonly #e: Emitter;
  readonly #pageBits: number;
  /** Local of the address that was looked up last. */
  readonly va: number;
  readonly #entry: number;
  /** Local of the tag that the last lookup found. */
  readonly tag: number;
  readonly #cpu: number | undefined;
  /** Local of the order of bytes that `#reverse` makes. */
  #reversal = -1;

  /** `cpu`: host offset of the vCPU's area, if there is but one. */
  constructor(e: Emitter, pageBits: number, cpu: number | undefined) {
    this.#e = e;
    this.#pageBits = pageBits;
    this.#cpu = cpu;
    this.tag = e.local('i64');
    this.va = e.local('i64');
    this.#entry = e.local('i32');
  }

  /** Takes the address on the stack; `miss` is emitted for where there is no fast way. */
  lookup(l: Lookup, miss: () => void): void {
    const e = this.#e;
    const table = this.#tableOf(l);
    const size = l.unaligned ? 1 : l.size;
    e.tee(this.va).op(W.i32WrapI64);
    e.i32(this.#pageBits - 4).op(W.i32ShrU);
    e.i32((TLB_ENTRIES - 1) << 4).op(W.i32And);
    if (this.#cpu === undefined) e.get(CPU).op(W.i32Add);
    e.tee(this.#entry).load(W.i64Load, table).tee(this.tag).get(this.va);
    e.i64(-(2 ** this.#pageBits) + size - 1, -1).op(W.i64And, W.i64Ne);
    if (l.unaligned && l.size > 1) this.#crosses(() => e.i32(l.size)).op(W.i32Or);
    e.if();
    miss();
    e.end();
  }

  /** A cache, to be emptied where the region is entered. */
  cache(): PageCache {
    const e = this.#e;
    return { tag: e.local('i64'), addend: e.local(e.indexBits === 64 ? 'i64' : 'i32') };
  }

  empty(cache: PageCache): void {
    // No masked address is that.
    this.#e.i64(-1, -1).set(cache.tag);
  }

  /** Looks into a cache, and into the TLB only where that is of another page. */
  cachedLookup(l: Lookup, cache: PageCache, miss: () => void): void {
    const e = this.#e;
    e.tee(this.va);
    e.i64(-(2 ** this.#pageBits) + l.size - 1, -1).op(W.i64And);
    e.get(cache.tag).op(W.i64Ne).if();
    e.get(this.va);
    this.lookup(l, miss);
    e.get(this.tag).set(cache.tag);
    e.get(this.#entry).load(e.indexBits === 64 ? W.i64Load : W.i32Load, this.#tableOf(l) + 8);
    e.set(cache.addend).end();
  }

  /** Pushes the index of the access that was looked up in a cache. */
  cachedAddress(cache: PageCache): void {
    const e = this.#e;
    e.get(cache.addend).get(this.va);
    if (e.indexBits === 64) e.op(W.i64Add);
    else e.op(W.i32WrapI64, W.i32Add);
  }

  /** Pushes whether a regime has another span now than the one that the code was made for. */
  hasChanged({ mmu, store, span: { first, count, addend } }: UsedSpan): void {
    const e = this.#e;
    const at = TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_SPANS + (store ? TLB_SPAN_BYTES : 0);
    for (const [n, [lo, hi]] of [first, count, addend].entries()) {
      e.get(CPU)
        .load(W.i64Load, at + n * 8)
        .i64(lo, hi)
        .op(W.i64Ne);
      if (n > 0) e.op(W.i32Or);
    }
  }

  /**
   * Compares the address on the stack, and `offset` to `last` bytes more, with a span; the address may have to be in it too. `isAligned`:
   * a misaligned one is a miss too; what lies between the two is a multiple of the size.
   */
  spannedLookup(l: Lookup, span: Span, [offset, last]: Reach, isAligned: boolean, miss: () => void): void {
    const e = this.#e;
    e.tee(this.va)
      .i64(...span.first)
      .op(W.i64Sub);
    const from = comparedFrom(l, offset, isAligned);
    if (from > 0) e.i64(from, 0).op(W.i64Add);
    let most = pcOf(...span.count) - BigInt(last - from);
    if (isAligned && l.size > 1) {
      // Odd bits, turned to the left end, make the distance a long one.
      const bits = Math.log2(l.size);
      e.i64(bits, 0).op(W.i64Rotr);
      most = (most + BigInt(l.size - 1)) >> BigInt(bits);
    }
    if (most < 0n) most = 0n;
    e.i64(Number(BigInt.asIntN(32, most)), Number(BigInt.asIntN(32, most >> 32n)))
      .op(W.i64GeU)
      .if();
    miss();
    e.end();
  }

  /** Marks the pages of aligned stores in a span, from `offset` to `last` bytes behind the address that was looked up. */
  markStores(span: Span, [offset, last]: Reach, { table, pageBits, value }: Marks): void {
    const e = this.#e;
    const isLow = span.first[1] === 0 && span.count[1] === 0 && (span.first[0] >>> 0) + (span.count[0] >>> 0) < 2 ** 32;
    for (const at of last === offset ? [offset] : [offset, last]) {
      e.get(this.va);
      if (isLow) {
        e.op(W.i32WrapI64);
        if (at > 0) e.i32(at).op(W.i32Add);
        e.i32(pageBits).op(W.i32ShrU);
      } else {
        if (at > 0) e.i64(at, 0).op(W.i64Add);
        e.i64(pageBits, 0).op(W.i64ShrU, W.i32WrapI64);
      }
      e.area().i32(value).mem(W.i32Store8, table);
    }
  }

  /**
   * Pushes the index of an access so many bytes behind the address on the stack, which was looked up in a span, less the bytes that it
   * returns, which the access itself adds.
   */
  spannedAddress(l: Lookup, span: Span, offset: number, isAligned: boolean, isLane: boolean): number {
    const e = this.#e;
    const [lo, hi] = span.addend;
    if (e.indexBits === 64) {
      e.i64(lo, hi).op(W.i64Add);
      return offset;
    }
    e.op(W.i32WrapI64);
    // V8 computes an address apart where a lane is loaded.
    if (isLane) {
      e.i32((lo + offset) | 0).op(W.i32Add);
      return 0;
    }
    // The access itself can add what is not negative, if the address is in the span too: it does not begin anew behind the last one.
    const isInSpan = comparedFrom(l, offset, isAligned) === 0;
    if (isInSpan && hi === 0 && lo >= 0 && span.first[1] === 0) return lo + offset;
    e.i32(lo).op(W.i32Add);
    return offset;
  }

  /** Pushes whether bytes at the address, as many as `length` pushes (an i32), go on in the next page. */
  #crosses(length: () => void): Emitter {
    const e = this.#e;
    const bytes = 2 ** this.#pageBits;
    e.get(this.va)
      .op(W.i32WrapI64)
      .i32(bytes - 1)
      .op(W.i32And);
    length();
    return e.op(W.i32Add).i32(bytes).op(W.i32GtU);
  }

  /** A probe of as many bytes as `length` pushes: its address is on the stack. */
  probe(l: Lookup, length: () => void, miss: () => void): void {
    const e = this.#e;
    this.lookup(l, miss);
    this.#crosses(length);
    e.if();
    miss();
    e.end();
  }

  /** Pushes the index of the access that was looked up in the memory. */
  hostAddress(l: Lookup): void {
    this.#e.translated(this.#entry, this.va, this.#tableOf(l) + 8);
  }

  /** Pushes its host offset, as helpers take it. */
  hostOffset(l: Lookup): void {
    const e = this.#e;
    e.get(this.#entry).load(W.i64Load, this.#tableOf(l) + 8);
    e.get(this.va).op(W.i64Add);
  }

  /** Makes ready for big-endian accesses, where the region is entered. */
  prepareReversal(): void {
    this.#reversal = this.#e.local('v128');
    this.#e.code(REVERSED_LANES).set(this.#reversal);
  }

  /** Loads from the host address on the stack, so many bytes on. */
  load(access: MemAccess, ty: Ty, offset = 0): void {
    const e = this.#e;
    const { size, signed } = access;
    if (isLane(access)) {
      e.code(size === 8 ? LOAD64_ZERO : LOAD32_SPLAT).out.unsigned(offset);
      this.#reverse();
      e.code(size === 8 ? EXTRACT64 : EXTRACT32);
      if (size === 4 && ty === 'i64') e.op(signed ? W.i64ExtendI32S : W.i64ExtendI32U);
      return;
    }
    if (access.endian === 'big' && size === 2) {
      e.op(W.i32Load16U, 0).out.unsigned(offset);
      this.#swap16(signed);
      if (ty === 'i64') e.op(signed ? W.i64ExtendI32S : W.i64ExtendI32U);
      return;
    }
    e.code(loadCode({ ...access, endian: 'little' }, ty).slice(0, -1));
    e.out.unsigned(offset);
    if (access.endian === 'big' && size === 16) e.code(REVERSE_V128);
  }

  /** Stores the value on the stack to the host address under it, so many bytes on. */
  store(access: MemAccess, ty: Ty, offset = 0): void {
    const e = this.#e;
    const { size } = access;
    if (isLane(access)) {
      if (size === 4 && ty === 'i64') e.op(W.i32WrapI64);
      e.code(size === 8 ? SPLAT64 : SPLAT32);
      this.#reverse();
      e.code(size === 8 ? FLOAT64_LANE : FLOAT32_LANE)
        .op(size === 8 ? W.f64Store : W.f32Store, 0)
        .out.unsigned(offset);
      return;
    }
    if (access.endian === 'big' && size === 2) {
      if (ty === 'i64') e.op(W.i32WrapI64);
      e.i32(0xffff).op(W.i32And);
      this.#swap16(false);
      e.op(W.i32Store16, 0).out.unsigned(offset);
      return;
    }
    if (access.endian === 'big' && size === 16) e.code(REVERSE_V128);
    e.code(storeCode(size, ty).slice(0, -1));
    e.out.unsigned(offset);
  }

  /** Reverses the bytes of each half of the vector on the stack. */
  #reverse(): void {
    if (this.#reversal < 0) throw new Error('nothing is ready for big-endian accesses');
    this.#e.get(this.#reversal).code(SWIZZLE);
  }

  /** Exchanges the two bytes of the i32 on the stack, and extends them: the product has both left of where they were. */
  #swap16(signed: boolean): void {
    this.#e.i32(0x0100_0100).op(W.i32Mul);
    this.#e.i32(16).op(signed ? W.i32ShrS : W.i32ShrU);
  }

  /** Offset of the table that is looked into: from the vCPU's area on, or from the beginning of the memory. */
  #tableOf(l: Lookup): number {
    return (this.#cpu ?? 0) + TLB + l.mmu * 2 ** TLB_REGIME_BITS + (l.store ? TLB_TABLE_BYTES : 0);
  }
}
