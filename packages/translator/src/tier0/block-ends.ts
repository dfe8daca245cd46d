/** Lowers what ends a block: jumps with the stubs that they lead to until they are linked, exceptions, exits. */
import { codePageBits, type Frontend } from '../frontend.ts';
import { isConst } from '../ir/builder.ts';
import type { BlockEnd, Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import type { OpWriter } from './op-writer.ts';
import { branchOpNumber, tier0Op } from './opcodes.ts';

const OP = {
  const: tier0Op('const'),
  mov32: tier0Op('mov32'),
  branch: tier0Op('branch'),
  goto: tier0Op('goto'),
  gotoPage: tier0Op('gotoPage'),
  gotoPageSlide: tier0Op('gotoPage.slide'),
  gotoIndirect: tier0Op('gotoIndirect'),
  lookup: tier0Op('lookup'),
  raise: tier0Op('raise'),
  raiseSlide: tier0Op('raise.slide'),
  halt: tier0Op('halt'),
  unlinked: tier0Op('unlinked'),
} as const;

const ADD64 = pureOp('add.i64');
const AND64 = pureOp('and.i64');

/** The instruction that a block ends in. */
export interface EndedInsn {
  readonly pcLo: number;
  readonly pcHi: number;
  /** Its number in the block, from 1. */
  readonly count: number;
  readonly restart: readonly number[];
}

/** What the lowering of values does for that of a block's end. */
export interface BlockValues {
  /** The place of a value, which is computed if need be. */
  operandOf(node: Node): number;
  /** A temporary that nothing is in. */
  freeTemp(): number;
}

export class BlockEnds {
  readonly #out: OpWriter;
  readonly #frontend: Frontend;
  readonly #values: BlockValues;
  #firstLo = 0;
  #firstHi = 0;
  /** The block's addresses count from `state.codePage`. */
  slides = false;

  constructor(out: OpWriter, frontend: Frontend, values: BlockValues) {
    this.#out = out;
    this.#frontend = frontend;
    this.#values = values;
  }

  /** The block's first instruction is at this pc. */
  begin(pcLo: number, pcHi: number): void {
    this.#firstLo = pcLo;
    this.#firstHi = pcHi;
  }

  end(node: Node, d: BlockEnd, insn: EndedInsn): void {
    const { count } = insn;
    const [first, second] = node.args;
    switch (d.kind) {
      case 'goto':
        this.#goto(d.pcLo, d.pcHi, count);
        return;
      case 'gotoIf':
        this.#gotoIf(d, first, count);
        return;
      case 'gotoIndirect':
        if (first !== undefined) this.#gotoIndirect(first, count);
        return;
      case 'raise': {
        if (first === undefined || second === undefined) return;
        const [code, value] = [this.#values.operandOf(first), this.#values.operandOf(second)];
        this.#restart(insn);
        const op = this.slides ? OP.raiseSlide : OP.raise;
        this.#out.setPair(this.#out.emitEnd(op, code, value, count - 1), insn.pcLo, insn.pcHi);
        return;
      }
      case 'lookup':
        this.#out.emitEnd(OP.lookup, 0, 0, count);
        return;
      case 'halt':
        this.#out.emitEnd(OP.halt, 0, 0, count);
        return;
    }
  }

  /** Puts the restart words of the instruction at hand into their slots. */
  #restart({ restart }: EndedInsn): void {
    const temp = this.#values.freeTemp();
    for (const [i, slot] of (this.#frontend.restartSlots ?? []).entries()) {
      this.#out.emit(OP.const, temp, 0, 0);
      this.#out.setPair(this.#out.ip - 16, restart[i] ?? 0, 0);
      this.#out.emit(OP.mov32, slot.offset, temp, 0);
    }
  }

  #gotoIf(d: BlockEnd & { kind: 'gotoIf' }, condition: Node | undefined, cost: number): void {
    if (condition === undefined) return;
    const at =
      this.#fusedBranch(condition, cost) ?? this.#out.emitEnd(OP.branch, this.#values.operandOf(condition), 0, cost);
    this.#link(at + 16, d.takenLo, d.takenHi);
    this.#link(at + 20, d.fallLo, d.fallHi);
  }

  /** Emits a branch fused with its comparison; undefined where the condition is none. */
  #fusedBranch(condition: Node, cost: number): number | undefined {
    const { op: compare } = condition;
    const [a, b] = condition.args;
    if (compare === undefined || condition.mark >= 0 || a === undefined) return undefined;
    const immediate = b !== undefined && isConst(b) ? branchOpNumber(compare, true) : undefined;
    const op = immediate ?? branchOpNumber(compare, false);
    if (op === undefined) return undefined;
    const x = this.#values.operandOf(a);
    const y = b !== undefined && immediate === undefined ? this.#values.operandOf(b) : 0;
    const at = this.#out.emitEnd(op, x, y, cost);
    if (immediate !== undefined && b !== undefined) {
      this.#out.setPair(at, b.lo, b.ty === 'i32' ? b.lo >> 31 : b.hi);
    }
    return at;
  }

  /** The operation adds a constant of 16 bits to its operand and masks the sum by another, if the target was made so. */
  #gotoIndirect(target: Node, cost: number): void {
    const { value: sum, constant: mask = -1 } = withConstant(target, AND64);
    const { value, constant: displacement = 0 } = withConstant(sum, ADD64);
    const at = this.#out.emitEnd(OP.gotoIndirect, this.#values.operandOf(value), displacement, cost);
    this.#out.setDestination(at, mask);
  }

  #goto(pcLo: number, pcHi: number, cost: number): void {
    if (!this.#samePage(pcLo, pcHi)) {
      this.#out.setPair(this.#out.emitEnd(this.#gotoPage, 0, 0, cost), pcLo, pcHi);
      return;
    }
    this.#link(this.#out.emitEnd(OP.goto, 0, 0, cost) + 16, pcLo, pcHi);
  }

  /** Makes the word at `word` lead to a stub: within the page one that is linked later, else one that looks up. */
  #link(word: number, pcLo: number, pcHi: number): void {
    const out = this.#out;
    const at = out.ip;
    out.setWord(word, at);
    if (this.#samePage(pcLo, pcHi)) {
      out.emit(OP.unlinked, 0, 0, 0);
      out.setWord(at + 4, word);
    } else {
      const { tail } = out;
      out.emitEnd(this.#gotoPage, 0, 0, 0);
      out.tail = tail;
    }
    out.setPair(at, pcLo, pcHi);
  }

  get #gotoPage(): number {
    return this.slides ? OP.gotoPageSlide : OP.gotoPage;
  }

  #samePage(pcLo: number, pcHi: number): boolean {
    const bits = codePageBits(this.#frontend);
    return this.#firstHi === pcHi && this.#firstLo >>> bits === pcLo >>> bits;
  }
}

/** What an operation that nothing has computed yet does to a value with a constant of 16 bits, which is signed. */
function withConstant(node: Node, op: PureOp): { readonly value: Node; readonly constant?: number } {
  const [value, constant] = node.args;
  if (node.op !== op || node.mark >= 0 || value === undefined || constant === undefined) return { value: node };
  if (!isConst(constant) || (constant.lo << 16) >> 16 !== constant.lo || constant.hi !== constant.lo >> 31)
    return { value: node };
  return { value, constant: constant.lo };
}
