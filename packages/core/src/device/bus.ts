// Buses: what a user's device is plugged into, where a board has such places.
import { UserError } from '../object/index.ts';
import { Device } from './device.ts';

/** A device that other devices can be plugged into: a virtio transport, a PCI bus, an I2C bus. */
export abstract class Bus extends Device {
  /** What fits: `virtio-bus`, `PCI`, `i2c-bus`. */
  abstract readonly busType: string;
  /** True when nothing more can be plugged in. */
  abstract readonly full: boolean;

  /**
   * Plugs a device in: wires it, before it is realized. It has its place in the tree already.
   * @throws UserError if it does not fit
   */
  abstract plug(device: Device): void;
}

/** A device that needs a bus. */
export interface Pluggable extends Device {
  /** The {@link Bus.busType} that it fits. */
  readonly busType: string;
}

/** True for a device that says which bus it needs, and is none itself. */
export function isPluggable(device: Device): device is Pluggable {
  return !(device instanceof Bus) && 'busType' in device && typeof device.busType === 'string';
}

/**
 * The first bus with room for a device, or the one with the given name.
 * @throws UserError if there is none
 */
export function findBus(buses: readonly Bus[], device: Pluggable, name?: string): Bus {
  const fitting = buses.filter((bus) => bus.busType === device.busType);
  if (name !== undefined) {
    const named = buses.find((bus) => bus.id === name || bus.path === name || bus.path.endsWith(`/${name}`));
    if (named === undefined) throw new UserError(`Bus '${name}' not found`);
    if (!fitting.includes(named)) throw new UserError(`Device '${device.type}' can't go on ${named.busType} bus`);
    if (named.full) throw new UserError(`Bus '${name}' is full`);
    return named;
  }
  if (fitting.length === 0) throw new UserError(`No '${device.busType}' bus found for device '${device.type}'`);
  const free = fitting.find((bus) => !bus.full);
  if (free === undefined) throw new UserError(`No '${device.busType}' bus has room for device '${device.type}'`);
  return free;
}
