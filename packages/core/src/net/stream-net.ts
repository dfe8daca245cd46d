// Ethernet over a byte stream: each frame behind its length in 32 bits, big-endian. What QEMU's `-netdev socket` and `stream` speak (observed).
import type { CharBackend } from '../char/index.ts';
import { ETHERNET_HEADER, LARGEST_FRAME, type NetBackend } from './net-backend.ts';

const LENGTH_BYTES = 4;

/** A cable to another emulator, over any line. */
export class StreamNet implements NetBackend {
  readonly #line: CharBackend;
  #receiver: (frame: Uint8Array) => void = () => {};
  /** What has come and is no whole frame yet. */
  #pending = new Uint8Array(0);
  /** Bytes still to come of a frame that is too long to be one. */
  #skip = 0;

  constructor(line: CharBackend) {
    this.#line = line;
    line.onData((data) => this.#received(data));
  }

  send(frame: Uint8Array): void {
    if (frame.length > LARGEST_FRAME) return;
    const bytes = new Uint8Array(LENGTH_BYTES + frame.length);
    new DataView(bytes.buffer).setUint32(0, frame.length);
    bytes.set(frame, LENGTH_BYTES);
    this.#line.write(bytes);
  }

  onFrame(callback: (frame: Uint8Array) => void): void {
    this.#receiver = callback;
  }

  close(): void {
    this.#line.close();
  }

  #received(data: Uint8Array): void {
    const skipped = Math.min(this.#skip, data.length);
    this.#skip -= skipped;
    const bytes = new Uint8Array(this.#pending.length + data.length - skipped);
    bytes.set(this.#pending);
    bytes.set(data.subarray(skipped), this.#pending.length);
    let at = 0;
    for (const view = new DataView(bytes.buffer); at + LENGTH_BYTES <= bytes.length; ) {
      const length = view.getUint32(at);
      const end = at + LENGTH_BYTES + length;
      if (length > LARGEST_FRAME) {
        // The other end is no emulator: its bytes are not kept.
        this.#skip = Math.max(0, end - bytes.length);
        at = Math.min(end, bytes.length);
        continue;
      }
      if (end > bytes.length) break;
      if (length >= ETHERNET_HEADER) this.#receiver(bytes.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    this.#pending = bytes.slice(at);
  }
}
