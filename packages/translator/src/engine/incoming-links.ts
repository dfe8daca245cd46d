/**
 * Which words of operations lead to which blocks, each with the stub that it led to before: a list for each block, all in one table, as
 * most blocks have one or two.
 */

/** Words of a link: the word's place, the stub's, the number of the next link of the list. */
const LINK_WORDS = 3;
const FIRST_LINKS = 4096;

/** The end of a list. */
export const NO_LINK = 0;

export class IncomingLinks {
  #table = new Int32Array(FIRST_LINKS * LINK_WORDS);
  #count = 1;
  /** Links of lists that were dropped. */
  #free = NO_LINK;

  /** Puts a link in front of the list that begins with `first`; gives its number. */
  add(first: number, word: number, stub: number): number {
    const link = this.#take();
    const at = link * LINK_WORDS;
    this.#table[at] = word;
    this.#table[at + 1] = stub;
    this.#table[at + 2] = first;
    return link;
  }

  word(link: number): number {
    return (this.#table[link * LINK_WORDS] ?? 0) >>> 0;
  }

  stub(link: number): number {
    return (this.#table[link * LINK_WORDS + 1] ?? 0) >>> 0;
  }

  next(link: number): number {
    return this.#table[link * LINK_WORDS + 2] ?? NO_LINK;
  }

  /** Drops the list that begins with `first`. */
  drop(first: number): void {
    for (let link = first; link !== NO_LINK; ) {
      const next = this.next(link);
      this.#table[link * LINK_WORDS + 2] = this.#free;
      this.#free = link;
      link = next;
    }
  }

  /** Drops all lists. */
  clear(): void {
    this.#count = 1;
    this.#free = NO_LINK;
  }

  #take(): number {
    const free = this.#free;
    if (free !== NO_LINK) {
      this.#free = this.next(free);
      return free;
    }
    const link = this.#count++;
    if ((link + 1) * LINK_WORDS > this.#table.length) {
      const larger = new Int32Array(this.#table.length * 2);
      larger.set(this.#table);
      this.#table = larger;
    }
    return link;
  }
}
