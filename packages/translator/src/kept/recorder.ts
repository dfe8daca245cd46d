/** Notes what is translated and compiled, for the image that a run leaves. */
import { type Block, ENTRY_BYTES } from '../engine/code-cache.ts';
import type { KeptBlocks, KeptMemory } from './blocks.ts';
import {
  AGE_SHIFT,
  BLOCK_WORDS,
  FIELD,
  FIXED,
  type KeptImage,
  type KeptRegion,
  KIND_MASK,
  SLIDING,
  STUCK,
} from './image.ts';
import { ByteList, WordList } from './lists.ts';

/** Starts that a block is kept for without being used. */
const OLDEST = 3;
/** New blocks and regions for so many there are, from which on it is worth writing an image anew. */
const WORTH_ONE_IN = 8;
/** Parts of the code cache, and numbers of regions and functions, that an image may use; beyond that the next run begins anew. */
const MOST_OF_ARENA = 0.6;
const MOST_NUMBERS = 4096;

export class KeptRecorder {
  readonly #memory: KeptMemory;
  readonly #old: KeptBlocks;
  readonly #image: KeptImage;
  readonly #restartWords: number;
  readonly #pageMask: number;
  readonly #blocks = new WordList();
  readonly #code = new WordList();
  readonly #insns = new WordList();
  readonly #restarts = new WordList();
  readonly #bytes = new ByteList();
  /** By their first blocks. */
  readonly #regions = new Map<number, KeptRegion>();
  #newRegions = 0;
  /** Places of blocks are no longer theirs alone. */
  #isOver = false;

  constructor(o: {
    readonly memory: KeptMemory;
    readonly old: KeptBlocks;
    readonly image: KeptImage;
    readonly restartWords: number;
    readonly pageBits: number;
  }) {
    this.#memory = o.memory;
    this.#old = o.old;
    this.#image = o.image;
    this.#restartWords = o.restartWords;
    this.#pageMask = 2 ** o.pageBits - 1;
    for (const region of o.image.regions) this.#regions.set(region.root, region);
  }

  /** The code cache is emptied: what comes now lies where others were. */
  stop(): void {
    this.#isOver = true;
  }

