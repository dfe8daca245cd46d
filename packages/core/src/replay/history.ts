// What happened to a machine, in order, so that it can happen again: whose slice was how long, when time jumped, and what came
// from outside. Written while somebody wants to go back, and only where time is that of instructions.
import type { CharBackend } from '../char/index.ts';
import type { Cpu } from '../machine/cpu.ts';
import type { StepOptions } from '../machine/debug.ts';

/** One thing that happened. */
export type Happening =
  /** A vCPU executed `count` instructions, after timers that were due unless they were held. */
  | {
      readonly kind: 'slice';
      readonly cpu: Cpu;
      readonly count: number;
      readonly timersHeld: boolean;
      readonly step: StepOptions | undefined;
    }
  /** All vCPUs waited until this time, ns. */
  | { readonly kind: 'time'; readonly ns: number }
  /** Somebody outside did something to the machine: typed, pressed the power button, wrote memory. */
  | {
      readonly kind: 'act';
      readonly act: () => void;
      /** Of the host, that it holds on to. */
      readonly bytes: number;
    };

/** A place in a history: before instruction `done` of a happening. */
export interface Place {
  readonly index: number;
  readonly done: number;
}

export function isBefore(a: Place, b: Place): boolean {
  return a.index < b.index || (a.index === b.index && a.done < b.done);
}

/** So many happenings, and bytes of what came from outside, are kept at most: then the past begins anew. */
const MOST = 4_000_000;
const MOST_BYTES = 256 * 2 ** 20;

/** The happenings of one machine. */
export class History {
  readonly #happenings: Happening[] = [];
  /** What the guest was told of the world outside, in order: times of day, random bytes. */
  readonly #values: unknown[] = [];
  #nextValue = 0;
  #place: Place = { index: 0, done: 0 };
  #active = false;
  /** Of what came from outside. */
  #bytes = 0;
  readonly #onFuture = new Set<() => void>();
  /** What happens now has happened before. */
  replaying = false;
  #onFull: () => void = () => {};
  /** The vCPU whose slice is being executed. */
  inSlice: Cpu | undefined;
  /** What came in the middle of that slice, and after how many of its instructions. */
  #within: { readonly at: number; readonly act: () => void; readonly bytes: number }[] = [];

  /** Somebody wants to go back from now on. @param onFull called when so much has happened that all of it is forgotten */
  begin(onFull: () => void): void {
    this.#active = true;
    this.#onFull = onFull;
  }

  /** Where the machine is. */
  get place(): Place {
    return this.#place;
  }

  /** Where the next of {@link read}'s values is. */
  get nextValue(): number {
    return this.#nextValue;
  }

  /** The machine is at another place now. @param nextValue as it was there; without it nothing was read meanwhile */
  goTo(place: Place, nextValue = this.#nextValue): void {
    this.#place = place;
    this.#nextValue = nextValue;
  }

  at(index: number): Happening | undefined {
    return this.#happenings[index];
  }

  /** Hears when the machine goes on from where it is: what had come next will not come. Returns how to stop that. */
  onFuture(callback: () => void): () => void {
    this.#onFuture.add(callback);
    return () => void this.#onFuture.delete(callback);
  }

  clear(): void {
    this.#bytes = 0;
    this.#happenings.length = this.#values.length = this.#nextValue = 0;
    this.#place = { index: 0, done: 0 };
  }

  /** The machine goes on from where it is: what was ahead of it will be another. */
  cutHere(): void {
    if (!this.#active) return;
    const { index, done } = this.#place;
    const dropped = this.#happenings.splice(index);
    const [current] = dropped;
    for (const happening of dropped) if (happening.kind === 'act') this.#bytes -= happening.bytes;
    if (current?.kind === 'slice' && done > 0) this.#happenings.push({ ...current, count: done });
    this.#values.length = this.#nextValue;
    this.#place = { index: this.#happenings.length, done: 0 };
    for (const callback of this.#onFuture) callback();
  }

  /** A slice has been executed. */
  slice(cpu: Cpu, count: number, timersHeld: boolean): void {
    this.inSlice = undefined;
    if (!this.#active) return;
    const { step } = cpu.debug ?? {};
    const part = { kind: 'slice', cpu, step: step && { ...step } } as const;
    let from = 0;
    for (const { at, ...act } of this.#within.splice(0)) {
      if (at > from) this.#add({ ...part, count: at - from, timersHeld: timersHeld || from > 0 });
      from = Math.max(from, at);
      this.#add({ kind: 'act', ...act });
    }
    if (count > from || from === 0) this.#add({ ...part, count: count - from, timersHeld: timersHeld || from > 0 });
  }

  /** Everybody has waited. */
  time(ns: number): void {
    if (!this.#active) return;
    const last = this.#happenings.length - 1;
    if (this.#happenings[last]?.kind === 'time') this.#happenings[last] = { kind: 'time', ns };
    else this.#add({ kind: 'time', ns });
  }

  /**
   * Does something to the machine from outside, now and whenever this moment comes again.
   * @param bytes how many of the host's `act` holds on to
   */
  act(act: () => void, bytes = 0): void {
    if (this.#active && this.inSlice !== undefined) {
      this.#within.push({ at: this.inSlice.instructionsInSlice(), act, bytes });
    } else if (this.#active && !this.replaying) {
      this.cutHere();
      this.#add({ kind: 'act', act, bytes });
    }
    act();
  }

  /** Something that the guest is told of the world outside: the same again when it asks again. */
  read<T>(make: () => T): T {
    if (!this.#active) return make();
    if (this.#nextValue === this.#values.length) this.#values.push(make());
    return this.#values[this.#nextValue++] as T;
  }

  /** The same line, with what comes over it noted. */
  wrap(line: CharBackend): CharBackend {
    return {
      write: (data) => {
        // It was written when it happened first.
        if (!this.replaying) line.write(data);
      },
      onData: (callback) =>
        line.onData((data) => {
          const copy = this.#active ? data.slice() : data;
          this.act(() => callback(copy), copy.length);
        }),
      onEvent: (callback) => line.onEvent?.((event) => this.act(() => callback(event))),
      canReceive: (accepting) => {
        if (!this.replaying) line.canReceive?.(accepting);
      },
      close: () => line.close(),
    };
  }

  #add(happening: Happening): void {
    const bytes = happening.kind === 'act' ? happening.bytes : 0;
    if (this.#happenings.length >= MOST || this.#bytes + bytes > MOST_BYTES) {
      this.clear();
      this.#onFull();
    }
    this.#bytes += bytes;
    this.#happenings.push(happening);
    this.#place = { index: this.#happenings.length, done: 0 };
  }
}
