// The commands of HMP.
import { quit } from '../qmp/commands/run-state.ts';
import { type HmpCommand, HmpSyntaxError, machineOf } from './command.ts';
import { helpLine, helpList } from './help.ts';
import { infoCommands } from './info.ts';
import { findCommand } from './parse.ts';

const help: HmpCommand = {
  name: 'help',
  aliases: ['?'],
  args: [
    { name: 'cmd', kind: 'word', optional: true, complete: () => hmpCommands.map(({ name }) => name) },
    { name: 'sub', kind: 'word', optional: true },
  ],
  params: '[cmd]',
  help: 'show the help',
  preconfig: true,
  run(_context, args) {
    const name = args.text('cmd');
    if (name === undefined) return helpList(hmpCommands);
    const sub = args.text('sub');
    if (name === 'info') {
      if (sub === undefined) return helpList(infoCommands, 'info ');
      const found = findCommand(infoCommands, sub);
      return found && helpLine(found, 'info ');
    }
    const found = findCommand(hmpCommands, name);
    return found && helpLine(found);
  },
};

const info: HmpCommand = {
  name: 'info',
  params: '[subcommand]',
  help: 'show various information about the system state',
  preconfig: true,
  run: () => helpList(infoCommands, 'info '),
};

/** Every command but those of `info`. */
export const hmpCommands: readonly HmpCommand[] = [
  help,
  info,
  {
    name: 'quit',
    aliases: ['q'],
    help: 'quit the emulator',
    preconfig: true,
    run({ emulator }) {
      quit(emulator);
      return undefined;
    },
  },
  {
    name: 'stop',
    aliases: ['s'],
    help: 'stop emulation',
    run(context) {
      machineOf(context).pause();
      return undefined;
    },
  },
  {
    name: 'cont',
    aliases: ['c'],
    help: 'resume emulation',
    run(context) {
      machineOf(context).resume();
      return undefined;
    },
  },
  {
    name: 'system_reset',
    help: 'reset the system',
    run(context) {
      machineOf(context).reset('host');
      return undefined;
    },
  },
  {
    name: 'system_powerdown',
    help: 'send system power down event',
    run(context) {
      machineOf(context).powerdown();
      return undefined;
    },
  },
];

export { HmpSyntaxError };
