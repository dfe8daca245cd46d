// The LZMA2 decoder: chunks, and the LZMA coding in them. After the LZMA specification (LZMA SDK, lzma-specification)
// and the .xz file format 1.2.1, section 5.3.1. Names follow the specification.

/** Thrown for data that is not what the format allows. */
export class XzError extends Error {
  override readonly name = 'XzError';
}

/** Bytes that grow at the end; the decoder copies matches from what it already holds. */
export class Output {
  bytes: Uint8Array = new Uint8Array(1 << 16);
  length = 0;

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(data: Uint8Array): void {
    this.reserve(data.length);
    this.bytes.set(data, this.length);
    this.length += data.length;
  }
}

const PROBABILITY_BITS = 11;
const PROBABILITY_INITIAL = 1 << (PROBABILITY_BITS - 1);
const ADAPTATION_SHIFT = 5;
const RANGE_MINIMUM = 1 << 24;

/** The adaptive binary range decoder over one chunk. */
class RangeDecoder {
  readonly #input: Uint8Array;
  #position = 5;
  #range = 0xffffffff;
  #code: number;

  constructor(input: Uint8Array) {
    if (input.length < 5 || input[0] !== 0) throw new XzError('a chunk of LZMA data is too short');
    this.#input = input;
    this.#code = new DataView(input.buffer, input.byteOffset).getUint32(1);
  }

  bit(probabilities: Uint16Array, index: number): 0 | 1 {
    const probability = probabilities[index] ?? 0;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (this.#code < bound) {
      this.#range = bound;
      probabilities[index] = probability + (((1 << PROBABILITY_BITS) - probability) >> ADAPTATION_SHIFT);
      this.#normalize();
      return 0;
    }
    this.#range -= bound;
    this.#code -= bound;
    probabilities[index] = probability - (probability >> ADAPTATION_SHIFT);
    this.#normalize();
    return 1;
  }

