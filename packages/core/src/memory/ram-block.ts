// A piece of guest RAM in the RAM space, and who wants to know which of its pages changed.

import { PAGE_CLEAN_DISPLAY, PAGE_CLEAN_MIGRATION, PAGE_SIZE, type PageFlags } from './page-flags.ts';
import type { RamSpace } from './ram-space.ts';

/** Who follows the changes of RAM: a display that redraws, a migration or snapshot that sends what changed. */
export type DirtyClient = 'display' | 'migration';

const cleanFlag: Readonly<Record<DirtyClient, PageFlags>> = {
  display: PAGE_CLEAN_DISPLAY,
  migration: PAGE_CLEAN_MIGRATION,
};

/** Guest RAM at a fixed place of the {@link RamSpace}. Made by {@link RamSpace.allocateRam}. */
export class RamBlock {
  readonly space: RamSpace;
  readonly name: string;
  /** Host offset of its first byte. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes that the block has to itself: `size` in whole pages of the memory behind it. */
  readonly span: number;
  readonly #logging = new Map<DirtyClient, number>();

  constructor(
    space: RamSpace,
    name: string,
    offset: number,
    size: number,
    span = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE,
  ) {
    this.space = space;
    this.name = name;
    this.offset = offset;
    this.size = size;
    this.span = span;
  }

  /** Its bytes, as a view of the space. Writes through it need {@link RamSpace.noteWrite}. */
  get bytes(): Uint8Array {
    return this.space.u8.subarray(this.offset, this.offset + this.size);
  }

  /** Whether a client follows this block. */
  isLogging(client: DirtyClient): boolean {
    return this.#logging.has(client);
  }

  /** Starts or stops following changes; calls nest. Everything counts as changed at the start. */
  setLogging(client: DirtyClient, on: boolean): void {
    const count = (this.#logging.get(client) ?? 0) + (on ? 1 : -1);
    if (count < 0) throw new Error(`changes of '${this.name}' are not followed by the ${client}`);
    if (count > 0) {
      this.#logging.set(client, count);
      return;
    }
    this.#logging.delete(client);
    this.space.lowerFlags(this.offset, this.size, cleanFlag[client]);
  }

  /** Whether any page of a range changed since the client last asked; the range counts as unchanged from now on. */
  testAndClearDirty(client: DirtyClient, offset: number, length: number): boolean {
    let dirty = false;
    this.takeDirty(client, offset, length, () => {
      dirty = true;
    });
    return dirty;
  }

  /**
   * Reports the changed parts of a range, joined where they touch, and counts them as unchanged from now on. A client that does not
   * follow the block is told that all of it changed.
   */
  takeDirty(
    client: DirtyClient,
    offset: number,
    length: number,
    report: (offset: number, length: number) => void,
  ): void {
    if (length <= 0) return;
    if (!this.isLogging(client)) {
      report(offset, length);
      return;
    }
    const { u8, pageFlags } = this.space;
    const flag = cleanFlag[client];
    const end = offset + length;
    const firstPage = Math.floor((this.offset + offset) / PAGE_SIZE);
    const lastPage = Math.floor((this.offset + end - 1) / PAGE_SIZE);
    for (let page = firstPage; page <= lastPage; page++) {
      if (((u8[pageFlags + page] as number) & flag) !== 0) continue;
      const first = page;
      while (page < lastPage && ((u8[pageFlags + page + 1] as number) & flag) === 0) page++;
      const from = Math.max(offset, first * PAGE_SIZE - this.offset);
      const to = Math.min(end, (page + 1) * PAGE_SIZE - this.offset);
      this.space.raiseFlags(this.offset + from, to - from, flag);
      report(from, to - from);
    }
  }
}
