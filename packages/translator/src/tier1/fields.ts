/** Fields of a 64-bit value's low half, which tier 1 takes out in 32 bits. */
import { isConst } from '../ir/builder.ts';
import type { Node } from '../ir/nodes.ts';
import { pureOp } from '../ir/ops.ts';

const AND = pureOp('and.i64');
const SHR = pureOp('shr.i64');
const ROTL = pureOp('rotl.i64');

/** `mask` of a value shifted: all of the result comes from the value's low half, and fits in one. */
export interface Field {
  readonly value: Node;
  /** Bits to the right, to the left where it is negative. */
  readonly right: number;
  readonly mask: number;
}

/** A shift or rotation by a constant, used once, of which a constant mask takes bits. */
export function fieldOf({ op, args }: Node): Field | undefined {
  const [shifted, bits] = args;
  if (op !== AND || shifted === undefined || bits === undefined) return undefined;
  if (!isConst(bits) || bits.hi !== 0 || shifted.uses !== 1) return undefined;
  const [value, by] = shifted.args;
  if (shifted.op !== SHR && shifted.op !== ROTL) return undefined;
  if (value === undefined || by === undefined || !isConst(by)) return undefined;
  const mask = bits.lo >>> 0;
  const count = by.lo & 63;
  const right = shifted.op === SHR ? count : count < 32 ? -count : 64 - count;
  if (right > 31) return undefined;
  // Nothing comes from above the low half, or comes around.
  const isInside = right >= 0 ? mask * 2 ** right < 2 ** 32 : mask % 2 ** -right === 0;
  return isInside ? { value, right, mask: mask | 0 } : undefined;
}
