/** The power button: the program is asked to end. Event after Linux drivers/s390/char/sclp_quiesce.c. */
import { Device, type StateField } from '@boardwalk/core';
import { SCLP_EVENT_BUS, type SclpEventDevice } from './event-bus.ts';
import type { EventFacility } from './event-facility.ts';
import { EVENT, EVENT_HEADER, type EventHandler, maskOf } from './event-types.ts';

/** Behind the header: a limit of time in 16 bits, and its unit; 0 is none. */
const LIMIT_BYTES = 3;

export class SignalQuiesce extends Device implements EventHandler, SclpEventDevice {
  static override readonly typeName: string = 'sclpquiesce';
  static override readonly state: readonly StateField[] = [{ name: 'requested', type: 'bool', reset: false }];

  readonly busType = SCLP_EVENT_BUS;
  readonly sends = maskOf(EVENT.signalQuiesce);
  readonly receives = 0;
  /** The button was pressed, and the program has not heard of it. */
  requested = false;
  #facility: EventFacility | undefined;

  /** @internal */
  plugInto(facility: EventFacility): void {
    this.#facility = facility;
    facility.connect(this);
  }

  /** Presses the button. */
  press(): void {
    this.requested = true;
    this.#facility?.eventPending();
  }

  pending(mask: number): boolean {
    return (mask & this.sends) !== 0 && this.requested;
  }

  take(_mask: number, room: number): Uint8Array | undefined {
    const buffer = new Uint8Array(EVENT_HEADER + LIMIT_BYTES);
    if (buffer.length > room) return undefined;
    new DataView(buffer.buffer).setUint16(0, buffer.length);
    buffer[2] = EVENT.signalQuiesce;
    this.requested = false;
    return buffer;
  }

  accept(): boolean {
    return false;
  }
}
