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
  /** What the user is told at the end. */
  #farewell = '';
  readonly #onSignal = (_name: NodeJS.Signals, signal: number): void => {
    // QEMU adds which process sent it; Node.js does not know.
    this.#farewell ||= `${this.#program.name}: terminating on signal ${signal}\n`;
    this.#resolve('host-signal');
  };

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
    // The prompt or the guest's last line is left on a line of its own.
    this.#farewell ||= `\n${this.#program.name}: terminated\n`;
    this.#resolve('host-ui');
  }

  /** When everything is closed, and the terminal restored: a second signal kills. */
  ended(): void {
    for (const signal of SIGNALS) process.off(signal, this.#onSignal);
    if (this.#farewell !== '') this.#program.err(this.#farewell);
  }
}
