// The object type `rng-random`: random numbers out of a file or a device of the host.

import { closeSync, constants, openSync, readSync } from 'node:fs';
import {
  type Machine,
  type PropertySpec,
  RngBackend,
  type TypeRegistry,
  typeOfClass,
  UserError,
} from '@boardwalk/core';
import { reasonOf } from './output-file.ts';

/** Numbers of the host, as its file has them ready. */
export class RngRandom extends RngBackend {
  static override readonly typeName: string = 'rng-random';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'filename', type: 'string', description: 'the file or device they are in', default: '/dev/urandom' },
  ];

  #fd: number | undefined;

  /** @throws UserError if the host does not open the file */
  override complete(): void {
    const name = String(this.getProperty('filename'));
    try {
      // Without O_NONBLOCK the whole program would wait for a pipe that nobody writes to.
      this.#fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      throw new UserError(`Could not open '${name}': ${reasonOf(error)}`);
    }
    super.complete();
  }

  take(machine: Machine, into: Uint8Array<ArrayBuffer>): number {
    const bytes = machine.history.read(() => this.#read(into.length));
    into.set(bytes);
    return bytes.length;
  }

  override dispose(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    super.dispose();
  }

  #read(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    if (this.#fd === undefined) return bytes.subarray(0, 0);
    try {
      return bytes.subarray(0, readSync(this.#fd, bytes));
    } catch {
      // Nothing is there yet, or the host cannot read: one waits for it.
      return bytes.subarray(0, 0);
    }
  }
}

/** Makes the type known. */
export function registerRngRandom(types: TypeRegistry): void {
  types.register(typeOfClass(RngRandom, { create: () => new RngRandom() }));
}
