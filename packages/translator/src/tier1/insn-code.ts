/**
 * Compiles the instructions of a block into the function of a region. Slots of the architecture are locals of the function;
 * an instruction changes them at its end, so that it can be left to tier 0 at any access.
 */
import type { Helper } from '../ir/helper.ts';
import type { MemAccess, Node } from '../ir/nodes.ts';
import type { Slot } from '../ir/types.ts';
import { COMMON } from '../state.ts';
import { lowHalf } from '../tier0/fusing.ts';
import { W } from '../wasm/opcodes.ts';
import {
  type AccessEmitter,
  isLane,
  type Lookup,
  type Marks,
  type PageCache,
  type Reach,
  splitAddress,
} from './access.ts';
import { endsBlock, isKept } from './block-code.ts';
import { helperEffects } from './effects.ts';
import { BUDGET, CPU, type Emitter } from './emitter.ts';
import { type Extension, KEEP, known } from './extension.ts';
import { fastPathOf } from './fast-path.ts';
import { reachesOf } from './reaches.ts';
import type { SlotLocals } from './slot-locals.ts';
import type { Span, SpanKind } from './spans.ts';
import { ValueEmitter } from './value-code.ts';

/** What the instructions of a region have in common. */
export interface InsnContext {
  readonly e: Emitter;
  readonly access: AccessEmitter;
  /** Where stores in spans are marked. */
  readonly marks: Marks | undefined;
  readonly slots: SlotLocals;
  /** Slots that some path to an exit may have changed. */
  readonly modified: ReadonlySet<Slot>;
  /** Number of the function of a helper. */
  functionOf(helper: Helper): number;
  /** Helper for an atomic operation on the host address. */
  atomicHelper(node: Node): Helper;
}

/** A local, and how its i32 is to be extended, 0 where it is not; with `KEEP` it is the low half, and `whole` has the high one. */
interface Held {
  readonly local: number;
  readonly extension: Extension;
  readonly whole: number;
}

/** Where instructions are compiled. */
export interface InsnPlace {
  /** Number in the block. */
  readonly index: number;
  /** Nothing reads a slot after the last statement of the instruction. */
  readonly isDirect: boolean;
  /** Accesses that are often misaligned. */
  readonly unaligned: boolean;
  /** The span that its accesses of a kind are compared with. */
  readonly spanOf: (kind: SpanKind) => Span | undefined;
  /** Where an access may find its page without the TLB. */
  readonly cacheOf: (access: Node) => PageCache | undefined;
  /** Emits the exit to tier 0, which repeats the instruction. */
  readonly leave: () => void;
}

/** Of instructions without accesses. */
export const NOWHERE: InsnPlace = {
  index: 0,
  isDirect: true,
  unaligned: false,
  spanOf: () => undefined,
  cacheOf: () => undefined,
  leave: () => {},
};

export class InsnEmitter {
  readonly #c: InsnContext;
  readonly #e: Emitter;
  readonly #values: ValueEmitter;
  #place = NOWHERE;
  /** Values that slots get at the end of the instruction. */
  readonly #pending = new Map<Slot, Held>();
  /** Slots whose pending local may be set more than once: a read of them is copied. */
  readonly #variable = new Set<Slot>();
  /** Of accesses that are looked up together. */
  #reaches: ReadonlyMap<Node, Reach | 'looked up'> = new Map();
  /** Slots that calls of this instruction change: reads before are copied. */
  readonly #volatile = new Set<Slot>();

  constructor(c: InsnContext) {
    this.#c = c;
    this.#e = c.e;
    this.#values = new ValueEmitter(c.e);
  }

  /** Compiles an instruction; what it sets is set when `commit` is called. */
  emit(statements: readonly Node[], place: InsnPlace): void {
    this.#place = place;
    this.#pending.clear();
    this.#variable.clear();
    this.#volatile.clear();
    this.#noteCalls(statements);
    this.#reaches = reachesOf(statements);
    const last = place.isDirect ? statements.at(-1) : undefined;
    for (const node of statements) this.#statement(node, node === last);
  }

