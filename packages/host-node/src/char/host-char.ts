// What the host's character backends have in common.

import type { CharBackend, CharEvent } from '@boardwalk/core';

/**
 * A backend on something of the host. Making one checks what can be checked and changes nothing; {@link begin} opens the line,
 * once the machine that it belongs to is complete.
 */
export abstract class HostChar implements CharBackend {
  #receiver: ((data: Uint8Array) => void) | undefined;
  #eventReceiver: ((event: CharEvent) => void) | undefined;

  /**
   * Opens the line; a server that is to wait for its client waits here.
   * @throws UserError if the host refuses
   */
  abstract begin(): Promise<void>;

  abstract write(data: Uint8Array): void;

  abstract close(): void;

  /** A line for the user about where the backend is to be found, when that is only known now (a pty). */
  describe(): string | undefined {
    return undefined;
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#receiver = callback;
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#eventReceiver = callback;
  }

  protected deliver(data: Uint8Array): void {
    if (data.length > 0) this.#receiver?.(data);
  }

  protected announce(event: CharEvent): void {
    this.#eventReceiver?.(event);
  }
}
