/** Writes tier 0 operations where they run: 16 bytes each, 32 where a block ends. */

/** Host memory as the lowering writes it. */
export interface CodeMemory {
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
}

export class OpWriter {
  readonly #u16: Uint16Array;
  readonly #i32: Int32Array;
  /** Host offset of the next operation. */
  ip = 0;
  /** That of the operation that ends the block. */
  tail = 0;
  #countdown = 0;

  constructor({ u16, i32 }: CodeMemory) {
    this.#u16 = u16;
    this.#i32 = i32;
  }

  /** Goes on at a host offset. When a block has ended `countdown` times the engine is told. */
  begin(place: number, countdown: number): void {
    this.ip = place;
    this.#countdown = countdown;
  }

  emit(op: number, dst: number, a: number, b: number): void {
    const at = this.ip >>> 1;
    this.#u16[at] = op;
    this.#u16[at + 1] = dst;
    this.#u16[at + 2] = a;
    this.#u16[at + 3] = b;
    this.setPair(this.ip, 0, 0);
    this.ip += 16;
  }

  /** An operation that ends the block; `cost` instructions are paid. Gives its place. */
  emitEnd(op: number, a: number, b: number, cost: number): number {
    const at = this.ip;
    this.tail = at;
    this.emit(op, 0, a, b);
    const words = this.ip >>> 2;
    this.#i32[words] = 0;
    this.#i32[words + 1] = 0;
    this.#i32[words + 2] = cost;
    this.#i32[words + 3] = this.#countdown;
    this.ip += 16;
    return at;
  }

  /** Changes when the engine is told of the block whose end was written last. */
  setCountdown(runs: number): void {
    this.setWord(this.tail + 28, runs);
  }

  /** Sets the field that has the destination in operations that have one. */
  setDestination(at: number, value: number): void {
    this.#u16[(at >>> 1) + 1] = value;
  }

  setWord(at: number, value: number): void {
    this.#i32[at >>> 2] = value;
  }

  /** Sets the second half of the operation at `at`: an immediate, or an address of the guest. */
  setPair(at: number, lo: number, hi: number): void {
    this.#i32[(at + 8) >>> 2] = lo;
    this.#i32[(at + 12) >>> 2] = hi;
  }
}
