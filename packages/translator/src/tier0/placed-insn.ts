/**
 * What of an instruction's operations depends on where it stands, so that they can be repeated elsewhere: addresses, each known by how
 * far it is from the instruction. One may be the immediate of an operation; others are where the block's end goes, which is written
 * anew from its form.
 */
import type { Node } from '../ir/nodes.ts';
import { movedBy } from '../pc.ts';
import type { EndForm } from './block-ends.ts';

/** Words of such a description, the size of two operations. */
export const PLACED_WORDS = 8;

/**
 * Places of the words. The first has the number of the end's operation, how many targets it has, and the flags; that of where the
 * address is has the end's destination in its high half.
 */
const OP = 0;
const OPERANDS = 1;
const LO = 2;
const HI = 3;
const TAKEN = 4;
const FALL = 5;
const AT = 6;
const ADDRESS = 7;

const TARGETS_SHIFT = 16;
const HAS_END = 1 << 18;
/** The distance in a word is the instruction's relative operand (`Frontend.relativeOperand`). */
const ownFlag = (word: number): number => 1 << (19 + word - TAKEN);

/** Where an instruction stands, and its relative operand if it has one. */
export interface InsnPlace {
  pcLo: number;
  pcHi: number;
  relative: number | undefined;
}

/** What is found of an instruction while it is lowered. */
export class PlacedInsn {
  /** The description. */
  readonly words = new Int32Array(PLACED_WORDS);
  /** Its operations depend on where it stands by more than addresses and the block's end. */
  isFixed = false;
  /** Host offset of its first operation. */
  start = 0;
  /** Immediates that are addresses, and the last of them: what it is, and its host offset. */
  #addresses = 0;
  #address: Node | undefined;
  #addressAt = 0;
  /** Ends of the block. */
  #ends = 0;

  begin(start: number): void {
    this.isFixed = false;
    this.start = start;
    this.#addresses = 0;
    this.#ends = 0;
  }

  noteAddress(address: Node, at: number): void {
    this.#addresses++;
    this.#address = address;
    this.#addressAt = at;
  }

  noteEnd(raises: boolean): void {
    this.#ends++;
    if (raises) this.isFixed = true;
  }

  /** It does not depend on where it stands. */
  get isPlain(): boolean {
    return !this.isFixed && this.#addresses === 0 && this.#ends === 0;
  }

  /**
   * Describes it, if it can be repeated elsewhere. `addresses`: what the builder made of them, each of which must have become an
   * immediate wherever it is used. `form`: that of the end which is the last that it does.
   */
  describe(place: InsnPlace, addresses: readonly Node[], form: EndForm | undefined): boolean {
    let uses = 0;
    for (const address of addresses) uses += address.uses;
    if (this.isFixed || uses > 1 || uses !== this.#addresses || this.#ends !== (form === undefined ? 0 : 1))
      return false;
    this.words.fill(0);
    return (uses === 0 || this.#setAddress(place)) && (form === undefined || this.#setEnd(place, form));
  }

  #setAddress(place: InsnPlace): boolean {
    this.words[AT] = (this.#addressAt - this.start) >>> 2;
    const address = this.#address;
    return address !== undefined && this.#setDistance(ADDRESS, place, address.lo, address.hi);
  }

  #setEnd(place: InsnPlace, form: EndForm): boolean {
    const { words } = this;
    const { op, dst, a, b, targets, lo, hi } = form;
    words[OP] = (words[OP] ?? 0) | op | (targets << TARGETS_SHIFT) | HAS_END;
    words[OPERANDS] = (a & 0xffff) | (b << 16);
    words[AT] = (words[AT] ?? 0) | (dst << 16);
    words[LO] = lo;
    words[HI] = hi;
    if (targets > 0 && !this.#setDistance(TAKEN, place, form.takenLo, form.takenHi)) return false;
    return targets < 2 || this.#setDistance(FALL, place, form.fallLo, form.fallHi);
  }

  #setDistance(word: number, { pcLo, pcHi, relative }: InsnPlace, lo: number, hi: number): boolean {
    const distance = ((hi - pcHi) | 0) * 2 ** 32 + (lo >>> 0) - (pcLo >>> 0);
    if (distance === relative) this.words[OP] = (this.words[OP] ?? 0) | ownFlag(word);
    else this.words[word] = distance;
    return distance === relative || distance === (distance | 0);
  }
}

/** How many words behind the first of its operations an instruction that is described at `at` has an address; 0 if it has none. */
export function placeOfAddress(words: Int32Array, at: number): number {
  return (words[at + AT] ?? 0) & 0xffff;
}

/** The address of the instruction described, where it stands now. */
export function addressAt(words: Int32Array, at: number, place: InsnPlace): readonly [lo: number, hi: number] {
  return moved(words, at, ADDRESS, place);
}

/** Gives a form the end of the instruction that is described at `at`; false if it has none. */
export function endAt(words: Int32Array, at: number, place: InsnPlace, form: EndForm): boolean {
  const first = words[at + OP] ?? 0;
  if ((first & HAS_END) === 0) return false;
  const operands = words[at + OPERANDS] ?? 0;
  form.op = first & 0xffff;
  form.dst = (words[at + AT] ?? 0) >>> 16;
  form.a = operands & 0xffff;
  form.b = operands >>> 16;
  form.lo = words[at + LO] ?? 0;
  form.hi = words[at + HI] ?? 0;
  form.targets = ((first >>> TARGETS_SHIFT) & 3) as EndForm['targets'];
  if (form.targets > 0) [form.takenLo, form.takenHi] = moved(words, at, TAKEN, place);
  if (form.targets > 1) [form.fallLo, form.fallHi] = moved(words, at, FALL, place);
  return true;
}

function moved(words: Int32Array, at: number, word: number, place: InsnPlace): readonly [lo: number, hi: number] {
  const isOwn = ((words[at + OP] ?? 0) & ownFlag(word)) !== 0;
  return movedBy(place.pcLo, place.pcHi, isOwn ? (place.relative ?? 0) : (words[at + word] ?? 0));
}