  /** Notes a block just translated, before anything is linked. `wasToSlide`: it was asked for as one for all addresses. */
  addBlock(block: Block, wasToSlide: boolean): void {
    if (this.#isOver) return;
    const id = this.#old.count + this.#blocks.length / BLOCK_WORDS;
    const at = this.#blocks.extend(BLOCK_WORDS);
    const { words } = this.#blocks;
    const { secondHost, start, end, insns, bytes } = block;
    const codeWords = (end - start + ENTRY_BYTES) / 4;
    words[at + FIELD.pcLo] = block.pcLo;
    words[at + FIELD.pcHi] = block.pcHi;
    words[at + FIELD.mode] = block.mode;
    words[at + FIELD.extraLo] = block.extraLo;
    words[at + FIELD.extraHi] = block.extraHi;
    words[at + FIELD.secondLo] = secondHost;
    words[at + FIELD.secondHi] = Math.floor(secondHost / 2 ** 32);
    words[at + FIELD.start] = start;
    words[at + FIELD.tail] = block.tail;
    words[at + FIELD.end] = end;
    words[at + FIELD.codeAt] = this.#code.length;
    words[at + FIELD.insnsAt] = this.#insns.length;
    words[at + FIELD.insns] = insns.length;
    words[at + FIELD.bytesAt] = this.#bytes.length;
    words[at + FIELD.bytes] = bytes;
    words[at + FIELD.kind] = block.slides ? SLIDING : wasToSlide ? STUCK : FIXED;
    words[at + FIELD.hostLo] = block.host;
    words[at + FIELD.hostHi] = Math.floor(block.host / 2 ** 32);
    this.#code.append(this.#memory.i32, (start - ENTRY_BYTES) >>> 2, codeWords);
    for (const packed of insns) this.#insns.push(packed);
    if (this.#restartWords > 0) this.#addRestarts(block);
    const inFirst = Math.min(bytes, this.#pageMask + 1 - (block.pcLo & this.#pageMask));
    this.#bytes.append(this.#memory.u8, block.host, inFirst);
    if (bytes > inFirst) this.#bytes.append(this.#memory.u8, secondHost, bytes - inFirst);
    block.kept = id;
  }

  #addRestarts(block: Block): void {
    for (let i = 0; i < block.insns.length; i++) {
      const restart = block.restartOf(i);
      for (let k = 0; k < this.#restartWords; k++) this.#restarts.push(restart[k] ?? 0);
    }
  }

  /** Notes a region just compiled, in place of one with the same first block. */
  addRegion(region: KeptRegion): void {
    if (this.#isOver) return;
    this.#newRegions++;
    this.#regions.set(region.root, region);
  }

  /**
   * The image of what was used lately. Undefined: the old one is as good; null: there is to be none, as it would be too large.
   *
   * @param arena of the code cache: where it begins and its bytes
   */
  image(arena: number, arenaBytes: number, wrappers: readonly string[]): KeptImage | null | undefined {
    const added = this.#blocks.length / BLOCK_WORDS;
    const isNews =
      added * WORTH_ONE_IN > this.#old.count || this.#newRegions * WORTH_ONE_IN > this.#image.regions.length;
    if (!isNews) return undefined;
    const out = {
      blocks: new WordList(),
      code: new WordList(),
      insns: new WordList(),
      restarts: new WordList(),
      bytes: new ByteList(),
    };
    const ids = new Int32Array(this.#old.count + added).fill(-1);
    for (let id = 0; id < this.#old.count; id++) {
      const age = this.#old.ageOf(id);
      if (age > OLDEST) continue;
      ids[id] = out.blocks.length / BLOCK_WORDS;
      copyBlock(this.#image, id, age, this.#restartWords, out);
    }
    const recorded = {
      blocks: this.#blocks.words,
      code: this.#code.words,
      insns: this.#insns.words,
      restarts: this.#restarts.words,
      bytes: this.#bytes.copy(),
    };
    for (let n = 0; n < added; n++) {
      ids[this.#old.count + n] = out.blocks.length / BLOCK_WORDS;
      copyBlock(recorded, n, 0, this.#restartWords, out);
    }
    const regions: KeptRegion[] = [];
    for (const region of this.#regions.values()) {
      const moved = withIds(region, ids);
      if (moved !== undefined) regions.push(moved);
    }
    const numbers = Math.max(0, ...regions.map(({ number }) => number + 1));
    const lastEnd = out.blocks.words[out.blocks.length - BLOCK_WORDS + FIELD.end] ?? 0;
    if ((lastEnd >>> 0) - arena > arenaBytes * MOST_OF_ARENA || Math.max(numbers, wrappers.length) > MOST_NUMBERS)
      return null;
    return {
      blocks: out.blocks.copy(),
      code: out.code.copy(),
      insns: out.insns.copy(),
      restarts: out.restarts.copy(),
      bytes: out.bytes.copy(),
      wrappers,
      numbers,
      regions,
    };
  }
}

type Lists = Pick<KeptImage, 'blocks' | 'code' | 'insns' | 'restarts' | 'bytes'>;

/** Appends a block of some lists to others. */
function copyBlock(
  from: Lists,
  id: number,
  age: number,
  restartWords: number,
  out: {
    readonly blocks: WordList;
    readonly code: WordList;
    readonly insns: WordList;
    readonly restarts: WordList;
    readonly bytes: ByteList;
  },
): void {
  const field = (n: number): number => from.blocks[id * BLOCK_WORDS + n] ?? 0;
  const insns = field(FIELD.insns);
  const codeWords = ((field(FIELD.end) >>> 0) - (field(FIELD.start) >>> 0) + ENTRY_BYTES) / 4;
  const [codeAt, insnsAt, bytesAt] = [out.code.length, out.insns.length, out.bytes.length];
  out.code.append(from.code, field(FIELD.codeAt), codeWords);
  out.insns.append(from.insns, field(FIELD.insnsAt), insns);
  out.restarts.append(from.restarts, field(FIELD.insnsAt) * restartWords, insns * restartWords);
  out.bytes.append(from.bytes, field(FIELD.bytesAt), field(FIELD.bytes));
  const at = out.blocks.length;
  out.blocks.append(from.blocks, id * BLOCK_WORDS, BLOCK_WORDS);
  const { words } = out.blocks;
  words[at + FIELD.codeAt] = codeAt;
  words[at + FIELD.insnsAt] = insnsAt;
  words[at + FIELD.bytesAt] = bytesAt;
  words[at + FIELD.kind] = (field(FIELD.kind) & KIND_MASK) | (age << AGE_SHIFT);
}

/** A region with other numbers for its blocks; undefined where one of them is not kept. */
function withIds(region: KeptRegion, ids: Int32Array): KeptRegion | undefined {
  let isWhole = true;
  const idOf = (id: number): number => {
    const now = ids[id] ?? -1;
    if (now < 0) isWhole = false;
    return now;
  };
  const moved: KeptRegion = {
    ...region,
    root: idOf(region.root),
    entries: region.entries.map(idOf),
    blocks: region.blocks.map(idOf),
    covers: region.covers.map(idOf),
    wanted: region.wanted.map(idOf),
    targets: region.targets.map((target) => ({ ...target, block: idOf(target.block) })),
    unaligned: region.unaligned.map((value, i) => (i % 2 === 0 ? idOf(value) : value)),
    scattered: region.scattered.map((value, i) => (i % 2 === 0 ? idOf(value) : value)),
    links: region.links.map((value, i) => (i % 2 === 0 ? value : idOf(value))),
  };
  return isWhole ? moved : undefined;
}
