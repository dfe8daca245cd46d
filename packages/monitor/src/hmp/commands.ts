// The commands of HMP.

import { GuestLog, logCategories, UserError, WATCHDOG_ACTIONS } from '@boardwalk/core';
import { injectNmi, quit } from '../qmp/commands/run-state.ts';
import { blockHmpCommands } from './block-commands.ts';
import { chardevCommands } from './chardev-commands.ts';
import { cpuOf, type HmpCommand, HmpNotice, machineOf } from './command.ts';
import { helpLine, helpList } from './help.ts';
import { hostCommands } from './host-commands.ts';
import { infoCommands } from './info.ts';
import { memoryCommands } from './memory-commands.ts';
import { migrationCommands } from './migration-commands.ts';
import { netCommands } from './net-commands.ts';
import { objectCommands } from './object-commands.ts';
import { findCommand } from './parse.ts';
import { traceCommands } from './trace-commands.ts';

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
      return found ? helpLine(found, 'info ') : `unknown command: 'info ${sub}'\n`;
    }
    const found = findCommand(hmpCommands, name);
    return found ? helpLine(found) : `unknown command: '${name}'\n`;
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
    name: 'nmi',
    help: 'inject an NMI',
    run(context) {
      injectNmi(machineOf(context), cpuOf(context));
      return undefined;
    },
  },
  {
    name: 'watchdog_action',
    args: [{ name: 'action', kind: 'word', complete: () => WATCHDOG_ACTIONS }],
    params: '[reset|shutdown|poweroff|pause|debug|none|inject-nmi]',
    help: 'change watchdog action',
    run(context, args) {
      const text = args.requireText('action');
      const action = WATCHDOG_ACTIONS.find((candidate) => candidate === text);
      if (action === undefined) throw new UserError(`invalid parameter value: ${text}`);
      machineOf(context).actions.watchdog = action;
      return undefined;
    },
  },
  {
    name: 'boot_set',
    args: [{ name: 'bootdevice', kind: 'word' }],
    params: 'bootdevice',
    help: 'define new values for the boot device list: needs a board that has one',
    run() {
      throw new HmpNotice('no function defined to set boot device list for this architecture');
    },
  },
  {
    name: 'system_wakeup',
    help: 'wakeup guest from suspend: needs a machine that can be suspended',
    run() {
      throw new UserError('wake-up from suspend is not supported by this guest');
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
  {
    name: 'cpu',
    args: [{ name: 'index', kind: 'expression' }],
    params: 'index',
    help: 'set the default CPU',
    run(context, args) {
      const index = Number(args.requireInteger('index'));
      if (!machineOf(context).cpus[index]) throw new HmpNotice('invalid CPU index');
      context.cpu = index;
      return undefined;
    },
  },
  {
    name: 'exit_preconfig',
    help: 'exit the preconfig state',
    preconfig: true,
    async run({ emulator: { preconfig } }) {
      if (!preconfig) throw new UserError('The command is permitted only before machine initialization');
      await preconfig.exit();
      return undefined;
    },
  },
  {
    name: 'log',
    args: [{ name: 'items', kind: 'word', complete: () => ['none', 'all', ...Object.keys(logCategories)] }],
    params: 'item1[,...]',
    help: 'activate logging of the specified items',
    run(context, args) {
      const items = args.requireText('items');
      const { log } = machineOf(context);
      if (items === 'none') log.setCategories([]);
      else if (items === 'help') return logHelp();
      else log.setCategories(GuestLog.parseCategories(items));
      return undefined;
    },
  },
  ...hostCommands,
  ...memoryCommands,
  ...blockHmpCommands,
  ...migrationCommands,
  ...chardevCommands,
  ...netCommands,
  ...objectCommands,
  ...traceCommands,
];

function logHelp(): string {
  const rows = Object.entries(logCategories).map(([name, what]) => `${name.padEnd(15)} ${what}\n`);
  return `Log items (comma separated):\n${'none'.padEnd(15)} remove all logs\n${rows.join('')}`;
}
