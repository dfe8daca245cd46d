/**
 * Compiles IR functions (helpers) to WebAssembly bodies. The first parameter of every function is the host offset of the
 * vCPU's state; the IR's own parameters follow. A pure value with one use is computed where it is used, every other
 * value has a local.
 */
import type { IndexBits } from '@boardwalk/core';
import type { Helper } from '../ir/helper.ts';
import type { AccessSize, MemAccess, Node, RmwOp } from '../ir/nodes.ts';
import type { Slot, Ty } from '../ir/types.ts';
import { COMMON } from '../state.ts';
import { ByteWriter } from './bytes.ts';
import { CodeWriter } from './code-writer.ts';
import { NO_RESULT, W } from './opcodes.ts';

const SLOT_LOAD = { i32: [W.i32Load], i64: [W.i64Load], f32: [W.f32Load], f64: [W.f64Load], v128: [0xfd, 0x00] };
const SLOT_STORE = { i32: [W.i32Store], i64: [W.i64Store], f32: [W.f32Store], f64: [W.f64Store], v128: [0xfd, 0x0b] };

/** Bytes of a load of a CPU state slot; the address is on the stack. */
export function slotLoad(ty: Ty): readonly number[] {
  return [...SLOT_LOAD[ty], 0];
}

export function slotStore(ty: Ty): readonly number[] {
  return [...SLOT_STORE[ty], 0];
}

/** Reverses the bytes of the vector on the stack: `v128.const`, `i8x16.swizzle`. */
export const REVERSE_V128: readonly number[] = [
  W.prefixSimd,
  0x0c,
  ...Array.from({ length: 16 }, (_, i) => 15 - i),
  W.prefixSimd,
  0x0e,
];

const simd = (op: number, ...immediates: readonly number[]): readonly number[] => [W.prefixSimd, op, ...immediates];

/** `v128.const`: the order of bytes that `SWIZZLE` reverses each half of a vector by. */
export const REVERSED_LANES: readonly number[] = simd(0x0c, ...Array.from({ length: 16 }, (_, i) => i ^ 7));
export const SWIZZLE: readonly number[] = simd(0x0e);
export const SPLAT64: readonly number[] = simd(0x12);
export const EXTRACT64: readonly number[] = [...simd(0x21, 0), W.i64ReinterpretF64];

/** Reverses the bytes of the i64 on the stack, as lanes of a vector. */
export const REVERSE_I64: readonly number[] = [...SPLAT64, ...REVERSED_LANES, ...SWIZZLE, ...EXTRACT64];

/** Bytes of a load without an offset for a little-endian access; the address is on the stack. */
export function loadCode(access: MemAccess, ty: Ty): readonly number[] {
  return access.size === 16 ? [...slotLoad('v128'), 0] : [loadOpcode(access, ty), 0, 0];
}

/** The same of a store; address and value are on the stack. */
export function storeCode(size: AccessSize, ty: Ty): readonly number[] {
  return size === 16 ? [...slotStore('v128'), 0] : [storeOpcode(size, ty), 0, 0];
}

function loadOpcode(access: MemAccess, ty: Ty): number {
  const s = access.signed;
  if (ty === 'i32') {
    if (access.size === 1) return s ? W.i32Load8S : W.i32Load8U;
    if (access.size === 2) return s ? W.i32Load16S : W.i32Load16U;
    return W.i32Load;
  }
  if (access.size === 1) return s ? W.i64Load8S : W.i64Load8U;
  if (access.size === 2) return s ? W.i64Load16S : W.i64Load16U;
  if (access.size === 4) return s ? W.i64Load32S : W.i64Load32U;
  return W.i64Load;
}

function storeOpcode(size: number, ty: Ty): number {
  if (ty === 'i32') return size === 1 ? W.i32Store8 : size === 2 ? W.i32Store16 : W.i32Store;
  if (size === 1) return W.i64Store8;
  if (size === 2) return W.i64Store16;
  return size === 4 ? W.i64Store32 : W.i64Store;
}

const ATOMIC_FAMILY: Partial<Record<RmwOp, number>> = { add: 0x1e, and: 0x2c, or: 0x33, xor: 0x3a, swap: 0x41 };
const ATOMIC_CAS = 0x48;
/** Offset of the i64 form of a size within a family of atomics, and log2 of its alignment. */
const ATOMIC_FORM = { 1: [4, 0], 2: [5, 1], 4: [6, 2], 8: [1, 3] } as const;

