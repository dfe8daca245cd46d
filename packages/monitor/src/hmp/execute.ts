// Does one line of HMP: at a prompt, and for QMP's human-monitor-command.
import { UserError } from '@boardwalk/core';
import { readRegister } from '../cpu-access.ts';
import { type HmpCommand, type HmpContext, HmpNotice, HmpSyntaxError } from './command.ts';
import { hmpCommands } from './commands.ts';
import { infoCommands } from './info.ts';
import { findCommand, parseArguments, splitCommand } from './parse.ts';

/** What a line of text means. */
interface Found {
  readonly command: HmpCommand;
  readonly rest: string;
  /** As errors call it: `info status`, `xp`. */
  readonly label: string;
}

function find(line: string): Found | string {
  const { name, rest } = splitCommand(line);
  const command = findCommand(hmpCommands, name);
  if (!command) return `unknown command: '${name}'\n`;
  if (command.name !== 'info' || rest.trim() === '') return { command, rest, label: name };
  const sub = splitCommand(rest);
  const found = findCommand(infoCommands, sub.name);
  return found
    ? { command: found, rest: sub.rest, label: `info ${sub.name}` }
    : `unknown command: 'info ${sub.name}'\n`;
}

/** @returns what the line shows, lines ended by line feeds; mistakes of the user are texts like any other */
export async function executeHmp(context: HmpContext, line: string): Promise<string> {
  if (line.trim() === '') return '';
  context.emulator.trace?.tell('handle_hmp_command', `cmdline: ${line}`);
  const found = find(line);
  if (typeof found === 'string') return found;
  const { command, rest, label } = found;
  try {
    if (!command.preconfig && !context.emulator.machine) {
      return `Command '${label}' not available with -preconfig until machine initialization has completed.\n`;
    }
    const run = () =>
      command.run(
        context,
        parseArguments(command, rest, (name) => registerOf(context, name)),
      );
    // What a command looks at may be in a vCPU that runs on another thread.
    const { machine } = context.emulator;
    return (await (machine ? machine.whileStill(run) : run())) ?? '';
  } catch (error) {
    if (error instanceof HmpSyntaxError) return `${error.message}\nTry "help ${label}" for more information\n`;
    if (error instanceof HmpNotice) return `${error.message}\n`;
    if (error instanceof UserError) return `Error: ${error.message}\n`;
    throw error;
  }
}

function registerOf({ emulator, cpu: index }: HmpContext, name: string): bigint | undefined {
  const cpu = emulator.machine?.cpus[index];
  return cpu && readRegister(cpu, name);
}

/** Words that could stand where a line ends. */
export function completeHmp(context: HmpContext, line: string): readonly string[] {
  const { name, rest } = splitCommand(line);
  const all = (commands: readonly HmpCommand[]): string[] =>
    commands.flatMap((command) => [command.name, ...(command.aliases ?? [])]);
  const word = /\S*$/.exec(line)?.[0] ?? '';
  const matching = (words: readonly string[]): string[] =>
    words.filter((candidate) => candidate.startsWith(word)).sort();
  if (rest === '') return matching(all(hmpCommands));
  const isInfo = name === 'info';
  const inner = isInfo || name === 'help' || name === '?' ? rest.trimStart() : '';
  if (isInfo && !/\s/.test(inner)) return matching(all(infoCommands));
  const nested = isInfo ? splitCommand(rest) : undefined;
  const command = nested ? findCommand(infoCommands, nested.name) : findCommand(hmpCommands, name);
  const before = (nested?.rest ?? rest).trimStart().split(/\s+/).slice(0, -1);
  const place = before.filter((part) => !part.startsWith('-')).length;
  const positional = (command?.args ?? []).filter(({ kind }) => kind !== 'flag' && kind !== 'format');
  return matching(positional[place]?.complete?.(context, word) ?? []);
}

export { DEFAULT_FORMAT } from './format.ts';
