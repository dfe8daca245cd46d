// RISC-V platform-level interrupt controller.
// After: "RISC-V Platform-Level Interrupt Controller Specification" 1.0.0, chapters 3 (memory map) to 9 (completion); gateways as in its chapter 1.2.

import { Device, type IrqInput, type IrqOutput, MemoryRegion, type StateField } from '@boardwalk/core';
import { guestError } from '@boardwalk/devices/registers';

const MAX_SOURCES = 1024;
const MAX_WORDS = MAX_SOURCES / 32;
const MAX_CONTEXTS = 15872;

const PENDING_BASE = 0x1000;
const ENABLE_BASE = 0x2000;
const CONTEXT_BASE = 0x200000;
const CONTEXT_STRIDE = 0x1000;
const THRESHOLD = 0;
const CLAIM = 4;

/** The region's size when all contexts are there. */
export const PLIC_SIZE = 0x4000000;

/** A target of interrupts: one privilege level of one hart. */
export interface PlicContext {
  readonly hart: number;
  readonly mode: 'M' | 'S';
}

/** How a {@link Plic} is built. */
export interface PlicOptions {
  /** Highest source number; sources are 1 to this (1..1023). Source 0 means "no interrupt". */
  readonly sources: number;
  /** The contexts in register order. */
  readonly contexts: readonly PlicContext[];
  /** Highest priority, one less than a power of two. */
  readonly maxPriority?: number;
  /** Sources whose gateway counts rising edges instead of following the level. */
  readonly edgeTriggered?: readonly number[];
  /** Region size in bytes; enough for the contexts by default. */
  readonly size?: number;
}

/** Contexts M and S for each hart, in the order that Linux and QEMU's boards expect. */
export function machineAndSupervisorContexts(harts: number): PlicContext[] {
  return Array.from({ length: harts }, (_, hart): PlicContext[] => [
    { hart, mode: 'M' },
    { hart, mode: 'S' },
  ]).flat();
}

/** The PLIC: gateways in front of a core that gives each context the pending source of highest priority. */
export class Plic extends Device {
  static override readonly typeName: string = 'riscv.sifive.plic';
  static override readonly interfaces: readonly string[] = ['intctrl'];
  static override readonly state: readonly StateField[] = [
    { name: 'priority', type: 'u32', count: MAX_SOURCES, reset: 0 },
    { name: 'pending', type: 'u32', count: MAX_WORDS, reset: 0 },
    { name: 'claimed', type: 'u32', count: MAX_WORDS, reset: 0 },
    { name: 'latched', type: 'u32', count: MAX_WORDS, reset: 0 },
    { name: 'contextBytes', type: 'bytes', reset: 0 },
  ];

  readonly region: MemoryRegion;
  readonly contexts: readonly PlicContext[];
  /** To the external interrupt input of each context. */
  readonly irqs: readonly IrqOutput[];
  /** Highest source number. */
  readonly sources: number;
  readonly #maxPriority: number;
  readonly #words: number;
  readonly #inputs: readonly IrqInput[];
  readonly #edgeTriggered: ReadonlySet<number>;

  priority = new Uint32Array(MAX_SOURCES);
  /** Requests that the gateways have sent on and nobody has claimed. */
  pending = new Uint32Array(MAX_WORDS);
  /** Requests in service: their gateway sends no further one until completion. */
  claimed = new Uint32Array(MAX_WORDS);
  /** Edges seen while in service, to be sent on at completion. */
  latched = new Uint32Array(MAX_WORDS);
  /** Enable bits, `MAX_WORDS` words a context. */
  readonly enable: Uint32Array;
  readonly threshold: Uint32Array;
  /** The two arrays above as bytes: their length is each PLIC's own. */
  readonly contextBytes: Uint8Array;

  /** @throws RangeError when the board asks for what the memory map has no place for */
  constructor(options: PlicOptions) {
    super();
    const contexts = options.contexts.length;
    if (options.sources < 1 || options.sources >= MAX_SOURCES) {
      throw new RangeError(`a PLIC has 1 to ${MAX_SOURCES - 1} sources, not ${options.sources}`);
    }
    if (contexts < 1 || contexts > MAX_CONTEXTS) throw new RangeError(`a PLIC cannot have ${contexts} contexts`);
    this.sources = options.sources;
    this.contexts = options.contexts;
    this.#words = (options.sources >> 5) + 1;
    this.#maxPriority = options.maxPriority ?? 7;
    this.#edgeTriggered = new Set(options.edgeTriggered);
    this.contextBytes = new Uint8Array(contexts * (MAX_WORDS + 1) * 4);
    this.enable = new Uint32Array(this.contextBytes.buffer, 0, contexts * MAX_WORDS);
    this.threshold = new Uint32Array(this.contextBytes.buffer, contexts * MAX_WORDS * 4, contexts);
    this.irqs = this.addOutputs(contexts);
    this.#inputs = this.addInputs(options.sources + 1, (level, source) => this.#line(source, level));
    this.region = this.addRegion(
      MemoryRegion.io('riscv.sifive.plic', options.size ?? CONTEXT_BASE + contexts * CONTEXT_STRIDE, {
        valid: { min: 4, max: 4 },
        read: (offset) => this.#read(offset),
        write: (offset, _size, value) => this.#write(offset, value),
      }),
    );
  }

