// What monitors show of network cards, whoever models them.
import type { Device } from '../device/device.ts';

/** A device that is on a network. */
export interface NetworkCard extends Device {
  /** Its Ethernet address: six bytes. */
  readonly mac: Uint8Array;
}

/** Whether a device is one. */
export function isNetworkCard(device: Device): device is NetworkCard {
  return 'mac' in device && device.mac instanceof Uint8Array;
}
