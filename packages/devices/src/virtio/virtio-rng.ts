// Virtio entropy device. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.4.

import { type PropertySpec, RngBackend, SeededRandom, type Timer, UserError } from '@boardwalk/core';
import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue } from './virtqueue.ts';

/** Bytes answered to one request at most; the device may give fewer than asked for (5.4.6.1). */
const MAX_REQUEST = 65536;
/** As many bytes as anybody likes. */
const UNLIMITED = 2n ** 63n - 1n;
const MS = 1e6;
/** After this time, in ns, a source that had nothing is asked again. */
const RETRY_NS = 10 * MS;

/**
 * Gives the guest random bytes: the host's, those of an object of the user's, or with a seed a sequence that is the same each time;
 * in each period, which begins with its first request, so many of them at most.
 */
export class VirtioRng extends VirtioDevice {
  static override readonly typeName: string = 'virtio-rng-device';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'rng', type: 'link<rng-backend>', description: 'where the numbers come from; the host if not given' },
    {
      name: 'max-bytes',
      type: 'uint64',
      description: 'bytes that the guest may have in each period',
      default: UNLIMITED,
      validate: (value) =>
        BigInt(value as number | bigint) > UNLIMITED
          ? "'max-bytes' parameter must be non-negative, and less than 2^63"
          : undefined,
    },
    {
      name: 'period',
      type: 'uint32',
      description: 'length of a period in milliseconds',
      default: 65536,
      validate: (value) => (Number(value) > 0 ? undefined : "'period' parameter expects a positive integer"),
    },
    {
      name: 'seed',
      type: 'uint64',
      description: 'start of a repeatable sequence of its own, in place of what the machine gives',
    },
  ];
  static override readonly state = [
    { name: 'sequence', type: 'u64' },
    { name: 'given', type: 'u64', reset: 0n },
    { name: 'periodEnd', type: 'u64', reset: 0n },
  ] as const;

  override readonly deviceId = 4;
  /** Bytes of this period that the guest has had. */
  given = 0n;
  /** When that ends: ns of virtual time, 0 if none has begun. */
  periodEnd = 0n;
  #seeded: SeededRandom | undefined;
  #source: RngBackend | undefined;
  #period: Timer | undefined;
  #retry: Timer | undefined;

  /** Where the seeded sequence is; 0 without one. */
  get sequence(): bigint {
    return this.#seeded?.state ?? 0n;
  }

  set sequence(state: bigint) {
    if (this.#seeded !== undefined) this.#seeded.state = state;
  }

  /** @throws UserError when its numbers are to come from two places */
  override realize(): void {
    super.realize();
    const [seed, source] = [this.getProperty('seed'), this.getProperty('rng')];
    if (typeof seed === 'number' || typeof seed === 'bigint') this.#seeded = new SeededRandom(BigInt(seed));
    if (source instanceof RngBackend) {
      if (this.#seeded !== undefined) throw new UserError("'rng' and 'seed' are mutually exclusive");
      this.#source = source;
      source.users++;
    }
    const { clock } = this.machine;
    this.#period = clock.timer(() => this.#renew());
    this.#retry = clock.timer(() => this.notify(0));
  }

  protected override queueSizes(): readonly number[] {
    return [8];
  }

  protected override ownFeatures(): bigint {
    return 0n;
  }

  protected override processQueue(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const wanted = Math.min(element.writable.length, MAX_REQUEST);
      const allowed = this.#allowed(wanted);
      const bytes = new Uint8Array(allowed);
      const length = allowed === 0 ? 0 : this.#take(bytes);
      if (length === 0 && wanted > 0) {
        queue.unpop(element);
        if (allowed > 0) this.#retry?.arm(this.machine.clock.now() + RETRY_NS);
        return undefined;
      }
      this.given += BigInt(length);
      queue.push(element, element.writable.write(0, bytes.subarray(0, length)));
      return length;
    });
    this.interrupt(queue);
  }

  /** How many of some bytes the guest may still have in this period, which begins if none has. */
  #allowed(wanted: number): number {
    const limit = BigInt(this.getProperty('max-bytes') as number | bigint);
    if (limit === UNLIMITED) return wanted;
    if (this.periodEnd === 0n) {
      this.given = 0n;
      this.periodEnd = BigInt(Math.round(this.machine.clock.now() + Number(this.getProperty('period')) * MS));
      this.#period?.arm(Number(this.periodEnd));
    }
    const left = limit - this.given;
    return left < wanted ? Number(left) : wanted;
  }

  #take(bytes: Uint8Array<ArrayBuffer>): number {
    if (this.#source !== undefined) return this.#source.take(this.machine, bytes);
    if (this.#seeded !== undefined) this.#seeded.fill(bytes);
    else this.machine.randomBytes(bytes);
    return bytes.length;
  }

  /** A period has ended; the next begins when somebody asks. */
  #renew(): void {
    this.periodEnd = 0n;
    this.given = 0n;
    this.notify(0);
  }

  override resetHold(): void {
    super.resetHold();
    this.#period?.disarm();
  }

  protected override resetDevice(): void {
    super.resetDevice();
    this.#retry?.disarm();
  }

  protected override afterRestore(): void {
    super.afterRestore();
    if (this.periodEnd === 0n) this.#period?.disarm();
    else this.#period?.arm(Number(this.periodEnd));
    // Whoever waits asks again at once.
    this.#retry?.arm(this.machine.clock.now());
  }

  override dispose(): void {
    this.#period?.disarm();
    this.#retry?.disarm();
    if (this.#source !== undefined) this.#source.users--;
    this.#source = undefined;
    super.dispose();
  }
}
