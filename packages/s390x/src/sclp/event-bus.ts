/** The bus that consoles are plugged into. */
import { Bus, type Device, UserError } from '@boardwalk/core';
import { SCLP_EVENT_BUS, SclpEventDevice } from './event-device.ts';
import type { EventFacility } from './event-facility.ts';

export class SclpEventBus extends Bus {
  static override readonly typeName: string = SCLP_EVENT_BUS;
  readonly busType = SCLP_EVENT_BUS;
  readonly full = false;
  readonly #facility: EventFacility;

  constructor(facility: EventFacility) {
    super();
    this.#facility = facility;
  }

  plug(device: Device): void {
    if (!(device instanceof SclpEventDevice)) {
      throw new UserError(`Device '${device.type}' can't go on ${SCLP_EVENT_BUS} bus`);
    }
    device.plugInto(this.#facility);
  }
}
