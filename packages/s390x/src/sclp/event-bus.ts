/** The bus that consoles are plugged into. */
import type { Device } from '@boardwalk/core';
import { OpenBus } from '../open-bus.ts';
import { SCLP_EVENT_BUS, SclpEventDevice } from './event-device.ts';
import type { EventFacility } from './event-facility.ts';

export class SclpEventBus extends OpenBus<EventFacility> {
  static override readonly typeName: string = SCLP_EVENT_BUS;
  readonly busType = SCLP_EVENT_BUS;

  protected takes(device: Device): device is SclpEventDevice {
    return device instanceof SclpEventDevice;
  }
}
