// Buses: what a user's device is plugged into, where a board has such places.
import { type BwObject, UserError } from '../object/index.ts';
import { Device } from './device.ts';
import { devicesOf } from './tree.ts';

/** A device that other devices can be plugged into: a virtio transport, a PCI bus, an I2C bus. */
export abstract class Bus extends Device {
  /** What fits: `virtio-bus`, `PCI`, `i2c-bus`. */
  abstract readonly busType: string;
  /** Its own type, as `info qtree` shows it, where several types of bus take the same devices. */
  get ownBusType(): string {
    return this.busType;
  }

  /** True when nothing more can be plugged in. */
  abstract readonly full: boolean;

  /** What users call it (`bus=NAME`). */
  get name(): string {
    return this.id;
  }

  /**
   * Plugs a device in: wires it, before it is realized. It has its place in the tree already.
   * @throws UserError if it does not fit
   */
  abstract plug(device: Device): void;
}

/** The bus of a device that users make: it is called after that device, or, where that has no name, after its kind and a number. */
export abstract class OwnedBus extends Bus {
  /** `scsi0.0` on a device with `id=scsi0`; `scsi.0`, `scsi.1` on those without. */
  override get name(): string {
    const owner = userIdOf(this.parent);
    if (owner !== undefined) return `${owner}.0`;
    const kin = devicesOf(this.machine).filter(
      (device) =>
        device instanceof OwnedBus && device.busType === this.busType && userIdOf(device.parent) === undefined,
    );
    return `${this.busType.toLowerCase()}.${kin.indexOf(this)}`;
  }
}

/** The id that a user gave a device, or the transport that it is behind. */
function userIdOf(owner: BwObject | undefined): string | undefined {
  const { parent } = owner ?? {};
  if (parent?.id === 'peripheral') return owner?.id;
  return parent !== undefined && isTransport(parent) && parent.backend === owner ? userIdOf(parent) : undefined;
}

/** A device that connects another, which it has come with, to a bus: `virtio-blk-pci`. */
export interface Transport extends Device {
  readonly backend: Device;
  /** Type of the bus between the two, which has room for nothing else: `virtio-pci-bus`. */
  readonly backendBusType: string;
}

export function isTransport(o: BwObject): o is Transport {
  return o instanceof Device && 'backendBusType' in o && 'backend' in o;
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
    const named = buses.find((bus) => bus.name === name || bus.path === name || bus.path.endsWith(`/${name}`));
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
