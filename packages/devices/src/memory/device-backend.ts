// What memory devices have in common: the backend that one takes when it is plugged in, and lets go of when it goes.

import { type DeviceMemory, MemoryBackend, type MemoryDevice, UserError, useBackend } from '@boardwalk/core';

/** A memory device's backend. */
export class DeviceBackend {
  readonly #device: MemoryDevice;
  readonly #busyText: (id: string) => string;
  #taken: MemoryBackend | undefined;

  /** @param busyText the error if somebody has the backend already */
  constructor(device: MemoryDevice, busyText: (id: string) => string) {
    this.#device = device;
    this.#busyText = busyText;
  }

  /** The backend; undefined unless the device is plugged in. */
  get taken(): MemoryBackend | undefined {
    return this.#taken;
  }

  /** The backend of a device that is plugged in. */
  get current(): MemoryBackend {
    if (this.#taken === undefined) throw new Error(`${this.#device.type} '${this.#device.id}' has no memory yet`);
    return this.#taken;
  }

  /** The backend that `memdev` names. @throws UserError if it is not given, or in use */
  choose(): MemoryBackend {
    const memdev = this.#device.getProperty('memdev');
    if (!(memdev instanceof MemoryBackend)) throw new UserError("'memdev' property must be set");
    if (memdev.mapped) throw new UserError(this.#busyText(memdev.id));
    return memdev;
  }

  /** Where memory devices lie in the device's machine. @throws UserError if nowhere */
  get place(): DeviceMemory {
    const { deviceMemory } = this.#device.machine;
    if (deviceMemory !== undefined) return deviceMemory;
    throw new UserError('memory devices (e.g. for memory hotplug) are not supported by the machine');
  }

  /** Takes the backend, and maps its memory. @throws UserError for a slot or address that cannot be; nothing is taken then */
  plug(memdev: MemoryBackend): void {
    const { place } = this;
    useBackend(memdev, this.#device.machine.space);
    this.#taken = memdev;
    try {
      place.plug(this.#device);
    } catch (error) {
      this.#letGo(memdev);
      throw error;
    }
  }

  /** Takes the memory out of the machine, and lets go of the backend. */
  unplug(): void {
    const memdev = this.#taken;
    if (memdev === undefined) return;
    this.place.unplug(this.#device);
    this.#letGo(memdev);
  }

  #letGo(memdev: MemoryBackend): void {
    this.#taken = undefined;
    memdev.mapped = false;
  }
}
