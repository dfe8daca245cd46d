/**
 * In which form each 64-bit slot is where a node of a region begins: whole, as the low half from which it follows, or in halves
 * (`extension.ts`). Values set by 32-bit arithmetic stay narrow until ways meet that do not agree.
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
  for (let round = 0; round < MOST_ROUNDS; round++) {
    solver.solve();
    if (!solver.divideAtLoops()) break;
  }
  return solver.before;
}

/** Loops inside others are found one after the other. */
const MOST_ROUNDS = 3;

class Solver {
  readonly #nodes: readonly RegionNode[];
  readonly #sets: SlotSets;
  readonly before = new Map<RegionNode, Forms>();
  readonly #after: Forms;
  /** `KEEP` for each slot whose halves may be apart anywhere, as nobody reads the high one. */
  readonly #apart: Forms;
  /** The same at heads of loops: halves are apart where the loop begins, as they are where it goes back. */
  readonly #divided = new Map<RegionNode, Forms>();

  readonly #setsLow: boolean;

  constructor(nodes: readonly RegionNode[], sets: SlotSets) {
    this.#nodes = nodes;
    this.#sets = sets;
    this.#setsLow = setsLow(nodes);
    this.#after = new Uint8Array(sets.slots.length);
    this.#apart = findApart(nodes, sets);
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
      const forms = new Uint8Array(slots.length);
      // The state holds whole values, of which low halves are loaded as well.
      if (n === 0) forms.set(this.#apart);
      else for (const [i, slot] of slots.entries()) forms[i] = slot.ty === 'i64' ? SIGN | ZERO | KEEP : 0;
      this.#keepDivided(node, forms);
      this.before.set(node, forms);
    }
    for (let changed = true; changed; ) {
      changed = false;
      for (const node of this.#nodes) {
        this.#through(node);
        for (const next of node.successors()) if (this.#meet(next)) changed ||= next.order <= node.order;
      }
    }
    for (const forms of this.before.values()) {
      for (let i = 0; i < forms.length; i++) if (known(forms[i] ?? 0) !== 0) forms[i] = known(forms[i] ?? 0);
    }
  }

  /**
   * Divides slots at heads of loops that every way back leaves divided: what comes from outside is divided once, where putting the
   * halves together would be done each time round. True if there are such.
   */
  divideAtLoops(): boolean {
    let found = false;
    for (const head of this.#setsLow ? this.#nodes : []) {
      if (!head.isLoop) continue;
      const forms = this.#of(head);
      const both = Uint8Array.from(forms, (form) => (form === 0 ? KEEP : 0));
      for (const node of head.predecessors) {
        if (node.order < head.order) continue;
        this.#through(node);
        for (let i = 0; i < both.length; i++) both[i] = (both[i] ?? 0) & (this.#after[i] ?? 0);
      }
      if (both.every((form) => form === 0)) continue;
      const known = this.#divided.get(head);
      this.#divided.set(head, known === undefined ? both : both.map((form, i) => form | (known[i] ?? 0)));
      found = true;
    }
    return found;
  }

  #keepDivided(node: RegionNode, forms: Forms): void {
    const divided = this.#divided.get(node);
    if (divided !== undefined) for (let i = 0; i < forms.length; i++) forms[i] = (forms[i] ?? 0) | (divided[i] ?? 0);
  }

  #meet(next: RegionNode): boolean {
    const forms = this.#of(next);
    const divided = this.#divided.get(next);
    let changed = false;
    for (let i = 0; i < forms.length; i++) {
      const now = ((forms[i] ?? 0) & (this.#after[i] ?? 0)) | (divided?.[i] ?? 0);
      if (now === forms[i]) continue;
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
      const after = d.isConditional === true && form !== KEEP ? known(form & (forms[n] ?? 0)) : form;
      forms[n] = after | (this.#apart[n] ?? 0);
      set.add(d.slot);
    }
  }
}

/** Whether code sets low halves alone. */
function setsLow(nodes: readonly RegionNode[]): boolean {
  return nodes.some(({ code }) => code.definitions.some(({ most }) => most === KEEP));
}

/** `KEEP` for slots that are set to values of 32 bits, or whose low halves are set alone, and whose high halves are not read. */
function findApart(nodes: readonly RegionNode[], { slots }: SlotSets): Forms {
  const set = new Set<Slot>();
  const read = new Set<Slot>();
  // Of architectures that set no low halves alone there is nothing to gain.
  if (!setsLow(nodes)) return new Uint8Array(slots.length);
  for (const { code } of nodes) {
    for (const { slot, most } of code.definitions) if (most !== 0) set.add(slot);
    for (const slot of code.wholeReads()) read.add(slot);
    for (const slot of code.helped) read.add(slot);
  }
  return Uint8Array.from(slots, (slot) => (slot.ty === 'i64' && set.has(slot) && !read.has(slot) ? KEEP : 0));
}
