/**
 * Going back in time: a machine whose clock counts instructions is put back to an earlier state, and what happened since happens
 * again ({@link History}) up to the place that is wanted.
 */
import type { CpuDebug, DebugPoints, DebugStop } from '../machine/debug.ts';
import type { Cpu, Machine } from '../machine/index.ts';
import { KeptSnapshot } from '../snapshot/kept.ts';
import { type Happening, type History, isBefore, type Place } from './history.ts';

/** States that are kept; the oldest goes, but for the first. */
const MOST_STATES = 8;
/** Instructions between two states, at least. */
const STATE_DISTANCE = 1_000_000n;

interface KeptState {
  readonly place: Place;
  readonly nextValue: number;
  /** Instructions of all vCPUs before. */
  readonly instructions: bigint;
  readonly snapshot: KeptSnapshot;
}

const NO_POINTS: DebugPoints = { breakpoints: new Set(), watchpoints: [] };

/** What a run back ended at: a stop of a vCPU, or the oldest state that is kept. */
export type ReverseEnd = (DebugStop & { readonly cpu: Cpu }) | { readonly reason: 'begin' };

interface Found {
  readonly cpu: Cpu;
  readonly stop: DebugStop;
}

/** The past of a machine whose clock counts instructions. */
export class Replay {
  readonly #machine: Machine;
  readonly #history: History;
  readonly #cpus: readonly { readonly cpu: Cpu; readonly debug: CpuDebug }[];
  readonly #states: KeptState[] = [];
  #points = NO_POINTS;

  private constructor(machine: Machine) {
    this.#machine = machine;
    this.#history = machine.history;
    this.#cpus = machine.cpus.flatMap((cpu) => (cpu.debug === undefined ? [] : [{ cpu, debug: cpu.debug }]));
    this.#history.begin(() => this.#forget());
    // A reset begins a new count.
    machine.on('reset', () => {
      this.#history.clear();
      this.#forget();
    });
  }

  /** For a machine that can go back; undefined for one whose time is not that of its instructions, or whose vCPUs are on threads. */
  static of(machine: Machine): Replay | undefined {
    const { clock, cpus, team } = machine;
    const isPossible = cpus.length > 0 && team === undefined && cpus.every(({ debug }) => debug !== undefined);
    return isPossible && clock.source.kind === 'instructions' ? new Replay(machine) : undefined;
  }

