// What the host's character backends have in common.

import type { CharBackend, CharEvent } from '@boardwalk/core';
import { GatheredOutput } from './gathered-output.ts';

/**
 * A backend on something of the host. Making one checks what can be checked and changes nothing; {@link begin} opens the line,
 * once the machine that it belongs to is complete.
 */
export abstract class HostChar implements CharBackend {
  readonly #output = new GatheredOutput((data) => this.send(data));
  #receiver: ((data: Uint8Array) => void) | undefined;
  #early: Uint8Array[] = [];
  #eventReceiver: ((event: CharEvent) => void) | undefined;

  /**
   * Opens the line; a server that is to wait for its client waits here.
   * @throws UserError if the host refuses
   */
  abstract begin(): Promise<void>;

  /** What and where it is, as monitors show it; `disconnected:` before an address where nobody is. */
  abstract get filename(): string;

  /** A line for the user about where the backend is to be found, when that is only known now (a pty). */
  describe(): string | undefined {
    return undefined;
  }

  /** What the guest sends within one slice of its code leaves together. */
  write(data: Uint8Array): void {
    this.#output.write(data);
  }

  close(): void {
    GatheredOutput.flush();
    this.release();
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#receiver = callback;
    const early = this.#early;
    this.#early = [];
    if (early.length === 0) return;
    for (const data of early) callback(data);
    this.canReceive?.(true);
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#eventReceiver = callback;
  }

  canReceive?(accepting: boolean): void;

  /** Hands bytes to the host; what is kept of them is copied. Dropped unless the line is open. */
  protected abstract send(data: Uint8Array): void;

  /** Lets go of what the host holds. */
  protected abstract release(): void;

  /** What comes before anybody listens is kept, and no more taken. */
  protected deliver(data: Uint8Array): void {
    if (data.length === 0) return;
    if (this.#receiver) {
      this.#receiver(data);
      return;
    }
    this.#early.push(data.slice());
    this.canReceive?.(false);
  }

  protected announce(event: CharEvent): void {
    this.#eventReceiver?.(event);
  }
}
