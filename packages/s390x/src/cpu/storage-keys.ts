/** Storage keys: a byte for each 4 KiB of storage: access control, fetch protection, reference, change (SA22-7832, chapter "Storage"). */
import { Device, type DeviceState, type StorageKeyHolder } from '@boardwalk/core';

const FRAME = 4096;

/** The keys of a machine's main storage, in the RAM space where instructions and page walks reach them. */
export class StorageKeys extends Device implements StorageKeyHolder {
  static override readonly typeName: string = 's390-skeys';
  readonly #isUsed: () => boolean;
  #host = 0;
  #count = 0;

  /** @param isUsed whether the program has looked at keys, or set one */
  constructor(isUsed: () => boolean) {
    super();
    this.#isUsed = isUsed;
  }

  override realize(): void {
    super.realize();
    this.#count = Math.ceil(this.machine.ramSize / FRAME);
    this.#host = this.machine.space.reserve(this.#count);
    this.bytes.fill(0);
  }

  /** Host offset of the first key. */
  get host(): number {
    return this.#host;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The keys themselves. */
  get bytes(): Uint8Array {
    return this.machine.space.u8.subarray(this.#host, this.#host + this.#count);
  }

  get storageKeys(): Uint8Array | undefined {
    return this.#isUsed() ? this.bytes.slice() : undefined;
  }

  override resetHold(): void {
    super.resetHold();
    this.bytes.fill(0);
  }

  override save(): DeviceState {
    const state = super.save();
    return { ...state, fields: { ...state.fields, keys: this.bytes.slice() } };
  }

  override restore(state: DeviceState): void {
    const { keys } = state.fields;
    if (!(keys instanceof Uint8Array) || keys.length !== this.#count) {
      throw new Error(`${this.path}: saved state lacks the keys of ${this.#count} frames`);
    }
    super.restore(state);
    this.bytes.set(keys);
  }

  override dispose(): void {
    super.dispose();
    if (this.#count > 0) this.machine.space.release(this.#host, this.#count);
    this.#count = 0;
  }
}
