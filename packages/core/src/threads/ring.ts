// What other threads tell a vCPU's thread: pages to protect, code to drop, a changed memory map.

import type { RamSpace } from '../memory/index.ts';
import {
  AT,
  VCPU_ASKED,
  VCPU_AT,
  VCPU_ATTENTION,
  VCPU_RING,
  VCPU_RING_COUNT,
  VCPU_RING_LOCK,
  VCPU_RING_LOST,
  VCPU_RING_MOST,
  VCPU_RING_WORDS,
  VCPU_WAKE,
} from './layout.ts';
import { Words } from './words.ts';

/** A message about a page, by its number from the start of the space. */
export interface Told {
  readonly kind: number;
  readonly page: number;
}

/** One vCPU's block as any thread sees it. */
export class VcpuBlock {
  readonly words: Words;
  readonly #space: RamSpace;
  /** Index of the vCPU's `exitRequest` word. */
  readonly #exitRequest: number;

  /** @param exitRequest host offset of the word that makes the vCPU leave translated code */
  constructor(space: RamSpace, hostOffset: number, exitRequest: number) {
    this.#space = space;
    this.words = new Words(space.i32, hostOffset);
    this.#exitRequest = exitRequest >>> 2;
  }

  /** Makes the vCPU leave translated code soon, and its thread look at what it is told. */
  interrupt(): void {
    this.words.store(VCPU_ATTENTION, 1);
    Atomics.store(this.#space.i32, this.#exitRequest, 1);
  }

  /** An interrupt line of the vCPU's has risen: it leaves translated code soon, or its wait. */
  interruptRaised(): void {
    Atomics.store(this.#space.i32, this.#exitRequest, 1);
    this.wake();
  }

  /** Ends a wait for interrupts. */
  wake(): void {
    this.words.add(VCPU_WAKE, 1);
    this.words.notify(VCPU_WAKE);
  }

  /** @returns the number of the message, for {@link hasDone} */
  tell(kind: number, page: number): number {
    const { words } = this;
    words.lockShort(VCPU_RING_LOCK);
    const count = words.load(VCPU_RING_COUNT);
    if (count >= VCPU_RING_MOST) words.store(VCPU_RING_LOST, 1);
    else {
      const at = words.at + VCPU_RING + count * VCPU_RING_WORDS;
      words.i32[at] = page;
      words.i32[at + 1] = kind;
      words.store(VCPU_RING_COUNT, count + 1);
    }
    const number = words.add(VCPU_ASKED, 1) + 1;
    words.unlockShort(VCPU_RING_LOCK);
    this.interrupt();
    return number;
  }

  /** Takes all messages; undefined where some were lost, and anything may have been said. */
  take(): { readonly told: readonly Told[] | undefined; readonly upTo: number } {
    const { words } = this;
    words.lockShort(VCPU_RING_LOCK);
    const count = words.load(VCPU_RING_COUNT);
    const lost = words.exchange(VCPU_RING_LOST, 0) !== 0;
    const told: Told[] = [];
    for (let i = 0; i < count && !lost; i++) {
      const at = words.at + VCPU_RING + i * VCPU_RING_WORDS;
      told.push({ page: words.i32[at] ?? 0, kind: words.i32[at + 1] ?? 0 });
    }
    words.store(VCPU_RING_COUNT, 0);
    const upTo = words.load(VCPU_ASKED);
    words.unlockShort(VCPU_RING_LOCK);
    return { told: lost ? undefined : told, upTo };
  }

  /** Whether the thread uses nothing now: it deals with its messages before it does. */
  get isSafe(): boolean {
    return this.words.load(VCPU_AT) !== AT.work;
  }
}
