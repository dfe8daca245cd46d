/** Buses with room for every device of their kind. */
import { Bus, type Device, UserError } from '@boardwalk/core';

/** A device that goes to whoever has its bus. */
export interface PluggedDevice<Owner> extends Device {
  plugInto(owner: Owner): void;
}

/** A bus whose devices, of one kind and any number, belong to its owner. */
export abstract class OpenBus<Owner> extends Bus {
  readonly full = false;
  readonly #owner: Owner;

  constructor(owner: Owner) {
    super();
    this.#owner = owner;
  }

  protected abstract takes(device: Device): device is PluggedDevice<Owner>;

  plug(device: Device): void {
    if (!this.takes(device)) throw new UserError(`Device '${device.type}' can't go on ${this.busType} bus`);
    device.plugInto(this.#owner);
  }
}
