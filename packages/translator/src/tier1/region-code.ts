/**
 * Compiles a region to one WebAssembly function `(cpu, budget, entry) -> ip`: where tier 0 goes on, or 0 to go on at `state.pc`.
 * The budget that is left is in the state then.
 *
 * Control flow comes from the tree of dominators: a node's code is followed by that of the nodes it dominates, each merge in
 * a block of its own whose end is its label (Ramsey, "Beyond Relooper", 2022).
 */
import type { IndexBits } from '@boardwalk/core';
import type { SecondPage } from '../engine/second-page.ts';
import type { Helper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';
import { pureOp } from '../ir/ops.ts';
import type { Slot } from '../ir/types.ts';
import { type Address, sameAddress, subAddress, ZERO_ADDRESS } from '../pc.ts';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES } from '../softmmu/layout.ts';
import { jumpCacheIndex } from '../softmmu/tables.ts';
import { COMMON } from '../state.ts';
import type { ByteWriter } from '../wasm/bytes.ts';
import { W } from '../wasm/opcodes.ts';
import { AccessEmitter, isReversed, type Marks, type PageCache } from './access.ts';
import { constantOf, leavesAt } from './block-code.ts';
import { BUDGET, CPU, Emitter, ENTRY } from './emitter.ts';
import { type Forms, findForms } from './forms.ts';
import type { Skipped } from './if-conversion.ts';
import { InsnEmitter, type InsnPlace, NOWHERE } from './insn-code.ts';
import { findLiveness, type Liveness } from './liveness.ts';
import { PageCaches } from './page-cache.ts';
import { addressIn, type Edge, type Exit, isInside, jumpsIndirectly, type RegionNode, type Target } from './region.ts';
import { SlotLocals } from './slot-locals.ts';
import { type Span, type SpanKind, SpannedAccesses, type SpanSource, type UsedSpan } from './spans.ts';

/** Why regions are left. */
export const REGION_EXITS = [
  /** An access that the TLB had no answer to, or an exception. */
  'slow',
  /** A jump to a block that is not in the region. */
  'link',
  /** A jump to another page, or through a register, to where the region does not go. */
  'jump',
  /** An instruction that tier 0 executes. */
  'tier0',
  /** The budget is nearly used up. */
  'budget',
] as const;
export type RegionExit = (typeof REGION_EXITS)[number];
/** Bytes of a region's counters. */
export const REGION_COUNTER_BYTES = 32;
/** Places of countdowns among them: of slow exits, and of indirect jumps to where the region does not go. */
export const SLOW_COUNTDOWN = REGION_EXITS.length * 4;
export const JUMP_COUNTDOWN = SLOW_COUNTDOWN + 4;

export interface RegionCodeOptions {
  /** Where the code goes: empty. */
  readonly out: ByteWriter;
  /** Bits of an index of the memory. */
  readonly indexBits: IndexBits;
  readonly pageBits: number;
  /** Host offset of the vCPU's area, if there is but one vCPU: an address that V8 need not keep in a register. */
  readonly cpu: number | undefined;
  /** The region's number. */
  readonly number: number;
  /** Host offset of the region's counters: an i32 for each of `REGION_EXITS`, then the countdowns. */
  readonly counters: number;
  functionOf(helper: Helper): number;
  atomicHelper(node: Node): Helper;
  /** Accesses of this instruction are often misaligned. */
  isUnaligned(node: RegionNode, insn: number): boolean;
  readonly spans: SpanSource;
  /** Where stores in spans are marked. */
  readonly marks: Marks | undefined;
}

export interface RegionFunction {
  /** Spans that accesses are compared with. */
  readonly spans: readonly UsedSpan[];
  readonly emitter: Emitter;
  /** Most instructions from an entry, or a loop's start, to an exit or a way back. */
  readonly longest: number;
}

/** Accesses that share a way out at most. */
const SEGMENT_ACCESSES = 8;

/** Compiles the nodes of a region, in reverse postorder, the root first. */
export function emitRegion(nodes: readonly RegionNode[], o: RegionCodeOptions): RegionFunction {
  return new RegionEmitter(nodes, o).emit();
}

