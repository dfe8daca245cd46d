// Putting a snapshot back. The file is read twice: first to see that all of it is there and fits, then to take it over.
import type { Device } from '../device/device.ts';
import type { DeviceState } from '../device/state.ts';
import { devicesOf } from '../device/tree.ts';
import type { Machine } from '../machine/machine.ts';
import { UserError } from '../object/index.ts';
import { checkHeader, checkSameMachine, type MachineHeader, savedBlocks } from './header.ts';
import { decodeRun, RamWriter } from './ram.ts';
import { type Bytes, damaged, SECTION, sectionsOf } from './sections.ts';
import { decodeDevice, decodeJson, type SavedDevice } from './values.ts';

/**
 * Makes a machine that stands still what it was when the snapshot was taken. It stands still afterwards.
 *
 * @param open gives the file's bytes from the start; called twice
 * @throws UserError where the file is none, is damaged, or is of another machine: nothing has changed then
 */
export async function loadSnapshot(machine: Machine, open: () => Bytes): Promise<void> {
  if (machine.state === 'running' || machine.busy)
    throw new Error('a snapshot is put into a machine that stands still');
  const { header, devices } = await check(machine, open());
  const blocks = savedBlocks(machine);
  const ram = new RamWriter(blocks);
  for await (const { kind, payload } of sectionsOf(open())) {
    if (kind === SECTION.ram) ram.write(decodeRun(payload, blocks));
  }
  ram.finish();
  machine.clock.source.set(header.timeNs);
  machine.runState = { turn: header.turn, random: header.random };
  const byPath = new Map(devicesOf(machine).map((device) => [device.path, device]));
  for (const { path, state } of devices) {
    machine.trace.tell('snapshot_load_device', `path '${path}'`);
    byPath.get(path)?.restore(state);
  }
  machine.restored();
}

interface Checked {
  readonly header: MachineHeader;
  readonly devices: readonly SavedDevice[];
}

/** Reads all of a file and compares it with the machine. */
async function check(machine: Machine, source: Bytes): Promise<Checked> {
  const blocks = savedBlocks(machine);
  const saved: SavedDevice[] = [];
  let header: MachineHeader | undefined;
  let end = { block: 0, at: 0 };
  for await (const { kind, payload } of sectionsOf(source)) {
    if (kind === SECTION.machine && header === undefined) {
      header = checkHeader(decodeJson(payload));
      checkSameMachine(header, machine);
    } else if (kind === SECTION.device && header !== undefined) {
      saved.push(decodeDevice(payload));
    } else if (kind === SECTION.ram && header !== undefined) {
      const run = decodeRun(payload, blocks);
      if (run.block < end.block || (run.block === end.block && run.offset < end.at)) throw damaged();
      end = { block: run.block, at: run.offset + run.length };
    } else throw damaged();
  }
  if (header === undefined) throw damaged();
  return { header, devices: inOrder(devicesOf(machine), saved) };
}

/** Each device's state, in the order of the devices. @throws UserError where a device is missing on either side, or is another */
function inOrder(devices: readonly Device[], saved: readonly SavedDevice[]): SavedDevice[] {
  const states = new Map<string, DeviceState>(saved.map(({ path, state }) => [path, state]));
  const list = devices.map((device) => {
    const state = states.get(device.path);
    if (state === undefined) throw new UserError(`the snapshot has no state of ${device.path}`);
    states.delete(device.path);
    try {
      device.checkSaved(state);
    } catch (error) {
      throw new UserError(`the snapshot does not fit: ${error instanceof Error ? error.message : String(error)}`);
    }
    return { path: device.path, state };
  });
  const [unknown] = states.keys();
  if (unknown !== undefined) throw new UserError(`the snapshot has state of ${unknown}, which this machine has not`);
  return list;
}
