// The words of one block, read and written so that every thread sees them in one order; and waiting for them.

/** Whether this thread may sleep: a browser's main thread may not. */
function findWhetherItMayWait(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

let mayWait: boolean | undefined;

/** Looks a few times before it sleeps. */
const SPINS = 100;

/** The words from a host offset on. */
export class Words {
  readonly i32: Int32Array;
  /** Index of the first word. */
  readonly at: number;

  constructor(i32: Int32Array, hostOffset: number) {
    this.i32 = i32;
    this.at = hostOffset >>> 2;
  }

  load(word: number): number {
    return Atomics.load(this.i32, this.at + word);
  }

  store(word: number, value: number): void {
    Atomics.store(this.i32, this.at + word, value);
  }

  /** @returns the value before */
  add(word: number, value: number): number {
    return Atomics.add(this.i32, this.at + word, value);
  }

  exchange(word: number, value: number): number {
    return Atomics.exchange(this.i32, this.at + word, value);
  }

  /** @returns whether the word was `from` and is now `to` */
  swap(word: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.i32, this.at + word, from, to) === from;
  }

  notify(word: number): void {
    Atomics.notify(this.i32, this.at + word);
  }

  /** Sleeps while the word is `value`, at most `ms`; where the thread may not sleep it comes back at once. */
  wait(word: number, value: number, ms: number): void {
    mayWait ??= findWhetherItMayWait();
    if (mayWait) Atomics.wait(this.i32, this.at + word, value, ms);
  }

  /** Looks until a condition holds; sleeps on a word of this block in between. */
  waitUntil(word: number, holds: () => boolean): void {
    for (let i = 0; i < SPINS; i++) if (holds()) return;
    for (;;) {
      const seen = this.load(word);
      if (holds()) return;
      this.wait(word, seen, 0.5);
    }
  }

  /** Takes a short lock: nobody who has it waits for anything. */
  lockShort(word: number): void {
    for (let i = 0; !this.swap(word, 0, 1); i++) if (i % SPINS === SPINS - 1) this.wait(word, 1, 0.05);
  }

  unlockShort(word: number): void {
    this.store(word, 0);
  }
}
