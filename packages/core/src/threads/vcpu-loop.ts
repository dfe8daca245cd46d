// What a vCPU's thread does until the machine ends: execute, wait for interrupts, run the vCPU's own timers.

import type { Cpu } from '../machine/cpu.ts';
import type { DebugPoints, Watchpoint } from '../machine/debug.ts';
import type { VirtualClock } from '../time/index.ts';
import {
  AT,
  GO,
  TEAM_POINT_WORDS,
  TEAM_POINTS,
  TEAM_POINTS_COUNT,
  TEAM_POINTS_VERSION,
  TEAM_RESYNC,
  VCPU_GO,
  VCPU_RATE,
  VCPU_WAKE,
  WATCH_KINDS,
} from './layout.ts';
import type { VcpuThread } from './vcpu-thread.ts';

const SLICE_NS = 250_000;
const SHORTEST_SLICE_NS = 20_000;
const LONGEST_SLEEP_MS = 1000;
/** A guest that polls by waits that end at once may do so this often. */
const IDLE_WAITS_MOST = 4;
const IDLE_SLEEP_MS = 0.1;

/** A CPU that can run on a thread. */
export interface ThreadedCpu extends Cpu {
  /** Somebody may have changed its state, or the time, while it stood still. */
  resynced(): void;
  /** Waits for interrupts in the last slice that ended at once. */
  readonly idleWaits: number;
}

/** Runs a vCPU on this thread; comes back when the machine ends. */
export class VcpuLoop {
  readonly #thread: VcpuThread;
  readonly #cpu: ThreadedCpu;
  readonly #clock: VirtualClock;
  /** Instructions per nanosecond. */
  #rate = 0.05;
  #resync = -1;
  #points = 0;
  #sliceEnd = 0;
  #isExecuting = false;
  readonly #rates: Float64Array;

  constructor(thread: VcpuThread, cpu: ThreadedCpu) {
    this.#thread = thread;
    this.#cpu = cpu;
    this.#clock = cpu.machine.clock;
    this.#rates = new Float64Array(thread.space.memory.buffer, thread.init.block + VCPU_RATE * 4, 1);
    this.#clock.onEarlierDeadline = (deadline) => {
      if (this.#isExecuting && deadline < this.#sliceEnd) cpu.requestExit();
    };
  }

  run(): void {
    const thread = this.#thread;
    thread.work(AT.boundary);
    for (;;) {
      thread.boundary();
      if (thread.quits) return;
      this.#resynchronize();
      this.#clock.runExpired();
      const seen = thread.words.load(VCPU_WAKE);
      const go = thread.words.load(VCPU_GO);
      if (go !== GO.hold && !thread.awaitsStop && this.#cpu.hasWork()) {
        this.#slice();
        if (this.#cpu.idleWaits >= IDLE_WAITS_MOST) this.#sleep(seen, IDLE_SLEEP_MS);
      } else this.#sleep(seen, LONGEST_SLEEP_MS);
    }
  }

  #resynchronize(): void {
    const { team, words } = this.#thread;
    const resync = team.load(TEAM_RESYNC);
    const isChanged = this.#thread.takeResync();
    if (resync === this.#resync) {
      if (isChanged) this.#cpu.resynced();
      return;
    }
    this.#resync = resync;
    this.#thread.clock.resync();
    const { debug } = this.#cpu;
    if (debug !== undefined) {
      if (team.load(TEAM_POINTS_VERSION) !== this.#points) {
        this.#points = team.load(TEAM_POINTS_VERSION);
        debug.setPoints(this.#readPoints());
      }
      const go = words.load(VCPU_GO);
      debug.step = go === GO.step ? {} : go === GO.stepNoIrq ? { noIrq: true } : undefined;
    }
    this.#cpu.resynced();
  }

  #readPoints(): DebugPoints {
    const { team, space } = this.#thread;
    const breakpoints = new Set<bigint>();
    const watchpoints: Watchpoint[] = [];
    for (let i = 0; i < team.load(TEAM_POINTS_COUNT); i++) {
      const at = (team.at + TEAM_POINTS + i * TEAM_POINT_WORDS) * 4;
      const address = space.view.getBigUint64(at, true);
      const kind = WATCH_KINDS[space.view.getUint32(at + 16, true) - 1];
      if (kind === undefined) breakpoints.add(address);
      else watchpoints.push({ kind, address, length: space.view.getBigUint64(at + 8, true) });
    }
    return { breakpoints, watchpoints };
  }

  #slice(): void {
    const now = this.#clock.now();
    const ns = Math.max(SHORTEST_SLICE_NS, Math.min(this.#clock.nextDeadline() - now, SLICE_NS));
    this.#sliceEnd = now + ns;
    this.#isExecuting = true;
    const executed = this.#cpu.execute(Math.max(1, Math.round(ns * this.#rate)));
    this.#isExecuting = false;
    const spent = this.#clock.now() - now;
    if (executed < 1000 || spent < 1000) return;
    const sample = executed / spent;
    this.#rate += (Math.min(Math.max(sample, this.#rate / 4), this.#rate * 4) - this.#rate) / 8;
    this.#rates[0] = this.#rate * 1e9;
  }

  /** Waits for an interrupt, a timer or the machine's end; `seen` is the wake word before there was nothing to do. */
  #sleep(seen: number, longest: number): void {
    const thread = this.#thread;
    const ms = Math.min(Math.max(0, this.#clock.nextDeadline() - this.#clock.now()) / 1e6, longest);
    if (ms <= 0) return;
    thread.rest(AT.boundary);
    if (!thread.wanted) thread.words.wait(VCPU_WAKE, seen, ms);
    thread.work(AT.boundary);
  }
}
