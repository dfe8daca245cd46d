/** Instruments of one engine: the calls that translation puts into blocks for them, and what those calls do. */
import { type RamSpace, UserError } from '@boardwalk/core';
import type { TranslatedCpu } from '../engine/translated-cpu.ts';
import type { IrBuilder, Value } from '../ir/builder.ts';
import { defineHelper, defineTsHelper, type TsHelper } from '../ir/helper.ts';
import { COMMON } from '../state.ts';
import type { CodePlace, Counter, Instrument, MemoryAccess, Probe } from './instrument.ts';

const COUNTER_BYTES = 8;
/** Counters are reserved by so many. */
const COUNTERS_AT_ONCE = 1024;

const count = defineHelper('instrument_count', ['i32'], undefined, (b, at) => {
  const word = { size: 8 } as const;
  b.hostStore(at, b.add(b.hostLoad(at, word), b.i64(1)), word);
});

class HostCounter implements Counter {
  readonly #view: DataView;
  readonly at: number;

  constructor(view: DataView, at: number) {
    this.#view = view;
    this.at = at;
    view.setBigUint64(at, 0n, true);
  }

  get value(): bigint {
    return this.#view.getBigUint64(this.at, true);
  }
}

/** Where in the code an access is. */
interface AccessSite {
  readonly pc: bigint;
  readonly size: number;
  readonly kind: MemoryAccess['kind'];
}

/** The instruments of an engine. */
export class Instruments {
  readonly #space: RamSpace;
  readonly #changed: () => void;
  /** Why there can be none. */
  refusal: string | undefined;
  readonly #list = new Set<Instrument>();
  /** By the host offsets of their states. */
  readonly #cpus = new Map<number, TranslatedCpu>();
  readonly #areas: number[] = [];
  #left = 0;
  /** What calls and accesses in translated code stand for, by the number that they carry. */
  readonly #calls = new Numbered<(cpu: TranslatedCpu) => void>();
  readonly #sites = new Numbered<AccessSite, string>();
  readonly #call: TsHelper;
  readonly #access: TsHelper;

  /** @param dropCode drops all translated code: what instruments there are has changed */
  constructor(space: RamSpace, dropCode: () => void) {
    this.#space = space;
    this.#changed = dropCode;
    this.#call = defineTsHelper('instrument_call', ['i32'], undefined, (base) => {
      const cpu = this.#cpus.get(base);
      if (cpu !== undefined) this.#calls.get(Number(cpu.register(argument(0))))?.(cpu);
    });
    this.#access = defineTsHelper('instrument_access', ['i64', 'i32'], undefined, (base) => this.#accessed(base));
  }

  get isEmpty(): boolean {
    return this.#list.size === 0;
  }

  /** Whether somebody wants to hear of accesses. */
  get #seesMemory(): boolean {
    return [...this.#list].some((instrument) => instrument.memory !== undefined);
  }

  /** Takes in a vCPU. */
  enter(cpu: TranslatedCpu): void {
    this.#cpus.set(cpu.base, cpu);
  }

  /** Adds an instrument, between slices; gives what takes it away again. @throws UserError where there can be none */
  add(instrument: Instrument): () => void {
    if (this.refusal !== undefined) throw new UserError(this.refusal);
    this.#list.add(instrument);
    this.#changed();
    return () => {
      if (this.#list.delete(instrument)) this.#changed();
    };
  }

  counter(): Counter {
    if (this.#left === 0) {
      this.#areas.push(this.#space.reserve(COUNTERS_AT_ONCE * COUNTER_BYTES));
      this.#left = COUNTERS_AT_ONCE;
    }
    this.#left--;
    return new HostCounter(this.#space.view, (this.#areas.at(-1) ?? 0) + this.#left * COUNTER_BYTES);
  }

  /** Lets go of the counters. */
  dispose(): void {
    for (const at of this.#areas.splice(0)) this.#space.release(at, COUNTERS_AT_ONCE * COUNTER_BYTES);
    this.#left = 0;
  }

  /** No translated code is left: nothing that it carried is needed any more. */
  forget(): void {
    this.#calls.clear();
    this.#sites.clear();
  }

  /** Code that is to run in front of an instruction, and of a block if it is its first. */
  emit(b: IrBuilder, place: CodePlace, startsBlock: boolean): void {
    for (const instrument of this.#list) {
      if (startsBlock) this.#emitProbe(b, instrument.block?.(place));
      this.#emitProbe(b, instrument.insn?.(place));
    }
  }

  /** Code that is to run behind an access. */
  emitAccess(b: IrBuilder, pc: bigint, address: Value, size: number, kind: MemoryAccess['kind']): void {
    if (!this.#seesMemory) return;
    const site = this.#sites.numberOf(`${pc} ${size} ${kind}`, { pc, size, kind });
    b.call(this.#access, address.ty === 'i64' ? address : b.extend32U(address), b.i32(site));
  }

  #emitProbe(b: IrBuilder, probe: Probe | undefined): void {
    if (probe === undefined) return;
    if (probe.count !== undefined) {
      b.call(count, b.i32(probe.count.at));
    }
    if (probe.call !== undefined) b.call(this.#call, b.i32(this.#calls.numberOf(probe.call, probe.call)));
  }

  #accessed(base: number): void {
    const cpu = this.#cpus.get(base);
    const site = cpu === undefined ? undefined : this.#sites.get(Number(cpu.register(argument(1))));
    if (cpu === undefined || site === undefined) return;
    const access = { ...site, cpu, address: cpu.register(argument(0)) };
    for (const instrument of this.#list) instrument.memory?.(access);
  }
}

/** Things with numbers: the same for what has the same key. */
class Numbered<T, K = T> {
  readonly #numbers = new Map<K, number>();
  readonly #list: T[] = [];

  numberOf(key: K, thing: T): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#list.push(thing) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  get(number: number): T | undefined {
    return this.#list[number];
  }

  clear(): void {
    this.#numbers.clear();
    this.#list.length = 0;
  }
}

function argument(n: number) {
  const slot = COMMON.args[n];
  if (slot === undefined) throw new Error(`no argument ${n}`);
  return slot;
}
