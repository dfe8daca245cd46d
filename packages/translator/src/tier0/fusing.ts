/** Which values tier 0 needs no operation of their own for: fused with others, computed late, or another name of their operand. */
import { isConst } from '../ir/builder.ts';
import { Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';

/** 32-bit forms by the operation under the sign extension. */
const FUSED_64 = new Map<PureOp, PureOp>(
  (['add', 'sub', 'mul', 'shl'] as const).map((n) => [pureOp(`${n}.i64`), pureOp(`${n}32s`)]),
);
const FUSED_32 = new Map<PureOp, PureOp>(
  (['add', 'sub', 'mul', 'shl', 'shr', 'sar'] as const).map((n) => [pureOp(`${n}.i32`), pureOp(`${n}32s`)]),
);
const SHL64 = pureOp('shl.i64');
const SEXT32 = pureOp('sext32.i64');
const EXTEND32S = pureOp('extend32S');
const EXTEND32U = pureOp('extend32U');
const WRAP = pureOp('wrap');
const AND64 = pureOp('and.i64');
const OR64 = pureOp('or.i64');

/** The slot that the statement after a load or call sets to its only use: the value can go straight there. */
export function directTarget(node: Node, next: Node | undefined): Slot | undefined {
  if ((node.kind !== 'load' && node.kind !== 'call') || node.uses !== 1) return undefined;
  if (next?.kind !== 'set' || next.args[0] !== node) return undefined;
  // A call that faults must not have set the register.
  const d = node.detail;
  if (d.kind === 'call' && d.faults === true) return undefined;
  const n = next.detail;
  return n.kind === 'set' ? n.slot : undefined;
}

/** Another name of its operand: the low half of a slot, or a comparison that was stored extended. */
export function isTransparent(node: Node): boolean {
  if (node.op === WRAP) return true;
  return node.op === EXTEND32U && node.args[0]?.op?.compare === true;
}

/** Computed where it is used, not where it stands. */
export function isLazy(node: Node): boolean {
  return node.kind === 'pure' && (node.uses <= 1 || isTransparent(node));
}

/** The 32-bit operation that a sign extension makes with its operand, if that is not needed otherwise. */
export function fuse32(node: Node): PureOp | undefined {
  const [inner] = node.args;
  if (node.op !== EXTEND32S && node.op !== SEXT32) return undefined;
  if (inner?.op === undefined || inner.mark >= 0) return undefined;
  if (node.op === EXTEND32S) return FUSED_32.get(inner.op);
  const count = inner.args[1];
  if (inner.op === SHL64 && !(count !== undefined && isConst(count) && count.lo >>> 0 < 32)) return undefined;
  return FUSED_64.get(inner.op);
}

/**
 * What a setting of a 64-bit slot puts into its low half where the high half stays: the i32, or the i64 whose low half that is. How
 * architectures write the 32-bit half of a register: `slot = slot & 0xffffffff00000000 | low`, or without `low` where that is 0.
 */
export function lowHalf(slot: Slot, value: Node | undefined): Node | undefined {
  if (value === undefined || value.uses > 1) return undefined;
  if (isHighHalf(slot, value)) return ZERO;
  if (!isPure(value, OR64)) return undefined;
  const [kept, low] = value.args;
  if (kept === undefined || low === undefined || kept.uses > 1 || !isHighHalf(slot, kept)) return undefined;
  if (isConst(low)) return low.hi === 0 ? low : undefined;
  if (low.uses > 1) return undefined;
  const [inner, count] = low.args;
  if (isPure(low, EXTEND32U)) return inner !== undefined && isPure(inner, WRAP) ? inner.args[0] : inner;
  const isLow = isPure(low, AND64) && count !== undefined && isConst(count) && count.lo === -1 && count.hi === 0;
  return isLow ? inner : undefined;
}

const ZERO = new Node({ kind: 'const' }, 'i64');

/** Whether a value is what a slot holds without its low half. */
function isHighHalf(slot: Slot, value: Node): boolean {
  const [old, mask] = value.args;
  if (!isPure(value, AND64) || old?.kind !== 'get' || old.detail.kind !== 'get' || old.detail.slot !== slot)
    return false;
  return mask !== undefined && isConst(mask) && mask.lo === 0 && mask.hi === -1;
}

const isPure = (node: Node, op: PureOp): boolean => node.op === op;

/** A slot that a value is computed straight into. */
export interface Direct {
  readonly slot: Slot;
  /** The statement that would have set it. */
  readonly set: Node;
  /** Into its low half. */
  readonly isLow: boolean;
}

/** The low half of a slot that what is loaded goes to, where nothing else happens in between. */
export function directLow(statements: readonly Node[], at: number): Direct | undefined {
  const load = statements[at];
  if (load === undefined || load.uses !== 1) return undefined;
  const reads: Node[] = [];
  for (let i = at + 1; i < statements.length; i++) {
    const node = statements[i];
    if (node === undefined) return undefined;
    if (node.kind === 'set') {
      const d = node.detail;
      if (d.kind !== 'set') return undefined;
      const kept = node.args[0]?.args[0]?.args[0];
      const isLow = lowHalf(d.slot, node.args[0]) === load && reads.every((read) => read === kept);
      return isLow ? { slot: d.slot, set: node, isLow } : undefined;
    }
    if (node.kind === 'get') reads.push(node);
    else if (!isLazy(node)) return undefined;
  }
  return undefined;
}
