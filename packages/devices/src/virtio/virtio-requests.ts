// Virtio devices whose requests take their time at a backend, and return in the order in which it finishes them.

import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue, VirtqElement } from './virtqueue.ts';

/** Requests at the backend at a time: with the bytes that each moves in one step, the bound on the host's memory. */
const MAX_IN_FLIGHT = 64;

/** Writes the answer to a request into its buffers; returns how many bytes of them count as written. */
export type Answer = () => number;

/** The base of disks and of what disks are on. */
export abstract class VirtioRequestDevice extends VirtioDevice {
  #active = 0;
  /** Requests that the backend has not finished, those of before a reset too. */
  readonly #working = new Set<Promise<void>>();

  /**
   * Carries a request out. It never rejects; `wanted` tells whether the driver still waits for it.
   * @throws GuestFault at once, for a request that is none
   */
  protected abstract perform(element: VirtqElement, wanted: () => boolean): Promise<Answer>;

  protected override processQueue(queue: VirtQueue): void {
    while (this.#active < MAX_IN_FLIGHT) {
      const element = queue.pop();
      if (element === undefined) return;
      this.#start(queue, element);
    }
  }

  protected override resumed(queue: VirtQueue, element: VirtqElement): void {
    this.#start(queue, element);
  }

  protected override resetDevice(): void {
    super.resetDevice();
    // Requests at the backend go on there, and are forgotten here.
    this.#active = 0;
  }

  /** Done when everything that is at the backend now is finished. */
  protected async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  /** Waits for the backend, so that no write comes after its closing. */
  override async dispose(): Promise<void> {
    super.dispose();
    await this.settled();
  }

  #start(queue: VirtQueue, element: VirtqElement): void {
    const { generation } = this;
    const current = () => generation === this.generation;
    const answer = this.perform(element, () => current() && this.running);
    this.#active++;
    const work = answer.then((write) => {
      this.#working.delete(work);
      // A device that has been reset since has nobody to tell.
      if (current()) this.#finish(queue, element, write);
    });
    this.#working.add(work);
    this.machine.holdFor(work);
  }

  #finish(queue: VirtQueue, element: VirtqElement, write: Answer): void {
    this.#active--;
    this.guarded(() => {
      if (!this.running) return;
      queue.push(element, write());
      this.interrupt(queue);
    });
    for (const other of this.queues) this.notify(other.index);
  }
}
