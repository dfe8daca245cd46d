// The memory of a machine into a file: dump-guest-memory, to what gdb opens.
import { dumpGuestMemory, type Machine, type RunState, UserError } from '@boardwalk/core';
import type { Emulator, OutputFile } from '../../emulator.ts';
import type { IntegerValue } from '../schema/dsl.ts';
import { requireMachine } from './context.ts';

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
  await whileStopped(machine, emulator, path, async (write) => {
    await dumpGuestMemory(machine, write, part);
  });
}

/** Waits until a machine stands still. @returns whether it ran before */
export async function standStill(machine: Machine): Promise<boolean> {
  const ran = machine.state === 'running';
  machine.pause();
  while (machine.busy || stateOf(machine) === 'running') await new Promise((resolve) => setTimeout(resolve, 1));
  return ran;
}

/** Writes a file of a machine that stands still; it goes on afterwards, if it ran. */
async function whileStopped(
  machine: Machine,
  emulator: Emulator,
  path: string,
  save: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (!emulator.replaceFile) throw new UserError(`Could not open '${path}': there are no files here`);
  const file = await emulator.replaceFile(path);
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

/** Writes of a machine that must not go on meanwhile. */
export async function writeStill(file: OutputFile, bytes: Uint8Array, wentOn: () => boolean): Promise<void> {
  await file.write(bytes);
  if (wentOn()) throw new UserError('the machine was let go on before it was saved');
}