  /** Sets the slots; values computed before are not to be used after. */
  commit(): void {
    for (const [slot, held] of this.#pending) this.#e.get(held.local).set(this.#c.slots.define(slot, held.extension));
    this.#pending.clear();
    this.#e.freeTemps();
  }

  /** Sets the slots if a local, a condition, is not 0, or if it is. */
  commitIf(condition: number, isWanted: boolean): void {
    const e = this.#e;
    const { slots } = this.#c;
    for (const [slot, held] of this.#pending) {
      if (held.extension === KEEP) {
        this.#selectLow(slot, held.local, condition, isWanted);
        continue;
      }
      const kept: Held = { local: slots.current(slot), extension: slots.extension(slot), whole: slots.whole(slot) };
      const extension = known(held.extension & kept.extension);
      for (const value of isWanted ? [held, kept] : [kept, held]) {
        if (extension === 0) this.#push(value);
        else e.get(value.local);
      }
      e.get(condition).op(W.select).set(slots.define(slot, extension));
    }
    this.#pending.clear();
    e.freeTemps();
  }

  /** Sets the low half of a slot, whose high one is in place, or leaves it. */
  #selectLow(slot: Slot, low: number, condition: number, isWanted: boolean): void {
    const e = this.#e;
    const { slots } = this.#c;
    const kept = (): void => {
      e.get(slots.current(slot));
      if (slots.extension(slot) === 0) e.op(W.i32WrapI64);
    };
    if (!isWanted) kept();
    e.get(low);
    if (isWanted) kept();
    e.get(condition).op(W.select).set(slots.define(slot, KEEP));
  }

  /** Whether something is still to be set. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Pushes a value. */
  operand(node: Node): void {
    this.#values.operand(node);
  }

