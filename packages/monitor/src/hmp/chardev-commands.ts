// Commands about character devices.
import { UserError } from '@boardwalk/core';
import { findChardev, removeChardev } from '../qmp/commands/io.ts';
import type { HmpArgument, HmpCommand } from './command.ts';
import { parseOptions } from './object-commands.ts';

const id: HmpArgument = {
  name: 'id',
  kind: 'word',
  complete: ({ emulator }) => (emulator.chardevs ?? []).map(({ label }) => label),
};

export const chardevCommands: readonly HmpCommand[] = [
  {
    name: 'chardev-add',
    args: [{ name: 'args', kind: 'rest' }],
    params: 'args',
    help: 'add chardev, like -chardev on the command line',
    async run({ emulator }, args) {
      if (!emulator.lines) throw new UserError('character devices cannot be made here');
      const options = parseOptions(args.requireText('args'), 'backend');
      if (options.id === undefined) throw new UserError("Parameter 'id' is missing");
      const pty = await emulator.lines.add(options);
      return pty === undefined ? undefined : `char device redirected to ${pty} (label ${options.id})\n`;
    },
  },
  {
    name: 'chardev-remove',
    args: [id],
    params: 'id',
    help: 'remove chardev',
    run({ emulator }, args) {
      removeChardev(emulator, args.requireText('id'));
      return undefined;
    },
  },
  {
    name: 'chardev-send-break',
    args: [id],
    params: 'id',
    help: 'send a break on chardev',
    run({ emulator }, args) {
      findChardev(emulator, args.requireText('id')).sendBreak();
      return undefined;
    },
  },
];
