// The user's own devices (-device): made by type name, put into the tree, plugged into a bus.
import { Bus, findBus, isPluggable } from '../device/bus.ts';
import { Device } from '../device/device.ts';
import { devicesOf } from '../device/tree.ts';
import { type BwObject, Container, resolvePath, UserError } from '../object/index.ts';
import { withGlobals } from './globals.ts';
import type { Machine } from './machine.ts';
import { isMemoryDevice } from './memory-device.ts';
import type { DeviceOptions } from './options.ts';

/** Adds each device, in order. @throws UserError for a type, property, id or bus that cannot be, naming the device */
export function plugDevices(machine: Machine, devices: readonly DeviceOptions[]): void {
  for (const options of devices) {
    try {
      plugDevice(machine, options);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`-device ${options.driver}: ${error.message}`, error.errorClass);
    }
  }
}

/**
 * Adds one device to a machine.
 * @throws UserError for a type, property, id or bus that cannot be; the machine is then as it was
 */
export function plugDevice(machine: Machine, options: DeviceOptions): Device {
  const { driver, id } = options;
  const types = machine.options.types;
  if (types?.get(driver) === undefined) throw new UserError(`'${driver}' is not a valid device model name`);
  const properties = withGlobals(machine.options.globals ?? [], types, driver, options.properties ?? {});
  const device = types.create(driver, properties, { scope: machine.root });
  if (!(device instanceof Device)) throw new UserError(`'${driver}' is not a valid device model name`);
  const place = container(machine, id === undefined ? 'peripheral-anon' : 'peripheral');
  if (id !== undefined && place.children.has(id)) throw new UserError(`Duplicate device ID '${id}'`);
  const bus = chooseBus(machine, device, options.bus);
  if (machine.built) checkHotplug(device, bus);
  place.addChild(id ?? 'device[*]', device);
  try {
    bus?.plug(device);
    device.parentBus = bus;
    machine.adopt(device, 'user');
  } catch (error) {
    device.remove();
    throw error;
  }
  return device;
}

/**
 * Takes a user's device out of a machine. A device whose board asks the guest first goes when the guest has agreed.
 * @param id its id, or its path
 * @throws UserError (DeviceNotFound) if there is no such device; if it cannot go
 */
export function unplugDevice(machine: Machine, id: string): void {
  const device = id.startsWith('/')
    ? resolvePath(machine.root, id).object
    : machine.children.get('peripheral')?.children.get(id);
  if (!(device instanceof Device)) throw new UserError(`Device '${id}' not found`, 'DeviceNotFound');
  checkHotplug(device, device.parentBus);
  const ask = machine.deviceMemory?.requestUnplug;
  if (ask !== undefined && isMemoryDevice(device)) ask(device);
  else if (!device.requestUnplug()) removeDevice(device);
}

/** Takes a device out of its machine at once, as a board does when the guest has agreed. */
export function removeDevice(device: Device): void {
  const { machine, path, parent } = device;
  const id = parent?.id === 'peripheral' ? device.id : '';
  device.unplug();
  machine.drives.release(path);
  machine.netdevs.release(path);
  device.remove();
  device.dispose();
  machine.tellUnplugged({ id, path });
}

function checkHotplug(device: Device, bus: Bus | undefined): void {
  if (device.hotpluggable) return;
  if (bus !== undefined) throw new UserError(`Bus '${bus.name}' does not support hotplugging`);
  throw new UserError(`Device '${device.type}' does not support hotplugging`);
}

function chooseBus(machine: Machine, device: Device, name: string | undefined): Bus | undefined {
  if (isPluggable(device))
    return findBus(
      devicesOf(machine).filter((other) => other instanceof Bus),
      device,
      name,
    );
  if (name !== undefined) throw new UserError(`Device '${device.type}' goes on no bus`);
  return undefined;
}

function container(machine: Machine, name: string): BwObject {
  return machine.children.get(name) ?? machine.addChild(name, new Container());
}
