// What the commands of QMP have to do with: the emulator, and the monitor that sent them.
import { type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import type { CommandArguments, CommandName, CommandReturn } from '../schema/index.ts';

/** Given to every command. */
export interface CommandContext {
  readonly emulator: Emulator;
}

/** Does a command. Throws UserError for what it answers with an error. */
export type Handler<N extends CommandName> = (
  context: CommandContext,
  args: CommandArguments<N>,
) => CommandReturn<N> | Promise<CommandReturn<N>>;

/** The commands of a group. */
export type Handlers<N extends CommandName> = { readonly [K in N]: Handler<K> };

/** What an emulator, known by its events, has one of: made when it is first asked for. */
export function perEmulator<T extends object>(make: (emulator: Emulator) => T): (emulator: Emulator) => T {
  const known = new WeakMap<object, T>();
  return (emulator) => {
    const one = known.get(emulator.events) ?? make(emulator);
    known.set(emulator.events, one);
    return one;
  };
}

/** The machine. @throws UserError while there is none */
export function requireMachine({ machine }: Emulator): Machine {
  if (!machine) throw new UserError('The command is permitted only after machine initialization has completed');
  return machine;
}
