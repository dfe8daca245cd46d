// The device's side of a character backend: keeps what came too fast for the device's receiver.
import type { DeviceState } from '../device/state.ts';
import type { CharBackend, CharEvent } from './char-backend.ts';

/** What a device does with received bytes. */
export interface CharReceiver {
  /** Bytes that the device can take now. */
  canReceive(): number;
  /** Takes one byte. Called only while {@link canReceive} is not 0. */
  receive(byte: number): void;
  event?(event: CharEvent): void;
}

/**
 * Connects a device to its backend with a queue between: a FIFO of 16 bytes loses nothing when somebody pastes a page.
 * The device calls {@link poll} when it has room again.
 */
export class CharFrontend {
  readonly backend: CharBackend;
  readonly #receiver: CharReceiver;
  readonly #one = new Uint8Array(1);
  readonly #queue: Uint8Array[] = [];
  #at = 0;
  #polling = false;
  #accepting = true;

  constructor(backend: CharBackend, receiver: CharReceiver) {
    this.backend = backend;
    this.#receiver = receiver;
    backend.onEvent?.((event) => receiver.event?.(event));
    backend.onData((data) => {
      if (data.length === 0) return;
      this.#queue.push(data.slice());
      this.poll();
    });
  }

  /** Bytes that wait for the device. */
  get pending(): number {
    return this.#queue.reduce((count, bytes) => count + bytes.length, 0) - this.#at;
  }

  /** A device's state with what waits for it. */
  save(state: DeviceState): DeviceState {
    const waiting = new Uint8Array(this.pending);
    let at = -this.#at;
    for (const bytes of this.#queue) {
      waiting.set(at < 0 ? bytes.subarray(-at) : bytes, Math.max(at, 0));
      at += bytes.length;
    }
    return waiting.length === 0 ? state : { ...state, fields: { ...state.fields, waiting } };
  }

  /** Takes what waited out of a device's state; the rest is the device's. */
  restore(state: DeviceState): DeviceState {
    const { waiting, ...fields } = state.fields;
    this.#at = 0;
    this.#queue.length = 0;
    if (waiting instanceof Uint8Array && waiting.length > 0) this.#queue.push(waiting.slice());
    this.#accepting = this.#queue.length === 0;
    this.backend.canReceive?.(this.#accepting);
    return { ...state, fields };
  }

  /** Sends bytes to the backend. */
  write(data: Uint8Array): void {
    this.backend.write(data);
  }

  /** Sends one byte to the backend. */
  writeByte(byte: number): void {
    this.#one[0] = byte;
    this.backend.write(this.#one);
  }

  /** Hands over what waits, as far as the device takes it. */
  poll(): void {
    if (this.#polling) return; // receive() may read the FIFO and so ask again
    this.#polling = true;
    try {
      let bytes = this.#queue[0];
      while (bytes !== undefined && this.#receiver.canReceive() > 0) {
        const byte = bytes[this.#at++] ?? 0;
        if (this.#at === bytes.length) {
          this.#queue.shift();
          this.#at = 0;
          bytes = this.#queue[0];
        }
        this.#receiver.receive(byte);
      }
    } finally {
      this.#polling = false;
    }
    const accepting = this.#queue.length === 0;
    if (accepting !== this.#accepting) {
      this.#accepting = accepting;
      this.backend.canReceive?.(accepting);
    }
  }
}
