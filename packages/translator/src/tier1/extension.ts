/**
 * Which 64-bit values are 32-bit ones, extended: what 64-bit architectures with 32-bit arithmetic are full of. Tier 1 keeps
 * them in 32-bit locals and computes with them there, so that chains of such arithmetic extend nothing.
 */
import { isConst, type Value } from '../ir/builder.ts';
import { isKind, type Node } from '../ir/nodes.ts';
import { PURE_OPS, type PureOp, pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { lowHalf } from '../tier0/fusing.ts';

/** How the high half of a 64-bit value follows from its low half: bits, both where the value is below 2^31. */
export const SIGN = 1;
export const ZERO = 2;
export type Extension = number;
const BOTH = SIGN | ZERO;
/**
 * Of a slot, not of a value: the low half is in the local of low halves, the high half in that of whole values. Where code writes
 * 32-bit halves of registers, they need not be put together before somebody wants both.
 */
export const KEEP = 4;

/** What is known of the high half of a slot's value, in this form. */
export const known = (form: Extension): Extension => form & BOTH;
const NONE = 0;

/** What is known of a value that was read from a slot. */
export type SlotExtension = (get: Node, slot: Slot) => Extension;

type Rule = (node: Node, of: (n: number) => Extension) => Extension;

/** Operands deeper than this are not looked at. */
const DEPTH = 5;

const constantOf = (node: Node | undefined): number | undefined =>
  node !== undefined && isConst(node) && node.hi === 0 ? node.lo : undefined;

/** An i32 that is not negative as a signed number. */
function isNatural(node: Value | undefined): boolean {
  if (isKind(node, 'const')) return node.lo >= 0;
  if (isKind(node, 'load')) return node.detail.access.size < 4 && !node.detail.access.signed;
  if (node?.op === undefined) return false;
  if (node.op.compare) return true;
  const count = constantOf(node.args[1]);
  if (node.op === SHR32) return count !== undefined && (count & 31) > 0;
  return node.op === AND32 && count !== undefined;
}

const SHR32 = pureOp('shr.i32');
const AND32 = pureOp('and.i32');

const sameAs: Rule = (_, of) => of(0) & of(1);
const always =
  (extension: Extension): Rule =>
  () =>
    extension;

function shifted(node: Node, of: (n: number) => Extension, arithmetic: boolean): Extension {
  const count = constantOf(node.args[1]);
  if (count === undefined) return NONE;
  const n = count & 63;
  const from = of(0);
  if (arithmetic) return from | (n >= 32 ? SIGN : NONE);
  if (n > 32 || from === BOTH) return BOTH;
  if (n === 32) return ZERO;
  return (from & ZERO) === 0 ? NONE : n > 0 ? BOTH : ZERO;
}

const RULES = new Map<PureOp, Rule>();
const rule = (name: string, r: Rule): void => {
  RULES.set(pureOp(name), r);
};
rule('extend32S', (node) => (isNatural(node.args[0]) ? BOTH : SIGN));
rule('extend32U', (node) => (isNatural(node.args[0]) ? BOTH : ZERO));
for (const name of ['sext8.i64', 'sext16.i64', 'sext32.i64']) rule(name, always(SIGN));
for (const op of PURE_OPS) if (op.name.endsWith('32s')) RULES.set(op, always(SIGN));
for (const name of ['clz.i64', 'ctz.i64', 'popcnt.i64']) rule(name, always(BOTH));
rule('and.i64', (_, of) => {
  const [a, b] = [of(0), of(1)];
  if (a === BOTH || b === BOTH) return BOTH;
  return (a & b & SIGN) | ((a | b) & ZERO);
});
rule('or.i64', sameAs);
rule('xor.i64', sameAs);
rule('select.i64', (_, of) => of(1) & of(2));
rule('shr.i64', (node, of) => shifted(node, of, false));
rule('sar.i64', (node, of) => shifted(node, of, true));

/** What is known of an i64; `slots` says it of values that come from slots. */
export function extensionOf(node: Node, slots: SlotExtension, depth = 0): Extension {
  const d = node.detail;
  switch (d.kind) {
    case 'const':
      return (node.hi === node.lo >> 31 ? SIGN : NONE) | (node.hi === 0 ? ZERO : NONE);
    case 'get':
      return slots(node, d.slot);
    case 'load':
    case 'rmw':
    case 'cas':
      if (d.access.size > 4) return NONE;
      if (d.access.signed) return SIGN;
      return d.access.size < 4 ? BOTH : ZERO;
    case 'pure': {
      const r = RULES.get(d.op);
      if (r === undefined || depth > DEPTH) return NONE;
      return r(node, (n) => {
        const arg = node.args[n];
        return arg === undefined ? NONE : extensionOf(arg, slots, depth + 1);
      });
    }
    default:
      return NONE;
  }
}

/** A setting of a 64-bit slot by a block. */
export interface Definition {
  readonly slot: Slot;
  readonly value: Node;
  /** Number of its instruction. */
  readonly insn: number;
  /** Its extension at most, and whether that depends on what slots hold. */
  readonly most: Extension;
  readonly depends: boolean;
  /** The slot may keep what it holds. */
  readonly isConditional?: boolean;
}

/** Looks at a setting. `value` undefined: nothing is known of it. */
export function define(slot: Slot, value: Node, insn: number, isKnown: boolean): Definition {
  if (isKnown && lowHalf(slot, value) !== undefined) return { slot, value, insn, most: KEEP, depends: false };
  const most = isKnown ? extensionOf(value, () => BOTH) : NONE;
  return { slot, value, insn, most, depends: most !== NONE && extensionOf(value, () => NONE) !== most };
}
