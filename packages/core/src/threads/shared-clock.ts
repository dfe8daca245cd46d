// Virtual time that every thread of a machine reads for itself: the host's clock, from where the device thread started it.

import type { RamSpace } from '../memory/index.ts';
import type { ClockSource } from '../time/index.ts';
import { TEAM_CLOCK_BASE, TEAM_CLOCK_RUNS, TEAM_CLOCK_STARTED } from './layout.ts';

/**
 * Follows the host's monotonic clock while the machine runs. Started, stopped and set by the device thread alone, while no vCPU
 * executes.
 */
export class SharedClockSource implements ClockSource {
  readonly kind = 'host';
  readonly #hostMs: () => number;
  readonly #i32: Int32Array;
  readonly #f64: Float64Array;
  readonly #runs: number;
  readonly #base: number;
  readonly #started: number;
  #last = 0;

  /**
   * @param team host offset of the machine's block
   * @param hostMs the host's clock in milliseconds: the same for all threads
   */
  constructor(space: RamSpace, team: number, hostMs: () => number) {
    this.#hostMs = hostMs;
    this.#i32 = space.i32;
    this.#f64 = new Float64Array(space.memory.buffer, team, 64);
    this.#runs = (team >>> 2) + TEAM_CLOCK_RUNS;
    this.#base = TEAM_CLOCK_BASE / 2;
    this.#started = TEAM_CLOCK_STARTED / 2;
  }

  now(): number {
    const base = this.#f64[this.#base] ?? 0;
    if (this.#i32[this.#runs] === 0) return base;
    const ns = base + Math.max(0, Math.floor((this.#hostMs() - (this.#f64[this.#started] ?? 0)) * 1e6));
    if (ns > this.#last) this.#last = ns;
    return this.#last;
  }

  set(ns: number): void {
    this.#f64[this.#base] = ns;
    this.#last = ns;
    this.#f64[this.#started] = this.#hostMs();
  }

  /** The time may have been set: it may be earlier than before. */
  resync(): void {
    this.#last = 0;
  }

  start(): void {
    if (this.#i32[this.#runs] !== 0) return;
    this.#last = this.#f64[this.#base] ?? 0;
    this.#f64[this.#started] = this.#hostMs();
    Atomics.store(this.#i32, this.#runs, 1);
  }

  stop(): void {
    const now = this.now();
    Atomics.store(this.#i32, this.#runs, 0);
    this.#f64[this.#base] = now;
  }

  instructionsFor(): undefined {
    return undefined;
  }

  retire(): void {}

  idle(deadline: number): number {
    return Math.max(0, deadline - this.now());
  }

  idled(): void {}
}
