/** The ASCII console of the service processor (`sclpconsole`): a VT220 whose bytes are the data of events. Linux: ttysclp0. */
import { SclpConsole } from './console.ts';
import { eventBuffer } from './event-device.ts';
import { EVENT, EVENT_HEADER, maskOf } from './event-types.ts';

/** Input that waits for the program at most, in bytes. */
const CAPACITY = 1024;
/** First byte of the data of an event to the program: characters follow. */
const SESSION_DATA = 0x00;

/** A console of bytes, both ways. */
export class Vt220Console extends SclpConsole {
  static override readonly typeName: string = 'sclpconsole';

  readonly sends = maskOf(EVENT.vt220);
  readonly receives = maskOf(EVENT.vt220);
  #waiting: number[] = [];

  protected room(): number {
    return CAPACITY - this.#waiting.length;
  }

  protected received(byte: number): void {
    this.#waiting.push(byte);
    this.eventPending();
  }

  protected get waitingInput(): Uint8Array {
    return Uint8Array.from(this.#waiting);
  }

  protected set waitingInput(bytes: Uint8Array) {
    this.#waiting = [...bytes];
  }

  pending(mask: number): boolean {
    return (mask & this.sends) !== 0 && this.#waiting.length > 0;
  }

  take(_mask: number, room: number): Uint8Array | undefined {
    const count = Math.min(this.#waiting.length, room - EVENT_HEADER - 1);
    if (count < 1) return undefined;
    const buffer = eventBuffer(EVENT.vt220, [SESSION_DATA, ...this.#waiting.splice(0, count)]);
    this.moreRoom();
    return buffer;
  }

  accept(_type: number, data: Uint8Array): boolean {
    this.show(data);
    return true;
  }
}
