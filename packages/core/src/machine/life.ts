// The life of a machine: started, paused, reset, shut down, by its guest and by whoever runs it, and what it tells of that.
import { resetTree } from '../device/tree.ts';
import type { GuestLog, Tracer } from '../log/index.ts';
import { BwObject, UserError } from '../object/index.ts';
import type { History } from '../replay/history.ts';
import type { VirtualClock } from '../time/index.ts';
import { type GuestActions, panicOutcome } from './actions.ts';
import type { Cpu } from './cpu.ts';
import type { DebugStop } from './debug.ts';
import { type Cause, EventHub, type ExitInfo, type MachineEvents, type PanicInfo } from './events.ts';
import type { MachineOptions } from './options.ts';
import type { MachineLoop } from './run-loop.ts';

/** What a machine does now. `prelaunch`: made, not started. `internal-error`: code of the host failed. */
export type RunState =
  | 'prelaunch'
  /** It waits for a snapshot to go on from. */
  | 'inmigrate'
  | 'running'
  | 'paused'
  /** Paused: a snapshot was taken of it, to go on elsewhere. */
  | 'postmigrate'
  /** Paused: the guest cannot go on, or has forgotten its watchdog. */
  | 'guest-panicked'
  | 'watchdog'
  | 'shutdown'
  | 'internal-error';

type PausedState = 'paused' | 'guest-panicked' | 'watchdog';

/** Things asked for while guest code or timers ran: they are done between slices. */
interface Requests {
  shutdown: ExitInfo | undefined;
  reset: Cause | undefined;
  /** And what it is then. */
  pause: PausedState | undefined;
  debug: { readonly cpu: Cpu; readonly stop: DebugStop } | undefined;
  /** What is to be done while the vCPUs stand still. */
  changes: readonly (() => void)[];
}

/** A promise that its owner settles. */
export class Deferred<T> {
  resolve: (value: T) => void = () => {};
  reject: (error: Error) => void = () => {};
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}

