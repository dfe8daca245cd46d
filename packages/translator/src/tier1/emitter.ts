/** A byte writer for the functions of tier 1: locals, labels, and the few shapes that occur everywhere. */
import type { IndexBits } from '@boardwalk/core';
import type { Slot, Ty } from '../ir/types.ts';
import type { ByteWriter } from '../wasm/bytes.ts';
import { CodeWriter } from '../wasm/code-writer.ts';
import { slotLoad, slotStore } from '../wasm/lower.ts';
import { NO_RESULT, W } from '../wasm/opcodes.ts';
import { type Extension, ZERO } from './extension.ts';

/** Parameters of a region's function. */
export const CPU = 0;
export const BUDGET = 1;
export const ENTRY = 2;
const PARAMETERS = 3;

const TYPES = ['i32', 'i64', 'f32', 'f64', 'v128'] as const;
const SLOT_LOAD = Object.fromEntries(TYPES.map((ty) => [ty, slotLoad(ty)])) as Record<Ty, readonly number[]>;
const SLOT_STORE = Object.fromEntries(TYPES.map((ty) => [ty, slotStore(ty)])) as Record<Ty, readonly number[]>;

export class Emitter extends CodeWriter {
  /** Types of the locals after the parameters. */
  readonly locals: Ty[] = [];
  readonly #free: Record<Ty, number[]> = { i32: [], i64: [], f32: [], f64: [], v128: [] };
  readonly #taken: [Ty, number][] = [];
  #depth = 0;

  constructor(indexBits: IndexBits, out: ByteWriter) {
    super(out, indexBits);
  }

  local(ty: Ty): number {
    return PARAMETERS + this.locals.push(ty) - 1;
  }

  /** A local until `freeTemps`. */
  temp(ty: Ty): number {
    const local = this.#free[ty].pop() ?? this.local(ty);
    this.#taken.push([ty, local]);
    return local;
  }

  freeTemps(): void {
    for (const [ty, local] of this.#taken.splice(0)) this.#free[ty].push(local);
  }

  /** One instruction without operands of its own, or two. */
  op(first: number, second = -1): this {
    this.out.u8(first);
    if (second >= 0) this.out.u8(second);
    return this;
  }

  /** The bytes of an operation. */
  code(bytes: readonly number[]): this {
    for (const byte of bytes) this.out.u8(byte);
    return this;
  }

  constant(ty: Ty, lo: number, hi: number): this {
    return ty === 'i32' ? this.i32(lo) : this.i64(lo, hi);
  }

  /** Makes an i64 of the i32 on the stack, if there is an extension to make. */
  extend(extension: Extension): this {
    if (extension === 0) return this;
    // The hardware zero-extends by itself.
    return this.op((extension & ZERO) !== 0 ? W.i64ExtendI32U : W.i64ExtendI32S);
  }

  /** Pushes an i64: the high half of one local, and another local. */
  halves(high: number, low: number): this {
    this.get(high).i64(0, -1).op(W.i64And);
    return this.get(low).op(W.i64ExtendI32U, W.i64Or);
  }

  zero(ty: Ty): this {
    if (ty === 'i32') return this.i32(0);
    if (ty === 'i64') return this.i64(0, 0);
    if (ty === 'f32') return this.code([0x43, 0, 0, 0, 0]);
    if (ty === 'f64') return this.code([0x44, 0, 0, 0, 0, 0, 0, 0, 0]);
    return this.code([W.prefixSimd, 0x0c, ...new Array<number>(16).fill(0)]);
  }

  loadSlot(slot: Slot): this {
    this.get(CPU).area().code(SLOT_LOAD[slot.ty]);
    this.out.unsigned(slot.offset);
    return this;
  }

  storeSlot(slot: Slot, value: () => void): this {
    this.get(CPU).area();
    value();
    this.code(SLOT_STORE[slot.ty]);
    this.out.unsigned(slot.offset);
    return this;
  }

  /** Stores a local to a slot. */
  storeLocal(slot: Slot, local: number, extension: Extension = 0): this {
    this.get(CPU).area().get(local).extend(extension).code(SLOT_STORE[slot.ty]);
    this.out.unsigned(slot.offset);
    return this;
  }

  /** Stores an i32 local to the low half of a slot. */
  storeLow(slot: Slot, local: number): this {
    this.get(CPU).area().get(local).code(SLOT_STORE.i32);
    this.out.unsigned(slot.offset);
    return this;
  }

  // --- labels: a label is the depth at which it was opened ---
  block(): number {
    this.out.u8(W.block).u8(NO_RESULT);
    return ++this.#depth;
  }

  loop(): number {
    this.out.u8(W.loop).u8(NO_RESULT);
    return ++this.#depth;
  }

  if(): number {
    this.out.u8(W.if).u8(NO_RESULT);
    return ++this.#depth;
  }

  else(): this {
    this.out.u8(W.else);
    return this;
  }

  end(): this {
    this.out.u8(W.end);
    this.#depth--;
    return this;
  }

  br(label: number): this {
    this.out.u8(W.br).unsigned(this.#depth - label);
    return this;
  }

  /** Goes to the label whose number is on the stack, to the first where there is none of that number. */
  brTable(labels: readonly number[]): this {
    this.out.u8(W.brTable).unsigned(labels.length);
    for (const label of [...labels, ...labels.slice(0, 1)]) this.out.unsigned(this.#depth - label);
    return this;
  }

  brIf(label: number): this {
    this.out.u8(W.brIf).unsigned(this.#depth - label);
    return this;
  }
}
