// Where entropy devices take their numbers from: objects of the user's (`-object rng-builtin,id=r`, `-device virtio-rng-device,rng=r`).

import type { Machine } from '../machine/machine.ts';
import { BwObject } from '../object/index.ts';
import { type TypeRegistry, typeOfClass } from '../object/registry.ts';

/** A source of random bytes. */
export abstract class RngBackend extends BwObject {
  static override readonly typeName: string = 'rng-backend';
  static override readonly interfaces: readonly string[] = ['user-creatable'];

  /** How many devices take from it; it cannot be deleted meanwhile. */
  users = 0;

  /** Takes what there is now into `into`, from its start. @returns how many bytes that are; none where one must wait */
  abstract take(machine: Machine, into: Uint8Array<ArrayBuffer>): number;

  override canBeDeleted(): boolean {
    return this.users === 0;
  }
}

/** What the machine has: the host's numbers, or the next of the sequence of `-seed`. */
export class RngBuiltin extends RngBackend {
  static override readonly typeName: string = 'rng-builtin';

  take(machine: Machine, into: Uint8Array<ArrayBuffer>): number {
    machine.randomBytes(into);
    return into.length;
  }
}

/** Makes the types known that need nothing of the host. */
export function registerRngBackends(types: TypeRegistry): void {
  types.register(typeOfClass(RngBackend, { abstract: true }));
  types.register(typeOfClass(RngBuiltin, { create: () => new RngBuiltin() }));
}