/** What a function body needs to know of its module. */
export interface Linker {
  /** Index of the WebAssembly function of a helper. */
  functionOf(helper: Helper): number;
}

export interface LoweredFunction {
  readonly locals: readonly Ty[];
  readonly code: Uint8Array;
}

export class FunctionLowering {
  readonly #out = new ByteWriter(1024);
  readonly #locals: Ty[] = [];
  readonly #linker: Linker;
  readonly #firstLocal: number;
  /** Position of the statement that is lowered, and labels open around it. */
  #depth = 0;
  readonly #loopExits: number[] = [];

  readonly #w: CodeWriter;

  constructor(params: number, linker: Linker, indexBits: IndexBits) {
    this.#w = new CodeWriter(this.#out, indexBits);
    this.#linker = linker;
    this.#firstLocal = params + 1;
  }

  lower(statements: readonly Node[], resultIsUnreachable: boolean): LoweredFunction {
    this.#list(statements);
    if (resultIsUnreachable) this.#out.u8(W.unreachable);
    return { locals: this.#locals, code: this.#out.view().slice() };
  }

  #list(statements: readonly Node[]): void {
    for (const node of statements) this.#statement(node);
  }

  #statement(node: Node): void {
    const detail = node.detail;
    switch (detail.kind) {
      case 'param':
        node.mark = detail.index + 1;
        return;
      case 'local':
        node.mark = this.#newLocal(node.ty);
        this.#zero(node.ty);
        this.#out.u8(W.localSet).unsigned(node.mark);
        return;
      case 'pure':
        if (node.uses === 0) return;
        if (node.uses === 1) {
          node.mark = -1;
          return;
        }
        this.#pure(node);
        this.#keep(node);
        return;
      case 'get':
      case 'getLocal':
      case 'hostLoad':
      case 'hostRmw':
      case 'hostCas':
      case 'cpuBase':
      case 'count':
      case 'call':
        this.#effectValue(node);
        return;
      default:
        this.#effect(node);
    }
  }

  #effectValue(node: Node): void {
    this.#compute(node);
    if (node.type === undefined) return;
    if (node.uses === 0) this.#out.u8(W.drop);
    else this.#keep(node);
  }

  #keep(node: Node): void {
    node.mark = this.#newLocal(node.ty);
    this.#out.u8(W.localSet).unsigned(node.mark);
  }

  #newLocal(ty: Ty): number {
    return this.#firstLocal + this.#locals.push(ty) - 1;
  }

  /** Pushes the value of an operand. */
  #operand(node: Node): void {
    if (node.detail.kind === 'const') this.#constant(node);
    else if (node.mark >= 0) this.#out.u8(W.localGet).unsigned(node.mark);
    else this.#pure(node);
  }

  #constant(node: Node): void {
    if (node.ty === 'i32') this.#out.u8(W.i32Const).signed32(node.lo);
    else this.#out.u8(W.i64Const).signed64(node.lo, node.hi);
  }

  #zero(ty: Ty): void {
    if (ty === 'i32') this.#out.u8(W.i32Const).signed32(0);
    else if (ty === 'i64') this.#out.u8(W.i64Const).signed64(0, 0);
    else if (ty === 'f32') this.#out.bytes([0x43, 0, 0, 0, 0]);
    else if (ty === 'f64') this.#out.bytes([0x44, 0, 0, 0, 0, 0, 0, 0, 0]);
    else this.#out.bytes([0xfd, 0x0c, ...new Array<number>(16).fill(0)]);
  }

  #pure(node: Node): void {
    if (node.detail.kind !== 'pure') throw new Error(`${node.kind} is used before it is computed`);
    const op = node.detail.op;
    const [a, b, c] = node.args;
    if (op.name.startsWith('select') && a !== undefined && b !== undefined && c !== undefined) {
      this.#operand(b);
      this.#operand(c);
      this.#operand(a);
    } else {
      for (const arg of node.args) this.#operand(arg);
    }
    this.#out.bytes(op.code);
  }

  #compute(node: Node): void {
    const detail = node.detail;
    const out = this.#out;
    switch (detail.kind) {
      case 'get':
        this.#loadSlot(detail.slot);
        return;
      case 'getLocal':
        out.u8(W.localGet).unsigned(detail.local.mark);
        return;
      case 'cpuBase':
        out.u8(W.localGet).unsigned(0);
        return;
      case 'count':
        // Exact in blocks; a helper sees what was counted up to the last time that translated code was entered.
        this.#loadSlot(COMMON.insnCount);
        return;
      case 'hostLoad':
        this.#hostArgs(node);
        out.bytes(loadCode(detail.access, node.ty));
        return;
      case 'hostRmw':
        this.#hostArgs(node);
        this.#atomic(ATOMIC_FAMILY[detail.op], detail.size);
        return;
      case 'hostCas':
        this.#hostArgs(node);
        this.#atomic(ATOMIC_CAS, detail.size);
        return;
      case 'call':
        out.u8(W.localGet).unsigned(0);
        this.#args(node);
        out.u8(W.call).unsigned(this.#linker.functionOf(detail.helper));
        return;
      default:
        throw new Error(`${detail.kind} has no value`);
    }
  }

  #args(node: Node): void {
    for (const arg of node.args) this.#operand(arg);
  }

  #loadSlot(slot: Slot): void {
    this.#w.get(0).area();
    this.#out.bytes(slotLoad(slot.ty)).unsigned(slot.offset);
  }

  /** Operands of which the first is a host offset: it becomes an index of the memory. */
  #hostArgs(node: Node): void {
    for (const [i, arg] of node.args.entries()) {
      this.#operand(arg);
      if (i > 0) continue;
      if (arg.ty === 'i64') this.#w.hostIndex();
      else this.#w.area();
    }
  }

  #atomic(family: number | undefined, size: 1 | 2 | 4 | 8): void {
    if (family === undefined) throw new Error('no such atomic operation in WebAssembly');
    const [form, align] = ATOMIC_FORM[size];
    this.#out
      .u8(W.prefixAtomic)
      .u8(family + form)
      .u8(align)
      .unsigned(0);
  }

  #effect(node: Node): void {
    const detail = node.detail;
    const out = this.#out;
    switch (detail.kind) {
      case 'set':
        this.#w.get(0).area();
        this.#args(node);
        out.bytes(slotStore(detail.slot.ty)).unsigned(detail.slot.offset);
        return;
      case 'setLocal':
        this.#args(node);
        out.u8(W.localSet).unsigned(detail.local.mark);
        return;
      case 'hostStore': {
        this.#hostArgs(node);
        const value = node.args[1];
        out.bytes(storeCode(detail.access.size, value?.ty ?? 'i64'));
        return;
      }
      case 'hostFill':
        this.#hostArgs(node);
        // The length is as wide as the index.
        this.#w.area();
        out.bytes([W.prefixMisc, 11, 0]);
        return;
      case 'hostFence':
        out.u8(W.prefixAtomic).u8(3).u8(0);
        return;
      case 'if':
        this.#if(node, detail.taken, detail.otherwise);
        return;
      case 'loop':
        this.#loop(detail.body);
        return;
      case 'breakIf': {
        this.#args(node);
        const exit = this.#loopExits.at(-1);
        if (exit === undefined) throw new Error('breakIf outside a loop');
        out.u8(W.brIf).unsigned(this.#depth - exit);
        return;
      }
      case 'return':
        this.#args(node);
        out.u8(W.return);
        return;
      default:
        throw new Error(`${detail.kind} belongs in a block, not in a helper`);
    }
  }

  #if(node: Node, then: readonly Node[], otherwise: readonly Node[]): void {
    const out = this.#out;
    this.#args(node);
    out.u8(W.if).u8(NO_RESULT);
    this.#depth++;
    this.#list(then);
    if (otherwise.length > 0) {
      out.u8(W.else);
      this.#list(otherwise);
    }
    out.u8(W.end);
    this.#depth--;
  }

  #loop(body: readonly Node[]): void {
    const out = this.#out;
    out.u8(W.block).u8(NO_RESULT).u8(W.loop).u8(NO_RESULT);
    this.#depth += 2;
    this.#loopExits.push(this.#depth - 1);
    this.#list(body);
    this.#loopExits.pop();
    out.u8(W.br).unsigned(0).u8(W.end).u8(W.end);
    this.#depth -= 2;
  }
}