/** What all machines do alike. What they are made of is {@link Machine}'s. */
export abstract class MachineLife extends BwObject {
  abstract readonly options: MachineOptions;
  abstract readonly clock: VirtualClock;
  abstract readonly log: GuestLog;
  abstract readonly trace: Tracer;
  /** What happened, for those who go back in time. */
  abstract readonly history: History;
  /** What follows on the guest's own doings. */
  abstract readonly actions: GuestActions;
  protected abstract readonly loop: MachineLoop;
  protected readonly events = new EventHub();
  /** The end of the run. */
  protected readonly ended = new Deferred<ExitInfo>();
  #stopsTo: ((stop: DebugStop, cpu: Cpu) => void) | undefined;
  readonly #resetCallbacks: (() => void)[] = [];
  readonly #powerdownCallbacks: (() => void)[] = [];
  readonly #nmiCallbacks: ((cpu: Cpu | undefined) => void)[] = [];
  readonly #requests: Requests = {
    shutdown: undefined,
    reset: undefined,
    pause: undefined,
    debug: undefined,
    changes: [],
  };
  #state: RunState = 'prelaunch';
  /** {@link resume} was called while the machine waited for a snapshot. */
  #goOn = false;
  #started = false;
  #timersHeld = false;

  /** Runs at each reset, the first one too, when devices have their reset values: load firmware, set start addresses. */
  onReset(callback: () => void): void {
    this.#resetCallbacks.push(callback);
  }

  /** Runs when somebody presses the power button. */
  onPowerdown(callback: () => void): void {
    this.#powerdownCallbacks.push(callback);
  }

  get state(): RunState {
    return this.#state;
  }

  /** @internal a snapshot was put back: what had ended can go on */
  restored(): void {
    if (this.#state !== 'prelaunch') this.#become('paused');
  }

  /** A snapshot of a paused machine was taken, to go on elsewhere: its state tells so until it goes on here. */
  migrated(): void {
    if (this.#state === 'paused' || this.#state === 'prelaunch') this.#become('postmigrate');
  }

  /** Before the start: the machine will go on from a snapshot that is not there yet. Until then {@link resume} is only noted. */
  expectIncoming(): void {
    if (this.#state === 'prelaunch') this.#become('inmigrate');
  }

  /** The snapshot has been put back: the machine goes on, unless it is to start stopped. */
  goOnFromIncoming(): void {
    this.#started = true;
    if (this.#goOn || this.options.paused !== true) this.resume();
  }

  /** True while guest code or timers run: a reset, pause or shutdown that is asked for now is done when that has ended. */
  get busy(): boolean {
    return this.loop.stepping || this.clock.dispatching;
  }

  /** Listens to an event; returns how to stop that. */
  on<K extends keyof MachineEvents>(name: K, listener: (event: MachineEvents[K]) => void): () => void {
    return this.events.on(name, listener);
  }

  /** Starts the machine, stopped if its options say so. No effect after the first time. */
  start(): void {
    if (this.#started || this.#state !== 'prelaunch') return;
    this.#started = true;
    if (this.options.paused === true) return;
    this.#go();
    this.events.emit('resume', {});
  }

  /**
   * Starts the machine if that has not been done, and waits for its end.
   * Rejects with the error when code of a device or CPU throws.
   */
  run(): Promise<ExitInfo> {
    this.start();
    return this.ended.promise;
  }

  /** Stops guest code and virtual time. */
  pause(): void {
    this.#pauseAs('paused');
  }

  /** A breakpoint, a watchpoint or the end of a step: the machine pauses when the slice of `cpu` has ended. */
  debugStop(cpu: Cpu, stop: DebugStop): void {
    if (this.#stopsTo !== undefined) {
      this.#stopsTo(stop, cpu);
      return;
    }
    this.#requests.debug ??= { cpu, stop };
    this.pause();
  }

  /**
   * @internal who executes CPUs without the run loop hears of their stops, and nobody else; what the guest asks of the machine
   * meanwhile it has asked before. Returns how to end that.
   */
  interceptStops(to: (stop: DebugStop, cpu: Cpu) => void): () => void {
    this.#stopsTo = to;
    this.events.muted = true;
    return () => {
      this.#stopsTo = undefined;
      this.events.muted = false;
      this.#requests.shutdown = this.#requests.reset = this.#requests.pause = undefined;
      this.#requests.changes = [];
    };
  }

  /**
   * Goes on after {@link pause}; with `holdTime` virtual time and timers stand still until the next pause (debuggers step so).
   * @throws UserError after a shutdown or an internal error, until a reset
   */
  resume(options: { readonly holdTime?: boolean } = {}): void {
    this.#requests.pause = undefined;
    this.#requests.debug = undefined;
    if (this.#state === 'running') return;
    if (this.#state === 'inmigrate') {
      this.#goOn = true;
      return;
    }
    if (this.#state === 'shutdown' || this.#state === 'internal-error') {
      throw new UserError('Resetting the Virtual Machine is required');
    }
    this.#timersHeld = options.holdTime ?? false;
    this.#go();
    this.events.emit('resume', {});
  }

  /** Resets every device. A guest's own reset may end the run (`actions`). */
  reset(cause: Cause = 'host'): void {
    if (cause === 'guest' && this.actions.reboot === 'shutdown') {
      this.#shutdown({ cause, reason: 'reset', status: 0 });
    } else if (this.#defer()) {
      this.#requests.reset ??= cause;
    } else {
      this.performReset(cause);
    }
  }

  /** Ends the run. A guest's own shutdown may only stop the machine (`actions`). */
  shutdown(cause: Cause = 'host', status = 0): void {
    this.#shutdown({ cause, reason: 'shutdown', status });
  }

  /** The guest cannot go on: tells so, and does what `actions` say. For boards whose hardware knows. */
  panic(info: PanicInfo): void {
    const outcome = panicOutcome(this.actions);
    this.events.emit('panic', { ...info, outcome });
    const status = this.actions.panic === 'exit-failure' ? 1 : 0;
    if (outcome === 'pause') this.#pauseAs('guest-panicked');
    if (outcome === 'poweroff') this.#shutdown({ cause: 'guest', reason: 'panic', status });
  }

  /** The guest has not told its watchdog in time that it lives: tells so, and does what `actions` say. For watchdogs. */
  watchdogExpired(): void {
    const action = this.actions.watchdog;
    this.events.emit('watchdog', { action });
    if (action === 'reset') this.reset('guest');
    else if (action === 'shutdown') this.#pressPower();
    else if (action === 'poweroff') this.shutdown('guest');
    else if (action === 'pause') this.#pauseAs('watchdog');
    else if (action === 'inject-nmi') this.#raiseNmi(undefined);
  }

  /** How a board raises an interrupt that its CPUs cannot mask. */
  onNmi(callback: (cpu: Cpu | undefined) => void): void {
    this.#nmiCallbacks.push(callback);
  }

  /**
   * Raises it.
   * @param cpu the one that takes it, where a board has it for each; without it the first
   * @returns false on a board that has no such interrupt
   */
  injectNmi(cpu?: Cpu): boolean {
    this.history.act(() => this.#raiseNmi(cpu));
    return this.#nmiCallbacks.length > 0;
  }

  /** Presses the power button: what happens is the guest's affair. */
  powerdown(): void {
    this.history.act(() => this.#pressPower());
  }

  /** Tells the run loop that something outside has happened: a sleeping CPU may have an interrupt. */
  wake(): void {
    this.loop.wake();
  }

  /**
   * Does something that needs every vCPU to stand still, its state complete: between slices they do; vCPUs on threads are
   * stopped for it, if they run. Not for device code.
   */
  whileStill<T>(use: () => T): T {
    let result: T | undefined;
    this.loop.exclusively(() => {
      result = use();
    });
    return result as T;
  }

  /** The same for device code: at once where nothing runs, else when the code that asks has ended. */
  whenStill(change: () => void): void {
    if (this.#defer()) this.#requests.changes = [...this.#requests.changes, change];
    else this.whileStill(change);
  }

  // --- inside

  /** Whether a request has to wait; then the slice that it waits for is made to end. */
  #defer(): boolean {
    if (this.#stopsTo !== undefined) return true;
    if (!this.busy) return false;
    this.loop.interrupt();
    return true;
  }

  #go(): void {
    this.#become('running');
    if (!this.#timersHeld) this.clock.source.start();
    this.loop.start();
  }

  #halt(state: RunState): void {
    this.#become(state);
    this.loop.halt();
    this.#timersHeld = false;
    this.clock.source.stop();
    this.loop.wake();
  }

  protected performRequests(): void {
    const { shutdown, reset, pause, changes } = this.#requests;
    this.#requests.changes = [];
    for (const change of changes) this.whileStill(change);
    if (shutdown === undefined && reset === undefined && pause === undefined) return;
    this.#requests.shutdown = undefined;
    this.#requests.reset = undefined;
    this.#requests.pause = undefined;
    if (shutdown !== undefined) {
      this.#performShutdown(shutdown);
      return;
    }
    if (reset !== undefined) this.performReset(reset);
    if (pause !== undefined) this.#performPause(pause);
  }

  /** Without a cause: the first reset, which is nobody's news. */
  protected performReset(cause?: Cause): void {
    this.loop.exclusively(() => {
      resetTree(this, () => {
        for (const callback of this.#resetCallbacks) callback();
      });
    });
    // One that stands still is as if it had not begun, and can begin again.
    if (cause !== undefined && this.#state !== 'running' && this.#state !== 'inmigrate') this.#become('prelaunch');
    this.log.write('reset', cause === undefined ? 'machine: first reset' : `machine: reset by the ${cause}`);
    if (cause !== undefined) this.events.emit('reset', { cause });
    this.loop.wake();
  }

  #pauseAs(state: PausedState): void {
    if (this.#state !== 'running') return;
    if (this.#defer()) this.#requests.pause ??= state;
    else this.#performPause(state);
  }

  #performPause(state: PausedState): void {
    if (this.#state !== 'running') return;
    const { debug } = this.#requests;
    this.#requests.debug = undefined;
    this.#halt(state);
    if (debug !== undefined) this.events.emit('debug', debug);
    this.events.emit('stop', {});
  }

  #shutdown(info: ExitInfo): void {
    if (this.#defer()) this.#requests.shutdown ??= info;
    else this.#performShutdown(info);
  }

  #performShutdown(info: ExitInfo): void {
    if (this.#state === 'shutdown') return;
    this.#halt('shutdown');
    this.events.emit('shutdown', info);
    if (info.cause === 'guest' && this.actions.shutdown === 'pause') this.events.emit('stop', {});
    else this.ended.resolve(info);
  }

  protected fail(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    this.#halt('internal-error');
    this.events.emit('error', { error });
    this.ended.reject(error);
  }

  /** Nothing of it runs any more, whatever it did. */
  protected endRun(): void {
    this.#become('shutdown');
    this.clock.source.stop();
    this.loop.wake();
  }

  #raiseNmi(cpu: Cpu | undefined): void {
    for (const callback of this.#nmiCallbacks) callback(cpu);
  }

  #pressPower(): void {
    for (const callback of this.#powerdownCallbacks) callback();
    this.events.emit('powerdown', {});
  }

  #become(state: RunState): void {
    if (this.#state !== state) this.trace.tell('runstate_set', `current_state ${this.#state} new_state ${state}`);
    this.#state = state;
  }

  protected get timersHeld(): boolean {
    return this.#timersHeld;
  }
}
