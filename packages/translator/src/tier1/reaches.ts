/**
 * Accesses of an instruction that follow each other and count from the same address, as those of LOAD and STORE MULTIPLE: where they
 * are compared with a span, the first is for all. Nothing can leave the region between them.
 */
import { isKind, type MemAccess, type Node } from '../ir/nodes.ts';
import { type Reach, splitAddress } from './access.ts';

/** Less than a page: what lies between the first and the last is in the pages of the two. */
const MOST_REACH = 4095;

/** Accesses that are alike, from one base. */
interface Group {
  readonly first: Node;
  readonly access: MemAccess;
  readonly base: Node;
  readonly reach: Reach;
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
    const [base, offset] = splitAddress(addressOf(node));
    const alone: Group = { first: node, access: node.detail.access, base, reach: [offset, offset] };
    const reach: Reach | undefined = group && reachOfBoth(group, alone);
    if (group === undefined || reach === undefined) {
      group = alone;
      continue;
    }
    group = { ...group, reach };
    reaches.set(group.first, reach);
    reaches.set(node, 'looked up');
  }
  return reaches;
}

/** What cannot leave the region. */
const HARMLESS: ReadonlySet<Node['kind']> = new Set(['get', 'set', 'pure', 'local', 'getLocal', 'setLocal', 'cpuBase']);

/** How far a group goes with one more access, if it can be of the group. */
function reachOfBoth(group: Group, { first, access, base, reach: [offset] }: Group): Reach | undefined {
  const { size, mmu, align } = group.access;
  const isAlike = access.size === size && access.mmu === mmu && access.align === align;
  if (!isAlike || base !== group.base || first.kind !== group.first.kind) return undefined;
  const [from, to] = group.reach;
  const reach: Reach = [Math.min(from, offset), Math.max(to, offset)];
  const isWhole = (offset - from) % size === 0;
  return isWhole && reach[1] - reach[0] + size <= MOST_REACH ? reach : undefined;
}

function addressOf(access: Node): Node {
  const [address] = access.args;
  if (address === undefined) throw new Error(`${access.kind} lacks an address`);
  return address;
}
