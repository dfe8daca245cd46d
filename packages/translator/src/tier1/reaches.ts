/**
 * Accesses of an instruction that follow each other and count from the same address, as those of LOAD and STORE MULTIPLE: where they
 * are compared with a span, the first is for all. Nothing can leave the region between them.
 */
import { isKind, type Node } from '../ir/nodes.ts';
import { type Reach, splitAddress } from './access.ts';

/** Less than a page: what lies between the first and the last is in the pages of the two. */
const MOST_REACH = 4095;

interface Group {
  readonly base: Node;
  readonly members: Node[];
  reach: Reach;
}

/** For the first access of each group how far that goes; for the others that they have been looked up. */
export function reachesOf(statements: readonly Node[]): ReadonlyMap<Node, Reach | 'looked up'> {
  const reaches = new Map<Node, Reach | 'looked up'>();
  let group: Group | undefined;
  for (const node of statements) {
    if (!isKind(node, 'load') && !isKind(node, 'store')) {
      if (!HARMLESS.has(node.kind)) group = undefined;
      continue;
    }
    const joined = group && extended(group, node);
    if (group === undefined || joined === undefined) {
      const [base, offset] = splitAddress(addressOf(node));
      group = { base, members: [node], reach: [offset, offset] };
      continue;
    }
    group.members.push(node);
    group.reach = joined;
    const [first] = group.members;
    if (first !== undefined) reaches.set(first, joined);
    reaches.set(node, 'looked up');
  }
  return reaches;
}

/** What cannot leave the region. */
const HARMLESS: ReadonlySet<Node['kind']> = new Set(['get', 'set', 'pure', 'local', 'getLocal', 'setLocal', 'cpuBase']);

/** How far a group goes with one more access, if it can be of the group. */
function extended({ base, members: [first], reach: [from, to] }: Group, node: Node): Reach | undefined {
  const [ownBase, offset] = splitAddress(addressOf(node));
  if (first === undefined || ownBase !== base || !isAlike(first, node)) return undefined;
  const reach: Reach = [Math.min(from, offset), Math.max(to, offset)];
  const size = isKind(node, 'load') || isKind(node, 'store') ? node.detail.access.size : 0;
  const isWhole = (offset - from) % size === 0;
  return isWhole && reach[1] - reach[0] + size <= MOST_REACH ? reach : undefined;
}

function isAlike(a: Node, b: Node): boolean {
  if (a.kind !== b.kind || (!isKind(a, 'load') && !isKind(a, 'store'))) return false;
  if (!isKind(b, 'load') && !isKind(b, 'store')) return false;
  const [x, y] = [a.detail.access, b.detail.access];
  return x.size === y.size && x.mmu === y.mmu && x.align === y.align;
}

function addressOf(access: Node): Node {
  const [address] = access.args;
  if (address === undefined) throw new Error(`${access.kind} lacks an address`);
  return address;
}
