/**
 * Which 64-bit slots a block reads the high half of. Of the others a region may keep the halves apart where ways meet
 * (`forms.ts`): nobody in it puts them together.
 */
import { isConst } from '../ir/builder.ts';
import type { Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { lowHalf } from '../tier0/fusing.ts';
import { fieldOf } from './fields.ts';

const AND = pureOp('and.i64');
const WRAP = pureOp('wrap');
const SHL = pureOp('shl.i64');
const SELECT = pureOp('select.i64');
/** The low half of the result depends on those of the operands only. */
const LOW: ReadonlySet<PureOp> = new Set(['add', 'sub', 'mul', 'and', 'or', 'xor'].map((n) => pureOp(`${n}.i64`)));
/** The result depends on the operand's low half only. */
const FROM_LOW: ReadonlySet<PureOp> = new Set([WRAP, ...['sext8', 'sext16', 'sext32'].map((n) => pureOp(`${n}.i64`))]);

/** Finds the slots. @param last what the block's end looks at */
export function wholeReads(insns: readonly (readonly Node[])[], last: readonly Node[]): ReadonlySet<Slot> {
  const reads = new WholeReads();
  reads.all(last);
  for (let n = insns.length - 1; n >= 0; n--) reads.list(insns[n] ?? []);
  return reads.slots;
}

/** Goes through statements backwards: users before what they use. */
class WholeReads {
  readonly slots = new Set<Slot>();
  /** Values of which more than the low half is used. */
  readonly #whole = new Set<Node>();
  /** Shifted values of which a field of the low half is used. */
  readonly #fields = new Set<Node>();

  all(values: readonly Node[]): void {
    for (const value of values) if (value.type === 'i64') this.#whole.add(value);
  }

  list(statements: readonly Node[]): void {
    for (let n = statements.length - 1; n >= 0; n--) {
      const node = statements[n];
      if (node !== undefined) this.#statement(node);
    }
  }

  #statement(node: Node): void {
    const d = node.detail;
    switch (d.kind) {
      case 'get':
        if (this.#whole.has(node)) this.slots.add(d.slot);
        return;
      case 'set':
        if (lowHalf(d.slot, node.args[0]) === undefined) this.all(node.args);
        return;
      case 'store':
        this.all(d.access.size > 4 ? node.args : node.args.slice(0, 1));
        return;
      case 'if':
        this.list(d.otherwise);
        this.list(d.taken);
        this.all(node.args);
        return;
      case 'loop':
        this.list(d.body);
        return;
      case 'pure':
        this.#pure(node, d.op);
        return;
      default:
        this.all(node.args);
    }
  }

  #pure(node: Node, op: PureOp): void {
    const isWhole = this.#whole.has(node);
    const [a, b] = node.args;
    if (FROM_LOW.has(op) || this.#fields.has(node)) return;
    if (op === AND && b !== undefined && isConst(b) && b.hi === 0) {
      if (a !== undefined && fieldOf(node) !== undefined) this.#fields.add(a);
      return;
    }
    const isLow = LOW.has(op) || op === SELECT || (op === SHL && b !== undefined && isConst(b) && (b.lo & 63) < 32);
    if (!isLow || isWhole) this.all(node.args);
  }
}
