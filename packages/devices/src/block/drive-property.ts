// The property by which a device names the drive that it reads and writes.

import { type BlockBackend, type Device, type PropertySpec, UserError } from '@boardwalk/core';

/** `drive=ID`: the id of a `-drive`, or in code the backend itself. */
export function driveProperty(): PropertySpec {
  return {
    name: 'drive',
    type: 'drive',
    reportedType: 'str',
    description: 'Node name or ID of a block device to use as a backend',
    parse(value) {
      if (typeof value === 'string' || isBlockBackend(value)) return value;
      throw new UserError("Parameter 'drive' expects the id of a drive");
    },
  };
}

/** Whether a value has the shape of a backend. */
export function isBlockBackend(value: unknown): value is BlockBackend {
  return typeof value === 'object' && value !== null && 'read' in value && 'write' in value && 'flush' in value;
}

/**
 * The backend that a device's `drive` property means.
 * @throws UserError when it is not given, or names no drive that is free
 */
export function asBlockBackend(device: Device, value: unknown): BlockBackend {
  if (isBlockBackend(value)) return value;
  if (typeof value !== 'string' || value === '') throw new UserError('drive property not set');
  return device.machine.drives.claimByName(value, device.path, device.type).backend;
}
