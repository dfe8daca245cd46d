// The whole schema: every command and event, from which validation, introspection, documentation and TypeScript's types follow.
import type { Emulator } from '../../emulator.ts';
import { blockCommands } from './block.ts';
import { controlCommands } from './control.ts';
import { descriptorCommands } from './descriptors.ts';
import type { ArgumentsOf, CommandSpec, ReturnOf } from './dsl.ts';
import { dumpCommands } from './dump.ts';
import { ioCommands } from './io.ts';
import { jobCommands } from './jobs.ts';
import { machineCommands } from './machine.ts';
import { migrationCommands } from './migration.ts';
import { netCommands } from './net.ts';
import { pciCommands } from './pci.ts';
import { qomCommands } from './qom.ts';
import { runStateCommands } from './run-state.ts';
import { traceCommands } from './trace.ts';
import { virtioCommands } from './virtio.ts';

export { events } from './run-state.ts';

/** Every command. */
export const commands = {
  ...runStateCommands,
  ...controlCommands,
  ...qomCommands,
  ...machineCommands,
  ...pciCommands,
  ...dumpCommands,
  ...ioCommands,
  ...netCommands,
  ...blockCommands,
  ...migrationCommands,
  ...jobCommands,
  ...descriptorCommands,
  ...traceCommands,
  ...virtioCommands,
} as const;

/** Name of a command. */
export type CommandName = keyof typeof commands;

/** The arguments of a command. */
export type CommandArguments<N extends CommandName> = ArgumentsOf<(typeof commands)[N]>;

/** The answer of a command. */
export type CommandReturn<N extends CommandName> = ReturnOf<(typeof commands)[N]>;

/** The commands that an emulator has, which may not have all. */
export function commandsOf(emulator: Pick<Emulator, 'cpuModelQueries'>): Readonly<Record<string, CommandSpec>> {
  const all = Object.entries(commands as Readonly<Record<string, CommandSpec>>);
  return Object.fromEntries(all.filter(([, { needs }]) => needs === undefined || emulator[needs] !== undefined));
}

/** Whether there is such a command. */
export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}
