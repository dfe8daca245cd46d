/** Writes the instructions that every function needs: locals, constants, memory. What writes whole functions derives from it. */
import type { IndexBits } from '@boardwalk/core';
import type { ByteWriter } from './bytes.ts';
import { W } from './opcodes.ts';

/**
 * How wide an index of the memory is, is known here alone. The vCPU's state, its tables and the code cache (areas) lie below
 * 4 GiB, so that their addresses are i32 everywhere; guest memory may lie anywhere.
 */
export class CodeWriter {
  readonly out: ByteWriter;
  readonly indexBits: IndexBits;

  constructor(out: ByteWriter, indexBits: IndexBits) {
    this.out = out;
    this.indexBits = indexBits;
  }

  get(local: number): this {
    this.out.u8(W.localGet).unsigned(local);
    return this;
  }

  set(local: number): this {
    this.out.u8(W.localSet).unsigned(local);
    return this;
  }

  tee(local: number): this {
    this.out.u8(W.localTee).unsigned(local);
    return this;
  }

  i32(value: number): this {
    this.out.u8(W.i32Const).signed32(value);
    return this;
  }

  i64(lo: number, hi: number): this {
    this.out.u8(W.i64Const).signed64(lo, hi);
    return this;
  }

  /** Makes an index of the memory of the i32 on the stack, which is the address of an area. */
  area(): this {
    if (this.indexBits === 64) this.out.u8(W.i64ExtendI32U);
    return this;
  }

  /** Makes an index of the memory of the host offset (i64) on the stack. */
  hostIndex(): this {
    if (this.indexBits === 32) this.out.u8(W.i32WrapI64);
    return this;
  }

  /**
   * Pushes an index of the memory: of the guest memory that the address (i64) in local `va` means by the TLB entry whose i32
   * address is in local `entry`. `at`: offset of its addend.
   */
  translated(entry: number, va: number, at: number): this {
    if (this.indexBits === 64) {
      this.get(entry).load(W.i64Load, at).get(va).out.u8(W.i64Add);
      return this;
    }
    this.get(entry).load(W.i32Load, at).get(va).out.u8(W.i32WrapI64).u8(W.i32Add);
    return this;
  }

  /** Loads from an area: its i32 address is on the stack. */
  load(opcode: number, offset: number): this {
    return this.area().mem(opcode, offset);
  }

  /** A memory instruction with its offset; the index is on the stack, under the value of a store. */
  mem(opcode: number, offset: number): this {
    this.out.u8(opcode).u8(0).unsigned(offset);
    return this;
  }

  call(functionIndex: number): this {
    this.out.u8(W.call).unsigned(functionIndex);
    return this;
  }
}
