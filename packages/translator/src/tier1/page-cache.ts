/**
 * Which accesses look at the page that their base register led to last before they look into the TLB. That saves the way to
 * the entry, and its two loads, where a register points into one page for a while: several accesses from the same base in a
 * block, or a pointer that a loop moves on by a constant. Nothing that a region does changes the TLB, so what it found in
 * there holds until the region is left.
 */
import { isKind, type Node } from '../ir/nodes.ts';
import { type PureOp, pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import type { PageCache } from './access.ts';
import { isInside, type RegionNode } from './region.ts';
import type { SpannedAccesses } from './spans.ts';

/** Pages that a region remembers at most: each takes two registers, or places on the stack. */
const MOST = 8;

/** Bytes that a loop may move a pointer on: a sixteenth of a small page. */
const LONGEST_STEP = 256;

const ADDS: ReadonlySet<PureOp> = new Set(['add.i64', 'add.i32', 'sub.i64', 'sub.i32'].map(pureOp));
/** What makes a 64-bit address of a 32-bit register. */
const EXTENDS: ReadonlySet<PureOp> = new Set([pureOp('extend32U'), pureOp('extend32S')]);

/** How a block uses a base register. */
interface Use {
  readonly slot: Slot;
  readonly store: boolean;
  readonly mmu: number;
  count: number;
}

/** The caches of a region's nodes. */
export class PageCaches {
  readonly #caches = new Map<string, PageCache>();
  readonly #nodes = new Map<RegionNode, ReadonlySet<string>>();
  readonly #spans: SpannedAccesses;

  /** `make` gives the locals of a cache. Accesses that are compared with spans need none. */
  constructor(nodes: readonly RegionNode[], spans: SpannedAccesses, make: () => PageCache) {
    this.#spans = spans;
    for (const isLoop of [true, false]) {
      for (const node of nodes) if (loopsOnItself(node) === isLoop) this.#plan(node, isLoop ? 1 : 2, make);
    }
  }

  /** All there are. */
  get all(): Iterable<PageCache> {
    return this.#caches.values();
  }

  /** The cache for an access of a node. */
  of(node: RegionNode, access: Node): PageCache | undefined {
    const use = useOf(access);
    if (use === undefined) return undefined;
    const key = keyOf(use);
    return this.#nodes.get(node)?.has(key) === true ? this.#caches.get(key) : undefined;
  }

  #plan(node: RegionNode, least: number, make: () => PageCache): void {
    const keys = new Set<string>();
    for (const use of usesOf(node, this.#spans)) {
      if (use.count < least) continue;
      const key = keyOf(use);
      if (!this.#caches.has(key)) {
        if (this.#caches.size === MOST) continue;
        this.#caches.set(key, make());
      }
      keys.add(key);
    }
    if (keys.size > 0) this.#nodes.set(node, keys);
  }
}

function loopsOnItself(node: RegionNode): boolean {
  return node.edges.some((edge) => isInside(edge) && edge.node === node);
}

function keyOf({ slot, store, mmu }: Use): string {
  return `${slot.offset} ${store ? 's' : 'l'} ${mmu}`;
}

/** The base registers of a block that it sets to nothing but themselves and a constant. */
function usesOf(node: RegionNode, spans: SpannedAccesses): Iterable<Use> {
  const uses = new Map<string, Use>();
  for (const [index, insn] of node.code.insns.entries()) {
    for (const statement of insn) {
      const use = useOf(statement);
      if (use === undefined || spans.of(node, index, use) !== undefined) continue;
      const key = keyOf(use);
      const known = uses.get(key);
      if (known === undefined) uses.set(key, use);
      else known.count++;
    }
  }
  if (uses.size === 0) return [];
  const lost = new Set<Slot>();
  for (const insn of node.code.insns) {
    for (const statement of insn) {
      if (isKind(statement, 'set') && !isMoved(statement.detail.slot, statement.args[0]))
        lost.add(statement.detail.slot);
    }
  }
  return [...uses.values()].filter(({ slot }) => !lost.has(slot));
}

/** A pointer that moves through its page slowly enough for the page to be found there again. */
function isMoved(slot: Slot, value: Node | undefined): boolean {
  if (value === undefined || baseOf(value) !== slot) return false;
  const step = value.args[1];
  return step === undefined || (step.hi === step.lo >> 31 && Math.abs(step.lo) <= LONGEST_STEP);
}

/** The slot that an address is a constant away from. */
function baseOf(address: Node | undefined): Slot | undefined {
  if (isKind(address, 'get')) return address.detail.slot;
  if (address?.op === undefined) return undefined;
  const [a, b] = address.args;
  if (EXTENDS.has(address.op)) return baseOf(a);
  return ADDS.has(address.op) && isKind(b, 'const') && isKind(a, 'get') ? a.detail.slot : undefined;
}

function useOf(access: Node): Use | undefined {
  if (!isKind(access, 'load') && !isKind(access, 'store')) return undefined;
  const slot = baseOf(access.args[0]);
  return slot && { slot, store: access.kind === 'store', mmu: access.detail.access.mmu, count: 1 };
}
