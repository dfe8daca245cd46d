/** The locals of a region's slots: of each 64-bit slot two, one for its value and one for the low half from which that follows. */
import type { Slot } from '../ir/types.ts';
import { W } from '../wasm/opcodes.ts';
import type { Emitter } from './emitter.ts';
import { type Extension, KEEP, known } from './extension.ts';
import type { Forms } from './forms.ts';
import type { SlotSets } from './liveness.ts';

/** Whole, extended, in halves. */
const kindOf = (form: Extension): number => (form === KEEP ? KEEP : Math.min(form, 1));

export class SlotLocals {
  readonly #e: Emitter;
  readonly #sets: SlotSets;
  readonly #whole: number[] = [];
  readonly #low: number[] = [];
  /** In which of its locals each slot is now. */
  #forms: Forms;

  constructor(e: Emitter, sets: SlotSets) {
    this.#e = e;
    this.#sets = sets;
    this.#forms = new Uint8Array(sets.slots.length);
  }

  /** Whether a slot has locals. */
  has(slot: Slot): boolean {
    return this.#sets.index(slot) < this.#sets.slots.length;
  }

  /** Not 0 where the slot is in its i32 local. */
  extension(slot: Slot): Extension {
    return this.#forms[this.#sets.index(slot)] ?? 0;
  }

  /** The local that a slot is in; of one in halves the low one's. */
  current(slot: Slot): number {
    return this.#local(slot, this.extension(slot));
  }

  /** The local that a new value of the slot goes to, in this form. */
  define(slot: Slot, extension: Extension): number {
    this.#forms[this.#sets.index(slot)] = extension;
    return this.#local(slot, extension);
  }

  /** The local of a slot's whole value, or of its high half. */
  whole(slot: Slot): number {
    return this.#local(slot, 0);
  }

  /** Writes a slot to the state. */
  store(slot: Slot): void {
    const form = this.extension(slot);
    if (form === KEEP) this.#e.storeLocal(slot, this.whole(slot)).storeLow(slot, this.current(slot));
    else this.#e.storeLocal(slot, this.current(slot), form);
  }

  /** The forms of all slots now. */
  get forms(): Forms {
    return this.#forms.slice();
  }

  /** Says which forms the slots are in where code goes on that is reached from elsewhere. */
  set forms(forms: Forms) {
    this.#forms = forms.slice();
  }

  /** Brings slots into these forms: all, or those that matter. */
  become(forms: Forms, only?: ReadonlySet<Slot>): void {
    const { slots } = this.#sets;
    for (let n = 0; n < slots.length; n++) {
      const from = this.#forms[n] ?? 0;
      const to = forms[n] ?? 0;
      if (from === to || kindOf(from) === kindOf(to)) continue;
      const slot = slots[n];
      if (slot === undefined || only?.has(slot) === false) continue;
      // What is extended, or in halves, has its low half in place; the high half is in the local of the whole.
      if (from !== 0) this.#fillWhole(slot, from);
      else this.#e.get(this.whole(slot)).op(W.i32WrapI64).set(this.#local(slot, to));
    }
    this.forms = forms;
  }

  /** Brings one slot into its whole local. */
  makeWhole(slot: Slot): void {
    if (this.extension(slot) === 0) return;
    this.fillWhole([slot]);
    this.define(slot, 0);
  }

  /** Fills the whole locals of these slots, on a way that does not come back. */
  fillWhole(slots: Iterable<Slot>): void {
    for (const slot of slots) this.#fillWhole(slot, this.extension(slot));
  }

  /** Gets a slot ready for a new low half: its high half is in the local of the whole afterwards. */
  fillHigh(slot: Slot): void {
    if (known(this.extension(slot)) !== 0) this.#fillWhole(slot, this.extension(slot));
  }

  #fillWhole(slot: Slot, form: Extension): void {
    if (form === 0) return;
    const [whole, low] = [this.whole(slot), this.#local(slot, form)];
    if (form === KEEP) this.#e.halves(whole, low);
    else this.#e.get(low).extend(form);
    this.#e.set(whole);
  }

  #local(slot: Slot, extension: Extension): number {
    const n = this.#sets.index(slot);
    if (n >= this.#sets.slots.length) throw new Error(`${slot.name} has no local`);
    const locals = extension === 0 ? this.#whole : this.#low;
    const known = locals[n];
    if (known !== undefined) return known;
    const local = this.#e.local(extension === 0 ? slot.ty : 'i32');
    locals[n] = local;
    return local;
  }
}
