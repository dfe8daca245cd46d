// Virtio entropy device. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.4.

import { type PropertySpec, SeededRandom } from '@boardwalk/core';
import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue } from './virtqueue.ts';

/** Bytes answered to one request at most; the device may give fewer than asked for (5.4.6.1). */
const MAX_REQUEST = 65536;

/** Gives the guest random bytes: the host's, or with a seed a sequence that is the same each time. */
export class VirtioRng extends VirtioDevice {
  static override readonly typeName: string = 'virtio-rng-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'seed',
      type: 'uint64',
      description: 'start of a repeatable sequence of its own, in place of what the machine gives',
    },
  ];
  static override readonly state = [{ name: 'sequence', type: 'u64' }] as const;

  override readonly deviceId = 4;
  #seeded: SeededRandom | undefined;

  /** Where the seeded sequence is; 0 without one. */
  get sequence(): bigint {
    return this.#seeded?.state ?? 0n;
  }

  set sequence(state: bigint) {
    if (this.#seeded !== undefined) this.#seeded.state = state;
  }

  override realize(): void {
    super.realize();
    const seed = this.getProperty('seed');
    if (typeof seed === 'number' || typeof seed === 'bigint') this.#seeded = new SeededRandom(BigInt(seed));
  }

  protected override queueSizes(): readonly number[] {
    return [8];
  }

  protected override ownFeatures(): bigint {
    return 0n;
  }

  protected override processQueue(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const bytes = new Uint8Array(Math.min(element.writable.length, MAX_REQUEST));
      if (this.#seeded !== undefined) this.#seeded.fill(bytes);
      else this.machine.randomBytes(bytes);
      queue.push(element, element.writable.write(0, bytes));
      return bytes.length;
    });
    this.interrupt(queue);
  }
}
