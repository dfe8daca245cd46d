// Commands about what the program does on the host: its log, its debugger's service, files that it writes.
import { UserError } from '@boardwalk/core';
import { saveDeviceTree } from '../qmp/commands/machine-files.ts';
import { type HmpCommand, HmpNotice, machineOf } from './command.ts';

const filename = { name: 'filename', kind: 'word', expected: 'filename' } as const;

/** Does something whose failure is told without a word before it, and what else there is to say of it. */
async function noticed(more: string, action: () => void | Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw error instanceof UserError ? new HmpNotice(`${error.message}${more}`) : error;
  }
}

export const hostCommands: readonly HmpCommand[] = [
  {
    name: 'logfile',
    args: [filename],
    params: 'filename',
    help: "output logs to 'filename'",
    preconfig: true,
    async run({ emulator }, args) {
      await noticed('', () => {
        if (!emulator.logTo) throw new UserError('there are no files here');
        emulator.logTo(args.requireText('filename'));
      });
      return undefined;
    },
  },
  {
    name: 'gdbserver',
    args: [{ name: 'device', kind: 'word', optional: true }],
    params: '[device]',
    help: "start gdbserver on given device (default 'tcp::1234'), stop with 'none'",
    async run(context, args) {
      machineOf(context);
      const { debugging } = context.emulator;
      if (!debugging) throw new UserError('debuggers cannot be served here');
      const device = args.text('device') ?? 'tcp::1234';
      if (device === 'none') {
        debugging.stop();
        return 'Disabled gdbserver\n';
      }
      await noticed(`\nCould not open gdbserver on device '${device}'`, () => debugging.start(device));
      return `Waiting for gdb connection on device '${device}'\n`;
    },
  },
  {
    name: 'dumpdtb',
    args: [filename],
    params: 'filename',
    help: "dump the FDT in dtb format to 'filename'",
    async run(context, args) {
      const name = args.requireText('filename');
      machineOf(context);
      await saveDeviceTree(context.emulator, name);
      return `info: dtb dumped to ${name}\n`;
    },
  },
];
