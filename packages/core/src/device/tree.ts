// Walks over the devices below an object: resets and snapshots.
import type { BwObject } from '../object/index.ts';
import { Device } from './device.ts';
import type { DeviceState } from './state.ts';

/** The devices at and below an object, parts before the whole, in the order in which they were added. */
export function devicesOf(root: BwObject): Device[] {
  const below = [...root.children.values()].flatMap(devicesOf);
  return root instanceof Device ? [...below, root] : below;
}

/**
 * Resets every device at and below `root`: each phase is finished for all before the next begins.
 * @param beforeExit runs between hold and exit: firmware is loaded, CPUs get their start addresses
 */
export function resetTree(root: BwObject, beforeExit: () => void = () => {}): void {
  const devices = devicesOf(root);
  for (const device of devices) device.resetEnter();
  for (const device of devices) device.resetHold();
  beforeExit();
  for (const device of devices) device.resetExit();
}

/** The state of every device at and below `root`, by path. */
export function saveTree(root: BwObject): Record<string, DeviceState> {
  return Object.fromEntries(devicesOf(root).map((device) => [device.path, device.save()]));
}

/**
 * Puts states back.
 * @throws Error if a device is missing on either side
 */
export function restoreTree(root: BwObject, states: Readonly<Record<string, DeviceState>>): void {
  const devices = devicesOf(root);
  const known = new Set(devices.map((device) => device.path));
  const unknown = Object.keys(states).find((path) => !known.has(path));
  if (unknown !== undefined) throw new Error(`the snapshot has state of ${unknown}, which this machine has not`);
  for (const device of devices) {
    const state = states[device.path];
    if (state === undefined) throw new Error(`the snapshot has no state of ${device.path}`);
    device.restore(state);
  }
}
