// RAM in a snapshot: runs of whole pages. Pages of one byte alone, which most are, cost next to nothing.
import type { RamBlock } from '../memory/index.ts';
import { damaged, frame, SECTION, viewOf } from './sections.ts';

const PAGE = 4096;
/** Most bytes that one section carries. */
const LONGEST_RUN = 2 ** 20;
const HEAD = 22;

/** A run of bytes of a block: `fill` if they are all the same, else `bytes`. */
export interface RamRun {
  readonly block: number;
  readonly offset: number;
  readonly length: number;
  readonly fill: number;
  readonly bytes: Uint8Array | undefined;
}

/** The sections of one block. Runs of zero are left out: what a snapshot does not mention is zero. */
export function* ramSections(block: RamBlock, index: number): Generator<Uint8Array> {
  const { bytes } = block;
  const pages = new Pages(bytes);
  for (let from = 0; from < bytes.length; ) {
    const fill = pages.fillOf(from);
    let to = Math.min(from + PAGE, bytes.length);
    while (to < bytes.length && pages.fillOf(to) === fill && (fill !== undefined || to - from < LONGEST_RUN)) {
      to = Math.min(to + PAGE, bytes.length);
    }
    if (fill !== 0) yield ramSection(index, from, bytes.subarray(from, to), fill);
    from = to;
  }
}

/** Bytes of a window: a whole number of pages, few enough for quick indexes. */
const WINDOW = 2 ** 26;

/** What the pages of a block are full of. Blocks may have gigabytes, most of which nobody has touched. */
class Pages {
  readonly #bytes: Uint8Array;
  #words: Int32Array = new Int32Array(0);
  #window = -1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The byte that the page at an offset, a multiple of its size, is full of, if it is. */
  fillOf(from: number): number | undefined {
    const bytes = this.#bytes;
    const first = bytes[from] ?? 0;
    if (from + PAGE > bytes.length || bytes.byteOffset % 4 !== 0) {
      for (let at = from + 1; at < Math.min(from + PAGE, bytes.length); at++) if (bytes[at] !== first) return undefined;
      return first;
    }
    const words = this.#wordsAt(from);
    const wanted = (first * 0x0101_0101) | 0;
    const begin = (from % WINDOW) / 4;
    for (let at = begin; at < begin + PAGE / 4; at++) if (words[at] !== wanted) return undefined;
    return first;
  }

  #wordsAt(from: number): Int32Array {
    const window = Math.floor(from / WINDOW);
    if (window !== this.#window) {
      const { buffer, byteOffset, length } = this.#bytes;
      const bytes = Math.min(WINDOW, length - window * WINDOW);
      this.#words = new Int32Array(buffer, byteOffset + window * WINDOW, Math.floor(bytes / 4));
      this.#window = window;
    }
    return this.#words;
  }
}

function ramSection(block: number, offset: number, bytes: Uint8Array, fill: number | undefined): Uint8Array {
  const payload = new Uint8Array(HEAD + (fill === undefined ? bytes.length : 0));
  const view = new DataView(payload.buffer);
  view.setUint32(0, block, true);
  view.setBigUint64(4, BigInt(offset), true);
  view.setBigUint64(12, BigInt(bytes.length), true);
  view.setUint8(20, fill === undefined ? 1 : 0);
  view.setUint8(21, fill ?? 0);
  if (fill === undefined) payload.set(bytes, HEAD);
  return frame(SECTION.ram, payload);
}

/** @throws UserError for a run that lies in no block */
export function decodeRun(payload: Uint8Array, blocks: readonly RamBlock[]): RamRun {
  if (payload.length < HEAD) throw damaged();
  const view = viewOf(payload);
  const block = view.getUint32(0, true);
  const [offset, length] = [Number(view.getBigUint64(4, true)), Number(view.getBigUint64(12, true))];
  const bytes = view.getUint8(20) === 0 ? undefined : payload.subarray(HEAD);
  const size = blocks[block]?.size ?? 0;
  if (length === 0 || offset + length > size || (bytes !== undefined && bytes.length !== length)) throw damaged();
  return { block, offset, length, fill: view.getUint8(21), bytes };
}

/** Puts runs into blocks, in the order of the file; what lies between them becomes zero. */
export class RamWriter {
  readonly #blocks: readonly RamBlock[];
  #block = 0;
  #at = 0;

  constructor(blocks: readonly RamBlock[]) {
    this.#blocks = blocks;
  }

  write(run: RamRun): void {
    this.#zeroUpTo(run.block, run.offset);
    const block = this.#blocks[run.block];
    if (block === undefined) throw damaged();
    const target = block.bytes.subarray(run.offset, run.offset + run.length);
    if (run.bytes === undefined) fill(target, run.fill);
    else target.set(run.bytes);
    this.#at = run.offset + run.length;
  }

  /** Everything after the last run is zero. */
  finish(): void {
    this.#zeroUpTo(this.#blocks.length, 0);
    for (const block of this.#blocks) block.space.noteWrite(block.offset, block.size);
  }

  #zeroUpTo(index: number, offset: number): void {
    for (; this.#block < index; this.#block++, this.#at = 0) {
      const block = this.#blocks[this.#block];
      if (block !== undefined) fill(block.bytes.subarray(this.#at), 0);
    }
    const block = this.#blocks[index];
    if (block !== undefined) fill(block.bytes.subarray(this.#at, Math.max(this.#at, offset)), 0);
  }
}

/** Pages that have the byte already are not written: they may not be there yet on the host. */
function fill(bytes: Uint8Array, value: number): void {
  const pages = new Pages(bytes);
  for (let from = 0; from < bytes.length; from += PAGE) {
    if (pages.fillOf(from) !== value) bytes.fill(value, from, from + PAGE);
  }
}
