// Virtio devices whose requests take their time at a backend, and return in the order in which it finishes them.

import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue, VirtqElement } from './virtqueue.ts';

/** Requests at the backend at a time: with the bytes that each moves in one step, the bound on the host's memory. */
const MAX_IN_FLIGHT = 64;

/** Writes the answer to a request into its buffers; returns how many bytes of them count as written. */
export type Answer = () => number;

/** What the driver has made available, and where. */
interface Place {
  readonly queue: VirtQueue;
  readonly element: VirtqElement;
}

/**
 * The base of disks and of what disks are on. `Request` is what a device makes of an element.
 *
 * What comes back from the backend is noted in the machine's history: who goes back in time sees it come again, at the same
 * instruction, and the backend is not asked a second time. A request whose answer is still ahead when the machine goes on from
 * there is carried out anew.
 */
export abstract class VirtioRequestDevice<Request> extends VirtioDevice {
  #active = 0;
  /** Requests that the backend has not finished, those of before a reset too. */
  readonly #working = new Set<Promise<void>>();
  /** Requests of the past, whose answers come from the history. */
  readonly #repeated: Place[] = [];
  #forgetFuture = (): void => {};

  /** Reads what is wanted. @throws GuestFault for a request that is none */
  protected abstract decode(element: VirtqElement): Request;

  /** Carries a request out. It never rejects; `wanted` tells whether the driver still waits for it. */
  protected abstract perform(request: Request, wanted: () => boolean): Promise<Answer>;

  override realize(): void {
    super.realize();
    this.#forgetFuture = this.machine.history.onFuture(() => {
      for (const { queue, element } of this.#repeated.splice(0)) {
        this.#active--;
        this.guarded(() => this.#start(queue, element));
      }
    });
  }

  protected override afterRestore(): void {
    super.afterRestore();
    // Requests in flight are started again, one by one.
    this.#active = 0;
    this.#repeated.length = 0;
  }

  /**
   * Touches guest memory between two steps of the backend.
   * @param bytes how many of the host's `action` holds on to
   * @returns false when the request is no longer wanted
   */
  protected copy(wanted: () => boolean, bytes: number, action: () => void): boolean {
    if (!wanted()) return false;
    this.machine.history.act(() => this.guarded(action), bytes);
    return wanted();
  }

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
    this.#repeated.length = 0;
  }

  /** Done when everything that is at the backend now is finished. */
  protected async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  /** Waits for the backend, so that no write comes after its closing. */
  override async dispose(): Promise<void> {
    super.dispose();
    this.#forgetFuture();
    await this.settled();
  }

  #start(queue: VirtQueue, element: VirtqElement): void {
    const { machine, generation } = this;
    const request = this.decode(element);
    this.#active++;
    if (machine.history.replaying) {
      this.#repeated.push({ queue, element });
      return;
    }
    const current = () => generation === this.generation;
    const answer = this.perform(request, () => current() && this.running);
    const work = answer.then((write) => {
      this.#working.delete(work);
      // A device that has been reset since has nobody to tell.
      if (current()) machine.history.act(() => this.#finish(queue, element, write));
    });
    this.#working.add(work);
    machine.holdFor(work);
  }

  #finish(queue: VirtQueue, element: VirtqElement, write: Answer): void {
    this.#active--;
    const repeated = this.#repeated.findIndex((each) => each.queue === queue && each.element.head === element.head);
    if (repeated >= 0) this.#repeated.splice(repeated, 1);
    this.guarded(() => {
      if (!this.running) return;
      queue.push(element, write());
      this.interrupt(queue);
    });
    for (const other of this.queues) this.notify(other.index);
  }
}
