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

/** The instructions of one mode word. */
class ModeMemo {
  /** What was made of them, by the 2, 4 or 6 bytes looked at. */
  readonly two = new Map<number, number>();
  readonly four = new Map<number, number>();
  readonly six = new Map<number, number>();
  /** Which of the three have an instruction whose first byte is the index: bits 1, 2, 4. */
  readonly hints = new Uint8Array(256);
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

  constructor(mostOps = MOST_OPS) {
    this.#most = mostOps;
  }

  /** The instruction at `host`, of which `room` bytes lie in the page; -1 if it is not known. */
  find(u8: Uint8Array, host: number, room: number, mode: number): number {
    if (room < 2) return -1;
    const known = this.#of(mode);
    const first = u8[host] ?? 0;
    const hint = known.hints[first] ?? 0;
    if (hint === 0) return -1;
    const low = first | ((u8[host + 1] ?? 0) << 8);
    if ((hint & 1) !== 0) {
      const found = known.two.get(low);
      if (found !== undefined) return found;
    }
    if (room < 4) return -1;
    const word = low | ((u8[host + 2] ?? 0) << 16) | ((u8[host + 3] ?? 0) << 24);
    if ((hint & 2) !== 0) {
      const found = known.four.get(word);
      if (found !== undefined) return found;
    }
    if (room < 6 || (hint & 4) === 0) return -1;
    return known.six.get(sixBytes(u8, host, word)) ?? -1;
  }

  /** Copies the operations of a found instruction to `at`, an index of `to`; gives the number of words. */
  copy(found: number, to: Int32Array, at: number): number {
    const from = (found & ((1 << COUNT_SHIFT) - 1)) * 4;
    const count = ((found >>> COUNT_SHIFT) & MOST_COUNT) * 4;
    const words = this.#words;
    for (let i = 0; i < count; i++) to[at + i] = words[from + i] ?? 0;
    return count;
  }

  /** Keeps an instruction's operations, `words` words at index `at` of `from`. `extent`: the bytes that decoding looked at. */
  add(
    insn: {
      readonly u8: Uint8Array;
      readonly host: number;
      readonly extent: number;
      readonly length: number;
      readonly mode: number;
      readonly carried?: number;
    },
    from: Int32Array,
    at: number,
    words: number,
  ): void {
    const { u8, host, extent, length, mode, carried = CARRIES_ON } = insn;
    const count = words / 4;
    if (extent < 2 || extent > MOST_EXTENT || length > MOST_LENGTH || count > MOST_COUNT) return;
    if (this.#ops + count >= this.#most) this.clear();
    this.#reserve(count);
    for (let i = 0; i < words; i++) this.#words[this.#ops * 4 + i] = from[at + i] ?? 0;
    const entry = this.#ops | (count << COUNT_SHIFT) | (length << LENGTH_SHIFT) | (carried << CARRIED_SHIFT);
    this.#ops += count;
    const low = (u8[host] ?? 0) | ((u8[host + 1] ?? 0) << 8);
    const known = this.#of(mode);
    const index = extent <= 2 ? 0 : extent <= 4 ? 1 : 2;
    known.hints[low & 0xff] = (known.hints[low & 0xff] ?? 0) | (1 << index);
    if (index === 0) {
      known.two.set(low, entry);
      return;
    }
    const word = low | ((u8[host + 2] ?? 0) << 16) | ((u8[host + 3] ?? 0) << 24);
    if (index === 1) known.four.set(word, entry);
    else known.six.set(sixBytes(u8, host, word), entry);
  }

  clear(): void {
    this.#ops = 0;
    this.#modes.clear();
    this.#current = undefined;
  }

  #of(mode: number): ModeMemo {
    if (this.#current !== undefined && this.#mode === mode) return this.#current;
    let known = this.#modes.get(mode);
    if (known === undefined) {
      known = new ModeMemo();
      this.#modes.set(mode, known);
    }
    this.#mode = mode;
    this.#current = known;
    return known;
  }

  #reserve(count: number): void {
    if ((this.#ops + count) * 4 <= this.#words.length) return;
    const larger = new Int32Array(Math.min(this.#words.length * 2, this.#most * 4));
    larger.set(this.#words);
    this.#words = larger;
  }
}

function sixBytes(u8: Uint8Array, host: number, word: number): number {
  return (word >>> 0) * 65536 + ((u8[host + 4] ?? 0) | ((u8[host + 5] ?? 0) << 8));
}
