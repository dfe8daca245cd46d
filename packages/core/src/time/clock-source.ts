// Where virtual time comes from. A source counts nanoseconds since the machine was made; VirtualClock adds timers to it.

/** What drives a {@link VirtualClock}. All times are whole nanoseconds. */
export interface ClockSource {
  readonly kind: 'host' | 'instructions' | 'manual';
  /** Nanoseconds of virtual time. Never goes backwards, except through {@link set}. */
  now(): number;
  /** Moves the time, for a restored snapshot. */
  set(ns: number): void;
  /** The machine starts to run (or resumes). */
  start(): void;
  /** The machine is paused: time stands still until {@link start}. */
  stop(): void;
  /** Instructions that take `ns` to execute, where the source knows; undefined where the host's speed decides. */
  instructionsFor(ns: number): number | undefined;
  /** A vCPU executed so many instructions. */
  retire(instructions: number): void;
  /** Every vCPU sleeps: nanoseconds of host time to wait until `deadline` (virtual, may be Infinity) is reached; 0 when it is reached now. */
  idle(deadline: number): number;
  /** The wait that {@link idle} asked for ended, after `hostNs` of host time. */
  idled(hostNs: number, deadline: number): void;
}

/** Follows the host's monotonic clock while the machine runs. */
export class HostClockSource implements ClockSource {
  readonly kind = 'host';
  readonly #hostMs: () => number;
  #base = 0;
  #startedMs: number | undefined;
  #last = 0;

  /** @param hostMs the host's clock in milliseconds, with as many decimals as it has */
  constructor(hostMs: () => number = () => performance.now()) {
    this.#hostMs = hostMs;
  }

  now(): number {
    if (this.#startedMs === undefined) return this.#base;
    const ns = this.#base + Math.floor((this.#hostMs() - this.#startedMs) * 1e6);
    if (ns > this.#last) this.#last = ns;
    return this.#last;
  }

  set(ns: number): void {
    this.#base = ns;
    this.#last = ns;
    if (this.#startedMs !== undefined) this.#startedMs = this.#hostMs();
  }

  start(): void {
    if (this.#startedMs !== undefined) return;
    this.#last = this.#base;
    this.#startedMs = this.#hostMs();
  }

  stop(): void {
    this.#base = this.now();
    this.#startedMs = undefined;
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

/** How an {@link InstructionClockSource} counts. */
export interface InstructionClockOptions {
  /** Virtual nanoseconds that one instruction takes. Default 1. */
  readonly nsPerInstruction?: number;
  /** An idle machine waits for the host's time (true, the default) or jumps to the next deadline at once (false). */
  readonly sleep?: boolean;
  /** Instructions of the slice that is being executed, not yet retired: makes a reading in the middle of a slice exact. */
  readonly inSlice?: () => number;
}

/** Time is the number of instructions executed: a run is repeatable, whatever the host's speed. */
export class InstructionClockSource implements ClockSource {
  readonly kind = 'instructions';
  readonly nsPerInstruction: number;
  /** Set by the run loop: instructions executed so far in the current slice. */
  inSlice: () => number;
  readonly #sleep: boolean;
  #ns = 0;

  constructor(options: InstructionClockOptions = {}) {
    this.nsPerInstruction = options.nsPerInstruction ?? 1;
    if (!(this.nsPerInstruction > 0)) throw new RangeError('nsPerInstruction must be greater than zero');
    this.#sleep = options.sleep ?? true;
    this.inSlice = options.inSlice ?? (() => 0);
  }

  now(): number {
    return Math.floor(this.#ns + this.inSlice() * this.nsPerInstruction);
  }

  set(ns: number): void {
    this.#ns = ns;
  }

  start(): void {}

  stop(): void {}

  instructionsFor(ns: number): number {
    return Math.max(1, Math.ceil(ns / this.nsPerInstruction));
  }

  retire(instructions: number): void {
    this.#ns += instructions * this.nsPerInstruction;
  }

  idle(deadline: number): number {
    if (deadline <= this.#ns) return 0;
    if (this.#sleep || deadline === Infinity) return deadline - this.#ns;
    this.#ns = deadline;
    return 0;
  }

  idled(hostNs: number, deadline: number): void {
    if (this.#sleep) this.#ns = Math.min(this.#ns + Math.ceil(hostNs), Math.max(deadline, this.#ns));
  }
}

/** Time moves only when it is told to: tests and qtest. */
export class ManualClockSource implements ClockSource {
  readonly kind = 'manual';
  #ns = 0;

  now(): number {
    return this.#ns;
  }

  set(ns: number): void {
    this.#ns = ns;
  }

  start(): void {}

  stop(): void {}

  instructionsFor(): undefined {
    return undefined;
  }

  retire(): void {}

  idle(deadline: number): number {
    return deadline <= this.#ns ? 0 : Infinity;
  }

  idled(): void {}
}
