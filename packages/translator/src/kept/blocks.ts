/** The blocks of an image: found by the guest's code, and put back where they were. */
import { Block, type BlockKey, ENTRY_BYTES } from '../engine/code-cache.ts';
import type { SecondPage } from '../engine/second-page.ts';
import { tier0Op } from '../tier0/opcodes.ts';
import { AGE_SHIFT, BLOCK_WORDS, FIELD, FIXED, type KeptImage, KIND_MASK, SLIDING, STUCK } from './image.ts';

const CALL = tier0Op('call');
const CALL_FAULT = tier0Op('callFault');
const NONE = -1;

export interface KeptMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
}

export interface KeptBlocksOptions {
  readonly image: KeptImage;
  readonly memory: KeptMemory;
  /** log2 of the bytes that blocks stay within (`codePageBits`). */
  readonly pageBits: number;
  /** Restart words of an instruction. */
  readonly restartWords: number;
  /** Has the function at a place in the table that a block calls. */
  readonly needFunction: (place: number) => void;
}

export class KeptBlocks {
  readonly #o: KeptBlocksOptions;
  readonly #blocks: Int32Array;
  /** The first block of each hash, and the one that follows. */
  readonly #heads: Int32Array;
  readonly #chain: Int32Array;
  readonly #mask: number;
  /** Those that were put back, valid or dropped since. */
  readonly #active: (Block | undefined)[];
  /** Those that ever were. */
  readonly #used: Uint8Array;
  readonly #restarts = new Map<number, readonly number[]>();
  readonly count: number;

  constructor(o: KeptBlocksOptions) {
    this.#o = o;
    this.#blocks = o.image.blocks;
    this.count = o.image.blocks.length / BLOCK_WORDS;
    this.#active = new Array<Block | undefined>(this.count).fill(undefined);
    this.#used = new Uint8Array(this.count);
    const slots = 2 ** Math.ceil(Math.log2(this.count + 1)) * 2;
    this.#mask = slots - 1;
    this.#heads = new Int32Array(slots).fill(NONE);
    this.#chain = new Int32Array(this.count);
    // Of the same code translated several times the last comes first: regions are of that.
    for (let id = 0; id < this.count; id++) {
      const slot = this.#slot(this.field(id, FIELD.pcLo), this.field(id, FIELD.mode));
      this.#chain[id] = this.#heads[slot] ?? NONE;
      this.#heads[slot] = id;
    }
  }

