// Devices that can say that their disk has another size now.
import type { Device } from '../device/device.ts';

/** A device whose guest can be told. */
export interface CapacityTeller extends Device {
  /** The backend has another size now: tells the guest. */
  capacityChanged(): void;
}

/** Whether a device is one. */
export function isCapacityTeller(device: Device): device is CapacityTeller {
  return 'capacityChanged' in device;
}
