// Commands about character devices.
import { UserError } from '@boardwalk/core';
import { findChardev, findRing, removeChardev } from '../qmp/commands/io.ts';
import type { HmpArgument, HmpCommand } from './command.ts';
import { parseOptions } from './object-commands.ts';

const id: HmpArgument = {
  name: 'id',
  kind: 'word',
  complete: ({ emulator }) => (emulator.chardevs ?? []).map(({ label }) => label),
};

const device: HmpArgument = { ...id, name: 'device' };

/** Bytes as a person reads them: a backslash is doubled, what is no text is written by its number. */
function readable(bytes: Uint8Array): string {
  const isText = (c: string): boolean => c === '\n' || c === '\t' || c === '\r' || (c >= ' ' && c !== '\x7f');
  return Array.from(new TextDecoder().decode(bytes), (c) => {
    if (c === '\\') return '\\\\';
    return isText(c) ? c : `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, '0').toUpperCase()}`;
  }).join('');
}

export const chardevCommands: readonly HmpCommand[] = [
  {
    name: 'ringbuf_write',
    args: [device, { name: 'data', kind: 'word' }],
    params: 'device data',
    help: 'Write to a ring buffer character device',
    run({ emulator }, args) {
      findRing(emulator, args.requireText('device')).write(new TextEncoder().encode(args.requireText('data')));
      return undefined;
    },
  },
  {
    name: 'ringbuf_read',
    args: [device, { name: 'size', kind: 'expression' }],
    params: 'device size',
    help: 'Read from a ring buffer character device',
    run({ emulator }, args) {
      const size = args.requireInteger('size');
      const { ring } = findRing(emulator, args.requireText('device'));
      if (size <= 0n) throw new UserError('size must be greater than zero');
      return `${readable(ring.read(Math.min(Number(size), ring.count)))}\n`;
    },
  },
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
