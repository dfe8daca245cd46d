// What makes a machine go on whose vCPUs run on threads: timers and requests here, device code when a vCPU asks for it.

import type { VcpuTeam } from '../threads/team.ts';
import type { Cpu } from './cpu.ts';
import type { HostScheduler } from './host-scheduler.ts';
import type { MachineLoop, RunLoopOwner } from './run-loop.ts';

/** Waits shorter than this are not worth a timer of the host. */
const SHORTEST_SLEEP_MS = 0.05;

/** The device thread's loop. */
export class ThreadedLoop implements MachineLoop {
  readonly #owner: RunLoopOwner;
  readonly #host: HostScheduler;
  readonly #team: VcpuTeam;
  #active: Promise<void> | undefined;
  #stepping = false;
  #current: Cpu | undefined;
  turn = 0;

  constructor(owner: RunLoopOwner, host: HostScheduler, team: VcpuTeam) {
    this.#owner = owner;
    this.#host = host;
    this.#team = team;
    owner.clock.onEarlierDeadline = () => this.#host.wake();
  }

  get stepping(): boolean {
    return this.#stepping;
  }

  get instructionsPerSecond(): number {
    return this.#team.instructionsPerSecond;
  }

  get currentCpu(): Cpu | undefined {
    return this.#current;
  }

  /** Time is the host's: the guest goes on. */
  holdFor(): void {}

  start(): void {
    this.#team.resume();
    this.#active ??= this.#run().finally(() => {
      this.#active = undefined;
      if (this.#owner.running) this.start();
    });
  }

  halt(): void {
    const wasStepping = this.#stepping;
    // What the vCPUs ask of the machine on their way to a stop is done when they stand.
    this.#stepping = true;
    try {
      this.#team.stop();
    } finally {
      this.#stepping = wasStepping;
    }
    if (!wasStepping) void this.#host.yield().then(() => this.#performRequests());
  }

  exclusively(change: () => void): void {
    if (this.#stepping && this.#current !== undefined) throw new Error('a device cannot stop the vCPUs');
    const ran = !this.#team.isStopped;
    if (ran) this.halt();
    try {
      change();
    } finally {
      if (ran && this.#owner.running) this.#team.resume();
    }
  }

  async ended(): Promise<void> {
    await this.#active;
  }

  wake(): void {
    this.#host.wake();
  }

  interrupt(): void {
    this.#host.wake();
  }

  /** Device code that a vCPU has asked for; then what it asked of the machine. */
  serve(cpu: Cpu | undefined, access: () => void): void {
    const outer = this.#current;
    const wasStepping = this.#stepping;
    this.#current = cpu;
    this.#stepping = true;
    try {
      access();
    } catch (error) {
      this.#owner.fail(error);
    } finally {
      this.#current = outer;
      this.#stepping = wasStepping;
    }
    if (!wasStepping) this.#performRequests();
  }

  #performRequests(): void {
    try {
      this.#owner.performRequests();
    } catch (error) {
      this.#owner.fail(error);
    }
  }

  async #run(): Promise<void> {
    await this.#host.yield();
    while (this.#owner.running) {
      this.#step();
      if (!this.#owner.running) return;
      const { clock, timersHeld } = this.#owner;
      const ms = (timersHeld ? Infinity : clock.source.idle(clock.nextDeadline())) / 1e6;
      if (ms < SHORTEST_SLEEP_MS) await this.#host.yield();
      else await this.#host.sleep(ms);
    }
  }

  #step(): void {
    this.#stepping = true;
    try {
      if (!this.#owner.timersHeld) this.#owner.clock.runExpired();
    } catch (error) {
      this.#owner.fail(error);
    } finally {
      this.#stepping = false;
    }
    this.#performRequests();
  }
}
