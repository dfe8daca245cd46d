/**
 * In which form each 64-bit slot is where a node of a region begins: whole, as the low half from which it follows, or in halves
 * (`extension.ts`). Values set by 32-bit arithmetic stay narrow until ways meet that do not agree; what is in halves on one way is
 * so where it meets others: whoever wants all of it puts it together, and most often nobody does.
 */
import type { Slot } from '../ir/types.ts';
import { type Extension, extensionOf, KEEP, known, SIGN, ZERO } from './extension.ts';
import type { SlotSets } from './liveness.ts';
import type { RegionNode } from './region.ts';

/** For each slot of `SlotSets`, by its number, an extension or `KEEP`; 0: whole. */
export type Forms = Uint8Array;

/** Finds the forms that a region's slots have where each node begins. */
export function findForms(nodes: readonly RegionNode[], sets: SlotSets): ReadonlyMap<RegionNode, Forms> {
  const solver = new Solver(nodes, sets);
  solver.solve();
  return solver.before;
}

class Solver {
  readonly #nodes: readonly RegionNode[];
  readonly #sets: SlotSets;
  readonly before = new Map<RegionNode, Forms>();
  readonly #after: Forms;

  constructor(nodes: readonly RegionNode[], sets: SlotSets) {
    this.#nodes = nodes;
    this.#sets = sets;
    this.#after = new Uint8Array(sets.slots.length);
  }

  #of(node: RegionNode): Forms {
    const found = this.before.get(node);
    if (found === undefined) throw new Error('a node that is not in the region');
    return found;
  }

  /** Takes all for extended, and then back what some way does not keep. */
  solve(): void {
    const { slots } = this.#sets;
    for (const [n, node] of this.#nodes.entries()) {
      // The state holds whole values.
      const forms = new Uint8Array(slots.length);
      if (n > 0) for (const [i, slot] of slots.entries()) forms[i] = slot.ty === 'i64' ? SIGN | ZERO : 0;
      this.before.set(node, forms);
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of this.#nodes) {
        this.#through(node);
        for (const next of node.successors()) if (this.#meet(this.#of(next))) changed ||= next.order <= node.order;
      }
    }
  }

  /** Any form can be brought into halves, and the whole into nothing else. */
  #meet(forms: Forms): boolean {
    let changed = false;
    for (let i = 0; i < forms.length; i++) {
      const [one, other] = [forms[i] ?? 0, this.#after[i] ?? 0];
      const now = ((one | other) & KEEP) !== 0 ? KEEP : one & other;
      if (now === one) continue;
      forms[i] = now;
      changed = true;
    }
    return changed;
  }

  /** Leaves the forms behind a node in `#after`. */
  #through(node: RegionNode): void {
    const sets = this.#sets;
    const forms = this.#after;
    forms.set(this.#of(node));
    let insn = -1;
    const set = new Set<Slot>();
    for (const d of node.code.definitions) {
      if (d.insn !== insn) set.clear();
      insn = d.insn;
      // What the instruction itself has set may have been read before or after.
      const read = (_: unknown, slot: Slot): Extension => (set.has(slot) ? 0 : known(forms[sets.index(slot)] ?? 0));
      const form = d.depends ? extensionOf(d.value, read) : d.most;
      const n = sets.index(d.slot);
      forms[n] = d.isConditional === true && form !== KEEP ? known(form & (forms[n] ?? 0)) : form;
      set.add(d.slot);
    }
  }
}
