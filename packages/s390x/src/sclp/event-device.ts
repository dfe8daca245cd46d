/** Devices that talk to the program by events, each plugged into the event facility. */
import { Device } from '@boardwalk/core';
import type { EventFacility } from './event-facility.ts';
import { EVENT_HEADER, type EventHandler } from './event-types.ts';

export const SCLP_EVENT_BUS = 's390-sclp-events-bus';

/** The base of consoles and signals. */
export abstract class SclpEventDevice extends Device implements EventHandler {
  /** The bus that it fits. */
  readonly busType = SCLP_EVENT_BUS;
  abstract readonly sends: number;
  abstract readonly receives: number;
  abstract pending(mask: number): boolean;
  abstract take(mask: number, room: number): Uint8Array | undefined;
  abstract accept(type: number, data: Uint8Array): boolean;
  #facility: EventFacility | undefined;

  /** @internal the bus takes it */
  plugInto(facility: EventFacility): void {
    this.#facility = facility;
    facility.connect(this);
  }

  /** The program is told that something waits, if it wants that. */
  protected eventPending(): void {
    this.#facility?.eventPending();
  }
}

/** An event buffer for the program: header and data. */
export function eventBuffer(type: number, data: ArrayLike<number>): Uint8Array {
  const buffer = new Uint8Array(EVENT_HEADER + data.length);
  new DataView(buffer.buffer).setUint16(0, buffer.length);
  buffer[2] = type;
  buffer.set(data, EVENT_HEADER);
  return buffer;
}
