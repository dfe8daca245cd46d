// The network backends of a machine: each is one card's.
import { UserError } from '../object/index.ts';
import type { NetBackend } from './net-backend.ts';

/** Gives out backends to devices, by id. */
export class NetTable {
  readonly #backends: ReadonlyMap<string, NetBackend>;
  /** Paths of the devices that have them, by id. */
  readonly #users = new Map<string, string>();

  constructor(backends: ReadonlyMap<string, NetBackend> = new Map()) {
    this.#backends = backends;
  }

  /**
   * Takes a backend.
   * @param device the device's path
   * @param type its type, for messages
   * @throws UserError if there is none of that id, or another device has it
   */
  claim(id: string, device: string, type: string): NetBackend {
    const backend = this.#backends.get(id);
    if (backend === undefined) throw new UserError(`Property '${type}.netdev' can't find value '${id}'`);
    if (this.#users.has(id)) throw new UserError(`Property '${type}.netdev' can't take value '${id}', it's in use`);
    this.#users.set(id, device);
    return backend;
  }

  /** A device has gone: what it had is free, and hears nothing more. */
  release(device: string): void {
    for (const [id, user] of this.#users) {
      if (user !== device) continue;
      this.#users.delete(id);
      this.#backends.get(id)?.onFrame(() => {});
    }
  }

  close(): void {
    for (const backend of this.#backends.values()) backend.close();
  }
}
