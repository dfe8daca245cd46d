// Bytes that are appended one after another, little-endian.

/** A growing table. */
export class ByteList {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  u8(value: number): this {
    this.#bytes.push(value & 0xff);
    return this;
  }

  u16(value: number): this {
    return this.u8(value).u8(value >>> 8);
  }

  u32(value: number): this {
    return this.u16(value).u16(value >>> 16);
  }

  u64(value: number): this {
    return this.u32(value % 2 ** 32).u32(Math.floor(value / 2 ** 32));
  }

  bytes(values: Iterable<number>): this {
    for (const value of values) this.u8(value);
    return this;
  }

  /** ASCII text of exactly `length` bytes, filled with spaces. */
  text(text: string, length: number): this {
    return this.bytes(Array.from(text.padEnd(length).slice(0, length), (c) => c.charCodeAt(0)));
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
