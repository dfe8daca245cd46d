// The texts of `help` and `info`.
import type { HmpCommand } from './command.ts';
import { commandNames } from './parse.ts';

/** One line of a list of commands. @param prefix `info `, for its subcommands */
export function helpLine(command: HmpCommand, prefix = ''): string {
  return `${prefix}${commandNames(command)} ${command.params ?? ''} -- ${command.help}\n`;
}

/** The lines of all commands, by name. */
export function helpList(commands: readonly HmpCommand[], prefix = ''): string {
  return [...commands]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((command) => helpLine(command, prefix))
    .join('');
}
