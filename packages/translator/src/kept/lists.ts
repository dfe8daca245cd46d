/** Lists of numbers that grow. */

const FIRST = 4096;

export class WordList {
  #words = new Int32Array(FIRST);
  length = 0;

  /** Makes room for so many words more; gives where they begin. */
  extend(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#words.length) {
      const larger = new Int32Array(Math.max(this.length, this.#words.length * 2));
      larger.set(this.#words);
      this.#words = larger;
    }
    return at;
  }

  /** All words; those behind `length` mean nothing. */
  get words(): Int32Array {
    return this.#words;
  }

  push(word: number): void {
    const at = this.extend(1);
    this.#words[at] = word;
  }

  /** Appends a part of other words. */
  append(from: Int32Array, at: number, count: number): void {
    const to = this.extend(count);
    for (let i = 0; i < count; i++) this.#words[to + i] = from[at + i] ?? 0;
  }

  /** A copy of what is in it. */
  copy(): Int32Array {
    return this.#words.slice(0, this.length);
  }
}

/** The same of bytes. */
export class ByteList {
  #bytes = new Uint8Array(FIRST);
  length = 0;

  extend(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }

  /** Appends a part of other bytes. */
  append(from: Uint8Array, at: number, count: number): void {
    const to = this.extend(count);
    for (let i = 0; i < count; i++) this.#bytes[to + i] = from[at + i] ?? 0;
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }
}
