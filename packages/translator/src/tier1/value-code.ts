/**
 * Compiles the values of an instruction. A value with one use is computed where it is used; others have a local. What is
 * a 32-bit value extended to 64 bits is computed in 32 bits as far as its operands are in 32-bit locals (`extension.ts`).
 */
import { isConst } from '../ir/builder.ts';
import type { Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import { W } from '../wasm/opcodes.ts';
import type { Emitter } from './emitter.ts';
import { type Extension, extensionOf, KEEP, known, SIGN, ZERO } from './extension.ts';
import { type Field, fieldOf } from './fields.ts';

const op = (name: string): PureOp => pureOp(name);
const WRAP = op('wrap');
const [SHL, SHR, SAR] = [op('shl.i64'), op('shr.i64'), op('sar.i64')];
const SELECT = op('select.i64');
/** An i32, extended. */
const EXTENDS: ReadonlySet<PureOp> = new Set([op('extend32S'), op('extend32U')]);
/** The low half of the result depends on the low halves of the operands only: opcode of its computation. */
const LOW = new Map<PureOp, readonly number[]>([
  ...['add', 'sub', 'mul', 'and', 'or', 'xor'].map((n) => [op(`${n}.i64`), op(`${n}.i32`).code] as const),
  [op('sext8.i64'), op('sext8.i32').code],
  [op('sext16.i64'), op('sext16.i32').code],
  [op('sext32.i64'), []],
]);
/** Comparisons of i64: the same of i32, and of unsigned numbers. */
const COMPARE = new Map<PureOp, readonly [PureOp, PureOp]>(
  ['eq', 'ne', 'ltS', 'ltU', 'gtS', 'gtU', 'leS', 'leU', 'geS', 'geU'].map((n) => [
    op(`${n}.i64`),
    [op(`${n}.i32`), op(`${n.replace('S', 'U')}.i32`)],
  ]),
);
const EQZ = op('eqz.i64');
/** Operands deeper than this are not looked at. */
const DEPTH = 5;

export class ValueEmitter {
  readonly #e: Emitter;

  constructor(e: Emitter) {
    this.#e = e;
  }

  /** Pushes a value. */
  operand(node: Node): void {
    if (isConst(node)) this.#e.constant(node.ty, node.lo, node.hi);
    else if (node.mark >= 0 && node.extension === KEEP) this.#e.halves(node.mark, node.low);
    else if (node.mark >= 0) this.#e.get(node.mark).extend(node.extension);
    else if (this.isNarrow(node)) this.narrow(node).extend(this.extension(node));
    else this.#pure(node);
  }

  /** What is known of the high half of an i64. */
  extension(node: Node): Extension {
    return extensionOf(node, (get) => known(get.extension));
  }

  /** Whether an i64 is best kept as its low half, from which it follows. */
  isNarrow(node: Node): boolean {
    return node.type === 'i64' && this.#isLow(node, 0) && this.extension(node) !== 0;
  }

  /** Pushes the low half of an i64. */
  narrow(node: Node): Emitter {
    const e = this.#e;
    if (isConst(node)) return e.i32(node.lo);
    if (!this.#isLow(node, 0)) {
      this.operand(node);
      return e.op(W.i32WrapI64);
    }
    if (node.mark >= 0) return e.get(node.extension === KEEP ? node.low : node.mark);
    const d = node.detail;
    const [a, b] = node.args;
    if (d.kind !== 'pure' || a === undefined) throw new Error(`${node.kind} has no low half`);
    const field = this.#field(node);
    if (field !== undefined) this.#take(field);
    else if (EXTENDS.has(d.op)) this.operand(a);
    else if (d.op === SELECT) {
      for (const arg of node.args.slice(1)) this.narrow(arg);
      this.operand(a);
      e.op(W.select);
    } else if (d.op === SHL || d.op === SHR || d.op === SAR) this.#shift(d.op, a, (b?.lo ?? 0) & 63);
    else {
      for (const arg of node.args) this.narrow(arg);
      e.code(LOW.get(d.op) ?? []);
    }
    return e;
  }

  /** What a value is a field of, if its shift has not been computed yet. */
  #field(node: Node): Field | undefined {
    return (node.args[0]?.mark ?? 0) >= 0 ? undefined : fieldOf(node);
  }

  #take({ value, right, mask }: Field): void {
    const e = this.#e;
    this.narrow(value);
    if (right !== 0) e.i32(Math.abs(right)).op(right > 0 ? W.i32ShrU : W.i32Shl);
    e.i32(mask).op(W.i32And);
  }

  #shift(shift: PureOp, a: Node, count: number): void {
    const e = this.#e;
    this.narrow(a).i32(Math.min(count, 31));
    if (shift === SHL) e.op(W.i32Shl);
    // Of a value that may be negative the bits that come in are copies of its sign.
    else if (shift === SHR && (this.extension(a) & ZERO) !== 0) e.op(W.i32ShrU);
    else e.op(W.i32ShrS);
  }

  /** Whether the low half of an i64 can be had without computing all of it. */
  #isLow(node: Node, depth: number): boolean {
    if (node.mark >= 0) return node.extension !== 0;
    const d = node.detail;
    if (d.kind !== 'pure' || depth > DEPTH) return false;
    const [a, b, c] = node.args;
    if (EXTENDS.has(d.op)) return true;
    if (a === undefined) return false;
    if (this.#field(node) !== undefined) return true;
    if (LOW.has(d.op)) return this.#isLow(a, depth + 1) || (b !== undefined && this.#isLow(b, depth + 1));
    if (d.op === SELECT) return b !== undefined && c !== undefined && this.#areLow(b, c, depth);
    if (d.op !== SHL && d.op !== SHR && d.op !== SAR) return false;
    if (b === undefined || !isConst(b) || !this.#isLow(a, depth + 1)) return false;
    const count = b.lo & 63;
    if (d.op === SHL) return count < 32;
    if (d.op === SHR) return count < 32 && this.extension(a) !== 0;
    return (this.extension(a) & SIGN) !== 0;
  }

  #areLow(a: Node, b: Node, depth: number): boolean {
    return this.#isLow(a, depth + 1) || this.#isLow(b, depth + 1);
  }

  #pure(node: Node): void {
    const d = node.detail;
    if (d.kind !== 'pure') throw new Error(`${node.kind} is used before it is computed`);
    const [a, b, c] = node.args;
    if (d.op === WRAP && a !== undefined) {
      this.narrow(a);
      return;
    }
    if (this.#comparison(d.op, a, b)) return;
    if (d.op.name.startsWith('select') && a !== undefined && b !== undefined && c !== undefined) {
      this.operand(b);
      this.operand(c);
      this.operand(a);
    } else for (const arg of node.args) this.operand(arg);
    this.#e.code(d.op.code);
  }

  /** Compares low halves where they say all; false where they do not. */
  #comparison(compare: PureOp, a: Node | undefined, b: Node | undefined): boolean {
    if (a?.type !== 'i64') return false;
    if (compare === EQZ) {
      if (!this.isNarrow(a)) return false;
      this.narrow(a).op(W.i32Eqz);
      return true;
    }
    const forms = COMPARE.get(compare);
    if (forms === undefined || b === undefined) return false;
    if (!this.isNarrow(a) && !this.isNarrow(b)) return false;
    const common = this.extension(a) & this.extension(b);
    if (common === 0) return false;
    this.narrow(a);
    this.narrow(b).code(forms[(common & SIGN) !== 0 ? 0 : 1].code);
    return true;
  }
}
