// The ways in which the program is told to end from outside of the guest: signals and the user's key.

import type { ShutdownReason } from '@boardwalk/monitor';
import type { Program } from './program.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Ends the program with status 0, in order: the machine is closed, the terminal restored. */
export class Quit {
  /** Why the program is to end. */
  readonly asked: Promise<ShutdownReason>;
  readonly #program: Program;
  #resolve: (reason: ShutdownReason) => void = () => {};
  #byKey = false;
  readonly #onSignal = (): void => this.#resolve('host-signal');

  constructor(program: Program) {
    this.#program = program;
    this.asked = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  listen(): void {
    for (const signal of SIGNALS) process.on(signal, this.#onSignal);
  }

  byMonitor(): void {
    this.#resolve('host-qmp-quit');
  }

  byUser(): void {
    this.#byKey = true;
    this.#resolve('host-ui');
  }

  /** When everything is closed: a second signal kills, and a user who left sees a clean line. */
  ended(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    if (this.#byKey) this.#program.err(`\n${this.#program.name}: terminated\n`);
  }
}
