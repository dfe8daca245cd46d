/** Keeps the physical map that page walks and slow accesses read: the RAM and ROM ranges of an address space, as words. */
import type { AddressSpace, FlatView, RamSpace } from '@boardwalk/core';
import { PHYS_RANGE_BYTES, PHYS_READ, PHYS_WRITE } from '../softmmu/layout.ts';

const CAPACITY = 2048;

export class PhysicalMap {
  /** Host offset of the first range. */
  readonly offset: number;
  #count = 0;
  readonly #space: RamSpace;
  readonly #stop: () => void;

  /**
   * `changed` hears of every new map, after it is in place.
   * @param around does a change while nobody reads the map
   */
  constructor(addressSpace: AddressSpace, changed: () => void, around: (change: () => void) => void = (f) => f()) {
    this.#space = addressSpace.space;
    this.offset = this.#space.reserve(CAPACITY * PHYS_RANGE_BYTES);
    this.#write(addressSpace.flatView());
    this.#stop = addressSpace.addListener({
      commit: (view: FlatView) => {
        around(() => {
          this.#write(view);
          changed();
        });
      },
    });
  }

  /** Number of ranges. */
  get count(): number {
    return this.#count;
  }

  dispose(): void {
    this.#stop();
    this.#space.release(this.offset, CAPACITY * PHYS_RANGE_BYTES);
  }

  #write(view: FlatView): void {
    const { i32 } = this.#space;
    let count = 0;
    for (const range of view.ranges) {
      if (range.host < 0) continue;
      if (count === CAPACITY) throw new Error(`more than ${CAPACITY} ranges of memory in one address space`);
      const at = (this.offset + count++ * PHYS_RANGE_BYTES) >>> 2;
      const last = range.base + range.size - 1;
      i32[at] = range.base;
      i32[at + 1] = Math.floor(range.base / 2 ** 32);
      i32[at + 2] = last;
      i32[at + 3] = Math.floor(last / 2 ** 32);
      i32[at + 4] = range.host;
      i32[at + 5] = Math.floor(range.host / 2 ** 32);
      i32[at + 6] = PHYS_READ | (range.writeHost >= 0 ? PHYS_WRITE : 0);
    }
    this.#count = count;
  }
}
