// Open files that clients of monitors have passed, by the names that they gave them.

import { closeSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import type { PassedDescriptors } from '@boardwalk/monitor';

/** They are closed with the program. */
export class Descriptors implements PassedDescriptors {
  readonly #named = new Map<string, number>();
  #last: number | undefined;

  /** One has come; one that came before and was not named is closed. */
  arrived(fd: number): void {
    if (this.#last !== undefined) closeSync(this.#last);
    this.#last = fd;
  }

  get waiting(): boolean {
    return this.#last !== undefined;
  }

  name(name: string): void {
    const fd = this.#last;
    if (fd === undefined) return;
    this.#last = undefined;
    this.close(name);
    this.#named.set(name, fd);
  }

  close(name: string): boolean {
    const fd = this.#named.get(name);
    if (fd === undefined) return false;
    this.#named.delete(name);
    closeSync(fd);
    return true;
  }

  /** Whoever asks has it from now on. @throws UserError if there is none of that name */
  take(name: string): number {
    const fd = this.#named.get(name);
    if (fd === undefined) throw new UserError(`File descriptor named '${name}' has not been found`);
    this.#named.delete(name);
    return fd;
  }
}
