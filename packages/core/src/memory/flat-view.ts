// A tree of regions, flattened: which region answers at each address.

import type { RamBlock } from './ram-block.ts';
import type { MemoryRegion } from './region.ts';
import { ADDRESS_LIMIT, WHOLE_SPACE } from './types.ts';

/** A stretch of addresses that one region answers in one way. */
export class FlatRange {
  /** First address. */
  readonly base: number;
  /** First address after it; {@link WHOLE_SPACE} at the top. */
  readonly end: number;
  readonly region: MemoryRegion;
  /** Where in the region it begins. */
  readonly offset: number;
  /** Host offset of its first byte if reads come from RAM or ROM, otherwise -1. */
  readonly host: number;
  /** Host offset of its first byte if writes go to RAM, otherwise -1. */
  readonly writeHost: number;
  /** Writes are ignored (ROM, or RAM through something read-only). */
  readonly readonly: boolean;
  /** A ROM device: writes go to the device, reads come from its block if {@link host} says so. */
  readonly romd: boolean;

  constructor(base: number, end: number, region: MemoryRegion, offset: number, readonly_: boolean) {
    const { block } = region;
    const romDevice = region.kind === 'rom-device';
    this.base = base;
    this.end = end;
    this.region = region;
    this.offset = offset;
    this.romd = romDevice && region.romMode;
    this.readonly = readonly_;
    this.host = block !== undefined && (!romDevice || region.romMode) ? hostOf(region, block, offset) : -1;
    this.writeHost = block !== undefined && !romDevice && !readonly_ ? block.offset + offset : -1;
  }

  /** Bytes. */
  get size(): number {
    return this.end - this.base;
  }

  /** Whether both stand for the same: then nothing changed for a listener. */
  equals(other: FlatRange): boolean {
    const same = this.base === other.base && this.end === other.end && this.offset === other.offset;
    return same && this.#alike(other) && this.host === other.host;
  }

  /** Whether `next` goes on where this range ends, on the host too. */
  continuedBy(next: FlatRange): boolean {
    return this.showsOn(next) && (this.host < 0 || this.host + this.size === next.host);
  }

  /** Whether `next` goes on where this range ends, as far as a guest can tell. */
  showsOn(next: FlatRange): boolean {
    return this.end === next.base && this.#alike(next) && this.offset + (this.end - this.base) === next.offset;
  }

  #alike(other: FlatRange): boolean {
    return this.region === other.region && this.readonly === other.readonly && this.romd === other.romd;
  }
}

/** Where on the host a byte of a region is read from. */
function hostOf(region: MemoryRegion, block: RamBlock, offset: number): number {
  const { pattern } = region;
  return pattern === undefined ? block.offset + offset : pattern.offset + (offset % pattern.size);
}

/** Where a tree is looked at: addresses `from` to `to` are seen. */
interface Window {
  readonly from: number;
  readonly to: number;
}

/** Regions inside regions, as deep as no board goes unless its map shows itself without end. */
const DEEPEST = 256;
/** Regions looked at in one rendering, likewise. */
const MOST = 1_000_000;

/** Fills the addresses that are still free, keeping the ranges sorted. */
class Renderer {
  readonly ranges: FlatRange[] = [];
  #depth = 0;
  #count = 0;

  /** Renders a region whose offset 0 lies at `origin` (below zero for an alias that begins further on). */
  render(region: MemoryRegion, origin: number, window: Window, readonly_: boolean): void {
    if (!region.enabled) return;
    const from = Math.max(window.from, origin);
    const to = Math.min(window.to, region.size === WHOLE_SPACE ? WHOLE_SPACE : origin + region.size);
    if (from >= to) return;
    this.#depth++;
    this.#count++;
    if (this.#depth > DEEPEST || this.#count > MOST) {
      throw new Error(`memory region '${region.name}' shows itself without end`);
    }
    this.#renderInside(region, origin, { from, to }, readonly_ || region.readonly);
    this.#depth--;
  }

  #renderInside(region: MemoryRegion, origin: number, window: Window, readonly_: boolean): void {
    if (region.target) {
      this.render(region.target, origin - region.targetOffset, window, readonly_);
      return;
    }
    for (const part of region.subregions) this.render(part, origin + part.address, window, readonly_);
    if (region.answers) this.#fill(region, origin, window, readonly_);
  }

  #fill(region: MemoryRegion, origin: number, window: Window, readonly_: boolean): void {
    const { ranges } = this;
    let at = window.from;
    let index = this.#firstEndingAfter(at);
    while (at < window.to) {
      const next = ranges[index];
      const gapEnd = next ? Math.min(next.base, window.to) : window.to;
      if (at < gapEnd) {
        const made = rangesOf(at, gapEnd, region, at - origin, readonly_);
        ranges.splice(index, 0, ...made);
        index += made.length;
      }
      if (!next) return;
      at = Math.max(at, next.end);
      index++;
    }
  }

  #firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle] as FlatRange).end <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The range of a region from one address to another; where a pattern stands for its bytes, one for each time. */
function rangesOf(from: number, to: number, region: MemoryRegion, offset: number, readonly_: boolean): FlatRange[] {
  const step = region.pattern?.size;
  if (step === undefined) return [new FlatRange(from, to, region, offset, readonly_)];
  const made: FlatRange[] = [];
  for (let at = from; at < to; ) {
    const inRegion = offset + (at - from);
    const end = Math.min(to, at + step - (inRegion % step));
    made.push(new FlatRange(at, end, region, inRegion, readonly_));
    at = end;
  }
  return made;
}

function merged(ranges: readonly FlatRange[]): FlatRange[] {
  const result: FlatRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.continuedBy(range)) {
      result[result.length - 1] = new FlatRange(last.base, range.end, last.region, last.offset, last.readonly);
    } else {
      result.push(range);
    }
  }
  return result;
}

/** The ranges of an address space at one time, sorted and apart. */
export class FlatView {
  readonly ranges: readonly FlatRange[];
  #last: FlatRange | undefined;

  constructor(ranges: readonly FlatRange[]) {
    this.ranges = ranges;
  }

  /** Flattens the tree below a region. */
  static of(root: MemoryRegion): FlatView {
    const renderer = new Renderer();
    renderer.render(root, 0, { from: 0, to: WHOLE_SPACE }, false);
    return new FlatView(merged(renderer.ranges));
  }

  /** The range that an address lies in. None for an address of 2^52 or more. */
  find(address: number): FlatRange | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.base && address < last.end && address < ADDRESS_LIMIT) return last;
    const range = this.#search(address);
    if (range !== undefined) this.#last = range;
    return range;
  }

  /** The first address after this one where a range begins, or the limit of addresses. */
  nextBase(address: number): number {
    const next = this.ranges[this.#indexAfter(address)];
    return next ? next.base : ADDRESS_LIMIT;
  }

  #search(address: number): FlatRange | undefined {
    if (!(address >= 0 && address < ADDRESS_LIMIT)) return undefined;
    const range = this.ranges[this.#indexAfter(address) - 1];
    return range !== undefined && address < range.end ? range : undefined;
  }

  /** Index of the first range that begins after an address. */
  #indexAfter(address: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ranges[middle] as FlatRange).base <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** What is in one view and not in another, compared range by range. */
export function difference(view: FlatView, other: FlatView): FlatRange[] {
  const byBase = new Map(other.ranges.map((range) => [range.base, range]));
  return view.ranges.filter((range) => !byBase.get(range.base)?.equals(range));
}
