/**
 * Regions: the blocks that one function of tier 1 is made of, and how control goes between them. A block that is reached
 * through different calls is in the region once for each: its return is an edge then, not a search.
 */
import type { Block } from '../engine/code-cache.ts';
import { type Address, addAddress, sameAddress } from '../pc.ts';
import type { BlockCode } from './block-code.ts';
import { DISPATCH, pcKey } from './block-code.ts';
import { insnsBefore, isSkippable, type Skipped, withSkipped } from './if-conversion.ts';

/** Where control goes: another node, or out of the region. */
export type Edge =
  /** `checked`: the node's page must be found where it was; the jump cache says so. */
  | { readonly kind: 'node'; readonly node: RegionNode; readonly checked: boolean; readonly otherwise: Exit }
  /** By way of the dispatch in front of the entries, to its edge of that number. */
  | {
      readonly kind: 'entry';
      readonly node: RegionNode;
      readonly entry: number;
      readonly to: RegionNode;
      readonly checked: boolean;
      readonly otherwise: Exit;
    }
  | Exit;

export type Exit =
  /** On at the place in the code cache that a word of tier 0's names. */
  | { readonly kind: 'word'; readonly word: number }
  /** On at a pc. */
  | { readonly kind: 'pc'; readonly lo: number; readonly hi: number };

/** A target of an indirect jump that was seen. */
export interface Target extends Address {
  edge: Edge;
}

/** A block, and the page that it runs in: one that slides runs in several. Addresses of a region are those of when it is formed. */
export interface Place {
  readonly block: Block;
  readonly page: Address;
}

/** The address of what a block calls one, in a page. */
export function addressIn({ block, page }: Place, lo: number, hi: number): Address {
  return block.slides ? addAddress({ lo, hi }, page) : { lo, hi };
}

/** Whether control stays in the region. */
export function isInside(edge: Edge): edge is Exclude<Edge, Exit> {
  return edge.kind === 'node' || edge.kind === 'entry';
}

export class RegionNode implements Place {
  readonly block: Block;
  readonly page: Address;
  code: BlockCode;
  /** What the branch at its end skips, and the node executes: it has one successor then. */
  skipped: Skipped | undefined;
  /** Instructions of its block that the node has: the first ones, where others are another node's. */
  head: number;
  /** Return addresses of the calls that the node is inlined through, innermost last. */
  readonly callers: readonly Caller[];
  /** Successors where the block ends in goto or gotoIf: taken, fall-through. */
  edges: Edge[] = [];
  targets: Target[] = [];

  // Of the analysis of the graph:
  /** Place in reverse postorder; smaller means before. */
  order = -1;
  predecessors: RegionNode[] = [];
  dominator: RegionNode | undefined;
  dominated: RegionNode[] = [];
  isLoop = false;
  /** Reached forward from more than one place. */
  isMerge = false;

  constructor({ block, page }: Place, code: BlockCode, callers: readonly Caller[]) {
    this.block = block;
    this.page = page;
    this.code = code;
    this.callers = callers;
    this.head = block.insns.length;
  }

  /** The address of its first instruction. */
  get start(): Address {
    return addressIn(this, this.block.pcLo, this.block.pcHi);
  }

  successors(): RegionNode[] {
    const list: RegionNode[] = [];
    for (const e of this.edges) if (isInside(e)) list.push(e.node);
    for (const t of this.targets) if (isInside(t.edge)) list.push(t.edge.node);
    return list;
  }

  /** Blocks that the node's code is of. */
  get blocks(): readonly Block[] {
    return this.skipped === undefined ? [this.block] : [this.block, this.skipped.block];
  }

  /** Instructions of the node at most. */
  get insns(): number {
    return this.head + (this.skipped?.insns ?? 0);
  }

  /** Another node for the same block, with the same successors. */
  clone(): RegionNode {
    const copy = new RegionNode(this, this.code, this.callers);
    copy.skipped = this.skipped;
    copy.head = this.head;
    copy.edges = this.edges.map((e) => ({ ...e }));
    copy.targets = this.targets.map((t) => ({ ...t, edge: { ...t.edge } }));
    return copy;
  }
}

export function jumpsIndirectly({ code: { terminal } }: RegionNode): boolean {
  return terminal.kind === 'end' && terminal.end.kind === 'gotoIndirect';
}

/** A call that is inlined: where it is made, and the address that it returns to. */
export interface Caller extends Address {
  readonly place: Place;
}

