/**
 * Settings of three slots in a row that tier 0 makes in one operation: an i32 constant, and one or two i64 behind it. So architectures
 * leave what a condition code is made of, and in what way.
 */
import { isConst } from '../ir/builder.ts';
import { isKind, type Node } from '../ir/nodes.ts';
import { pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import type { Widening } from './opcodes.ts';

const EXTEND32S = pureOp('extend32S');
const EXTEND32U = pureOp('extend32U');
const SEXT32 = pureOp('sext32.i64');
const AND64 = pureOp('and.i64');

export interface RecordSettings {
  /** The first slot, which gets the constant. */
  readonly slot: Slot;
  readonly constant: number;
  readonly values: readonly [first: Node, second: Node | undefined];
  /** Statements that they are. */
  readonly length: number;
}

/** The settings that begin at a statement: the values in the order of their slots, then the constant. */
export function recordAt(statements: readonly Node[], at: number): RecordSettings | undefined {
  // Most instructions set one slot, last.
  if (statements[at + 1]?.kind !== 'set') return undefined;
  const first = valueSet(statements[at]);
  if (first === undefined) return undefined;
  const next = valueSet(statements[at + 1]);
  const second = next !== undefined && next.slot.offset === first.slot.offset + 8 ? next : undefined;
  const length = second === undefined ? 2 : 3;
  const last = statements[at + length - 1];
  const [constant] = last?.args ?? [];
  if (!isKind(last, 'set') || constant === undefined || !isConst(constant)) return undefined;
  const { slot } = last.detail;
  if (slot.ty !== 'i32' || slot.offset !== first.slot.offset - 8) return undefined;
  return { slot, constant: constant.lo, values: [first.value, second?.value], length };
}

function valueSet(node: Node | undefined): { readonly slot: Slot; readonly value: Node } | undefined {
  if (!isKind(node, 'set')) return undefined;
  const { slot } = node.detail;
  const [value] = node.args;
  return value === undefined || slot.ty !== 'i64' || slot.whole !== undefined ? undefined : { slot, value };
}

/** The word that a value is, widened: an i32, or an i64 whose low half it is. */
export function wordOf({ op, args: [value, mask] }: Node): { value: Node; widening: Widening } | undefined {
  if (op === undefined || value === undefined || isConst(value)) return undefined;
  if (op === EXTEND32S || op === SEXT32) return { value, widening: 's' };
  if (op === EXTEND32U) return { value, widening: 'u' };
  const isWord = op === AND64 && mask !== undefined && isConst(mask) && mask.lo === -1 && mask.hi === 0;
  return isWord ? { value, widening: 'u' } : undefined;
}
