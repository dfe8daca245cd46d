/**
 * Makes the graph of a region one that structured control flow can express: finds dominators and loops, and splits nodes
 * (or gives edges up) until every loop has one entry.
 *
 * Dominators: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
 */
import type { Edge, RegionNode } from './region.ts';

/** Rounds of splitting before edges are given up. */
const SPLIT_ROUNDS = 12;

/** Nodes in reverse postorder, with dominators, loops and merges found. `limit`: nodes that splitting may lead to. */
export function structureRegion(root: RegionNode, limit: number): readonly RegionNode[] {
  for (let round = 0; ; round++) {
    const nodes = reversePostorder(root);
    findDominators(root, nodes);
    if (removeIrreducible(nodes, round < SPLIT_ROUNDS && nodes.length < limit)) continue;
    for (const n of nodes) {
      if (n !== root) n.dominator?.dominated.push(n);
      n.isMerge = n.predecessors.filter((p) => p.order < n.order).length > 1;
    }
    return nodes;
  }
}

function reversePostorder(root: RegionNode): RegionNode[] {
  const list: RegionNode[] = [];
  const seen = new Set<RegionNode>();
  const visit = (n: RegionNode): void => {
    seen.add(n);
    // What comes first in the program is laid out first: it is visited last.
    for (const s of n.successors().reverse()) if (!seen.has(s)) visit(s);
    list.push(n);
  };
  visit(root);
  list.reverse();
  for (const [i, n] of list.entries()) {
    n.order = i;
    n.predecessors = [];
    n.dominator = undefined;
    n.dominated = [];
    n.isLoop = false;
  }
  for (const n of list) for (const s of n.successors()) s.predecessors.push(n);
  return list;
}

function findDominators(root: RegionNode, nodes: readonly RegionNode[]): void {
  root.dominator = root;
  for (let changed = true; changed; ) {
    changed = false;
    for (const n of nodes) {
      if (n === root) continue;
      let dominator: RegionNode | undefined;
      for (const p of n.predecessors) {
        if (p.dominator === undefined) continue;
        dominator = dominator === undefined ? p : common(p, dominator);
      }
      if (dominator === n.dominator) continue;
      n.dominator = dominator;
      changed = true;
    }
  }
}

function common(a: RegionNode, b: RegionNode): RegionNode {
  let [x, y] = [a, b];
  while (x !== y) {
    while (x.order > y.order) x = x.dominator ?? y;
    while (y.order > x.order) y = y.dominator ?? x;
  }
  return x;
}

function dominates(a: RegionNode, b: RegionNode): boolean {
  let n = b;
  while (n.order > a.order) n = n.dominator ?? a;
  return n === a;
}

/** Marks loops; splits, or cuts, edges that go back into the middle of one. True if the graph has changed. */
function removeIrreducible(nodes: readonly RegionNode[], split: boolean): boolean {
  const clones = new Map<RegionNode, RegionNode>();
  let changed = false;
  const repair = (from: RegionNode, edge: Edge): Edge => {
    if (edge.kind !== 'node' || edge.node.order > from.order) return edge;
    const to = edge.node;
    if (dominates(to, from)) {
      to.isLoop = true;
      return edge;
    }
    changed = true;
    if (!split) return edge.otherwise;
    let clone = clones.get(to);
    if (clone === undefined) {
      clone = to.clone();
      clones.set(to, clone);
    }
    return { ...edge, node: clone };
  };
  for (const n of nodes) {
    n.edges = n.edges.map((e) => repair(n, e));
    for (const t of n.targets) t.edge = repair(n, t.edge);
    n.targets = n.targets.filter((t) => t.edge.kind === 'node');
  }
  return changed;
}
