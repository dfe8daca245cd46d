/** Slots that lie in others: a region keeps either the halves of a vector in locals or the vector, never both. */
import type { Slot } from '../ir/types.ts';
import type { RegionNode } from './region.ts';

/** Whether some node of the region works on a vector of which another works on a half. */
export function overlaps(root: RegionNode): boolean {
  const touched = new Set<Slot>();
  const seen = new Set<RegionNode>([root]);
  for (const node of seen) {
    for (const slot of node.code.touched) touched.add(slot);
    for (const next of node.successors()) seen.add(next);
  }
  for (const slot of touched) if (slot.whole !== undefined && touched.has(slot.whole)) return true;
  return false;
}
