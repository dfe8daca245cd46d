// The run loop: vCPUs in turn, a slice each, timers between slices, and the host's event loop every few milliseconds.
import type { History } from '../replay/history.ts';
import type { VirtualClock } from '../time/index.ts';
import type { Cpu } from './cpu.ts';
import type { HostScheduler } from './host-scheduler.ts';

/** What the loop asks the machine. */
export interface RunLoopOwner {
  readonly clock: VirtualClock;
  /** Where what happens is noted, for those who go back in time. */
  readonly history: History;
  /** The vCPUs that execute; none in qtest mode. */
  readonly executingCpus: readonly Cpu[];
  /** False ends the loop. */
  readonly running: boolean;
  /** Timers wait, however late: a debugger steps. */
  readonly timersHeld: boolean;
  /** Between slices: resets, pauses and shutdowns that were asked for meanwhile. */
  performRequests(): void;
  /** Code of a device or CPU threw. */
  fail(error: unknown): void;
}

const sliceNs = 1_000_000;
/** A slice is not made shorter for a near timer than this, where the host's speed decides. */
const shortestSliceNs = 20_000;
const yieldEveryMs = 4;
/** A wait shorter than this is not worth a timer of the host. */
const shortestSleepMs = 0.1;
const longestBudget = 0x7fff_ffff;

/** Estimates how fast guest code runs here, from slices. */
class RateMeter {
  /** Instructions per ns. */
  rate = 0.02;
  #instructions = 0;
  #ms = 0;

  add(instructions: number, ms: number): void {
    this.#instructions += instructions;
    this.#ms += ms;
    // Browsers round their clocks: a single slice may seem to take no time at all.
    if (this.#ms < 0.5 || this.#instructions < 1000) return;
    const sample = this.#instructions / (this.#ms * 1e6);
    this.rate = (this.rate + Math.min(Math.max(sample, this.rate / 4), this.rate * 4)) / 2;
    this.#instructions = 0;
    this.#ms = 0;
  }
}

/** What makes a machine go on: vCPUs in turn ({@link RunLoop}), or on threads of their own. */
export interface MachineLoop {
  /** True while guest code or timers run: what changes the machine as a whole has to wait. */
  readonly stepping: boolean;
  /** Instructions per second that guest code was last seen to run at. */
  readonly instructionsPerSecond: number;
  /** Place of the vCPU whose turn is next. */
  turn: number;
  /** The vCPU that executes now, or whose access of a device is made now. */
  readonly currentCpu: Cpu | undefined;
  /** Executes nothing more until `work` is done. */
  holdFor(work: Promise<void>): void;
  /** Starts, unless it goes on already. */
  start(): void;
  /** No vCPU executes when it returns; outside of device code only. */
  halt(): void;
  /** Does something while no vCPU executes; outside of device code only. */
  exclusively(change: () => void): void;
  /** Done when the loop has ended, after `running` became false. */
  ended(): Promise<void>;
  /** Something happened that a sleeping vCPU or the loop must look at. */
  wake(): void;
  /** Ends the current slice soon. */
  interrupt(): void;
}

/** Executes a machine until it does not run any more. */
export class RunLoop implements MachineLoop {
  readonly #owner: RunLoopOwner;
  readonly #host: HostScheduler;
  readonly #meter = new RateMeter();
  #active: Promise<void> | undefined;
  #stepping = false;
  #current: Cpu | undefined;
  #sliceEnd = 0;
  #next = 0;
  /** vCPUs looked at in turn that had nothing to do. */
  #idle = 0;
  #lastYieldMs = 0;
  /** What has to be done before anything is executed. */
  readonly #held = new Set<Promise<void>>();

  constructor(owner: RunLoopOwner, host: HostScheduler) {
    this.#owner = owner;
    this.#host = host;
    owner.clock.onEarlierDeadline = (deadline) => this.#onEarlierDeadline(deadline);
  }

  /** True while guest code or timers run: what changes the machine as a whole has to wait. */
  get stepping(): boolean {
    return this.#stepping;
  }

  /** Instructions per second that guest code was last seen to run at. */
  get instructionsPerSecond(): number {
    return this.#meter.rate * 1e9;
  }

  /** Place of the vCPU whose turn is next. */
  get turn(): number {
    return this.#next;
  }

  set turn(next: number) {
    this.#next = next;
  }

  /** Executes nothing more until `work` is done. */
  holdFor(work: Promise<void>): void {
    this.#held.add(work);
    const done = (): void => void this.#held.delete(work);
    work.then(done, done);
  }

