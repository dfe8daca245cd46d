// Open files that clients of monitors have passed, by the names that they gave them.

import { closeSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import type { PassedDescriptors } from '@boardwalk/monitor';
import type { FdSets } from './fd-sets.ts';

/** They are closed with the program. */
export class Descriptors implements PassedDescriptors {
  readonly #sets: FdSets;
  readonly #named = new Map<string, number>();
  #last: number | undefined;

  constructor(sets: FdSets) {
    this.#sets = sets;
  }

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

  get sets(): FdSets['list'] {
    return this.#sets.list;
  }

  addToSet(set: number | undefined, opaque: string | undefined): { readonly set: number; readonly fd: number } {
    const fd = this.#last;
    if (fd === undefined) throw new UserError('No file descriptor supplied via SCM_RIGHTS');
    this.#last = undefined;
    return { set: this.#sets.add({ fd, opaque }, set), fd };
  }

  removeFromSet(set: number, fd: number | undefined): boolean {
    return this.#sets.remove(set, fd);
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
