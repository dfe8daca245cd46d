/** Growing byte buffer with the integer encodings of WebAssembly (WebAssembly Core Specification 2.0, section 5.2). */
export class ByteWriter {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Forgets what was written; views of it are not to be used any more. */
  clear(): this {
    this.length = 0;
    return this;
  }

  u8(value: number): this {
    if (this.length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.length++] = value;
    return this;
  }

  bytes(values: ArrayLike<number>): this {
    if (this.length + values.length > this.#bytes.length) this.#grow(values.length);
    this.#bytes.set(values, this.length);
    this.length += values.length;
    return this;
  }

  /** Unsigned LEB128 of an integer below 2^32. */
  unsigned(value: number): this {
    if (value >>> 0 < 0x80) return this.u8(value);
    let rest = value >>> 0;
    do {
      const low = rest & 0x7f;
      rest >>>= 7;
      this.u8(rest === 0 ? low : low | 0x80);
    } while (rest !== 0);
    return this;
  }

  /** Signed LEB128 of a 32-bit integer. */
  signed32(value: number): this {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return this.u8(low);
      this.u8(low | 0x80);
    }
  }

  /** Signed LEB128 of the 64-bit integer whose halves are `lo` and `hi`. */
  signed64(lo: number, hi: number): this {
    let low = lo | 0;
    let high = hi | 0;
    for (;;) {
      const bits = low & 0x7f;
      low = (low >>> 7) | (high << 25);
      high >>= 7;
      const done =
        (low === 0 && high === 0 && (bits & 0x40) === 0) || (low === -1 && high === -1 && (bits & 0x40) !== 0);
      this.u8(done ? bits : bits | 0x80);
      if (done) return this;
    }
  }

  name(text: string): this {
    const encoded = new TextEncoder().encode(text);
    return this.unsigned(encoded.length).bytes(encoded);
  }

  /** The bytes written so far, as a view. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(extra: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + extra));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
