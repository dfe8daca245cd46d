/**
 * The event facility of the service processor: passes event buffers between the program and consoles. Commands after Linux
 * (drivers/s390/char/sclp.h), responses as qemu-system-s390x 7.2 gives them (observed).
 */
import { Device, type StateField } from '@boardwalk/core';
import { EVENT_ACCEPTED, EVENT_FLAGS, EVENT_HEADER, EVENT_TYPE, type EventHandler, maskOf } from './event-types.ts';
import { PAGE, RESPONSE, SCCB_HEADER, type Sccb } from './sccb.ts';

const READ_UNCONDITIONAL = 0;
const READ_SELECTIVE = 1;
const MASK_LENGTH = 10;
const MASKS = 12;
const MAX_MASK_LENGTH = 1021;

/** Finds who a buffer of the program's is for, and who has one for the program. */
export class EventFacility extends Device {
  static override readonly typeName: string = 's390-sclp-event-facility';
  static override readonly state: readonly StateField[] = [{ name: 'receiveMask', type: 'u32', reset: 0 }];

  readonly #handlers: EventHandler[] = [];
  readonly #signal: () => void;
  /** Events that the program wants to receive. */
  receiveMask = 0;

  /** @param signal tells the program that an event waits */
  constructor(signal: () => void) {
    super();
    this.#signal = signal;
  }

  /** Adds a partner of the program's. */
  connect(handler: EventHandler): void {
    this.#handlers.push(handler);
  }

  /** A handler has an event: tells the program, if it wants that kind. */
  eventPending(): void {
    if (this.pending) this.#signal();
  }

  /** Whether an event waits that the program wants. */
  get pending(): boolean {
    return this.#handlers.some((handler) => handler.pending(this.receiveMask));
  }

  /** WRITE EVENT DATA. */
  write(sccb: Sccb): void {
    if (sccb.length < SCCB_HEADER) {
      sccb.response = RESPONSE.insufficientLength;
      return;
    }
    const problem = this.#bufferProblem(sccb);
    sccb.response = problem ?? this.#accept(sccb);
  }

  /** READ EVENT DATA. */
  read(sccb: Sccb): void {
    sccb.response = this.#read(sccb);
  }

  /** WRITE EVENT MASK: takes the program's masks and gives ours. */
  writeMask(sccb: Sccb): void {
    const length = sccb.view.getUint16(MASK_LENGTH);
    if (length === 0 || length > MAX_MASK_LENGTH) {
      sccb.response = RESPONSE.invalidMaskLength;
      return;
    }
    if (sccb.length < MASKS + 4 * length) {
      sccb.response = RESPONSE.insufficientLength;
      return;
    }
    this.receiveMask = readMask(sccb, 0, length);
    writeMask(sccb, 2, length, this.#mask('receives'));
    writeMask(sccb, 3, length, this.#mask('sends'));
    sccb.response = RESPONSE.completion;
    this.eventPending();
  }

  #mask(direction: 'sends' | 'receives'): number {
    return this.#handlers.reduce((mask, handler) => (mask | handler[direction]) >>> 0, 0);
  }

  /** Event buffers must fill the block exactly. */
  #bufferProblem(sccb: Sccb): number | undefined {
    let at = SCCB_HEADER;
    while (at + EVENT_HEADER <= sccb.length) {
      const length = sccb.view.getUint16(at);
      if (length < EVENT_HEADER || at + length > sccb.length) return RESPONSE.eventBufferSyntax;
      at += length;
    }
    return at === sccb.length ? undefined : RESPONSE.eventBufferSyntax;
  }

  #accept(sccb: Sccb): number {
    let response: number = RESPONSE.completion;
    for (let at = SCCB_HEADER; at < sccb.length; at += sccb.view.getUint16(at)) {
      const type = sccb.view.getUint8(at + EVENT_TYPE);
      const bit = type >= 1 && type <= 32 ? maskOf(type) : 0;
      const data = sccb.bytes.subarray(at + EVENT_HEADER, at + sccb.view.getUint16(at));
      const handler = this.#handlers.find(({ receives }) => (receives & bit) !== 0);
      if (handler?.accept(type, data))
        sccb.bytes[at + EVENT_FLAGS] = (sccb.bytes[at + EVENT_FLAGS] ?? 0) | EVENT_ACCEPTED;
      else response = RESPONSE.invalidFunction;
    }
    return response;
  }

  #read(sccb: Sccb): number {
    const selective = sccb.functionCode === READ_SELECTIVE;
    if (sccb.functionCode !== READ_UNCONDITIONAL && !selective) return RESPONSE.invalidFunction;
    const selection = selective ? sccb.view.getUint32(SCCB_HEADER) : this.receiveMask;
    if (selective && (selection === 0 || (selection & ~this.receiveMask) !== 0)) return RESPONSE.invalidSelectionMask;
    const room = sccb.variableLengthResponse ? PAGE : sccb.length;
    let at = SCCB_HEADER;
    let waits = false;
    for (const handler of this.#handlers) {
      while (handler.pending(selection)) {
        waits = true;
        const buffer = handler.take(selection, room - at);
        if (buffer === undefined) break;
        sccb.bytes.set(buffer, at);
        at += buffer.length;
      }
    }
    if (!waits) return RESPONSE.noEventBuffers;
    if (at === SCCB_HEADER) return RESPONSE.eventBuffersExceedSccb;
    if (sccb.variableLengthResponse) sccb.view.setUint16(0, at);
    sccb.bytes[5] = (sccb.bytes[5] ?? 0) & 0x7f;
    return RESPONSE.completion;
  }
}

/** A mask is as long as the program says: shorter ones have no bits at the end, longer ones zeros. */
function readMask(sccb: Sccb, index: number, length: number): number {
  const at = MASKS + index * length;
  let mask = 0;
  for (let i = 0; i < 4; i++) mask = mask * 256 + (i < length ? sccb.view.getUint8(at + i) : 0);
  return mask;
}

function writeMask(sccb: Sccb, index: number, length: number, mask: number): void {
  const at = MASKS + index * length;
  for (let i = 0; i < length; i++) sccb.view.setUint8(at + i, i < 4 ? (mask >>> (24 - 8 * i)) & 0xff : 0);
}
