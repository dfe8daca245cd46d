// What a machine has, into files: itself, while it stands still, and its device tree.
import { type Machine, type RunState, UserError } from '@boardwalk/core';
import type { Emulator, OutputFile, ReplacementFile } from '../../emulator.ts';
import { requireMachine } from './context.ts';

/** Waits until a machine stands still. @returns whether it ran before */
export async function standStill(machine: Machine): Promise<boolean> {
  const ran = machine.state === 'running';
  machine.pause();
  while (machine.busy || stateOf(machine) === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
  return ran;
}

/** Writes a file of a machine that stands still, or nothing; it goes on afterwards, if it ran. */
export async function whileStopped(
  machine: Machine,
  file: ReplacementFile,
  save: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  let wentOn = false;
  let unlisten: () => void = () => {};
  let done = false;
  let ran = false;
  try {
    ran = await standStill(machine);
    unlisten = machine.on('resume', () => {
      wentOn = true;
    });
    await save((bytes) => writeStill(file, bytes, () => wentOn));
    await file.close();
    done = true;
  } finally {
    unlisten();
    if (!done) await file.discard();
    if (ran && !wentOn && stateOf(machine) === 'paused') machine.resume();
  }
}

/** Changes while others are waited for. */
const stateOf = (machine: Machine): RunState => machine.state;

/** Why a save ended. */
export const WENT_ON = 'the machine was let go on before it was saved';

/** Writes of a machine that must not go on meanwhile. */
export async function writeStill(file: OutputFile, bytes: Uint8Array, wentOn: () => boolean): Promise<void> {
  await file.write(bytes);
  if (wentOn()) throw new UserError(WENT_ON);
}

/** Writes the device tree as the guest has it. @throws UserError for a machine that has none */
export async function saveDeviceTree(emulator: Emulator, name: string): Promise<void> {
  const tree = requireMachine(emulator).deviceTree?.();
  if (tree === undefined) throw new UserError("This machine doesn't have a FDT");
  if (!emulator.createFile) throw new UserError(`Could not open '${name}': there are no files here`);
  const file = await emulator.createFile(name);
  try {
    await file.write(tree);
  } finally {
    await file.close();
  }
}
