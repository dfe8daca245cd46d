// Which parts of a RAM space are free, and which were ever in use.

interface Hole {
  offset: number;
  size: number;
}

/** Where {@link Holes.take} looks. */
export interface HoleRequest {
  readonly bytes: number;
  /** A power of two. */
  readonly align: number;
  /** Added to a place before it is aligned. */
  readonly base: number;
  /** The range has to lie between these. */
  readonly from: number;
  readonly to: number;
}

/** Free ranges, by offset. */
export class Holes {
  readonly #holes: Hole[];

  constructor(offset: number, end: number) {
    this.#holes = [{ offset, size: end - offset }];
  }

  /** Takes the first range that fits; -1 if none does. */
  take({ bytes, align, base, from, to }: HoleRequest): number {
    for (const [index, hole] of this.#holes.entries()) {
      const offset = Math.ceil((base + Math.max(hole.offset, from)) / align) * align - base;
      const end = offset + bytes;
      const holeEnd = hole.offset + hole.size;
      if (end > Math.min(holeEnd, to)) continue;
      const rest: Hole[] = [];
      if (offset > hole.offset) rest.push({ offset: hole.offset, size: offset - hole.offset });
      if (holeEnd > end) rest.push({ offset: end, size: holeEnd - end });
      this.#holes.splice(index, 1, ...rest);
      return offset;
    }
    return -1;
  }

  giveBack(offset: number, size: number): void {
    const found = this.#holes.findIndex((hole) => hole.offset > offset);
    const index = found < 0 ? this.#holes.length : found;
    const before = this.#holes[index - 1];
    const after = this.#holes[index];
    const joinsBefore = before !== undefined && before.offset + before.size === offset;
    const joinsAfter = after !== undefined && offset + size === after.offset;
    if (joinsBefore) {
      before.size += size + (joinsAfter ? after.size : 0);
      if (joinsAfter) this.#holes.splice(index, 1);
    } else if (joinsAfter) {
      after.offset = offset;
      after.size += size;
    } else {
      this.#holes.splice(index, 0, { offset, size });
    }
  }
}

/** Ranges, joined where they touch. */
export class RangeSet {
  /** Start, end, start, end ..., ascending. */
  #bounds: number[] = [];

  /** Adds a range; gives the parts of it that were there before, as start and end. */
  add(from: number, to: number): readonly (readonly [number, number])[] {
    const known: [number, number][] = [];
    const rest: number[] = [];
    let [start, end] = [from, to];
    for (let i = 0; i + 1 < this.#bounds.length; i += 2) {
      const [a, b] = [this.#bounds[i] as number, this.#bounds[i + 1] as number];
      if (b < from || a > to) {
        rest.push(a, b);
        continue;
      }
      if (Math.max(a, from) < Math.min(b, to)) known.push([Math.max(a, from), Math.min(b, to)]);
      start = Math.min(start, a);
      end = Math.max(end, b);
    }
    const at = rest.findIndex((bound) => bound > start);
    rest.splice(at < 0 ? rest.length : at, 0, start, end);
    this.#bounds = rest;
    return known;
  }
}
