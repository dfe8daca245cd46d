/** Which code of a guest was executed, and how often. */
import type { Machine } from '@boardwalk/core';
import type { CodePlace, Counter, Instrument, Probe } from './instrument.ts';
import { makeCounter } from './machine.ts';

/** An instruction that was translated, and how often it began to execute. */
export interface Covered {
  readonly pc: bigint;
  readonly bytes: number;
  readonly text: string;
  readonly count: bigint;
}

/** Counts the executions of each instruction, by its virtual address. */
export class Coverage implements Instrument {
  readonly #machine: Machine;
  readonly #seen = new Map<bigint, { readonly place: CodePlace; readonly count: Counter }>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  insn(place: CodePlace): Probe {
    const known = this.#seen.get(place.pc);
    if (known !== undefined) return known;
    const seen = { place, count: makeCounter(this.#machine) };
    this.#seen.set(place.pc, seen);
    return seen;
  }

  /** What was translated, by address; what has count 0 was not executed. */
  list(): readonly Covered[] {
    const all = [...this.#seen.values()].sort((a, b) => (a.place.pc < b.place.pc ? -1 : 1));
    return all.map(({ place, count }) => ({
      pc: place.pc,
      bytes: place.bytes.length,
      text: place.disassemble(),
      count: count.value,
    }));
  }
}
