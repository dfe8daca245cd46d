/** The bus that consoles are plugged into. */
import { Bus, type Device, UserError } from '@boardwalk/core';
import type { EventFacility } from './event-facility.ts';

export const SCLP_EVENT_BUS = 's390-sclp-events-bus';

/** A device that talks to the program by events. */
export interface SclpEventDevice extends Device {
  /** @internal the bus takes it */
  plugInto(facility: EventFacility): void;
}

function isEventDevice(device: Device): device is SclpEventDevice {
  return 'plugInto' in device && 'busType' in device && device.busType === SCLP_EVENT_BUS;
}

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
    if (!isEventDevice(device)) throw new UserError(`Device '${device.type}' can't go on ${SCLP_EVENT_BUS} bus`);
    device.plugInto(this.#facility);
  }
}