class RegionEmitter {
  readonly #nodes: readonly RegionNode[];
  readonly #o: RegionCodeOptions;
  readonly #e: Emitter;
  readonly #slots: SlotLocals;
  readonly #forms: ReadonlyMap<RegionNode, Forms>;
  readonly #modified = new Set<Slot>();
  readonly #insns: InsnEmitter;
  readonly #access: AccessEmitter;
  readonly #caches: PageCaches;
  readonly #spans: SpannedAccesses;
  /** Where tier 0 goes on. */
  readonly #ip: number;
  /** Target of an indirect jump. */
  readonly #pc: number;
  readonly #longest: number;
  /** The page of the first entry where the region runs at several addresses: all others count from it. */
  readonly #origin: number;
  readonly #originPage: Address;
  readonly #slides: boolean;
  /** Place in the jump cache that is looked at. */
  #jump: number | undefined;
  readonly #live: Liveness;
  /** Instructions of the blocks before that have not been paid for. */
  #owed = 0;
  #exitLabel = 0;
  #slowLabel = 0;
  #jumpLabel = 0;
  readonly #loopLabels = new Map<RegionNode, number>();
  readonly #mergeLabels = new Map<RegionNode, number>();

  constructor(nodes: readonly RegionNode[], o: RegionCodeOptions) {
    this.#nodes = nodes;
    this.#o = o;
    this.#e = new Emitter(o.indexBits, o.out);
    this.#ip = this.#e.local('i32');
    this.#pc = this.#e.local('i64');
    this.#origin = this.#e.local('i64');
    const [root] = nodes;
    this.#originPage = root?.page ?? ZERO_ADDRESS;
    this.#slides = root?.edges.some((edge) => isInside(edge) && edge.node.block.slides) === true;
    this.#live = findLiveness(nodes);
    this.#forms = findForms(nodes, this.#live.sets);
    this.#slots = new SlotLocals(this.#e, this.#live.sets);
    for (const { code } of nodes) for (const slot of code.modified) this.#modified.add(slot);
    this.#longest = longestPath(nodes);
    this.#access = new AccessEmitter(this.#e, o.pageBits, o.cpu);
    this.#spans = new SpannedAccesses(nodes, o.spans);
    this.#caches = new PageCaches(nodes, this.#spans, () => this.#access.cache());
    this.#insns = new InsnEmitter({
      e: this.#e,
      access: this.#access,
      marks: o.marks,
      slots: this.#slots,
      modified: this.#modified,
      functionOf: (helper) => o.functionOf(helper),
      atomicHelper: (node) => o.atomicHelper(node),
    });
  }

  emit(): RegionFunction {
    const e = this.#e;
    const [root] = this.#nodes;
    if (root === undefined) throw new Error('a region without nodes');
    if (this.#o.cpu !== undefined) e.i32(this.#o.cpu).set(CPU);
    if (this.#slides) this.#setOrigin(root);
    this.#checkSpans(root);
    for (const cache of this.#caches.all) this.#access.empty(cache);
    if (this.#nodes.some(({ code }) => code.insns.some((insn) => insn.some(isReversed))))
      this.#access.prepareReversal();
    for (const slot of this.#live.sets.in(this.#live.loaded)) e.loadSlot(slot).set(this.#slots.current(slot));
    this.#slots.become(this.#formsBefore(root));
    this.#exitLabel = e.block();
    const hasIndirect = this.#nodes.some(jumpsIndirectly);
    if (hasIndirect) this.#jumpLabel = e.block();
    this.#slowLabel = e.block();
    this.#tree(root);
    e.op(W.unreachable).end();
    this.#countSlow();
    // With a second use of the tag V8 loads it once. It folds a load that is used once into the comparison, and makes it as well.
    e.storeLocal(COMMON.missedTag, this.#access.tag);
    e.storeLocal(COMMON.missedAddress, this.#access.va);
    this.#slots.forms = new Uint8Array(this.#live.sets.slots.length);
    this.#writeBack(this.#live.modified);
    if (hasIndirect) {
      e.br(this.#exitLabel).end();
      this.#noteJump();
    }
    e.end();
    e.storeLocal(COMMON.budget, BUDGET);
    e.get(this.#ip);
    return { emitter: e, longest: this.#longest, spans: this.#spans.used };
  }

  /** Leaves at once where the spans are others than those that the code was made for: they are constants in it. */
  #checkSpans(root: RegionNode): void {
    const e = this.#e;
    const { used } = this.#spans;
    if (used.length === 0) return;
    for (const [n, span] of used.entries()) {
      this.#access.hasChanged(span);
      if (n > 0) e.op(W.i32Or);
    }
    e.if();
    for (const [n, edge] of root.edges.entries()) {
      if (!isInside(edge)) continue;
      e.get(ENTRY).i32(n).op(W.i32Eq).if();
      e.i32(placeOf(edge.node, 0)).set(this.#ip);
      this.#address(edge.node.start);
      e.set(this.#pc).end();
    }
    this.#count('slow');
    this.#countDown(SLOW_COUNTDOWN, () => {
      this.#interrupt();
      e.storeLocal(COMMON.pc, this.#pc);
      e.i32(0).set(this.#ip);
    });
    e.storeLocal(COMMON.budget, BUDGET);
    e.get(this.#ip).op(W.return).end();
  }

  /** Finds where the region runs, from the page of the entry that it is entered at. */
  #setOrigin(root: RegionNode): void {
    const e = this.#e;
    e.loadSlot(COMMON.codePage).set(this.#origin);
    for (const [n, edge] of root.edges.entries()) {
      if (!isInside(edge) || sameAddress(edge.node.page, this.#originPage)) continue;
      const { lo, hi } = subAddress(this.#originPage, edge.node.page);
      e.get(ENTRY).i32(n).op(W.i32Eq).if();
      e.get(this.#origin).i64(lo, hi).op(W.i64Add).set(this.#origin).end();
    }
  }

  /** Pushes an address of code. */
  #address(at: Address): void {
    const e = this.#e;
    if (!this.#slides) {
      e.i64(at.lo, at.hi);
      return;
    }
    const { lo, hi } = subAddress(at, this.#originPage);
    e.get(this.#origin).i64(lo, hi).op(W.i64Add);
  }

  /** Counts down, and does something when that comes to zero. */
  #countDown(countdown: number, then: () => void): void {
    const e = this.#e;
    const at = this.#o.counters + countdown;
    e.i32(at).area().i32(at).load(W.i32Load, 0).i32(1).op(W.i32Sub).mem(W.i32Store, 0);
    e.i32(at).load(W.i32Load, 0).op(W.i32Eqz).if();
    then();
    e.end();
  }

  /** Tells the engine at once of the place in tier 0: the rest of the budget goes back. */
  #interrupt(): void {
    const e = this.#e;
    e.storeLocal(COMMON.slowIp, this.#ip);
    this.#tellRegion();
    e.storeSlot(COMMON.budgetReturned, () => {
      e.loadSlot(COMMON.budgetReturned).get(BUDGET).op(W.i32Add).i32(1).op(W.i32Add);
    });
    e.i32(-1).set(BUDGET);
  }

  /** Counts down at a slow exit; the engine is told of the one that comes to zero. */
  #countSlow(): void {
    const e = this.#e;
    this.#count('slow');
    this.#countDown(SLOW_COUNTDOWN, () => {
      e.storeLocal(COMMON.slowIp, this.#ip);
      // The slow access that follows looks at it.
      e.storeSlot(COMMON.exitRequest, () => e.i32(1));
      this.#tellRegion();
    });
  }

  #tellRegion(): void {
    const e = this.#e;
    e.storeSlot(COMMON.slowRegion, () => e.i32(this.#o.number));
    e.storeSlot(COMMON.slowPage, () => this.#address(this.#originPage));
  }

  /** Goes on at a pc, and leaves it among the last targets of the jump, whose operation in tier 0 `#ip` says. */
  #noteJump(): void {
    const e = this.#e;
    const countdown = this.#o.counters + JUMP_COUNTDOWN;
    this.#count('jump');
    e.storeLocal(COMMON.pc, this.#pc);
    e.get(this.#ip).i32(countdown).load(W.i32Load, 0).i32(3).op(W.i32And).i32(2).op(W.i32Shl, W.i32Add).area();
    e.get(this.#pc).op(W.i32WrapI64).mem(W.i32Store, 8);
    this.#countDown(JUMP_COUNTDOWN, () => this.#interrupt());
    e.i32(0).set(this.#ip);
  }

  // --- structure ---

  #tree(node: RegionNode): void {
    if (node.isLoop || node.isMerge) this.#slots.forms = this.#formsBefore(node);
    const merges = node.dominated.filter((n) => n.isMerge).sort((a, b) => b.order - a.order);
    if (!node.isLoop) {
      this.#within(node, merges, 0);
      return;
    }
    this.#loopLabels.set(node, this.#e.loop());
    this.#within(node, merges, 0);
    this.#e.end();
  }

  /** The node's code inside a block for each merge that follows it, the last merge outermost. */
  #within(node: RegionNode, merges: readonly RegionNode[], from: number): void {
    const merge = merges[from];
    if (merge === undefined) {
      this.#node(node);
      this.#e.op(W.unreachable);
      return;
    }
    this.#mergeLabels.set(merge, this.#e.block());
    this.#within(node, merges, from + 1);
    this.#e.end();
    this.#tree(merge);
    this.#e.op(W.unreachable);
  }

  #node(node: RegionNode): void {
    const { insns, terminal } = node.code;
    if (insns.some(asksForCount)) this.#pay();
    const last = terminal.kind === 'end' && terminal.args.length > 0 ? insns.length - 1 : -1;
    for (let from = 0; from < insns.length; ) from = this.#segment(node, from, last);
    if (terminal.kind === 'dispatch') {
      this.#dispatch(node);
      return;
    }
    if (terminal.kind === 'leave') {
      this.#leave(node, node, terminal.insn, 'tier0');
      return;
    }
    this.#owed += node.head;
    const [value] = terminal.args;
    if (value === undefined) {
      this.#follow(node, node.edges[0]);
    } else if (node.skipped !== undefined) {
      this.#skip(node.skipped, value);
      this.#follow(node, node.edges[0]);
    } else if (terminal.end.kind === 'gotoIf') this.#branch(node, value);
    else this.#indirect(node, value);
  }

  /**
   * Instructions from a number on whose accesses share a way out, where slots are in the forms that they have here: a way out of
   * each access's own would fill the whole locals of all slots. Gives the number of the next instruction.
   */
  #segment(node: RegionNode, from: number, last: number): number {
    const e = this.#e;
    const { insns } = node.code;
    let to = from;
    let accesses = 0;
    for (; to < insns.length && accesses < SEGMENT_ACCESSES; to++) if (leavesAt(insns[to] ?? [])) accesses++;
    if (accesses === 0) {
      for (let index = from; index < to; index++)
        this.#insn(node, index, { ...NOWHERE, index, isDirect: index !== last });
      return to;
    }
    const forms = this.#formsInside(node, from, to);
    const cacheOf = (access: Node): PageCache | undefined => this.#caches.of(node, access);
    const after = e.block();
    const label = e.block();
    for (let index = from; index < to; index++) {
      const leave = (): void => {
        this.#aside(() => this.#slots.become(forms, this.#modified));
        e.i32(placeOf(node, index)).set(this.#ip).br(label);
      };
      const unaligned = this.#o.isUnaligned(node, index);
      const spanOf = (kind: SpanKind): Span | undefined => this.#spans.of(node, index, kind);
      this.#insn(node, index, { index, isDirect: index !== last, unaligned, spanOf, cacheOf, leave });
    }
    e.br(after).end();
    this.#aside(() => {
      this.#slots.forms = forms;
      this.#slots.fillWhole(this.#modified);
      this.#pay();
      e.br(this.#slowLabel);
    });
    e.end();
    return to;
  }

  #insn(node: RegionNode, index: number, place: InsnPlace): void {
    this.#insns.emit(node.code.insns[index] ?? [], place);
    if (place.isDirect) this.#insns.commit();
  }

  /** Forms that slots can be brought into from anywhere in a segment: narrow if all of its values for the slot follow alike. */
  #formsInside(node: RegionNode, from: number, to: number): Forms {
    const { sets } = this.#live;
    const { forms } = this.#slots;
    for (const d of node.code.definitions) {
      if (d.insn < from || d.insn >= to) continue;
      const n = sets.index(d.slot);
      forms[n] = (forms[n] ?? 0) & (d.depends ? 0 : d.most);
    }
    return forms;
  }

  /** Goes to the entry whose number the function was given, or an edge that goes through here. */
  #dispatch(node: RegionNode): void {
    const e = this.#e;
    const labels = node.edges.map(() => e.block()).reverse();
    e.get(ENTRY).brTable(labels);
    for (const edge of node.edges) {
      e.end();
      this.#aside(() => this.#follow(node, edge));
    }
  }

  /** Takes the instructions that have not been paid for from the budget: where ways meet, and where the region is left. */
  #pay(): void {
    if (this.#owed > 0) this.#e.get(BUDGET).i32(this.#owed).op(W.i32Sub).set(BUDGET);
    this.#owed = 0;
  }

  #branch(node: RegionNode, condition: Node): void {
    const e = this.#e;
    this.#insns.operand(condition);
    if (this.#insns.isPending) {
      e.set(this.#ip);
      this.#insns.commit();
      e.get(this.#ip);
    } else this.#insns.commit();
    e.if();
    this.#aside(() => this.#follow(node, node.edges[0]));
    e.else();
    this.#follow(node, node.edges[1]);
    e.end();
  }

  /** Executes what a branch skips, and keeps it only where the branch would not. */
  #skip({ insns, statements, onTaken }: Skipped, condition: Node): void {
    const e = this.#e;
    this.#insns.operand(condition);
    e.set(this.#ip);
    this.#insns.commit();
    this.#insns.emit(statements, { ...NOWHERE, isDirect: false });
    this.#insns.commitIf(this.#ip, onTaken);
    e.get(BUDGET);
    const [taken, other] = onTaken ? [insns, 0] : [0, insns];
    e.i32(taken + this.#owed)
      .i32(other + this.#owed)
      .get(this.#ip)
      .op(W.select, W.i32Sub)
      .set(BUDGET);
    this.#owed = 0;
  }

  #formsBefore(node: RegionNode): Forms {
    const forms = this.#forms.get(node);
    if (forms === undefined) throw new Error('a node that is not in the region');
    return forms;
  }

  /** Emits code that does not go on behind it, where slots and what is owed are as they were. */
  #aside(code: () => void): void {
    const { forms } = this.#slots;
    const owed = this.#owed;
    code();
    this.#slots.forms = forms;
    this.#owed = owed;
  }

  #indirect(node: RegionNode, pc: Node): void {
    const e = this.#e;
    const choice = findChoice(node, pc);
    this.#insns.operand(choice?.pc ?? pc);
    e.set(this.#pc);
    if (choice !== undefined) {
      this.#insns.operand(choice.condition);
      e.set(this.#ip);
    }
    this.#insns.commit();
    if (choice !== undefined) {
      e.get(this.#ip).op(W.i32Eqz).if();
      this.#aside(() => this.#follow(node, choice.otherwise.edge));
      e.end();
    }
    for (const target of node.targets) {
      if (target === choice?.otherwise) continue;
      e.get(this.#pc);
      this.#address(target);
      e.op(W.i64Eq).if();
      this.#aside(() => this.#follow(node, target.edge));
      e.end();
    }
    e.i32(node.block.tail).set(this.#ip);
    this.#writeBack(this.#live.dirtyAfter(node));
    this.#pay();
    e.br(this.#jumpLabel);
  }

  #follow(node: RegionNode, edge: Edge | undefined): void {
    if (edge === undefined) throw new Error('a block without a successor');
    if (!isInside(edge)) {
      this.#exit(node, edge);
      return;
    }
    const e = this.#e;
    const next = edge.node;
    const to = edge.kind === 'entry' ? edge.to : next;
    if (edge.checked || to.block.second !== undefined) {
      if (to.block.second === undefined) this.#unlessFound(to);
      else this.#unlessSecond(to.block.second);
      e.if();
      this.#aside(() => this.#exit(node, edge.otherwise));
      e.end();
    }
    if (node.code.terminal.kind !== 'dispatch' && !sameAddress(node.page, to.page))
      e.storeSlot(COMMON.codePage, () => this.#address(to.page));
    if (next.order <= node.order) {
      this.#pay();
      // Tier 0 counts the last instructions of a budget.
      e.get(BUDGET).i32(this.#longest).op(W.i32LtS).if();
      this.#leave(node, to, 0, 'budget');
      e.end();
      if (edge.kind === 'entry') e.i32(edge.entry).set(ENTRY);
      this.#slots.become(this.#formsBefore(next));
      e.br(labelOf(this.#loopLabels, next));
      return;
    }
    if (next.isMerge || next.isLoop) this.#slots.become(this.#formsBefore(next));
    if (next.isMerge || next.isLoop) this.#pay();
    if (next.isMerge) e.br(labelOf(this.#mergeLabels, next));
    else this.#tree(next);
  }

  /** Pushes whether the jump cache does not have the node's block at its pc: its page may mean something else by now. */
  #unlessFound(node: RegionNode): void {
    const e = this.#e;
    const { mode, start } = node.block;
    const [entry, at] = this.#jumpEntry(node.start);
    e.get(entry).load(W.i64Load, at);
    this.#address(node.start);
    e.op(W.i64Ne);
    // The block and its region's entry before it differ in bit 4.
    e.get(entry)
      .load(W.i64Load, at + 8)
      .i64(-1, ~16)
      .op(W.i64And)
      .i64(mode, start & ~16)
      .op(W.i64Ne);
    e.op(W.i32Or);
  }

  /** Pushes whether the TLB has a block's second page not, or elsewhere. */
  #unlessSecond({ entry, tag, addend }: SecondPage): void {
    const e = this.#e;
    e.get(CPU)
      .load(W.i64Load, entry)
      .i64(...tag)
      .op(W.i64Ne);
    e.get(CPU)
      .load(W.i64Load, entry + 8)
      .i64(...addend)
      .op(W.i64Ne, W.i32Or);
  }

  /** The place of an address in the jump cache: a local, and what is to be added to it. */
  #jumpEntry(address: Address): readonly [local: number, offset: number] {
    if (!this.#slides) return [CPU, JUMP_CACHE + jumpCacheIndex(address.lo) * 16];
    const e = this.#e;
    this.#jump ??= e.local('i32');
    this.#address(address);
    e.op(W.i32WrapI64).tee(this.#jump).i32(1).op(W.i32ShrU).get(this.#jump).i32(13).op(W.i32ShrU, W.i32Xor);
    e.i32(JUMP_CACHE_ENTRIES - 1)
      .op(W.i32And)
      .i32(4)
      .op(W.i32Shl)
      .get(CPU)
      .op(W.i32Add)
      .set(this.#jump);
    return [this.#jump, JUMP_CACHE];
  }

  #exit(node: RegionNode, exit: Exit): void {
    const e = this.#e;
    if (exit.kind === 'word') e.i32(exit.word).load(W.i32Load, 0);
    else {
      e.storeSlot(COMMON.pc, () => this.#address(exit));
      e.i32(0);
    }
    e.set(this.#ip);
    this.#count(exit.kind === 'word' ? 'link' : 'jump');
    this.#writeBack(this.#live.dirtyAfter(node));
    this.#pay();
    e.br(this.#exitLabel);
  }

  #count(why: RegionExit): void {
    const at = this.#o.counters + REGION_EXITS.indexOf(why) * 4;
    this.#e.i32(at).area().i32(at).load(W.i32Load, 0).i32(1).op(W.i32Add).mem(W.i32Store, 0);
  }

  /** Stores slots that may have been changed. */
  #writeBack(slots: bigint): void {
    for (const slot of this.#live.sets.in(slots)) this.#slots.store(slot);
  }

  /** Leaves `node` to tier 0 at an instruction of `at`'s block, which has not been paid for. */
  #leave(node: RegionNode, at: RegionNode, insn: number, why: RegionExit): void {
    this.#e.i32(placeOf(at, insn)).set(this.#ip);
    this.#count(why);
    this.#writeBack(this.#live.dirtyAfter(node));
    this.#pay();
    this.#e.br(this.#exitLabel);
  }
}

/** A jump that is made under a condition, as by a conditional return: else control goes on at an address that is a target. */
interface Choice {
  readonly condition: Node;
  readonly pc: Node;
  readonly otherwise: Target;
}

function findChoice(node: RegionNode, { op, uses, args }: Node): Choice | undefined {
  const [condition, pc, other] = args;
  const constant = constantOf(other);
  if (op !== SELECT || uses !== 1 || condition === undefined || pc === undefined || constant === undefined)
    return undefined;
  const address = addressIn(node, constant.lo, constant.hi);
  const otherwise = node.targets.find((target) => sameAddress(target, address));
  return otherwise && { condition, pc, otherwise };
}

const SELECT = pureOp('select.i64');

/** Whether statements ask for the number of instructions, which follows from the budget that is left. */
function asksForCount(statements: readonly Node[]): boolean {
  return statements.some(({ kind, detail: d }) => {
    if (d.kind === 'if') return asksForCount(d.taken) || asksForCount(d.otherwise);
    return d.kind === 'loop' ? asksForCount(d.body) : kind === 'count';
  });
}

/** Where tier 0 has an instruction of a node's block. */
function placeOf({ block }: RegionNode, insn: number): number {
  return insn === 0 ? block.start : block.ipOf(insn);
}

function labelOf(labels: ReadonlyMap<RegionNode, number>, node: RegionNode): number {
  const label = labels.get(node);
  if (label === undefined) throw new Error('a branch to where no label is');
  return label;
}

/** Instructions on the longest way that does not go back. */
function longestPath(nodes: readonly RegionNode[]): number {
  const longest = new Map<RegionNode, number>();
  for (const n of [...nodes].reverse()) {
    const own = n.code.terminal.kind === 'end' ? n.insns : 0;
    const after = n.successors().filter((s) => s.order > n.order);
    longest.set(n, own + Math.max(0, ...after.map((s) => longest.get(s) ?? 0)));
  }
  return Math.max(...longest.values());
}
