/**
 * Operations of instructions that were translated before. Most instructions mean the same wherever they stand: their IR, and so
 * their operations, depend on their bytes and the mode word only. Those are copied, not translated again.
 */

/** Operations that are kept, of 16 bytes each. When they are full all are forgotten. */
const MOST_OPS = 2 ** 18;
const FIRST_OPS = 2 ** 13;
/** Fields of a found instruction: 18 bits place, 6 bits count of operations, 3 bits guest bytes, 4 bits what it hands on. */
const COUNT_SHIFT = 18;
const MOST_COUNT = 63;
const LENGTH_SHIFT = 24;
const MOST_LENGTH = 7;
const CARRIED_SHIFT = 27;

/** The instruction hands on what it was handed. */
export const CARRIES_ON = 15;

/** Bytes that decoding an instruction may look at for it to be kept. */
export const MOST_EXTENT = 6;

/** Slots of the table of instructions, three words each: the first four bytes, the rest of the key, what was made of it. */
const FIRST_SLOTS = 2 ** 13;
/** The rest of the key: 2 bits for which extent, 16 for bytes 4 and 5, 5 for what else it was translated for, then the number of the mode word. */
const CONTEXT_SHIFT = 18;
const MODE_SHIFT = 23;
const MOST_MODES = 2 ** 8;

/** Bits of an instruction that its key has not: in its first four bytes, the first of them lowest, and in the two behind. */
export interface LeftOut {
  readonly first: number;
  readonly rest: number;
}

export const NOTHING: LeftOut = { first: 0, rest: 0 };
const NO_WORDS = new Int32Array(0);

/** What is known of one mode word. */
interface ModeMemo {
  /** Its number, in place. */
  readonly key: number;
  /** Which extents, of 2, 4 and 6 bytes, instructions with this first byte have: bits 1, 2, 4. */
  readonly hints: Uint8Array;
}

/** Guest bytes of the instruction that `find` gave. */
export function memoLength(found: number): number {
  return (found >>> LENGTH_SHIFT) & MOST_LENGTH;
}

/** What it hands on to the next one (`InsnContext.carried`), or `CARRIES_ON`. */
export function memoCarried(found: number): number {
  return found >>> CARRIED_SHIFT;
}

export class InsnMemo {
  readonly #most: number;
  #words = new Int32Array(FIRST_OPS * 4);
  #ops = 0;
  readonly #modes = new Map<number, ModeMemo>();
  #mode = 0;
  #current: ModeMemo | undefined;
  #table = new Int32Array(FIRST_SLOTS * 3);
  #mask = FIRST_SLOTS - 1;
  /** 32 less the bits of an index of a slot. */
  #shift = Math.clz32(FIRST_SLOTS - 1);
  #count = 0;

  constructor(mostOps = MOST_OPS) {
    this.#most = mostOps;
  }

  /**
   * The instruction at `host`, of which `room` bytes lie in the page; -1 if it is not known. `context`: a number below 32 that it was
   * translated for, beside the mode.
   */
  find(u8: Uint8Array, host: number, room: number, mode: number, context = 0, leftOut = NOTHING): number {
    if (room < 2) return -1;
    const known = this.#of(mode);
    const { hints } = known;
    const key = known.key | (context << CONTEXT_SHIFT);
    const first = u8[host] ?? 0;
    const hint = hints[first & ~leftOut.first] ?? 0;
    if (hint === 0) return -1;
    const low = first | ((u8[host + 1] ?? 0) << 8);
    if ((hint & 1) !== 0) {
      const found = this.#at(this.#slot(low & ~leftOut.first, key));
      if (found !== 0) return found;
    }
    if (room < 4 || hint === 1) return -1;
    const word = (low | ((u8[host + 2] ?? 0) << 16) | ((u8[host + 3] ?? 0) << 24)) & ~leftOut.first;
    if ((hint & 2) !== 0) {
      const found = this.#at(this.#slot(word, key | 1));
      if (found !== 0) return found;
    }
    if (room < 6 || (hint & 4) === 0) return -1;
    const found = this.#at(this.#slot(word, key | 2 | lastBytes(u8, host, leftOut)));
    return found === 0 ? -1 : found;
  }

  /** All that is kept, for `place` and `count`. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Index of the first word of a found instruction. */
  place(found: number): number {
    return (found & ((1 << COUNT_SHIFT) - 1)) * 4;
  }

  /** How many it has, those that were kept behind its operations included. */
  count(found: number): number {
    return ((found >>> COUNT_SHIFT) & MOST_COUNT) * 4;
  }

