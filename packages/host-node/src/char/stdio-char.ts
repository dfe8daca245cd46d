// The terminal, or the pipes, that the program was started on.

import { UserError } from '@boardwalk/core';
import { HostChar } from './host-char.ts';

/** The parts of a terminal's input that are used; `process.stdin` has them. */
export interface TerminalInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (data: Uint8Array) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  removeAllListeners(event: 'data' | 'end'): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** The parts of a terminal's output that are used; `process.stdout` has them. */
export interface TerminalOutput {
  write(data: Uint8Array | string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** What keys of the terminal mean. */
export interface StdioOptions {
  /** Ctrl-C on a terminal ends the emulator; otherwise it goes to the guest. */
  readonly signals: boolean;
  /** The user wants to leave. */
  readonly onQuit: () => void;
  readonly input?: TerminalInput;
  readonly output?: TerminalOutput;
}

const CTRL_C = 0x03;

let owner: StdioChar | undefined;

/** Standard input and output. One at a time; a terminal is raw while it is open, and as before after every way out. */
export class StdioChar extends HostChar {
  readonly #options: StdioOptions;
  readonly #input: TerminalInput;
  readonly #output: TerminalOutput;
  #open = false;
  readonly #restore = (): void => {
    if (this.#input.isTTY) this.#input.setRawMode?.(false);
  };

  /** @throws UserError if something else has the terminal */
  constructor(options: StdioOptions) {
    super();
    if (owner) throw new UserError('cannot use stdio by multiple character devices');
    owner = this;
    this.#options = options;
    this.#input = options.input ?? process.stdin;
    this.#output = options.output ?? process.stdout;
  }

  override get filename(): string {
    return 'stdio';
  }

  override begin(): Promise<void> {
    this.#open = true;
    // A reader that has gone away (| head) is no reason to stop the guest.
    this.#output.on('error', () => {});
    if (this.#input.isTTY) {
      process.on('exit', this.#restore);
      this.#input.setRawMode?.(true);
    }
    this.#input.on('data', (keys) => this.#receive(keys));
    this.#input.on('end', () => this.announce('close'));
    this.#input.resume();
    return Promise.resolve();
  }

  protected override send(data: Uint8Array): void {
    // The stream keeps what it cannot send at once, and the bytes are the caller's again.
    if (this.#open) this.#output.write(data.slice());
  }

  override canReceive(accepting: boolean): void {
    // A terminal is always read: the user must be able to leave a guest that reads nothing. It types no more than people do.
    if (this.#input.isTTY || !this.#open) return;
    if (accepting) this.#input.resume();
    else this.#input.pause();
  }

  protected override release(): void {
    if (owner === this) owner = undefined;
    if (!this.#open) return;
    this.#open = false;
    this.#input.removeAllListeners('data');
    this.#input.removeAllListeners('end');
    this.#input.pause();
    process.off('exit', this.#restore);
    this.#restore();
  }

  #receive(keys: Uint8Array): void {
    if (this.#options.signals && this.#input.isTTY && keys.includes(CTRL_C)) this.#options.onQuit();
    else this.deliver(keys);
  }
}
