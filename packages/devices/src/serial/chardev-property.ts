// The property by which a device names the character backend at the other end of its line.

import { type CharBackend, Chardev, type Device, NullChar, type PropertySpec, UserError } from '@boardwalk/core';

/** `chardev=ID`: an object below `/chardevs`, or in code the backend itself. */
export function chardevProperty(): PropertySpec {
  return {
    name: 'chardev',
    type: 'chardev',
    reportedType: 'str',
    description: 'ID of a chardev to use as a backend',
    parse(value) {
      if (typeof value === 'string' || isCharBackend(value)) return value;
      throw new UserError("Parameter 'chardev' expects the id of a chardev");
    },
  };
}

/** Whether a value has the shape of a backend. */
export function isCharBackend(value: unknown): value is CharBackend {
  return typeof value === 'object' && value !== null && 'write' in value && 'onData' in value;
}

/**
 * The backend that a device's `chardev` property means; nobody, when it is not given.
 * @throws UserError when it names none, or one that something else has
 */
export function asCharBackend(device: Device, value: unknown): CharBackend {
  if (value === undefined || value === '') return new NullChar();
  if (isCharBackend(value)) return value;
  const found = device.machine.root.children.get('chardevs')?.children.get(String(value));
  if (found instanceof Chardev) return device.machine.fromOutside(found.attach('device'));
  if (isCharBackend(found)) return found;
  throw new UserError(`Property '${device.type}.chardev' can't find value '${String(value)}'`);
}
