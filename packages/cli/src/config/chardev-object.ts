// A -chardev in the object tree, where a device finds it by its id.

import { BwObject, type CharBackend, type CharEvent, UserError } from '@boardwalk/core';

/** A line with a name; one device or serial port uses it. */
export class Chardev extends BwObject implements CharBackend {
  static override readonly typeName: string = 'chardev';

  /** Nobody is at its other end, so it does not matter whether anything is at this one. */
  readonly isNull: boolean;
  readonly #backend: CharBackend;
  #used = false;

  constructor(backend: CharBackend, isNull: boolean) {
    super();
    this.#backend = backend;
    this.isNull = isNull;
  }

  /** Something of the machine is on the line. */
  get used(): boolean {
    return this.#used;
  }

  write(data: Uint8Array): void {
    this.#backend.write(data);
  }

  /** @throws UserError if something else has the line already */
  onData(callback: (data: Uint8Array) => void): void {
    if (this.#used) throw new UserError(`chardev '${this.id}' is in use already`);
    this.#used = true;
    this.#backend.onData(callback);
  }

  onEvent(callback: (event: CharEvent) => void): void {
    this.#backend.onEvent?.(callback);
  }

  canReceive(accepting: boolean): void {
    this.#backend.canReceive?.(accepting);
  }

  close(): void {
    this.#backend.close();
  }
}
