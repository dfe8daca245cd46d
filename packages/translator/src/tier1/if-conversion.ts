/**
 * If-conversion: a few instructions that a branch jumps over, and that only compute, are executed on both ways, and what they
 * set is selected by the branch's condition (Allen, Kennedy, Porterfield, Warren, "Conversion of control dependence to data
 * dependence", 1983). The host has no branch to predict then that depends on the guest's data.
 */
import type { Block } from '../engine/code-cache.ts';
import type { Node } from '../ir/nodes.ts';
import type { PureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { type BlockCode, isKept } from './block-code.ts';

/** Most that is done in vain: together it takes less than half of a misprediction. */
const MOST_INSNS = 4;
const MOST_OPS = 6;
const MOST_SET = 3;

/** What a branch skips, and the node executes all the same. */
export interface Skipped {
  /** The block that begins with it. */
  readonly block: Block;
  readonly insns: number;
  readonly statements: readonly Node[];
  /** The branch is taken to it, not around it. */
  readonly onTaken: boolean;
}

/** Number of a block's first instructions, all there are before the one at a pc of its page; 0 where there is none or too many. */
export function insnsBefore(block: Block, lo: number, hi: number, limit = MOST_INSNS): number {
  if (block.pcHi !== hi || lo <= block.pcLo || lo >= block.pcLo + block.bytes) return 0;
  const most = Math.min(limit, block.insns.length - 1);
  for (let n = 1; n <= most; n++) if (block.pcOffset(n) === lo - block.pcLo) return n;
  return 0;
}

/** Whether code can be executed where it should be skipped: nothing of it is seen if what it sets is thrown away. */
export function isSkippable({ insns, terminal, isSlow, helped }: BlockCode): boolean {
  if (terminal.kind !== 'end' || terminal.end.kind !== 'goto' || isSlow || helped.size > 0) return false;
  const set = new Set<Slot>();
  let ops = 0;
  for (const { detail: d } of insns.flat()) {
    if (d.kind === 'set' && isKept(d.slot)) set.add(d.slot);
    else if (d.kind === 'pure' && isQuick(d.op)) ops += FREE.has(d.op.name) ? 0 : 1;
    else if (d.kind !== 'get') return false;
  }
  return ops <= MOST_OPS && set.size <= MOST_SET;
}

/** What the host does with the operation that it belongs to. */
const FREE: ReadonlySet<string> = new Set(['wrap', 'extend32U', 'extend32S']);

/** What WebAssembly traps at, or takes long. */
const NOT_IN_VAIN = /^(div|rem|fdiv|fsqrt)/;

function isQuick(op: PureOp): boolean {
  return !op.outlined && !NOT_IN_VAIN.test(op.name);
}

/** Code of a node that executes what it may skip. */
export function withSkipped(code: BlockCode, skipped: BlockCode): BlockCode {
  const insn = code.insns.length;
  const exposed = new Set(code.exposed);
  for (const slot of [...skipped.exposed, ...skipped.modified]) if (!code.defined.has(slot)) exposed.add(slot);
  return {
    ...code,
    touched: new Set([...code.touched, ...skipped.touched]),
    modified: new Set([...code.modified, ...skipped.modified]),
    exposed,
    definitions: [...code.definitions, ...skipped.definitions.map((d) => ({ ...d, insn, isConditional: true }))],
  };
}