  /** The machine, which stands still, is about to go on: keeps its state, and what was ahead of it is forgotten. */
  keep(): void {
    this.#history.cutHere();
    this.#keepState();
    // CPUs forget what they know of page tables, and reservations: a state that is put back has nothing of that, and what a stale
    // entry does (a fault that would not have been) would not happen again.
    this.#history.act(() => {
      for (const { cpu } of this.#cpus) cpu.restore(cpu.save());
    });
  }

  #keepState(): void {
    const { place, nextValue } = this.#history;
    while (this.#states.length > 0 && isBefore(place, this.#states.at(-1)?.place ?? place)) this.#states.pop();
    const { instructions } = this;
    const last = this.#states.at(-1);
    if (last !== undefined && instructions - last.instructions < STATE_DISTANCE) return;
    if (this.#states.length === MOST_STATES) this.#states.splice(1, 1);
    this.#states.push({ place, nextValue, instructions, snapshot: new KeptSnapshot(this.#machine) });
  }

  /** Where the machine is in its past, or at its end. */
  get place(): Place {
    return this.#history.place;
  }

  /** Instructions that all vCPUs have executed. */
  get instructions(): bigint {
    return this.#cpus.reduce((sum, { debug }) => sum + debug.instructions, 0n);
  }

  /** Back to before the last instruction of a vCPU, and of what others have executed since. */
  step(cpu: Cpu): ReverseEnd {
    const place = this.#lastInstruction(cpu);
    if (place === undefined) return { reason: 'begin' };
    this.goTo(place);
    return { reason: 'step', cpu };
  }

  /** Back to the last breakpoint or watched access before this moment, or to the oldest state. */
  continue(points: DebugPoints): ReverseEnd {
    let end = this.#history.place;
    for (const state of [...this.#states].reverse()) {
      if (!isBefore(state.place, end)) continue;
      const found = this.#lastStop(state, end, points);
      if (found !== undefined) {
        this.goTo(found.place);
        return { ...found.stop, cpu: found.cpu };
      }
      end = state.place;
    }
    const [first] = this.#states;
    if (first !== undefined) this.#restore(first);
    return { reason: 'begin' };
  }

  /** Makes the machine, which stands still, what it was at a place of its past. */
  goTo(place: Place): void {
    const state = this.#states.findLast((kept) => !isBefore(place, kept.place));
    if (state === undefined) return;
    this.#restore(state);
    this.#setPoints(NO_POINTS);
    this.#run(place);
  }

  #forget(): void {
    this.#states.length = 0;
  }

  #lastInstruction(cpu: Cpu): Place | undefined {
    const [first] = this.#states;
    if (first === undefined) return undefined;
    const { index: from, done } = this.#history.place;
    for (let index = from; index >= first.place.index; index--) {
      const happening = this.#history.at(index);
      if (happening?.kind !== 'slice' || happening.cpu !== cpu) continue;
      const executed = index === from ? done : happening.count;
      if (executed > 0) return { index, done: executed - 1 };
    }
    return undefined;
  }

  #lastStop(state: KeptState, end: Place, points: DebugPoints): (Found & { readonly place: Place }) | undefined {
    this.#restore(state);
    let last: (Found & { readonly place: Place }) | undefined;
    for (;;) {
      this.#setPoints(points);
      const found = this.#run(end);
      this.#setPoints(NO_POINTS);
      if (found === undefined) return last;
      const stopsBefore = found.cpu.debug?.description.watchStopsBefore === true;
      const isAfter = found.stop.reason === 'watchpoint' && !stopsBefore;
      const before = this.#history.place;
      if (!isAfter) this.#run(end, 1);
      // What stops before its access is told after it: going back over it is the debugger's.
      const place = found.stop.reason === 'watchpoint' ? this.#history.place : before;
      // The access may have been the last instruction of all.
      const isThere = found.stop.reason === 'watchpoint' && stopsBefore && !isBefore(end, place);
      if (isThere || isBefore(place, end)) last = { ...found, place };
      if (!isBefore(this.#history.place, end)) return last;
    }
  }

  #setPoints(points: DebugPoints): void {
    this.#points = points;
    for (const { debug } of this.#cpus) debug.setPoints(points);
  }

  #restore({ snapshot, place, nextValue }: KeptState): void {
    const history = this.#history;
    history.replaying = true;
    try {
      snapshot.putBack();
    } finally {
      history.replaying = false;
    }
    history.goTo(place, nextValue);
  }

  /** What happened happens again up to a place, unless a breakpoint or watchpoint comes before, or so many instructions. */
  #run(end: Place, most = Number.POSITIVE_INFINITY): Found | undefined {
    const history = this.#history;
    let found: Found | undefined;
    let left = most;
    const release = this.#machine.interceptStops((stop, cpu) => {
      // A step was one before.
      if (stop.reason !== 'step') found ??= { stop, cpu };
    });
    history.replaying = true;
    try {
      while (found === undefined && left > 0 && isBefore(history.place, end)) {
        const happening = history.at(history.place.index);
        if (happening === undefined) break;
        const { place } = history;
        const executed = this.#again(happening, end, left);
        left -= executed;
        // One that executes nothing although it did has come to what it waits for at another place: it is passed over.
        if (found === undefined && history.place === place) history.goTo({ index: place.index + 1, done: 0 });
      }
    } finally {
      history.replaying = false;
      release();
    }
    return found;
  }

  /** @returns instructions executed */
  #again(happening: Happening, end: Place, most: number): number {
    const { clock } = this.#machine;
    const { index, done } = this.#history.place;
    if (happening.kind === 'slice') return this.#slice(happening, { index, done }, end, most);
    this.#history.goTo({ index: index + 1, done: 0 });
    if (happening.kind === 'time') clock.source.set(happening.ns);
    else happening.act();
    return 0;
  }

  #slice(slice: Happening & { readonly kind: 'slice' }, { index, done }: Place, end: Place, most: number): number {
    const machine = this.#machine;
    if (done === 0 && !slice.timersHeld) machine.clock.runExpired();
    const until = end.index === index ? end.done : slice.count;
    const { debug } = slice.cpu;
    // A step that takes no interrupt takes none again. It looks at no breakpoints: debuggers leave one by such a step.
    const isStep = slice.step?.noIrq === true;
    if (isStep && done === 0 && debug !== undefined && this.#points.breakpoints.has(debug.pc)) {
      machine.debugStop(slice.cpu, { reason: 'breakpoint' });
      return 0;
    }
    if (debug !== undefined) debug.step = isStep ? slice.step : undefined;
    const turn = (machine.cpus.indexOf(slice.cpu) + 1) % machine.cpus.length;
    machine.runState = { ...machine.runState, turn };
    const executed = slice.count === 0 ? 0 : machine.executeSlice(slice.cpu, Math.min(until - done, most));
    if (debug !== undefined) debug.step = undefined;
    const now = done + executed;
    if (now >= slice.count) this.#history.goTo({ index: index + 1, done: 0 });
    else if (executed > 0) this.#history.goTo({ index, done: now });
    return executed;
  }
}
