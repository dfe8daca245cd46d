// Taking a snapshot of a whole machine: what it is, its devices' states, its RAM. What drives hold is not in it.
import { devicesOf } from '../device/tree.ts';
import type { Machine } from '../machine/machine.ts';
import { headerOf, savedBlocks } from './header.ts';
import { ramSections } from './ram.ts';
import { fileStart, frame, SECTION } from './sections.ts';
import { encodeJson } from './values.ts';

/**
 * The bytes of a snapshot file, in pieces of at most about 1 MiB. The machine must stand still until the last is taken: paused, or
 * not started.
 *
 * @throws Error while the machine runs
 */
export function* saveSnapshot(machine: Machine): Generator<Uint8Array, void> {
  if (machine.state === 'running' || machine.busy)
    throw new Error('a snapshot is taken of a machine that stands still');
  yield fileStart();
  yield frame(SECTION.machine, encodeJson(headerOf(machine)));
  for (const device of devicesOf(machine)) {
    machine.trace.tell('snapshot_save_device', `path '${device.path}'`);
    yield frame(SECTION.device, encodeJson({ path: device.path, state: device.save() }));
  }
  for (const [index, block] of savedBlocks(machine).entries()) yield* ramSections(block, index);
  yield frame(SECTION.end, new Uint8Array(0));
}
