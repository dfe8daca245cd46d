// Virtio entropy device. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.4.

import type { PropertySpec } from '@boardwalk/core';
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
      description: 'start of a repeatable sequence, in place of random bytes of the host',
    },
  ];
  static override readonly state = [{ name: 'sequence', type: 'u64' }] as const;

  override readonly deviceId = 4;
  /** State of the seeded generator. */
  sequence = 0n;
  #seeded = false;

  override realize(): void {
    super.realize();
    const seed = this.getProperty('seed');
    this.#seeded = typeof seed === 'number' || typeof seed === 'bigint';
    if (typeof seed === 'number' || typeof seed === 'bigint') this.sequence = BigInt(seed);
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
      if (this.#seeded) this.#fillFromSeed(bytes);
      else crypto.getRandomValues(bytes);
      queue.push(element, element.writable.write(0, bytes));
      return bytes.length;
    });
    this.interrupt(queue);
  }

  /** SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): 8 bytes a step. */
  #fillFromSeed(bytes: Uint8Array): void {
    const word = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < bytes.length; i++) {
      if (i % 8 === 0) word.setBigUint64(0, this.#next(), true);
      bytes[i] = word.getUint8(i % 8);
    }
  }

  #next(): bigint {
    this.sequence = BigInt.asUintN(64, this.sequence + 0x9e3779b97f4a7c15n);
    let z = this.sequence;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }
}
