// What a machine tells the outside: the QMP events of its life.

import type { GuestActions, PanicOutcome } from './actions.ts';
import type { Cpu } from './cpu.ts';
import type { DebugStop } from './debug.ts';

/** Who wanted it. */
export type Cause = 'guest' | 'host';

/** How a run ended. */
export interface ExitInfo {
  readonly cause: Cause;
  /** `reset`: a guest's reset that `noReboot` made the end. `panic`: the guest cannot go on, and its hardware knows it. */
  readonly reason: 'shutdown' | 'reset' | 'panic';
  /** The guest's exit status, where the board can say one; 0 otherwise. */
  readonly status: number;
}

/** What a board knows of a guest that cannot go on: where an s390x CPU waits for what can never come. */
export interface PanicInfo {
  readonly type: 's390';
  /** Number of the CPU. */
  readonly core: number;
  readonly pswMask: bigint;
  readonly pswAddress: bigint;
  readonly reason: 'disabled-wait' | 'extint-loop' | 'pgmint-loop' | 'opint-loop';
}

/** Events and what comes with them. */
export interface MachineEvents {
  /** After a reset. */
  readonly reset: { readonly cause: Cause };
  readonly stop: Record<string, never>;
  /** A breakpoint, a watchpoint or the end of a step stopped the machine; `stop` follows. */
  readonly debug: { readonly cpu: Cpu; readonly stop: DebugStop };
  readonly resume: Record<string, never>;
  readonly shutdown: ExitInfo;
  /** The guest cannot go on. `shutdown` or `stop` follows, as the outcome says. */
  readonly panic: PanicInfo & { readonly outcome: PanicOutcome };
  /** The guest has forgotten its watchdog; what follows. */
  readonly watchdog: { readonly action: GuestActions['watchdog'] };
  /** The power button. */
  readonly powerdown: Record<string, never>;
  /** A user's device was taken out; `id` is empty for one that had none. */
  readonly unplugged: { readonly id: string; readonly path: string };
  /** A guest has taken memory of a memory device, or given some back: `size` bytes are its own now. `id` as above. */
  readonly memorySize: { readonly id: string; readonly path: string; readonly size: number };
  /** A guest has given RAM back through its balloon, or taken some: it has `actual` bytes now. */
  readonly balloon: { readonly actual: number };
  /** Code of the host failed: the machine stands still. */
  readonly error: { readonly error: Error };
}

type Listener<E> = (event: E) => void;

/** Listeners by event. */
export class EventHub {
  /** Nothing is told: what happens has been told before. */
  muted = false;
  readonly #listeners = new Map<keyof MachineEvents, Set<Listener<never>>>();

  /** Calls back at each such event. Returns how to end that. */
  on<K extends keyof MachineEvents>(name: K, listener: Listener<MachineEvents[K]>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<K extends keyof MachineEvents>(name: K, event: MachineEvents[K]): void {
    if (this.muted) return;
    for (const listener of [...(this.#listeners.get(name) ?? [])]) (listener as Listener<MachineEvents[K]>)(event);
  }
}