  #noteCalls(list: readonly Node[]): void {
    for (const node of list) {
      const d = node.detail;
      if (d.kind === 'call') for (const slot of helperEffects(d.helper)?.writes ?? []) this.#volatile.add(slot);
      else if (d.kind === 'if') {
        this.#noteCalls(d.taken);
        this.#noteCalls(d.otherwise);
      } else if (d.kind === 'loop') this.#noteCalls(d.body);
    }
  }

  #statement(node: Node, isLast: boolean): void {
    const d = node.detail;
    switch (d.kind) {
      case 'get':
        this.#get(node, d.slot);
        return;
      case 'set':
        this.#set(node, d.slot, isLast);
        return;
      case 'pure':
        node.mark = -1;
        if (node.uses > 1) this.#keepValue(node);
        return;
      case 'local':
        this.#mark(node, this.#e.temp(node.ty));
        this.#e.zero(node.ty).set(node.mark);
        return;
      case 'getLocal':
        this.#keep(node, () => this.#e.get(d.local.mark));
        return;
      case 'setLocal':
        this.#argument(node, 0);
        this.#e.set(d.local.mark);
        return;
      case 'load':
      case 'store':
      case 'rmw':
      case 'cas':
      case 'probe':
        this.#memory(node);
        return;
      case 'call':
        this.#call(node, d.helper);
        return;
      case 'count':
        this.#keep(node, () => this.#count());
        return;
      case 'cpuBase':
        this.#keep(node, () => this.#e.get(CPU));
        return;
      default:
        this.#control(node);
    }
  }

  #control(node: Node): void {
    const d = node.detail;
    const e = this.#e;
    switch (d.kind) {
      case 'if':
        this.#makeVariable(node);
        this.#argument(node, 0);
        e.if();
        this.#branch(d.taken);
        if (d.otherwise.length > 0) {
          e.else();
          this.#branch(d.otherwise);
        }
        e.end();
        return;
      case 'loop': {
        this.#makeVariable(node);
        const exit = e.block();
        const top = e.loop();
        this.#exits.push(exit);
        for (const n of d.body) this.#statement(n, false);
        this.#exits.pop();
        e.br(top).end().end();
        return;
      }
      case 'breakIf': {
        const exit = this.#exits.at(-1);
        if (exit === undefined) throw new Error('breakIf outside a loop');
        this.#argument(node, 0);
        e.brIf(exit);
        return;
      }
      case 'return':
        this.#argument(node, 0);
        e.set(this.#answer.result).br(this.#answer.label);
        return;
      default:
        throw new Error(`${d.kind} is not for tier 1`);
    }
  }

  readonly #exits: number[] = [];

  #branch(list: readonly Node[]): void {
    if (endsBlock(list)) this.#place.leave();
    else for (const n of list) this.#statement(n, false);
  }

  /** Gives the slots that are set inside `if` or `loop` a local that can be set on some paths only. */
  #makeVariable(node: Node): void {
    const slots = new Set<Slot>();
    collectSets(node, slots);
    for (const slot of slots) {
      if (this.#variable.has(slot)) continue;
      const local = this.#e.temp(slot.ty);
      this.#push(this.#current(slot));
      this.#e.set(local);
      this.#pending.set(slot, { local, extension: 0, whole: local });
      this.#variable.add(slot);
    }
  }

  #current(slot: Slot): Held {
    const { slots } = this.#c;
    const extension = slots.extension(slot);
    return this.#pending.get(slot) ?? { local: slots.current(slot), extension, whole: slots.whole(slot) };
  }

  /** Pushes all of what is held. */
  #push({ local, extension, whole }: Held): void {
    if (extension === KEEP) this.#e.halves(whole, local);
    else this.#e.get(local).extend(extension);
  }

  #get(node: Node, slot: Slot): void {
    // A slot that only helpers use has no local.
    if (!isKept(slot) || !this.#c.slots.has(slot)) this.#keep(node, () => this.#e.loadSlot(slot));
    else {
      const held = this.#current(slot);
      if (this.#variable.has(slot) || this.#volatile.has(slot)) this.#copy(node, held);
      else if (held.extension !== KEEP) this.#mark(node, held.local, held.extension);
      else {
        this.#mark(node, held.whole, KEEP);
        node.low = held.local;
      }
    }
  }

  /** Keeps what is held now. */
  #copy(node: Node, held: Held): void {
    if (node.uses === 0) return;
    const isNarrow = held.extension !== 0 && held.extension !== KEEP;
    const local = this.#e.temp(isNarrow ? 'i32' : node.ty);
    if (isNarrow) this.#e.get(held.local);
    else this.#push(held);
    this.#e.set(local);
    this.#mark(node, local, isNarrow ? held.extension : 0);
  }

  /** Notes which local holds a value, or its low half. */
  #mark(node: Node, local: number, extension: Extension = 0): void {
    node.mark = local;
    node.extension = extension;
  }

  #set(node: Node, slot: Slot, isLast: boolean): void {
    const e = this.#e;
    if (!isKept(slot)) {
      e.storeSlot(slot, () => this.#argument(node, 0));
      return;
    }
    const pending = this.#pending.get(slot);
    if (this.#variable.has(slot) && pending !== undefined) {
      this.#argument(node, 0);
      e.set(pending.local);
      return;
    }
    const extension = this.#pushFor(slot, argumentOf(node, 0));
    if (isLast && pending === undefined && this.#pending.size === 0) e.set(this.#c.slots.define(slot, extension));
    else {
      const local = e.temp(extension === 0 ? slot.ty : 'i32');
      e.set(local);
      this.#pending.set(slot, { local, extension, whole: extension === KEEP ? this.#c.slots.whole(slot) : local });
    }
  }

  /** Pushes a value for a slot, or the low half of it; gives the form that the slot is in with that. */
  #pushFor(slot: Slot, value: Node): Extension {
    const values = this.#values;
    const low = this.#pending.has(slot) || this.#volatile.has(slot) ? undefined : lowHalf(slot, value);
    if (low !== undefined) {
      this.#c.slots.fillHigh(slot);
      if (low.type === 'i64') values.narrow(low);
      else values.operand(low);
      return KEEP;
    }
    const extension = slot.ty === 'i64' ? values.extension(value) : 0;
    if (extension === 0) values.operand(value);
    else values.narrow(value);
    return extension;
  }

  #keep(node: Node, value: () => void): void {
    if (node.uses === 0 && node.detail.kind !== 'call') return;
    value();
    this.#mark(node, this.#e.temp(node.ty));
    this.#e.set(node.mark);
  }

  /** Computes a value that is used more than once. */
  #keepValue(node: Node): void {
    const values = this.#values;
    const isNarrow = values.isNarrow(node);
    if (isNarrow) values.narrow(node);
    else values.operand(node);
    this.#mark(node, this.#e.temp(isNarrow ? 'i32' : node.ty), isNarrow ? values.extension(node) : 0);
    this.#e.set(node.mark);
  }

  #argument(node: Node, n: number): void {
    this.#values.operand(argumentOf(node, n));
  }

  /** Pushes the low half of an operand. */
  #narrow(node: Node, n: number): void {
    this.#values.narrow(argumentOf(node, n));
  }

  /** Instructions before this one since reset. */
  #count(): void {
    const e = this.#e;
    e.loadSlot(COMMON.insnCount);
    e.loadSlot(COMMON.runBudget).loadSlot(COMMON.budgetReturned).op(W.i32Sub);
    e.loadSlot(COMMON.raised).op(W.i32Sub).get(BUDGET).op(W.i32Sub);
    e.i32(this.#place.index).op(W.i32Add, W.i64ExtendI32U).op(W.i64Add);
  }

  // --- guest memory ---

  #memory(node: Node): void {
    const { access } = this.#c;
    const { leave } = this.#place;
    const d = node.detail;
    switch (d.kind) {
      case 'load': {
        const offset = this.#locate(node, d.access, false);
        const extension = node.type === 'i64' ? this.#values.extension(node) : 0;
        const ty = extension === 0 ? node.ty : 'i32';
        access.load(d.access, ty, offset);
        this.#mark(node, this.#e.temp(ty), extension);
        this.#e.set(node.mark);
        return;
      }
      case 'store': {
        const offset = this.#locate(node, d.access, true);
        const { type = 'i64' } = argumentOf(node, 1);
        const isLow = type === 'i64' && d.access.size <= 4;
        if (isLow) this.#narrow(node, 1);
        else this.#argument(node, 1);
        access.store(d.access, isLow ? 'i32' : type, offset);
        return;
      }
      case 'rmw':
      case 'cas': {
        const lookup = { ...this.#lookup(d.access, true), unaligned: false };
        this.#argument(node, 0);
        access.lookup(lookup, leave);
        this.#e.get(CPU);
        access.hostOffset(lookup);
        for (let i = 1; i < node.args.length; i++) this.#argument(node, i);
        this.#e.call(this.#c.functionOf(this.#c.atomicHelper(node)));
        this.#mark(node, this.#e.temp(node.ty));
        this.#e.set(node.mark);
        return;
      }
      case 'probe':
        this.#argument(node, 0);
        access.probe({ mmu: d.mmu, store: d.write, size: 1, unaligned: false }, () => this.#argument(node, 1), leave);
        return;
      default:
        throw new Error(`${d.kind} is no access`);
    }
  }

  /** Pushes the index of a load or store in the memory, less the bytes that it returns. */
  #locate(node: Node, a: MemAccess, store: boolean): number {
    const { access } = this.#c;
    const { leave, cacheOf, spanOf } = this.#place;
    const lookup = this.#lookup(a, store);
    const span = spanOf(lookup);
    if (span !== undefined) {
      const [base, offset] = splitAddress(argumentOf(node, 0));
      this.#values.operand(base);
      const reach = this.#reaches.get(node) ?? [offset, offset];
      const marks = store ? this.#c.marks : undefined;
      // One that is aligned is in one page, which is all that has to be marked.
      const isAligned = a.align === 'natural' || marks !== undefined;
      if (reach !== 'looked up') {
        access.spannedLookup(lookup, span, reach, isAligned, leave);
        if (marks !== undefined) access.markStores(span, reach, marks);
        this.#e.get(access.va);
      }
      return access.spannedAddress(lookup, span, offset, isAligned, !store && isLane(a));
    }
    const cache = lookup.unaligned ? undefined : cacheOf(node);
    this.#argument(node, 0);
    if (cache === undefined) {
      access.lookup(lookup, leave);
      access.hostAddress(lookup);
    } else {
      access.cachedLookup(lookup, cache, leave);
      access.cachedAddress(cache);
    }
    return 0;
  }

  #lookup(
    a: { readonly mmu: number; readonly size: number; readonly align: 'any' | 'natural' },
    store: boolean,
  ): Lookup {
    return { mmu: a.mmu, store, size: a.size, unaligned: this.#place.unaligned && a.align === 'any' };
  }

  // --- helpers ---

  /** Calls a helper; where it has a fast path, that is tried here, or all of it done. */
  #call(node: Node, helper: Helper): void {
    const e = this.#e;
    const path = fastPathOf(helper);
    if (path === undefined) {
      this.#callOut(node, helper);
      return;
    }
    // Ways with and without the call leave slots in the same form.
    if (!path.isWhole) for (const slot of helperEffects(helper)?.writes ?? []) this.#c.slots.makeWhole(slot);
    for (const [n, param] of path.params.entries()) {
      const local = e.temp(param.ty);
      this.#argument(node, n);
      e.set(local);
      this.#mark(param, local);
    }
    const result = e.temp(node.ty);
    this.#answer = { label: e.block(), result };
    for (const statement of path.statements) if (statement.kind !== 'param') this.#statement(statement, false);
    if (!path.isWhole) {
      this.#callOut(node, helper);
      e.get(node.mark).set(result);
    }
    e.end();
    this.#mark(node, result);
  }

  /** Where the answer of a fast path goes. */
  #answer = { label: 0, result: 0 };

  /** Slots that the helper reads go to memory before; those that it writes come from there. */
  #callOut(node: Node, helper: Helper): void {
    const e = this.#e;
    const effects = helperEffects(helper);
    if (effects === undefined) throw new Error(`${helper.name} is not for tier 1`);
    const { slots, modified } = this.#c;
    for (const slot of effects.reads) if (isKept(slot) && modified.has(slot)) slots.store(slot);
    // A slot that is written on some paths only is read from memory on the others.
    for (const slot of effects.writes) {
      if (isKept(slot) && modified.has(slot) && !effects.reads.has(slot)) slots.store(slot);
    }
    e.get(CPU);
    for (const arg of node.args) this.operand(arg);
    e.call(this.#c.functionOf(helper));
    if (node.type !== undefined) {
      this.#mark(node, e.temp(node.ty));
      e.set(node.mark);
    }
    for (const slot of effects.writes) if (slots.has(slot)) e.loadSlot(slot).set(slots.define(slot, 0));
  }
}

function argumentOf(node: Node, n: number): Node {
  const arg = node.args[n];
  if (arg === undefined) throw new Error(`${node.kind} lacks an operand`);
  return arg;
}

function collectSets(node: Node, into: Set<Slot>): void {
  const d = node.detail;
  const list = d.kind === 'if' ? [d.taken, d.otherwise] : d.kind === 'loop' ? [d.body] : [];
  for (const part of list) {
    if (d.kind === 'if' && endsBlock(part)) continue;
    for (const n of part) {
      if (n.detail.kind === 'set' && isKept(n.detail.slot)) into.add(n.detail.slot);
      collectSets(n, into);
    }
  }
}
