// Which devices firmware should try to boot from, and in which order: the property `bootindex`.
import type { Device } from '../device/device.ts';
import { devicesOf } from '../device/tree.ts';
import { UserError } from '../object/index.ts';
import type { Machine } from './machine.ts';

/** A device that firmware can boot from. */
export interface BootOrderDevice extends Device {
  /** Its place among those to boot from, lower first; -1: none. */
  readonly bootIndex: number;
  /** Its path as Open Firmware writes it (IEEE 1275): `/virtio-mmio@0000000010008000/disk@0,0`. */
  readonly firmwarePath: string;
}

/** Whether firmware can boot from a device. */
export function isBootOrderDevice(device: Device): device is BootOrderDevice {
  return 'bootIndex' in device && 'firmwarePath' in device;
}

/** The paths of the devices that have a place, in its order. @throws UserError if two have the same */
export function bootOrder(machine: Machine): readonly string[] {
  const placed = devicesOf(machine)
    .filter(isBootOrderDevice)
    .filter(({ bootIndex }) => bootIndex >= 0)
    .sort((a, b) => a.bootIndex - b.bootIndex);
  placed.forEach(({ bootIndex }, i) => {
    if (placed[i + 1]?.bootIndex === bootIndex) throw new UserError(`The bootindex ${bootIndex} has already been used`);
  });
  return placed.map(({ firmwarePath }) => firmwarePath);
}