  #slot(pcLo: number, mode: number): number {
    return (Math.imul(pcLo ^ Math.imul(mode, 0x85ebca6b), 0x9e3779b1) >>> 8) & this.#mask;
  }

  field(id: number, field: number): number {
    return this.#blocks[id * BLOCK_WORDS + field] ?? 0;
  }

  /** Host offset behind the last block. */
  get end(): number {
    return this.count === 0 ? 0 : this.field(this.count - 1, FIELD.end) >>> 0;
  }

  isUsed(id: number): boolean {
    return this.#used[id] === 1;
  }

  /** The block that was put back, if it is still valid. */
  active(id: number): Block | undefined {
    const block = this.#active[id];
    return block?.valid ? block : undefined;
  }

  /** How many were put back since the code cache was emptied. */
  activeCount = 0;

  /** All that were put back since the code cache was emptied, dropped ones included. */
  *all(): Iterable<Block> {
    for (const block of this.#active) if (block !== undefined) yield block;
  }

  /** The code cache was emptied. */
  clear(): void {
    this.#active.fill(undefined);
    this.activeCount = 0;
  }

  /**
   * A block for the code at a host offset that is not in the code cache; -1 if there is none. `slides`: it is to be for all addresses, if
   * it can.
   */
  find(at: Omit<BlockKey, 'secondHost'>, slides: boolean): number {
    if (!slides) return this.#find(at, at.pcLo, at.pcHi, FIXED, STUCK);
    const sliding = this.#find(at, at.pcLo & (2 ** this.#o.pageBits - 1), 0, SLIDING, SLIDING);
    return sliding >= 0 ? sliding : this.#find(at, at.pcLo, at.pcHi, STUCK, STUCK);
  }

  #find(at: Omit<BlockKey, 'secondHost'>, pcLo: number, pcHi: number, kind: number, orKind: number): number {
    const { mode, extraLo, extraHi, host } = at;
    let found = NONE;
    for (let id = this.#heads[this.#slot(pcLo, mode)] ?? NONE; id >= 0; id = this.#chain[id] ?? NONE) {
      if (this.field(id, FIELD.pcLo) !== pcLo || this.field(id, FIELD.mode) !== mode) continue;
      if (this.field(id, FIELD.pcHi) !== pcHi) continue;
      if (this.field(id, FIELD.extraLo) !== extraLo || this.field(id, FIELD.extraHi) !== extraHi) continue;
      const own = this.field(id, FIELD.kind) & KIND_MASK;
      if ((own !== kind && own !== orKind) || this.active(id) !== undefined || !this.isAt(id, host)) continue;
      if (this.#host(id) === host) return id;
      if (found < 0) found = id;
    }
    return found;
  }

  /** Whether a block's code is at a host offset, as far as its first page goes. */
  isAt(id: number, host: number): boolean {
    return this.#isSame(id, 0, this.#inFirstPage(id), host);
  }

  #inFirstPage(id: number): number {
    const mask = 2 ** this.#o.pageBits - 1;
    return Math.min(this.field(id, FIELD.bytes), mask + 1 - (this.field(id, FIELD.pcLo) & mask));
  }

  #isSame(id: number, from: number, to: number, host: number): boolean {
    const { u8 } = this.#o.memory;
    const { bytes } = this.#o.image;
    const at = this.field(id, FIELD.bytesAt);
    for (let i = from; i < to; i++) if (bytes[at + i] !== u8[host + i - from]) return false;
    return true;
  }

  #host(id: number): number {
    return this.field(id, FIELD.hostHi) * 2 ** 32 + (this.field(id, FIELD.hostLo) >>> 0);
  }

  /** Host offset of the second page. */
  secondHost(id: number): number {
    return this.field(id, FIELD.secondHi) * 2 ** 32 + (this.field(id, FIELD.secondLo) >>> 0);
  }

  hasSecond(id: number): boolean {
    return this.field(id, FIELD.secondHi) >= 0;
  }

  /** Whether a block's second page is one, and its code goes on there. */
  isSecond(id: number, host: number): boolean {
    return this.secondHost(id) === host && this.#isSame(id, this.#inFirstPage(id), this.field(id, FIELD.bytes), host);
  }

  isSliding(id: number): boolean {
    return (this.field(id, FIELD.kind) & KIND_MASK) === SLIDING;
  }

  /**
   * Puts a block back where it was, for code at a host offset. `countdown`: runs until tier 1 is asked, as `Block.countdown`; `runs`: until
   * it is asked the first time.
   */
  putBack(
    id: number,
    at: Omit<BlockKey, 'secondHost'>,
    countdown: number,
    runs: number,
    second: SecondPage | undefined,
  ): Block {
    const start = this.field(id, FIELD.start) >>> 0;
    const tail = this.field(id, FIELD.tail) >>> 0;
    const end = this.field(id, FIELD.end) >>> 0;
    const { code } = this.#o.image;
    const codeAt = this.field(id, FIELD.codeAt);
    const operations = (tail - start) / 4;
    for (let i = ENTRY_BYTES / 4; i < operations + ENTRY_BYTES / 4; i += 4) {
      const op = (code[codeAt + i] ?? 0) & 0xffff;
      if (op === CALL || op === CALL_FAULT) this.#o.needFunction((code[codeAt + i + 3] ?? 0) >>> 16);
    }
    const { i32 } = this.#o.memory;
    const first = (start - ENTRY_BYTES) >>> 2;
    const words = (end - start + ENTRY_BYTES) >>> 2;
    for (let i = 0; i < words; i++) i32[first + i] = code[codeAt + i] ?? 0;
    i32[(tail + 28) >>> 2] = runs;
    const slides = this.isSliding(id);
    const insns = this.#insns(id);
    const key = slides ? { ...at, pcLo: this.field(id, FIELD.pcLo), pcHi: 0 } : at;
    const lowered = { start, tail, end, insns, restarts: this.#restartsOf(id) };
    const secondHost = this.hasSecond(id) ? this.secondHost(id) : -1;
    const block = new Block(key, secondHost, this.field(id, FIELD.bytes), lowered, countdown, slides, second);
    block.kept = id;
    if (this.#active[id] === undefined) this.activeCount++;
    this.#active[id] = block;
    this.#used[id] = 1;
    return block;
  }

  #insns(id: number): number[] {
    const list: number[] = [];
    const at = this.field(id, FIELD.insnsAt);
    const count = this.field(id, FIELD.insns);
    for (let i = 0; i < count; i++) list.push(this.#o.image.insns[at + i] ?? 0);
    return list;
  }

  #restartsOf(id: number): (readonly number[])[] {
    const list: (readonly number[])[] = [];
    const { restartWords } = this.#o;
    if (restartWords === 0) return list;
    const { restarts } = this.#o.image;
    const at = this.field(id, FIELD.insnsAt);
    const count = this.field(id, FIELD.insns);
    for (let i = 0; i < count; i++) {
      const from = (at + i) * restartWords;
      if (restartWords === 1) list.push(this.#restart(restarts[from] ?? 0));
      else list.push([...restarts.subarray(from, from + restartWords)]);
    }
    return list;
  }

  /** Lists of one word are shared: there are few different ones. */
  #restart(word: number): readonly number[] {
    let list = this.#restarts.get(word);
    if (list === undefined) {
      list = [word];
      this.#restarts.set(word, list);
    }
    return list;
  }

  /** The block that was put back whose operations lie around `ip`. */
  blockAt(ip: number): Block | undefined {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.field(middle, FIELD.end) >>> 0 > ip) high = middle;
      else low = middle + 1;
    }
    const block = this.#active[low];
    return block !== undefined && block.start - ENTRY_BYTES <= ip ? block : undefined;
  }

  /** Starts since a block was last used, this one included. */
  ageOf(id: number): number {
    return this.isUsed(id) ? 0 : (this.field(id, FIELD.kind) >>> AGE_SHIFT) + 1;
  }
}