  /**
   * Keeps an instruction's operations, `words` words at index `at` of `from`, and what is to be kept behind them. `extent`: the bytes
   * that decoding looked at.
   */
  add(
    insn: {
      readonly u8: Uint8Array;
      readonly host: number;
      readonly extent: number;
      readonly length: number;
      readonly mode: number;
      readonly carried?: number;
      readonly context?: number;
      readonly leftOut?: LeftOut;
    },
    from: Int32Array,
    at: number,
    words: number,
    behind: Int32Array = NO_WORDS,
  ): void {
    const { u8, host, extent, length, mode, carried = CARRIES_ON, context = 0, leftOut = NOTHING } = insn;
    const count = (words + behind.length) / 4;
    if (extent < 2 || extent > MOST_EXTENT || length > MOST_LENGTH || count > MOST_COUNT) return;
    if (this.#ops + count >= this.#most || this.#count >= this.#most || this.#modes.size >= MOST_MODES) this.clear();
    this.#reserve(count);
    for (let i = 0; i < words; i++) this.#words[this.#ops * 4 + i] = from[at + i] ?? 0;
    this.#words.set(behind, this.#ops * 4 + words);
    const entry = this.#ops | (count << COUNT_SHIFT) | (length << LENGTH_SHIFT) | (carried << CARRIED_SHIFT);
    this.#ops += count;
    const low = (u8[host] ?? 0) | ((u8[host + 1] ?? 0) << 8);
    const { hints, key } = this.#of(mode);
    const index = extent <= 2 ? 0 : extent <= 4 ? 1 : 2;
    const hint = low & ~leftOut.first & 0xff;
    hints[hint] = (hints[hint] ?? 0) | (1 << index);
    const word = index === 0 ? low : low | ((u8[host + 2] ?? 0) << 16) | ((u8[host + 3] ?? 0) << 24);
    const rest = key | (context << CONTEXT_SHIFT) | index;
    this.#enter(word & ~leftOut.first, rest | (index === 2 ? lastBytes(u8, host, leftOut) : 0), entry);
  }

  clear(): void {
    this.#ops = 0;
    this.#modes.clear();
    this.#current = undefined;
    this.#table.fill(0);
    this.#count = 0;
  }

  #of(mode: number): ModeMemo {
    if (this.#current !== undefined && this.#mode === mode) return this.#current;
    let known = this.#modes.get(mode);
    if (known === undefined) {
      known = { key: this.#modes.size << MODE_SHIFT, hints: new Uint8Array(256) };
      this.#modes.set(mode, known);
    }
    this.#mode = mode;
    this.#current = known;
    return known;
  }

  /** Index in the table of the slot that has a key, or of the empty one where it belongs. */
  #slot(word: number, rest: number): number {
    const table = this.#table;
    // The product's high bits hear of all bits of the word, those of the last byte included.
    let n = Math.imul(word ^ Math.imul(rest, 0x85ebca6b), 0x9e3779b1) >>> this.#shift;
    for (;;) {
      const at = n * 3;
      if (table[at + 2] === 0 || (table[at] === word && table[at + 1] === rest)) return at;
      n = (n + 1) & this.#mask;
    }
  }

  /** What the slot at an index has; 0 if it is empty. */
  #at(slot: number): number {
    return this.#table[slot + 2] ?? 0;
  }

  #enter(word: number, rest: number, entry: number): void {
    if (this.#count * 2 > this.#mask) this.#grow();
    const at = this.#slot(word, rest);
    if (this.#at(at) === 0) this.#count++;
    this.#table[at] = word;
    this.#table[at + 1] = rest;
    this.#table[at + 2] = entry;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Int32Array(old.length * 2);
    this.#mask = this.#mask * 2 + 1;
    this.#shift--;
    for (let i = 0; i < old.length; i += 3) {
      const [word, rest, entry] = [old[i] ?? 0, old[i + 1] ?? 0, old[i + 2] ?? 0];
      if (entry === 0) continue;
      const at = this.#slot(word, rest);
      this.#table[at] = word;
      this.#table[at + 1] = rest;
      this.#table[at + 2] = entry;
    }
  }

  #reserve(count: number): void {
    if ((this.#ops + count) * 4 <= this.#words.length) return;
    const larger = new Int32Array(Math.min(this.#words.length * 2, this.#most * 4));
    larger.set(this.#words);
    this.#words = larger;
  }
}

/** Bytes 4 and 5 of an instruction, where a key has them. */
function lastBytes(u8: Uint8Array, host: number, { rest }: LeftOut): number {
  return (((u8[host + 4] ?? 0) | ((u8[host + 5] ?? 0) << 8)) & ~rest) << 2;
}
