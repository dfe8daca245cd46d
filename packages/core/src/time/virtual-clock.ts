// The machine's clock and its timers: a binary heap ordered by deadline, then by the order of arming.
import { type ClockSource, HostClockSource, ManualClockSource } from './clock-source.ts';

/** A one-shot timer on a {@link VirtualClock}. Arming again moves it; nothing is allocated. */
export class Timer {
  readonly #heap: TimerHeap;
  /** @internal runs when the deadline is reached */
  readonly callback: () => void;
  /** @internal position in the heap, -1 when not armed */
  position = -1;
  /** @internal order of arming: equal deadlines fire first armed, first served */
  order = 0;
  #deadline = Infinity;

  /** @internal use {@link VirtualClock.timer} */
  constructor(heap: TimerHeap, callback: () => void) {
    this.#heap = heap;
    this.callback = callback;
  }

  /** Virtual time in ns at which it fires; Infinity when it is not armed. */
  get deadline(): number {
    return this.#deadline;
  }

  get armed(): boolean {
    return this.position >= 0;
  }

  /**
   * Fires once at virtual time `atNs`; a time that has passed fires as soon as timers are looked at. Infinity disarms.
   * @throws RangeError if `atNs` is not a number
   */
  arm(atNs: number): void {
    if (Number.isNaN(atNs)) throw new RangeError('a timer needs a deadline');
    if (atNs === Infinity) {
      this.disarm();
      return;
    }
    this.#deadline = atNs;
    this.#heap.place(this);
  }

  disarm(): void {
    if (this.position >= 0) this.#heap.remove(this);
    this.#deadline = Infinity;
  }
}

/** Binary min-heap of armed timers; each timer knows its position, so that moving and cancelling search nothing. */
class TimerHeap {
  readonly #items: Timer[] = [];
  #nextOrder = 0;
  /** Called when the earliest deadline has become earlier. */
  onEarlier: ((deadline: number) => void) | undefined;

  get top(): Timer | undefined {
    return this.#items[0];
  }

  get size(): number {
    return this.#items.length;
  }

  /** The order that the next arming gets: timers below it were armed before now. */
  get nextOrder(): number {
    return this.#nextOrder;
  }

  place(timer: Timer): void {
    const earliest = this.#items[0]?.deadline ?? Infinity;
    timer.order = this.#nextOrder++;
    if (timer.position < 0) {
      timer.position = this.#items.length;
      this.#items.push(timer);
    }
    if (!this.#up(timer)) this.#down(timer);
    if (timer.deadline < earliest) this.onEarlier?.(timer.deadline);
  }

  remove(timer: Timer): void {
    const position = timer.position;
    const last = this.#items.pop();
    timer.position = -1;
    if (last === undefined || last === timer) return;
    this.#items[position] = last;
    last.position = position;
    if (!this.#up(last)) this.#down(last);
  }

  #up(timer: Timer): boolean {
    const start = timer.position;
    let at = start;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#items[parentAt];
      if (parent === undefined || before(parent, timer)) break;
      this.#items[at] = parent;
      parent.position = at;
      at = parentAt;
    }
    this.#items[at] = timer;
    timer.position = at;
    return at !== start;
  }

  #down(timer: Timer): void {
    let at = timer.position;
    for (;;) {
      const left = this.#items[2 * at + 1];
      if (left === undefined) break;
      const right = this.#items[2 * at + 2];
      const child = right !== undefined && before(right, left) ? right : left;
      if (before(timer, child)) break;
      const childAt = child.position;
      this.#items[at] = child;
      child.position = at;
      at = childAt;
    }
    this.#items[at] = timer;
    timer.position = at;
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}

/** Virtual time in nanoseconds since the machine was made, with timers. */
export class VirtualClock {
  readonly source: ClockSource;
  readonly #heap = new TimerHeap();
  #dispatching = false;
  /** Told after callbacks have run: what they asked of the machine as a whole can be done now. */
  onDispatched: (() => void) | undefined;

  constructor(source: ClockSource = new HostClockSource()) {
    this.source = source;
  }

  /** Nanoseconds of virtual time. */
  now(): number {
    return this.source.now();
  }

  /** Makes a timer, not armed. */
  timer(callback: () => void): Timer {
    return new Timer(this.#heap, callback);
  }

  /** Virtual time at which the next timer is due; Infinity when none is armed. */
  nextDeadline(): number {
    return this.#heap.top?.deadline ?? Infinity;
  }

  /** Timers that are armed. */
  get armedTimers(): number {
    return this.#heap.size;
  }

  /** True while timer callbacks run. */
  get dispatching(): boolean {
    return this.#dispatching;
  }

  /** Told when the next deadline has become earlier than it was: a run loop that waits or executes must look again. */
  set onEarlierDeadline(callback: ((deadline: number) => void) | undefined) {
    this.#heap.onEarlier = callback;
  }

  /**
   * Runs the callbacks of the timers that are due, in order. A timer that is armed again by a callback waits for the
   * next call, even if it is due already: a period of zero cannot hang the caller.
   * @returns whether any was due
   */
  runExpired(): boolean {
    let top = this.#heap.top;
    if (top === undefined) return false;
    const now = this.source.now();
    if (top.deadline > now) return false;
    const armedBefore = this.#heap.nextOrder;
    const outer = this.#dispatching;
    this.#dispatching = true;
    try {
      while (top !== undefined && top.deadline <= now && top.order < armedBefore) {
        top.disarm();
        top.callback();
        top = this.#heap.top;
      }
    } finally {
      this.#dispatching = outer;
    }
    if (!outer) this.onDispatched?.();
    return true;
  }
}

/** A clock that moves only by {@link advance}: for tests and qtest, where no vCPU's time counts. */
export class ManualClock extends VirtualClock {
  constructor() {
    super(new ManualClockSource());
  }

  /** Moves time by `ns`, running each timer at its own deadline. Returns the new time. */
  advance(ns: number): number {
    return this.advanceTo(this.now() + ns);
  }

  /**
   * Moves time to `target`, running each timer at its own deadline. Returns the new time.
   * @throws RangeError if `target` has passed
   */
  advanceTo(target: number): number {
    if (!(target >= this.now())) throw new RangeError(`time cannot go back from ${this.now()} to ${target}`);
    for (let deadline = this.nextDeadline(); deadline <= target; deadline = this.nextDeadline()) {
      this.source.set(Math.max(deadline, this.now()));
      this.runExpired();
    }
    this.source.set(target);
    return target;
  }

  /** Moves time to the next deadline, if there is one, and runs what is due. Returns the new time. */
  advanceToNext(): number {
    const deadline = this.nextDeadline();
    return deadline === Infinity ? this.now() : this.advanceTo(Math.max(deadline, this.now()));
  }
}
