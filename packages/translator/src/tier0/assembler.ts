/** Writes the handlers of the tier 0 interpreter: a byte writer that knows its labels and where operands lie. */
import type { IndexBits } from '@boardwalk/core';
import type { Ty } from '../ir/types.ts';
import { COMMON } from '../state.ts';
import { ByteWriter } from '../wasm/bytes.ts';
import { CodeWriter } from '../wasm/code-writer.ts';
import { slotLoad, slotStore } from '../wasm/lower.ts';
import { NO_RESULT, W } from '../wasm/opcodes.ts';

/** Locals of the interpreter's function. The first three are its parameters. */
export const L = { cpu: 0, ip: 1, budget: 2, va: 3, wide: 4, at: 5, reason: 6, vector: 7 } as const;
export const INTERPRETER_LOCALS: readonly Ty[] = ['i64', 'i64', 'i32', 'i32', 'v128'];

export class Assembler extends CodeWriter {
  /** Labels open now; the dispatch loop is at `loopDepth`, the block whose end leaves the interpreter at `exitDepth`. */
  depth = 0;
  loopDepth = 0;
  exitDepth = 0;

  constructor(indexBits: IndexBits) {
    super(new ByteWriter(32768), indexBits);
  }

  op(...bytes: number[]): this {
    this.out.bytes(bytes);
    return this;
  }

  block(): this {
    this.out.u8(W.block).u8(NO_RESULT);
    this.depth++;
    return this;
  }

  loop(): this {
    this.out.u8(W.loop).u8(NO_RESULT);
    this.depth++;
    return this;
  }

  if(): this {
    this.out.u8(W.if).u8(NO_RESULT);
    this.depth++;
    return this;
  }

  else(): this {
    this.out.u8(W.else);
    return this;
  }

  end(): this {
    this.out.u8(W.end);
    this.depth--;
    return this;
  }

  /** Index of the slot that the u16 at `field` of the operation names. */
  slotAddress(field: number): this {
    return this.get(L.cpu).get(L.ip).load(W.i32Load16U, field).op(W.i32Add).area();
  }

  operand(field: number, ty: Ty): this {
    this.slotAddress(field);
    this.out.bytes(slotLoad(ty)).unsigned(0);
    return this;
  }

  /** Stores what `value` pushes to the slot named at `field`. */
  result(field: number, ty: Ty, value: () => void): this {
    this.slotAddress(field);
    value();
    this.out.bytes(slotStore(ty)).unsigned(0);
    return this;
  }

  /** A word of the engine's part of the state. */
  state(slot: { readonly offset: number; readonly ty: Ty }): this {
    this.get(L.cpu).area();
    this.out.bytes(slotLoad(slot.ty)).unsigned(slot.offset);
    return this;
  }

  setState(slot: { readonly offset: number; readonly ty: Ty }, value: () => void): this {
    this.get(L.cpu).area();
    value();
    this.out.bytes(slotStore(slot.ty)).unsigned(slot.offset);
    return this;
  }

  /** Goes on with the operation `bytes` further. */
  next(bytes: number): this {
    return this.skip(bytes).dispatch();
  }

  /** `ip` is that of the operation `bytes` further. */
  skip(bytes: number): this {
    return this.get(L.ip).i32(bytes).op(W.i32Add).set(L.ip);
  }

  /** Goes on at `ip`. */
  dispatch(): this {
    this.out.u8(W.br).unsigned(this.depth - this.loopDepth);
    return this;
  }

  /** Leaves the interpreter with `ip` as it is. */
  exit(reason: number): this {
    this.i32(reason).set(L.reason);
    this.out.u8(W.br).unsigned(this.depth - this.exitDepth);
    return this;
  }

  /** Pays for a block, and tells the engine where it has run often enough. */
  pay(): this {
    return this.charge().get(L.reason).op(W.i32Eqz).if().tellHot().end();
  }

  /**
   * Takes the cost of a block, the i32 at 24 of its end, from the budget. The i32 at 28 counts down how often it ran; `reason` is its
   * new value.
   */
  charge(): this {
    this.get(L.budget).get(L.ip).load(W.i32Load, 24).op(W.i32Sub).set(L.budget);
    return this.get(L.ip).area().get(L.ip).load(W.i32Load, 28).i32(1).op(W.i32Sub).tee(L.reason).mem(W.i32Store, 28);
  }

  /** The count of the block that ends at `ip` came to zero: the slice is cut short, and the engine told. */
  tellHot(): this {
    this.setState(COMMON.hotIp, () => this.get(L.ip));
    this.setState(COMMON.hotPage, () => this.state(COMMON.codePage));
    this.setState(COMMON.budgetReturned, () => {
      this.state(COMMON.budgetReturned).get(L.budget).op(W.i32Add).i32(1).op(W.i32Add);
    });
    return this.i32(-1).set(L.budget);
  }

  /** Leaves if the budget is used up; `ip` is where to go on. */
  exitIfSpent(reason: number): this {
    this.get(L.budget).i32(0).op(W.i32LtS).if();
    this.exit(reason);
    return this.end();
  }

  /** Ends a slice soon if somebody asked for it: the rest of the budget goes back. */
  heedExitRequest(): this {
    this.state(COMMON.exitRequest).if();
    this.setState(COMMON.budgetReturned, () => this.state(COMMON.budgetReturned).get(L.budget).op(W.i32Add));
    this.i32(0).set(L.budget);
    return this.end();
  }
}
