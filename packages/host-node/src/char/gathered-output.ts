// Output, gathered: a serial port sends a byte at a time, and handing each one to the host would be a system call each.

/** So many bytes wait at most, for one output. */
const CAPACITY = 4096;

/** The output that has bytes waiting. Only one has: so bytes of several leave in the order in which they were written. */
let waiting: GatheredOutput | undefined;
let isDue = false;

/** Hands what was written to the host as few large pieces: when the code that writes has ended, at the latest. */
export class GatheredOutput {
  readonly #send: (data: Uint8Array) => void;
  readonly #bytes = new Uint8Array(CAPACITY);
  #count = 0;

  /** @param send gets the bytes, which are the caller's again when it returns */
  constructor(send: (data: Uint8Array) => void) {
    this.#send = send;
  }

  /** Sends everything that waits, for whoever says something by another way that is to be seen after it. */
  static flush(): void {
    // Sending may mean writing to another: a line with a log does that.
    for (let output = waiting; output !== undefined; output = waiting) {
      waiting = undefined;
      output.#flush();
    }
  }

  write(data: Uint8Array): void {
    if (waiting !== this || this.#count + data.length > CAPACITY) GatheredOutput.flush();
    if (data.length > CAPACITY) {
      this.#send(data);
      return;
    }
    this.#bytes.set(data, this.#count);
    this.#count += data.length;
    waiting = this;
    if (isDue) return;
    isDue = true;
    queueMicrotask(() => {
      isDue = false;
      GatheredOutput.flush();
    });
  }

  #flush(): void {
    const count = this.#count;
    this.#count = 0;
    this.#send(this.#bytes.subarray(0, count));
  }
}
