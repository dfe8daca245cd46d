/**
 * Makes the graph of a region one that structured control flow can express: finds dominators and loops, and splits nodes
 * (or leads edges through the dispatch at the root) until every loop has one entry.
 *
 * Dominators: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
 */
import { type Edge, type Exit, isInside, type RegionNode } from './region.ts';

/** Rounds of splitting before edges go through the dispatch. */
const SPLIT_ROUNDS = 2;

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

/** Marks loops; splits nodes for edges that go back into the middle of one, or leads them through the dispatch. */
function removeIrreducible(nodes: readonly RegionNode[], split: boolean): boolean {
  const [dispatch] = nodes;
  const clones = new Map<RegionNode, RegionNode>();
  let changed = false;
  const repair = (from: RegionNode, edge: Edge): Edge => {
    if (!isInside(edge) || edge.node.order > from.order) return edge;
    const to = edge.node;
    if (dominates(to, from)) {
      to.isLoop = true;
      return edge;
    }
    changed = true;
    if (!split && dispatch !== undefined) return throughDispatch(dispatch, edge);
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
  }
  return changed;
}

function throughDispatch(dispatch: RegionNode, edge: Exclude<Edge, Exit>): Edge {
  const { node: to, checked, otherwise } = edge;
  let entry = dispatch.edges.findIndex((e) => isInside(e) && e.node === to);
  if (entry < 0) entry = dispatch.edges.push({ kind: 'node', node: to, checked: false, otherwise }) - 1;
  return { kind: 'entry', node: dispatch, entry, to, checked, otherwise };
}
