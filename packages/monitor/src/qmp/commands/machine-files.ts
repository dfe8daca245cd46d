// The whole machine into files: migrate, to what -incoming takes, and dump-guest-memory, to what gdb opens.
import { dumpGuestMemory, type Machine, type RunState, saveSnapshot, UserError } from '@boardwalk/core';
import type { Emulator, ReplacementFile } from '../../emulator.ts';
import type { IntegerValue } from '../schema/dsl.ts';
import { requireMachine } from './context.ts';

/** How the last `migrate` of an emulator ended. */
const ended = new WeakMap<object, 'completed' | 'failed'>();

/** `query-migrate`: nothing of it before the first. */
export function migrationStatus(emulator: Emulator): { readonly status?: 'completed' | 'failed' } {
  const status = ended.get(emulator.events);
  return status === undefined ? {} : { status };
}

/** Stops the machine and saves it; it stays stopped where that worked. @throws UserError */
export async function saveMachine(emulator: Emulator, uri: string): Promise<void> {
  const path = /^file:(.+)$/s.exec(uri)?.[1];
  if (path === undefined) throw new UserError(`unknown migration protocol: ${uri}; file:PATH is there`);
  const machine = requireMachine(emulator);
  if (machine.state === 'shutdown' || machine.state === 'internal-error') {
    throw new UserError('the machine has ended: Resetting the Virtual Machine is required');
  }
  try {
    await whileStopped(machine, emulator, path, true, async (write) => {
      for (const piece of saveSnapshot(machine)) await write(piece);
    });
    ended.set(emulator.events, 'completed');
  } catch (error) {
    ended.set(emulator.events, 'failed');
    throw error;
  }
}

/** What of the memory, and to where. */
export interface DumpRequest {
  readonly protocol: string;
  readonly paging: boolean;
  readonly begin?: IntegerValue | undefined;
  readonly length?: IntegerValue | undefined;
}

/** Writes an ELF core file; the machine stands still meanwhile. @throws UserError */
export async function dumpMachine(emulator: Emulator, { protocol, paging, begin, length }: DumpRequest): Promise<void> {
  const path = /^file:(.+)$/s.exec(protocol)?.[1];
  if (paging) throw new UserError('paging is not supported: the file has physical addresses');
  if ((begin === undefined) !== (length === undefined)) {
    throw new UserError(`Parameter '${begin === undefined ? 'begin' : 'length'}' is missing`);
  }
  if (path === undefined) throw new UserError("parameter 'protocol' must start with 'file:'");
  const machine = requireMachine(emulator);
  const part = begin === undefined ? {} : { begin: Number(begin), length: Number(length) };
  await whileStopped(machine, emulator, path, false, async (write) => {
    await dumpGuestMemory(machine, write, part);
  });
}

/** Writes a file of a machine that stands still. It goes on afterwards, if it ran, unless `stays` is set and all went well. */
async function whileStopped(
  machine: Machine,
  emulator: Emulator,
  path: string,
  stays: boolean,
  save: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (!emulator.replaceFile) throw new UserError(`Could not open '${path}': there are no files here`);
  const file = await emulator.replaceFile(path);
  const ran = machine.state === 'running';
  let wentOn = false;
  let unlisten: () => void = () => {};
  let done = false;
  try {
    machine.pause();
    while (machine.busy || stateOf(machine) === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
    unlisten = machine.on('resume', () => {
      wentOn = true;
    });
    await save((bytes) => writeStill(file, bytes, () => wentOn));
    await file.close();
    done = true;
  } finally {
    unlisten();
    if (!done) await file.discard();
    if (ran && !wentOn && !(stays && done) && stateOf(machine) === 'paused') machine.resume();
  }
}

/** Changes while others are waited for. */
const stateOf = (machine: Machine): RunState => machine.state;

async function writeStill(file: ReplacementFile, bytes: Uint8Array, wentOn: () => boolean): Promise<void> {
  await file.write(bytes);
  if (wentOn()) throw new UserError('the machine was let go on before it was saved');
}
