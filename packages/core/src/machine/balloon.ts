// The balloon: a device by which a guest gives RAM back while it runs, and takes it again.

import type { Device } from '../device/device.ts';
import { devicesOf } from '../device/tree.ts';
import { type BwObject, UserError } from '../object/index.ts';

/** A device with which a monitor moves RAM between guest and host. */
export interface Balloon extends Device {
  /** Bytes of RAM that the guest has, without what it has given back. */
  readonly guestMemory: number;
  /** Asks the guest to have so many bytes; it may take its time. */
  setGuestMemory(bytes: number): void;
}

function isBalloon(device: Device): device is Balloon {
  return 'guestMemory' in device && 'setGuestMemory' in device;
}

/** The machine's balloon. @throws UserError of class DeviceNotActive where there is none */
export function balloonOf(machine: BwObject): Balloon {
  const balloon = devicesOf(machine).find(isBalloon);
  if (balloon === undefined) throw new UserError('No balloon device has been activated', 'DeviceNotActive');
  return balloon;
}