  /** Bits of even probability, the highest first. */
  directBits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      const one = this.#code >= this.#range;
      if (one) this.#code -= this.#range;
      value = value * 2 + (one ? 1 : 0);
      this.#normalize();
    }
    return value;
  }

  /** A number of `bits` bits, the highest first, each with its own probability in the tree that starts at `base`. */
  tree(probabilities: Uint16Array, base: number, bits: number): number {
    let node = 1;
    for (let i = 0; i < bits; i++) node = (node << 1) | this.bit(probabilities, base + node);
    return node - (1 << bits);
  }

  /** The same with the lowest bit first. */
  reverseTree(probabilities: Uint16Array, base: number, bits: number): number {
    let node = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(probabilities, base + node);
      node = (node << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #normalize(): void {
    if (this.#range >= RANGE_MINIMUM) return;
    if (this.#position > this.#input.length) throw new XzError('the LZMA data ends too early');
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | (this.#input[this.#position++] ?? 0)) >>> 0;
  }
}

const STATES = 12;
const FIRST_MATCH_STATE = 7;
const POSITION_STATES = 16;
const LENGTH_STATES = 4;
const END_POSITION_MODEL = 14;
const ALIGN_BITS = 4;
const MATCH_MINIMUM = 2;

const initial = (count: number) => new Uint16Array(count).fill(PROBABILITY_INITIAL);

/** Lengths of matches: short, middle and long ones, in trees of 8, 8 and 256. */
class LengthDecoder {
  readonly #choice = initial(2);
  readonly #low = initial(POSITION_STATES << 3);
  readonly #middle = initial(POSITION_STATES << 3);
  readonly #high = initial(256);

  decode(range: RangeDecoder, positionState: number): number {
    if (range.bit(this.#choice, 0) === 0) return MATCH_MINIMUM + range.tree(this.#low, positionState << 3, 3);
    if (range.bit(this.#choice, 1) === 0) return MATCH_MINIMUM + 8 + range.tree(this.#middle, positionState << 3, 3);
    return MATCH_MINIMUM + 16 + range.tree(this.#high, 0, 8);
  }
}

/** The LZMA decoder's state, from one reset to the next. */
class LzmaState {
  readonly #lc: number;
  readonly #lp: number;
  readonly #pb: number;
  #state = 0;
  /** Distances of the last four matches, less one; the newest first. */
  readonly #reps: [number, number, number, number] = [0, 0, 0, 0];
  readonly #literals: Uint16Array;
  readonly #isMatch = initial(STATES * POSITION_STATES);
  readonly #isRep = initial(STATES);
  readonly #isRepG0 = initial(STATES);
  readonly #isRepG1 = initial(STATES);
  readonly #isRepG2 = initial(STATES);
  readonly #isRep0Long = initial(STATES * POSITION_STATES);
  readonly #slots = initial(LENGTH_STATES << 6);
  readonly #special = initial(1 + 128 - END_POSITION_MODEL);
  readonly #align = initial(1 << ALIGN_BITS);
  readonly #matchLength = new LengthDecoder();
  readonly #repLength = new LengthDecoder();

  /** @param properties the byte `(pb * 5 + lp) * 9 + lc` */
  constructor(properties: number) {
    this.#lc = properties % 9;
    this.#lp = Math.floor(properties / 9) % 5;
    this.#pb = Math.floor(properties / 45);
    if (this.#pb > 4 || this.#lc + this.#lp > 4) throw new XzError('bad LZMA properties');
    this.#literals = initial(0x300 << (this.#lc + this.#lp));
  }

  /** Decodes exactly `size` bytes. `start` is where in the output the dictionary begins. */
  decode(input: Uint8Array, output: Output, size: number, start: number): void {
    const range = new RangeDecoder(input);
    output.reserve(size);
    const end = output.length + size;
    while (output.length < end) {
      const positionState = (output.length - start) & ((1 << this.#pb) - 1);
      if (range.bit(this.#isMatch, (this.#state << 4) + positionState) === 0) {
        this.#literal(range, output, start);
      } else {
        const length = this.#match(range, positionState);
        const distance = this.#reps[0] + 1;
        if (distance > output.length - start || length > end - output.length) throw new XzError('bad LZMA match');
        const { bytes } = output;
        for (let i = 0; i < length; i++) {
          bytes[output.length] = bytes[output.length - distance] ?? 0;
          output.length++;
        }
      }
    }
  }

  #literal(range: RangeDecoder, output: Output, start: number): void {
    const { bytes, length } = output;
    const previous = length > start ? (bytes[length - 1] ?? 0) : 0;
    const context = (((length - start) & ((1 << this.#lp) - 1)) << this.#lc) + (previous >> (8 - this.#lc));
    const base = 0x300 * context;
    let symbol = 1;
    if (this.#state >= FIRST_MATCH_STATE) {
      let matched = bytes[length - this.#reps[0] - 1] ?? 0;
      while (symbol < 0x100) {
        const expected = (matched >> 7) & 1;
        matched <<= 1;
        const bit = range.bit(this.#literals, base + ((1 + expected) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== expected) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | range.bit(this.#literals, base + symbol);
    bytes[length] = symbol & 0xff;
    output.length = length + 1;
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  /** Decodes a match's length; its distance is then the first of the reps. */
  #match(range: RangeDecoder, positionState: number): number {
    const state = this.#state;
    const afterLiteral = state < FIRST_MATCH_STATE;
    if (range.bit(this.#isRep, state) === 0) {
      const length = this.#matchLength.decode(range, positionState);
      this.#remember(3, this.#distance(range, length));
      this.#state = afterLiteral ? 7 : 10;
      return length;
    }
    if (range.bit(this.#isRepG0, state) === 0) {
      if (range.bit(this.#isRep0Long, (state << 4) + positionState) === 0) {
        this.#state = afterLiteral ? 9 : 11;
        return 1;
      }
    } else {
      const which = range.bit(this.#isRepG1, state) === 0 ? 1 : range.bit(this.#isRepG2, state) === 0 ? 2 : 3;
      this.#remember(which, this.#reps[which]);
    }
    this.#state = afterLiteral ? 8 : 11;
    return this.#repLength.decode(range, positionState);
  }

  /** Puts a distance first; the one at `place` is forgotten. */
  #remember(place: 1 | 2 | 3, distance: number): void {
    for (let i = place; i > 0; i--) this.#reps[i] = this.#reps[i - 1] ?? 0;
    this.#reps[0] = distance;
  }

  #distance(range: RangeDecoder, length: number): number {
    const lengthState = Math.min(length - MATCH_MINIMUM, LENGTH_STATES - 1);
    const slot = range.tree(this.#slots, lengthState << 6, 6);
    if (slot < 4) return slot;
    const directBits = (slot >> 1) - 1;
    const base = (2 | (slot & 1)) * 2 ** directBits;
    if (slot < END_POSITION_MODEL) return base + range.reverseTree(this.#special, base - slot, directBits);
    const high = range.directBits(directBits - ALIGN_BITS);
    return base + high * (1 << ALIGN_BITS) + range.reverseTree(this.#align, 0, ALIGN_BITS);
  }
}

/**
 * Decodes LZMA2 data that starts at `position` and appends it to `output`.
 *
 * @returns the position after its end marker.
 * @throws XzError
 */
export function decodeLzma2(data: Uint8Array, position: number, output: Output): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let state: LzmaState | undefined;
  let properties = 0;
  let dictionaryStart = output.length;
  let at = position;
  for (;;) {
    const control = data[at];
    if (control === undefined || (control !== 0 && at + 6 > data.length))
      throw new XzError('the LZMA2 data ends early');
    if (control === 0) return at + 1;
    const size = view.getUint16(at + 1) + 1;
    if (control < 0x80) {
      if (control > 2) throw new XzError('bad LZMA2 control byte');
      if (control === 1) dictionaryStart = output.length;
      at += 3;
      output.append(chunk(data, at, size));
      at += size;
      continue;
    }
    const packed = view.getUint16(at + 3) + 1;
    const reset = (control >> 5) & 3;
    at += 5;
    if (reset >= 2) properties = data[at++] ?? 0;
    if (reset === 3) dictionaryStart = output.length;
    if (reset >= 1) state = new LzmaState(properties);
    if (!state) throw new XzError('LZMA2 data without a first reset');
    state.decode(chunk(data, at, packed), output, ((control & 0x1f) << 16) + size, dictionaryStart);
    at += packed;
  }
}

function chunk(data: Uint8Array, start: number, length: number): Uint8Array {
  if (start + length > data.length) throw new XzError('the LZMA2 data ends early');
  return data.subarray(start, start + length);
}
