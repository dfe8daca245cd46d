/**
 * What an engine takes from an earlier run of a machine that started like this one, and leaves for the next. It is asked before a block
 * is translated or a region formed. docs/translator.md, "Kept code", explains it.
 */
import type { CodeStore } from '@boardwalk/core';
import type { Block, BlockKey, CodeCache } from '../engine/code-cache.ts';
import type { SecondPage } from '../engine/second-page.ts';
import { KeptBlocks, type KeptMemory } from './blocks.ts';
import type { KeptImage, KeptRegion } from './image.ts';
import { KeptRecorder } from './recorder.ts';

/** Runs of an entry of a region that was compiled in an earlier run until that is put back. */
const SOON = 50;

export interface KeptCodeOptions {
  readonly store: CodeStore;
  /** What an image has to be of to be good here. */
  readonly shape: string;
  readonly memory: KeptMemory;
  readonly cache: CodeCache;
  readonly pageBits: number;
  readonly restartWords: number;
  /** Whether there is the module of a function that blocks call, by its name: without one the image is of no use. */
  readonly hasModule: (name: string) => boolean;
  /** Has the function at a place in the table that a block calls. */
  readonly needFunction: (place: number) => void;
}

const NOTHING: KeptImage = {
  blocks: new Int32Array(0),
  code: new Int32Array(0),
  insns: new Int32Array(0),
  restarts: new Int32Array(0),
  bytes: new Uint8Array(0),
  wrappers: [],
  numbers: 0,
  regions: [],
};

export class KeptCode {
  readonly #o: KeptCodeOptions;
  readonly image: KeptImage;
  readonly blocks: KeptBlocks;
  readonly #recorder: KeptRecorder;
  /** By their entries. */
  readonly #regions = new Map<number, KeptRegion>();

  constructor(o: KeptCodeOptions) {
    this.#o = o;
    const image = imageOf(o.store.load(o.shape, 'guest'));
    this.image = image?.wrappers.every((name) => name === '' || o.hasModule(name)) ? image : NOTHING;
    const { memory, pageBits, restartWords, needFunction, cache } = o;
    this.blocks = new KeptBlocks({ image: this.image, memory, pageBits, restartWords, needFunction });
    this.#recorder = new KeptRecorder({ memory, old: this.blocks, image: this.image, restartWords, pageBits });
    for (const region of this.image.regions) {
      for (const entry of region.entries) if (!this.#regions.has(entry)) this.#regions.set(entry, region);
    }
    for (const region of this.image.regions) this.#regions.set(region.root, region);
    cache.keep(this.blocks);
    cache.onFlush.push(() => this.stop());
  }

  /** The number of a block for code that is not in the code cache; -1 if there is none. */
  find(at: Omit<BlockKey, 'secondHost'>, slides: boolean): number {
    return this.blocks.find(at, slides);
  }

  /** Puts a block back. `countdown`: runs until tier 1 is asked where nothing is known. */
  putBack(id: number, at: Omit<BlockKey, 'secondHost'>, countdown: number, second: SecondPage | undefined): Block {
    const runs = this.#regions.has(id) ? Math.min(SOON, countdown) : countdown;
    return this.blocks.putBack(id, at, countdown, runs, second);
  }

  /** The region that a block was an entry of, or the first block if it was that of one. */
  regionOf(block: Block): KeptRegion | undefined {
    return block.kept < 0 ? undefined : this.#regions.get(block.kept);
  }

  /** Nothing is noted from now on; what was is left for the next run. */
  stop(): void {
    this.#recorder.stop();
  }

  noteBlock(block: Block, wasToSlide: boolean): void {
    this.#recorder.addBlock(block, wasToSlide);
  }

  noteRegion(region: KeptRegion): void {
    this.#recorder.addRegion(region);
  }

  /** Leaves the image. */
  save(wrappers: readonly string[]): void {
    const { store, shape, cache } = this.#o;
    const image = this.#recorder.image(cache.arena, cache.arenaBytes, wrappers);
    if (image !== undefined) store.save(shape, image ?? undefined, 'guest');
  }
}

/** An image, if it looks like one: a store may have anything. */
function imageOf(value: unknown): KeptImage | undefined {
  const image = value as Partial<KeptImage> | undefined;
  return image?.blocks instanceof Int32Array && Array.isArray(image.regions) ? (image as KeptImage) : undefined;
}