  override resetExit(): void {
    super.resetExit();
    // Lines that stayed high through the reset ask again.
    for (let source = 1; source <= this.sources; source++) {
      if (!this.#edgeTriggered.has(source) && (this.#inputs[source]?.level ?? false)) put(this.pending, source, true);
    }
    this.#update();
  }

  /** The gateway: turns a line into at most one request in flight. */
  #line(source: number, level: boolean): void {
    if (!level || source === 0) return;
    if (!has(this.claimed, source)) put(this.pending, source, true);
    else if (this.#edgeTriggered.has(source)) put(this.latched, source, true);
    else return;
    this.#update();
  }

  /** Highest-priority source that is pending and enabled for a context; the lowest number wins a tie; 0 when there is none. */
  #best(context: number): number {
    let best = 0;
    let bestPriority = 0;
    for (let word = 0; word < this.#words; word++) {
      let bits = (this.pending[word] ?? 0) & (this.enable[context * MAX_WORDS + word] ?? 0);
      while (bits !== 0) {
        const source = word * 32 + 31 - Math.clz32(bits & -bits);
        bits &= bits - 1;
        const priority = this.priority[source] ?? 0;
        if (priority > bestPriority) {
          best = source;
          bestPriority = priority;
        }
      }
    }
    return best;
  }

  #update(): void {
    for (let context = 0; context < this.irqs.length; context++) {
      const priority = this.priority[this.#best(context)] ?? 0;
      this.irqs[context]?.set(priority > (this.threshold[context] ?? 0));
    }
  }

  /** Takes the request of highest priority off the pending set. The threshold has no say in it (chapter 8). */
  #claim(context: number): number {
    const source = this.#best(context);
    if (source !== 0) {
      put(this.pending, source, false);
      put(this.claimed, source, true);
      this.#update();
    }
    return source;
  }

  /** Lets the gateway send the next request. A source that the context has not enabled is ignored (chapter 9). */
  #complete(context: number, source: number): void {
    const word = this.enable[context * MAX_WORDS + (source >>> 5)] ?? 0;
    if (source === 0 || source > this.sources || (word & (1 << (source & 31))) === 0 || !has(this.claimed, source))
      return;
    put(this.claimed, source, false);
    const again = this.#edgeTriggered.has(source) ? has(this.latched, source) : (this.#inputs[source]?.level ?? false);
    put(this.latched, source, false);
    if (again) put(this.pending, source, true);
    this.#update();
  }

  #read(offset: number): number {
    if (offset >= CONTEXT_BASE) {
      const context = Math.floor((offset - CONTEXT_BASE) / CONTEXT_STRIDE);
      const register = offset & (CONTEXT_STRIDE - 1);
      if (context >= this.irqs.length) return 0;
      if (register === THRESHOLD) return this.threshold[context] ?? 0;
      return register === CLAIM ? this.#claim(context) : 0;
    }
    if (offset >= ENABLE_BASE) return this.enable[(offset - ENABLE_BASE) >> 2] ?? 0;
    if (offset >= PENDING_BASE) return this.pending[(offset - PENDING_BASE) >> 2] ?? 0;
    return this.priority[offset >> 2] ?? 0;
  }

  #write(offset: number, value: number): void {
    if (offset >= CONTEXT_BASE) {
      const context = Math.floor((offset - CONTEXT_BASE) / CONTEXT_STRIDE);
      const register = offset & (CONTEXT_STRIDE - 1);
      if (context >= this.irqs.length) return;
      if (register === CLAIM) {
        this.#complete(context, value);
        return;
      }
      if (register !== THRESHOLD) return;
      this.threshold[context] = value & this.#maxPriority;
    } else if (offset >= ENABLE_BASE) {
      const index = (offset - ENABLE_BASE) >> 2;
      if (index >= this.enable.length) return;
      this.enable[index] = value & this.#existing(index % MAX_WORDS);
    } else if (offset >= PENDING_BASE) {
      guestError(this, `write to the read-only pending bits at 0x${offset.toString(16)}`);
      return;
    } else {
      const source = offset >> 2;
      if (source === 0 || source > this.sources) return;
      this.priority[source] = value & this.#maxPriority;
    }
    this.#update();
  }

  /** The bits of a word of a bit set that belong to sources. */
  #existing(word: number): number {
    const above = this.sources + 1 - word * 32;
    const upTo = above >= 32 ? 0xffffffff : above <= 0 ? 0 : (1 << above) - 1;
    return word === 0 ? upTo & ~1 : upTo;
  }
}

function has(set: Uint32Array, bit: number): boolean {
  return ((set[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
}

function put(set: Uint32Array, bit: number, on: boolean): void {
  const old = set[bit >>> 5] ?? 0;
  set[bit >>> 5] = on ? old | (1 << (bit & 31)) : old & ~(1 << (bit & 31));
}