/** What forming a region asks the engine. */
export interface RegionSource {
  /** Code of a block; undefined where it cannot be had. */
  codeOf(block: Block): BlockCode | undefined;
  /** Code of so many instructions at the beginning of a block. */
  headOf(block: Block, insns: number): BlockCode | undefined;
  /** Whether a block goes on with another one neither rarely nor nearly always. */
  isErratic(block: Block, next: Block): boolean;
  /** The block that a word of tier 0's leads to; undefined if it leads to a stub. */
  linked(word: number): Block | undefined;
  /** The page of an address. */
  pageOf(address: Address): Address;
  /** A valid block for an address in a mode, if one ran lately; in the page of `near` where that is. */
  blockAt(near: Place, at: Address, mode: number): Block | undefined;
  /** Targets that an indirect jump had lately. */
  targetsOf(block: Block): readonly Address[];
  /** How often a block ran, roughly. */
  heat(block: Block): number;
}

export interface RegionLimits {
  readonly nodes: number;
  readonly callDepth: number;
  readonly targets: number;
  readonly entries: number;
}

export const REGION_LIMITS: RegionLimits = { nodes: 64, callDepth: 3, targets: 8, entries: 12 };

/** Blocks that ran less often than the first, by this factor, stay out. */
const RARER = 6;

/**
 * Forms the region of a block, with other entries that are wanted: its first node is none of a block's, its edges lead to
 * the entries, that of the block first. Undefined where there is nothing to compile.
 */
export function formRegion(
  root: Place,
  wanted: readonly Place[],
  source: RegionSource,
  limits: RegionLimits,
): RegionNode | undefined {
  return new RegionFormer(source, limits).form(root, wanted);
}

class RegionFormer {
  readonly #source: RegionSource;
  readonly #limits: RegionLimits;
  readonly #nodes = new Map<string, RegionNode>();
  readonly #queue: RegionNode[] = [];
  #least = 0;

