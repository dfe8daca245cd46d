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

/** An end as it is written: its operation, the fields of that, an immediate, and where it goes. */
export class EndForm {
  op = 0;
  dst = 0;
  a = 0;
  b = 0;
  lo = 0;
  hi = 0;
  /** How many of the addresses below it has. */
  targets: 0 | 1 | 2 = 0;
  takenLo = 0;
  takenHi = 0;
  fallLo = 0;
  fallHi = 0;

  clear(): void {
    this.dst = 0;
    this.a = 0;
    this.b = 0;
    this.lo = 0;
    this.hi = 0;
    this.targets = 0;
  }
}

export class BlockEnds {
  /** Of the end that was written last, unless that raises an exception. */
  readonly form = new EndForm();
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
    const { form } = this;
    const [first, second] = node.args;
    form.clear();
    switch (d.kind) {
      case 'goto':
        form.op = OP.goto;
        form.targets = 1;
        [form.takenLo, form.takenHi] = [d.pcLo, d.pcHi];
        this.write(count);
        return;
      case 'gotoIf':
        if (first === undefined) return;
        this.#condition(first);
        form.targets = 2;
        [form.takenLo, form.takenHi, form.fallLo, form.fallHi] = [d.takenLo, d.takenHi, d.fallLo, d.fallHi];
        this.write(count);
        return;
      case 'gotoIndirect':
        if (first === undefined) return;
        this.#gotoIndirect(first);
        this.write(count);
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
        form.op = OP.lookup;
        this.write(count);
        return;
      case 'halt':
        form.op = OP.halt;
        this.write(count);
        return;
    }
  }

  /** Writes the end that has the form; it pays for `cost` instructions. */
  write(cost: number): void {
    const { form } = this;
    const out = this.#out;
    if (form.targets === 1 && !this.#samePage(form.takenLo, form.takenHi)) {
      out.setPair(out.emitEnd(this.#gotoPage, 0, 0, cost), form.takenLo, form.takenHi);
      return;
    }
    const at = out.emitEnd(form.op, form.a, form.b, cost);
    out.setDestination(at, form.dst);
    out.setPair(at, form.lo, form.hi);
    if (form.targets > 0) this.#link(at + 16, form.takenLo, form.takenHi);
    if (form.targets > 1) this.#link(at + 20, form.fallLo, form.fallHi);
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

  /** Gives the form its branch: one fused with the comparison that the condition is, or one that asks whether it is zero. */
  #condition(condition: Node): void {
    const { form } = this;
    const { op: compare } = condition;
    const [a, b] = condition.args;
    const isFused = compare !== undefined && condition.mark < 0 && a !== undefined;
    const immediate = isFused && b !== undefined && isConst(b) ? branchOpNumber(compare, true) : undefined;
    const op = immediate ?? (isFused ? branchOpNumber(compare, false) : undefined);
    if (op === undefined || a === undefined) {
      form.op = OP.branch;
      form.a = this.#values.operandOf(condition);
      return;
    }
    form.op = op;
    form.a = this.#values.operandOf(a);
    if (b === undefined) return;
    if (immediate === undefined) form.b = this.#values.operandOf(b);
    else [form.lo, form.hi] = [b.lo, b.ty === 'i32' ? b.lo >> 31 : b.hi];
  }

  /** The operation adds a constant of 16 bits to its operand and masks the sum by another, if the target was made so. */
  #gotoIndirect(target: Node): void {
    const { form } = this;
    const { value: sum, constant: mask = -1 } = withConstant(target, AND64);
    const { value, constant: displacement = 0 } = withConstant(sum, ADD64);
    form.op = OP.gotoIndirect;
    form.dst = mask;
    form.a = this.#values.operandOf(value);
    form.b = displacement;
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
