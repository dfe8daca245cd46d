// A line whose input waits until the program is complete: a greeting goes out before everything is loaded.

import type { CharBackend, CharEvent } from '@boardwalk/core';

/** Holds input back until a promise is kept and somebody listens. */
export class GatedLine implements CharBackend {
  readonly #line: CharBackend;
  #complete = false;
  #open = false;
  #early: Uint8Array[] = [];
  #receiver: ((data: Uint8Array) => void) | undefined;

  constructor(line: CharBackend, complete: Promise<void>) {
    this.#line = line;
    line.onData((data) => {
      if (this.#open) this.#receiver?.(data);
      else this.#early.push(data.slice());
    });
    line.canReceive?.(false);
    void complete.then(() => {
      this.#complete = true;
      this.#release();
    });
  }

  write(data: Uint8Array): void {
    this.#line.write(data);
  }

  onData(callback: (data: Uint8Array) => void): void {
    this.#receiver = callback;
    this.#release();
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#line.onEvent?.(callback);
  }

  canReceive(accepting: boolean): void {
    this.#line.canReceive?.(accepting);
  }

  close(): void {
    this.#line.close();
  }

  #release(): void {
    if (this.#open || !this.#complete || !this.#receiver) return;
    const early = this.#early;
    this.#open = true;
    this.#early = [];
    for (const data of early) this.#receiver?.(data);
    this.#line.canReceive?.(true);
  }
}