  /** The vCPU that executes now. */
  get currentCpu(): Cpu | undefined {
    return this.#current;
  }

  /** Starts, unless it goes on already. */
  start(): void {
    this.#idle = 0;
    this.#active ??= this.#run().finally(() => {
      this.#active = undefined;
      if (this.#owner.running) this.start(); // resumed after the loop had decided to end
    });
  }

  halt(): void {}

  exclusively(change: () => void): void {
    change();
  }

  /** Done when the loop has ended, after `running` became false. */
  async ended(): Promise<void> {
    await this.#active;
  }

  /** Something happened that a sleeping vCPU or the loop must look at. */
  wake(): void {
    this.#idle = 0;
    this.#host.wake();
  }

  /** Ends the current slice soon. */
  interrupt(): void {
    this.#current?.requestExit();
    this.wake();
  }

  async #run(): Promise<void> {
    await this.#yield(); // whoever starts the machine can do what it has to before the guest acts
    while (this.#owner.running) {
      while (this.#held.size > 0) await Promise.allSettled(this.#held);
      if (!this.#owner.running) return;
      this.#step();
      if (!this.#owner.running) return;
      if (this.#idle >= this.#owner.executingCpus.length) await this.#sleep();
      else if (this.#host.now() - this.#lastYieldMs >= yieldEveryMs) await this.#yield();
    }
  }

  /** Timers, requests, and a slice of the next vCPU. */
  #step(): void {
    this.#stepping = true;
    try {
      if (!this.#owner.timersHeld && this.#owner.clock.runExpired()) this.#idle = 0;
      this.#owner.performRequests();
      if (!this.#owner.running) return;
      const cpus = this.#owner.executingCpus;
      const cpu = cpus[this.#next % cpus.length];
      this.#next = (this.#next + 1) % Math.max(1, cpus.length);
      if (cpu === undefined) return;
      this.#idle++;
      if (!cpu.held && cpu.hasWork() && (this.#slice(cpu) > 0 || !cpu.halted)) this.#idle = 0;
      this.#owner.performRequests();
    } catch (error) {
      this.#owner.fail(error);
    } finally {
      this.#stepping = false;
    }
  }

  #slice(cpu: Cpu): number {
    const { clock } = this.#owner;
    const now = clock.now();
    const untilTimer = clock.nextDeadline() - now;
    const wanted = untilTimer > 0 ? Math.min(untilTimer, sliceNs) : shortestSliceNs;
    const exact = clock.source.instructionsFor(wanted);
    const ns = exact === undefined ? Math.max(wanted, shortestSliceNs) : wanted;
    const budget = Math.min(longestBudget, exact ?? Math.max(1, Math.round(ns * this.#meter.rate)));
    this.#sliceEnd = now + ns;
    const startedMs = this.#host.now();
    this.#owner.history.inSlice = cpu;
    const executed = this.execute(cpu, budget);
    this.#owner.history.slice(cpu, executed, this.#owner.timersHeld);
    this.#meter.add(executed, this.#host.now() - startedMs);
    return executed;
  }

  /** @internal Executes a vCPU up to a number of instructions, and lets time pass. @returns how many it were */
  execute(cpu: Cpu, budget: number): number {
    this.#current = cpu;
    let executed: number;
    try {
      executed = cpu.execute(budget);
    } finally {
      this.#current = undefined;
    }
    this.#owner.clock.source.retire(executed);
    return executed;
  }

  async #yield(): Promise<void> {
    await this.#host.yield();
    this.#lastYieldMs = this.#host.now();
  }

  /** Every vCPU waits for an interrupt: nothing to do until a timer or somebody outside. */
  async #sleep(): Promise<void> {
    const { clock } = this.#owner;
    const deadline = this.#owner.timersHeld ? Infinity : clock.nextDeadline();
    const ns = clock.source.idle(deadline);
    const ms = ns / 1e6;
    if (ms < shortestSleepMs) {
      clock.source.idled(ns, deadline);
      this.#owner.history.time(clock.now());
      if (ms > 0 || this.#host.now() - this.#lastYieldMs >= yieldEveryMs) await this.#yield();
      return;
    }
    const sleptFromMs = this.#host.now();
    await this.#host.sleep(ms);
    this.#lastYieldMs = this.#host.now();
    clock.source.idled((this.#lastYieldMs - sleptFromMs) * 1e6, deadline);
    this.#owner.history.time(clock.now());
  }

  #onEarlierDeadline(deadline: number): void {
    if (this.#current !== undefined) {
      if (deadline < this.#sliceEnd) this.#current.requestExit();
    } else if (!this.#stepping) this.#host.wake();
  }
}
