/** Writes the instructions that every function needs: locals, constants, memory. What writes whole functions derives from it. */
import type { ByteWriter } from './bytes.ts';
import { W } from './opcodes.ts';

export class CodeWriter {
  readonly out: ByteWriter;

  constructor(out: ByteWriter) {
    this.out = out;
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

  /** A memory instruction with its offset. */
  mem(opcode: number, offset: number): this {
    this.out.u8(opcode).u8(0).unsigned(offset);
    return this;
  }

  call(functionIndex: number): this {
    this.out.u8(W.call).unsigned(functionIndex);
    return this;
  }
}
