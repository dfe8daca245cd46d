// What memory devices have in common: the backend that they take, and their NUMA node.

import { type Device, MemoryBackend, UserError, useBackend } from '@boardwalk/core';

/** The backend that `memdev` names. @throws UserError if it is not given */
export function memdevOf(device: Device): MemoryBackend {
  const memdev = device.getProperty('memdev');
  if (!(memdev instanceof MemoryBackend)) throw new UserError("'memdev' property must be set");
  return memdev;
}

/**
 * Takes a backend for a device; the function that comes back lets go of it.
 * @param busy the text of the error if somebody has it already
 */
export function claimMemdev(device: Device, memdev: MemoryBackend, busy: string): () => void {
  if (memdev.mapped) throw new UserError(busy);
  useBackend(memdev, device.machine.space);
  return () => {
    memdev.mapped = false;
  };
}
