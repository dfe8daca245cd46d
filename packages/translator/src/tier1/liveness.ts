/**
 * Which slots a region has to load when it is entered, and which it has to write back where it is left. Sets are bigints, a
 * bit for each slot that the region touches.
 */
import type { Slot } from '../ir/types.ts';
import type { RegionNode } from './region.ts';

export class SlotSets {
  readonly slots: readonly Slot[];
  readonly #bits = new Map<Slot, bigint>();
  readonly #numbers = new Map<Slot, number>();
  readonly #lists = new Map<bigint, readonly Slot[]>();

  constructor(slots: Iterable<Slot>) {
    this.slots = [...slots];
    for (const [i, slot] of this.slots.entries()) {
      this.#bits.set(slot, 1n << BigInt(i));
      this.#numbers.set(slot, i);
    }
  }

  /** Number of a slot, or a number that no slot has. */
  index(slot: Slot): number {
    return this.#numbers.get(slot) ?? this.slots.length;
  }

  of(slots: Iterable<Slot>): bigint {
    let set = 0n;
    for (const slot of slots) set |= this.#bits.get(slot) ?? 0n;
    return set;
  }

  /** The slots of a set. */
  in(set: bigint): readonly Slot[] {
    let known = this.#lists.get(set);
    if (known === undefined) {
      known = this.slots.filter((_, i) => (set & (1n << BigInt(i))) !== 0n);
      this.#lists.set(set, known);
    }
    return known;
  }
}

export interface Liveness {
  readonly sets: SlotSets;
  /** Slots to be loaded at the entry. */
  readonly loaded: bigint;
  /** Slots that may have been changed on a way to the end of a node. */
  dirtyAfter(node: RegionNode): bigint;
  /** All that the region may change: what is written back where an access is left to tier 0. */
  readonly modified: bigint;
}

interface NodeSets {
  readonly exposed: bigint;
  readonly defined: bigint;
  readonly modified: bigint;
  /** An access may be left to tier 0. */
  readonly isSlow: boolean;
  dirtyIn: bigint;
  mustIn: bigint;
}

/** Solves the dataflow of a region whose nodes are in reverse postorder. */
export function findLiveness(nodes: readonly RegionNode[]): Liveness {
  const touched = new Set<Slot>();
  const helped = new Set<Slot>();
  for (const { code } of nodes) {
    for (const slot of code.touched) touched.add(slot);
    for (const slot of code.helped) helped.add(slot);
  }
  const sets = new SlotSets(touched);
  const all = sets.of(touched);
  const of = new Map<RegionNode, NodeSets>();
  for (const node of nodes) {
    const { code } = node;
    of.set(node, {
      exposed: sets.of(code.exposed),
      defined: sets.of(code.defined),
      modified: sets.of(code.modified),
      isSlow: code.isSlow,
      dirtyIn: 0n,
      mustIn: node === nodes[0] ? 0n : all,
    });
  }
  solve(nodes, of);
  // What a helper may want is written to memory before the call, whether it was set or not.
  let loaded = sets.of(helped);
  const modified = [...of.values()].reduce((set, s) => set | s.modified, 0n);
  for (const node of nodes) {
    const s = setsOf(of, node);
    loaded |= s.exposed & ~s.mustIn;
    if (s.isSlow) loaded |= modified & ~s.mustIn;
    loaded |= (s.dirtyIn | s.modified) & ~(s.mustIn | s.defined);
  }
  return {
    sets,
    loaded,
    dirtyAfter: (node) => setsOf(of, node).dirtyIn | setsOf(of, node).modified,
    modified,
  };
}

function setsOf(of: ReadonlyMap<RegionNode, NodeSets>, node: RegionNode): NodeSets {
  const found = of.get(node);
  if (found === undefined) throw new Error('a node that is not in the region');
  return found;
}

function solve(nodes: readonly RegionNode[], of: ReadonlyMap<RegionNode, NodeSets>): void {
  for (let changed = true; changed; ) {
    changed = false;
    for (const node of nodes) {
      const s = setsOf(of, node);
      let dirty = s.dirtyIn;
      let must = s.mustIn;
      for (const p of node.predecessors) {
        const before = setsOf(of, p);
        dirty |= before.dirtyIn | before.modified;
        must &= before.mustIn | before.defined;
      }
      if (dirty === s.dirtyIn && must === s.mustIn) continue;
      s.dirtyIn = dirty;
      s.mustIn = must;
      changed = true;
    }
  }
}
