/**
 * Compiles the instructions of a block into the function of a region. Slots of the architecture are locals of the function;
 * an instruction changes them at its end, so that it can be left to tier 0 at any access.
 */
import type { Helper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';
import type { Slot } from '../ir/types.ts';
import { COMMON } from '../state.ts';
import { W } from '../wasm/opcodes.ts';
import type { AccessEmitter, Lookup } from './access.ts';
import { endsBlock, isKept } from './block-code.ts';
import { helperEffects } from './effects.ts';
import { BUDGET, CPU, type Emitter } from './emitter.ts';

/** What the instructions of a region have in common. */
export interface InsnContext {
  readonly e: Emitter;
  readonly access: AccessEmitter;
  /** Local of a slot. */
  slotLocal(slot: Slot): number;
  /** Slots that have a local, and those of them that some path to an exit may have changed. */
  readonly touched: ReadonlySet<Slot>;
  readonly modified: ReadonlySet<Slot>;
  /** Number of the function of a helper. */
  functionOf(helper: Helper): number;
  /** Helper for an atomic operation on the host address. */
  atomicHelper(node: Node): Helper;
}

/** Where instructions are compiled. */
export interface InsnPlace {
  /** Number in the block. */
  readonly index: number;
  /** Nothing reads a slot after the last statement of the instruction. */
  readonly isDirect: boolean;
  /** Accesses that are often misaligned. */
  readonly unaligned: boolean;
  /** Emits the exit to tier 0, which repeats the instruction. */
  readonly leave: () => void;
}

export class InsnEmitter {
  readonly #c: InsnContext;
  readonly #e: Emitter;
  #place: InsnPlace = { index: 0, isDirect: true, unaligned: false, leave: () => {} };
  /** Values that slots get at the end of the instruction. */
  readonly #pending = new Map<Slot, number>();
  /** Slots whose pending local may be set more than once: a read of them is copied. */
  readonly #variable = new Set<Slot>();
  /** Slots that calls of this instruction change: reads before are copied. */
  readonly #volatile = new Set<Slot>();

  constructor(c: InsnContext) {
    this.#c = c;
    this.#e = c.e;
  }

  /** Compiles an instruction; what it sets is set when `commit` is called. */
  emit(statements: readonly Node[], place: InsnPlace): void {
    this.#place = place;
    this.#pending.clear();
    this.#variable.clear();
    this.#volatile.clear();
    this.#noteCalls(statements);
    const last = place.isDirect ? statements.at(-1) : undefined;
    for (const node of statements) this.#statement(node, node === last);
  }

  /** Sets the slots; values computed before are not to be used after. */
  commit(): void {
    for (const [slot, local] of this.#pending) this.#e.get(local).set(this.#c.slotLocal(slot));
    this.#pending.clear();
    this.#e.freeTemps();
  }

  /** Whether something is still to be set. */
  get isPending(): boolean {
    return this.#pending.size > 0;
  }

  /** Pushes a value. */
  operand(node: Node): void {
    if (node.detail.kind === 'const') this.#e.constant(node.ty, node.lo, node.hi);
    else if (node.mark >= 0) this.#e.get(node.mark);
    else this.#pure(node);
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
        if (node.uses > 1) this.#keep(node, () => this.#pure(node));
        return;
      case 'local':
        node.mark = this.#e.temp(node.ty);
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
      this.#e.get(this.#current(slot)).set(local);
      this.#pending.set(slot, local);
      this.#variable.add(slot);
    }
  }

  #current(slot: Slot): number {
    return this.#pending.get(slot) ?? this.#c.slotLocal(slot);
  }

  #get(node: Node, slot: Slot): void {
    if (!isKept(slot)) this.#keep(node, () => this.#e.loadSlot(slot));
    else if (this.#variable.has(slot) || this.#volatile.has(slot)) {
      this.#keep(node, () => this.#e.get(this.#current(slot)));
    } else node.mark = this.#current(slot);
  }

  #set(node: Node, slot: Slot, isLast: boolean): void {
    const e = this.#e;
    if (!isKept(slot)) {
      e.storeSlot(slot, () => this.#argument(node, 0));
      return;
    }
    this.#argument(node, 0);
    const pending = this.#pending.get(slot);
    if (this.#variable.has(slot) && pending !== undefined) e.set(pending);
    else if (isLast && pending === undefined && this.#pending.size === 0) e.set(this.#c.slotLocal(slot));
    else {
      const local = e.temp(slot.ty);
      e.set(local);
      this.#pending.set(slot, local);
    }
  }

  #keep(node: Node, value: () => void): void {
    if (node.uses === 0 && node.detail.kind !== 'call') return;
    value();
    node.mark = this.#e.temp(node.ty);
    this.#e.set(node.mark);
  }

  #argument(node: Node, n: number): void {
    const arg = node.args[n];
    if (arg === undefined) throw new Error(`${node.kind} lacks an operand`);
    this.operand(arg);
  }

  #pure(node: Node): void {
    if (node.detail.kind !== 'pure') throw new Error(`${node.kind} is used before it is computed`);
    const { op } = node.detail;
    const [a, b, c] = node.args;
    if (op.name.startsWith('select') && a !== undefined && b !== undefined && c !== undefined) {
      this.operand(b);
      this.operand(c);
      this.operand(a);
    } else for (const arg of node.args) this.operand(arg);
    this.#e.code(op.code);
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
        const lookup = this.#lookup(d.access, false);
        this.#argument(node, 0);
        access.lookup(lookup, leave);
        access.hostAddress(lookup);
        access.load(d.access, node.ty);
        node.mark = this.#e.temp(node.ty);
        this.#e.set(node.mark);
        return;
      }
      case 'store': {
        const lookup = this.#lookup(d.access, true);
        this.#argument(node, 0);
        access.lookup(lookup, leave);
        access.hostAddress(lookup);
        this.#argument(node, 1);
        access.store(d.access, node.args[1]?.ty ?? 'i64');
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
        node.mark = this.#e.temp(node.ty);
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

  #lookup(
    a: { readonly mmu: number; readonly size: number; readonly align: 'any' | 'natural' },
    store: boolean,
  ): Lookup {
    return { mmu: a.mmu, store, size: a.size, unaligned: this.#place.unaligned && a.align === 'any' };
  }

  // --- helpers ---

  /** Slots that the helper reads go to memory before; those that it writes come from there. */
  #call(node: Node, helper: Helper): void {
    const e = this.#e;
    const effects = helperEffects(helper);
    if (effects === undefined) throw new Error(`${helper.name} is not for tier 1`);
    for (const slot of effects.reads) {
      if (isKept(slot) && this.#c.modified.has(slot)) e.storeSlot(slot, () => e.get(this.#c.slotLocal(slot)));
    }
    // A slot that is written on some paths only is read from memory on the others.
    for (const slot of effects.writes) {
      if (isKept(slot) && this.#c.modified.has(slot) && !effects.reads.has(slot)) {
        e.storeSlot(slot, () => e.get(this.#c.slotLocal(slot)));
      }
    }
    e.get(CPU);
    for (const arg of node.args) this.operand(arg);
    e.call(this.#c.functionOf(helper));
    if (node.type !== undefined) {
      node.mark = e.temp(node.ty);
      e.set(node.mark);
    }
    for (const slot of effects.writes) if (this.#c.touched.has(slot)) e.loadSlot(slot).set(this.#c.slotLocal(slot));
  }
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