  constructor(source: RegionSource, limits: RegionLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  form(place: Place, wanted: readonly Place[]): RegionNode | undefined {
    this.#least = this.#source.heat(place.block) / RARER;
    const root = this.#node(place, []);
    if (root === undefined || (root.code.terminal.kind === 'leave' && root.code.terminal.insn === 0)) return undefined;
    const dispatch = new RegionNode(place, DISPATCH, []);
    const enter = (node: RegionNode): void => {
      dispatch.edges.push({ kind: 'node', node, checked: false, otherwise: { kind: 'pc', ...node.start } });
    };
    enter(root);
    this.#connectAll();
    for (const entry of [...wanted, ...this.#reentries.values()]) {
      const { block } = entry;
      if (dispatch.edges.length >= this.#limits.entries) break;
      if (block.hasEntry || dispatch.edges.some((e) => e.kind === 'node' && e.node.block === block)) continue;
      const node = this.#node(entry, []);
      if (node === undefined) continue;
      enter(node);
      this.#connectAll();
    }
    this.#cutAtLoops();
    return dispatch;
  }

  /**
   * Where a block runs into a loop that begins in the middle of it, makes it end there. Else it would jump into the middle of the
   * loop, which had two ways in then.
   */
  #cutAtLoops(): void {
    const heads = new Map<string, RegionNode[]>();
    for (const node of this.#nodes.values()) {
      for (const to of node.successors()) {
        if (throughKey(node.callers) !== throughKey(to.callers) || !isBehind(node, to)) continue;
        const key = tailKey(to);
        const list = heads.get(key) ?? [];
        if (!list.includes(to)) heads.set(key, [...list, to]);
      }
    }
    for (const node of this.#nodes.values()) {
      const inside = (heads.get(tailKey(node)) ?? []).filter((loop) => isTail(loop.block, node.block));
      const [loop] = inside.sort((a, b) => a.block.pcLo - b.block.pcLo);
      if (loop !== undefined) this.#cut(node, loop);
    }
  }

  /** Makes a node end where another one begins. */
  #cut(node: RegionNode, at: RegionNode): void {
    const head = insnsBefore(node.block, at.block.pcLo, at.block.pcHi, node.block.insns.length);
    const code = this.#source.headOf(node.block, head);
    if (code?.terminal.kind !== 'end' || code.mode !== at.block.mode) return;
    node.code = code;
    node.head = head;
    node.skipped = undefined;
    node.edges = [{ kind: 'node', node: at, checked: false, otherwise: { kind: 'pc', ...at.start } }];
    node.targets = [];
  }

  #connectAll(): void {
    for (let node = this.#queue.shift(); node !== undefined; node = this.#queue.shift()) this.#connect(node);
  }

  /** Where tier 0 is likely to come back to the region: after calls that are not inlined, and what it does itself. */
  readonly #reentries = new Map<Block, Place>();

  #reenter(place: Place | undefined): void {
    // Tier 0 looks for a second page itself.
    if (place === undefined || place.block.second !== undefined || this.#reentries.has(place.block)) return;
    this.#reentries.set(place.block, place);
  }

  #node(place: Place, callers: readonly Caller[]): RegionNode | undefined {
    const { block } = place;
    const key = nodeKey(place, callers);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    if (this.#nodes.size >= this.#limits.nodes) return undefined;
    if (this.#nodes.size > 0 && this.#source.heat(block) < this.#least) return undefined;
    const code = this.#source.codeOf(block);
    if (code === undefined) return undefined;
    // An entry that leaves at once is better left before.
    if (this.#nodes.size > 0 && code.terminal.kind === 'leave' && code.terminal.insn === 0) return undefined;
    const node = new RegionNode(place, code, callers);
    this.#nodes.set(key, node);
    this.#queue.push(node);
    return node;
  }

  #connect(node: RegionNode): void {
    const { block, code } = node;
    const { terminal } = code;
    const own = endOf(block);
    const behind = addressIn(node, own.lo, own.hi);
    if (terminal.kind !== 'end') {
      for (const word of [16, 20]) this.#reenter(this.#linked(node, block.tail + word));
      this.#reenter(this.#behind(node, behind));
      return;
    }
    const { end } = terminal;
    const isCall = code.constants.has(pcKey(own.lo, own.hi)) && end.kind !== 'gotoIf';
    if (isCall && node.callers.length >= this.#limits.callDepth) this.#reenter(this.#behind(node, behind));
    if (end.kind === 'goto') {
      const callers = isCall ? this.#called(node, behind) : node.callers;
      node.edges = [this.#direct(node, block.tail + 16, end.pcLo, end.pcHi, callers)];
    } else if (end.kind === 'gotoIf') {
      const taken = (): Edge => this.#direct(node, block.tail + 16, end.takenLo, end.takenHi, node.callers);
      const fall = (): Edge => this.#direct(node, block.tail + 20, end.fallLo, end.fallHi, node.callers);
      if (this.#skips(node, block.tail + 16, end.fallLo, end.fallHi, true)) node.edges = [fall()];
      else if (this.#skips(node, block.tail + 20, end.takenLo, end.takenHi, false)) node.edges = [taken()];
      else node.edges = [taken(), fall()];
    } else if (end.kind === 'gotoIndirect') this.#indirect(node, isCall);
  }

  /** Makes the beginning of the block that a word leads to, as far as the pc, where the node goes else, part of the node. */
  #skips(node: RegionNode, word: number, lo: number, hi: number, onTaken: boolean): boolean {
    const block = this.#source.linked(word);
    const insns = block === undefined ? 0 : insnsBefore(block, lo, hi);
    if (block === undefined || insns === 0 || block.slides !== node.block.slides) return false;
    if (!this.#source.isErratic(node.block, block)) return false;
    const code = this.#source.headOf(block, insns);
    if (code === undefined || !isSkippable(code)) return false;
    node.skipped = { block, insns, statements: code.insns.flat(), onTaken };
    node.code = withSkipped(node.code, code);
    return true;
  }

  /** Callers inside a called function; undefined where it is not inlined. */
  #called(node: RegionNode, behind: Address): readonly Caller[] | undefined {
    if (node.callers.length >= this.#limits.callDepth) return undefined;
    if (node.callers.some((c) => sameAddress(c, behind))) {
      this.#reenter(this.#behind(node, behind));
      return undefined;
    }
    const { block, page } = node;
    return [...node.callers, { place: { block, page }, ...behind }];
  }

  #direct(node: RegionNode, word: number, lo: number, hi: number, callers: readonly Caller[] | undefined): Edge {
    const at = addressIn(node, lo, hi);
    const isFar = this.#isFar(node, at);
    const out: Exit = isFar ? { kind: 'pc', ...at } : { kind: 'word', word };
    const target = isFar ? this.#found(node, at) : this.#linked(node, word);
    if (target === undefined) return out;
    // A function that calls itself goes round in the region, as if it were called from outside.
    const next = callers === undefined ? this.#nodes.get(nodeKey(target, [])) : this.#node(target, callers);
    return next === undefined ? out : { kind: 'node', node: next, checked: isFar, otherwise: out };
  }

  /** Whether an address lies in another page than a block. */
  #isFar({ page }: Place, at: Address): boolean {
    return !sameAddress(page, this.#source.pageOf(at));
  }

  /**
   * Whether the jump cache has to say that a block is where a jump from another one leads: it is in another page, or for one address
   * where the other is for all.
   */
  #isChecked(from: Place, to: Block, at: Address): boolean {
    return this.#isFar(from, at) || (from.block.slides && !to.slides);
  }

  #linked({ page }: Place, word: number): Place | undefined {
    const block = this.#source.linked(word);
    return block === undefined ? undefined : { block, page };
  }

  /** The block behind another, in its page and mode. */
  #behind(near: Place, at: Address): Place | undefined {
    return this.#isFar(near, at) ? undefined : this.#placeAt(near, at, near.block.mode);
  }

  #placeAt(near: Place, at: Address, mode: number): Place | undefined {
    const block = this.#source.blockAt(near, at, mode);
    if (block === undefined) return undefined;
    // Nothing but its pages tells that one with two is where it was, and the region looks at the second only.
    if (block.second !== undefined && (near.block.slides || this.#isFar(near, at))) return undefined;
    return { block, page: this.#source.pageOf(at) };
  }

  #found(node: RegionNode, at: Address): Place | undefined {
    return node.code.mode === undefined ? undefined : this.#placeAt(node, at, node.code.mode);
  }

  #indirect(node: RegionNode, isCall: boolean): void {
    const { block, code } = node;
    const own = endOf(block);
    const behind = addressIn(node, own.lo, own.hi);
    const callers = isCall ? this.#called(node, behind) : node.callers;
    const seen = this.#source.targetsOf(block);
    const caller = node.callers.at(-1);
    if (!isCall && caller !== undefined && code.mode !== undefined) this.#return(node, caller);
    if (callers === undefined) return;
    for (const target of seen) {
      if (node.targets.length >= this.#limits.targets) break;
      if (node.targets.some((t) => sameAddress(t, target))) continue;
      // Other callers' return addresses are no targets of an inlined function; where a return is conditional, what follows is one.
      const isBehind = sameAddress(target, behind);
      if (!isCall && node.targets.length > 0 && caller !== undefined && !isBehind) continue;
      const found = this.#found(node, target);
      const next = found === undefined ? undefined : this.#node(found, callers);
      if (next === undefined) continue;
      const otherwise: Exit = { kind: 'pc', lo: target.lo, hi: target.hi };
      const checked = this.#isChecked(node, next.block, target);
      node.targets.push({ ...target, edge: { kind: 'node', node: next, checked, otherwise } });
    }
  }

  /** The return to an inlined call: its page was run in on the way here. */
  #return(node: RegionNode, caller: Caller): void {
    if (node.code.mode === undefined || this.#isFar(caller.place, caller)) return;
    const found = this.#placeAt(caller.place, caller, node.code.mode);
    const next = found === undefined ? undefined : this.#node(found, node.callers.slice(0, -1));
    if (next === undefined) {
      this.#reenter(found);
      return;
    }
    const otherwise: Exit = { kind: 'pc', lo: caller.lo, hi: caller.hi };
    const checked = this.#isChecked(caller.place, next.block, caller);
    node.targets.push({ lo: caller.lo, hi: caller.hi, edge: { kind: 'node', node: next, checked, otherwise } });
  }
}

/**
 * A node's name: a call from a block that slides is another one than a call from one for the region's present address, because what
 * it returns to may be for that address only.
 */
function nodeKey({ block, page }: Place, callers: readonly Caller[]): string {
  return `${block.start} ${pcKey(page.lo, page.hi)} ${throughKey(callers)}`;
}

function throughKey(callers: readonly Caller[]): string {
  return callers.map((c) => `${c.place.block.slides ? '~' : ''}${pcKey(c.lo, c.hi)}`).join(' ');
}

/** What nodes have in common that end with the same instruction, reached through the same calls. */
function tailKey({ block, page, callers }: RegionNode): string {
  const { lo, hi } = endOf(block);
  return `${block.slides ? '~' : ''}${pcKey(lo, hi)} ${pcKey(page.lo, page.hi)} ${throughKey(callers)}`;
}

/** Whether a block is what another one ends with. */
function isTail(tail: Block, of: Block): boolean {
  return tail.pcLo > of.pcLo && tail.second === undefined && insnsBefore(of, tail.pcLo, tail.pcHi, of.insns.length) > 0;
}

/** Whether a node ends behind the beginning of another one of its page, so that a jump there is one back. */
function isBehind(node: RegionNode, to: RegionNode): boolean {
  return sameAddress(node.page, to.page) && node.block.pcLo + node.block.bytes > to.block.pcLo;
}

/** What a block calls the address behind its last instruction: where its call returns to. */
function endOf({ pcLo, pcHi, bytes }: Block): Address {
  return addAddress({ lo: pcLo, hi: pcHi }, { lo: bytes, hi: 0 });
}
