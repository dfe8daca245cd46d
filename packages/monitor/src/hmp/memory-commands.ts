// Commands that look at memory, registers and ports.
import { ATTR_DEBUG, type Machine, MiB, UserError } from '@boardwalk/core';
import { debugOf, isLittleEndian } from '../cpu-access.ts';
import { dumpOf } from '../qmp/commands/dump.ts';
import { setBalloon } from '../qmp/commands/machine.ts';
import { physicalReader, saveMemory } from '../qmp/commands/memory-files.ts';
import { saveStorageKeys } from '../qmp/commands/storage-keys.ts';
import { addressCommands } from './address-commands.ts';
import {
  cpuOf,
  type HmpArgument,
  type HmpCommand,
  type HmpContext,
  HmpNotice,
  HmpSyntaxError,
  machineOf,
} from './command.ts';
import { dumpInstructions, dumpMemory, formatValue, parseFormat, type ReadMemory } from './format.ts';

const format: HmpArgument = { name: 'fmt', kind: 'format' };
const address: HmpArgument = { name: 'addr', kind: 'expression' };
const length: HmpArgument = { name: 'size', kind: 'expression' };

/** Physical memory, RAM and devices; an address that nothing answers cannot be read. */
function physical({ addressSpace }: Machine): ReadMemory {
  return (at, into) =>
    addressSpace.flatView().find(Number(at)) !== undefined && addressSpace.readBytes(Number(at), into, ATTR_DEBUG) >= 0;
}

function dump(context: HmpContext, read: ReadMemory, start: bigint): string {
  const { letter, count } = context.format;
  const little = isLittleEndian(machineOf(context));
  if (letter !== 'i') return dumpMemory(read, start, context.format, little);
  const { disassemble } = cpuOf(context);
  if (!disassemble) throw new UserError('there is no disassembler for this CPU');
  return dumpInstructions(read, start, count, disassemble, little);
}

/** The checksum of BSD's `sum`: rotated to the right by a bit before each byte is added. */
function checksum(bytes: Uint8Array, sum: number): number {
  for (const byte of bytes) sum = (((sum >>> 1) | (sum << 15)) + byte) & 0xffff;
  return sum;
}

function sumOf(machine: Machine, start: number, size: number): number {
  let sum = 0;
  for (let done = 0; done < size; done += 65536) {
    const bytes = new Uint8Array(Math.min(65536, size - done));
    machine.addressSpace.readBytes(start + done, bytes, ATTR_DEBUG);
    sum = checksum(bytes, sum);
  }
  return sum;
}

/** Arguments of 32 bits: a sum over more would take long. */
function word(command: string, value: bigint): number {
  if (value < 0n || value > 0xffff_ffffn) {
    throw new HmpSyntaxError(`'${command}' has failed: integer is for 32-bit values`);
  }
  return Number(value);
}

const PORT_LETTERS = { 1: 'b', 2: 'w', 4: 'l', 8: 'l' } as const;
const portArguments: readonly HmpArgument[] = [format, address];

/** Where no architecture has ports, nothing answers at any of them: reads give ones. */
function readPort(context: HmpContext, port: bigint): string {
  machineOf(context);
  const { size } = context.format;
  const bytes = Math.min(size, 4);
  const where = (port & 0xffffn).toString(16).padStart(4, '0');
  return `port${PORT_LETTERS[size]}[0x${where}] = 0x${'ff'.repeat(bytes)}\n`;
}

const dumpArguments = [format, address] as const;

export const memoryCommands: readonly HmpCommand[] = [
  {
    name: 'x',
    args: dumpArguments,
    params: '/fmt addr',
    help: "virtual memory dump starting at 'addr'",
    run(context, args) {
      context.format = parseFormat(args.text('fmt'), context.format);
      const cpu = machineOf(context).cpus[context.cpu];
      if (!cpu) return 'Can not dump without CPU\n';
      return dump(context, (at, into) => debugOf(cpu).readMemory(at, into), args.requireInteger('addr'));
    },
  },
  {
    name: 'xp',
    args: dumpArguments,
    params: '/fmt addr',
    help: "physical memory dump starting at 'addr'",
    run(context, args) {
      context.format = parseFormat(args.text('fmt'), context.format);
      return dump(context, physical(machineOf(context)), args.requireInteger('addr'));
    },
  },
  {
    name: 'print',
    aliases: ['p'],
    args: [format, { name: 'val', kind: 'expression' }],
    params: '/fmt expr',
    help: 'print expression value (use $reg for CPU register access)',
    run(context, args) {
      context.format = parseFormat(args.text('fmt'), context.format);
      return `${formatValue(args.requireInteger('val'), context.format.letter)}\n`;
    },
  },
  {
    name: 'i',
    args: portArguments,
    params: '/fmt addr',
    help: 'I/O port read',
    run(context, args) {
      context.format = parseFormat(args.text('fmt'), { ...context.format, letter: 'x' });
      return readPort(context, args.requireInteger('addr'));
    },
  },
  {
    name: 'o',
    args: [...portArguments, { name: 'val', kind: 'expression' }],
    params: '/fmt addr value',
    help: 'I/O port write',
    run(context, args) {
      context.format = parseFormat(args.text('fmt'), context.format);
      // Nothing answers at ports (see `i`), so nothing takes what is written.
      machineOf(context);
      return undefined;
    },
  },
  {
    name: 'sum',
    args: [{ ...address, name: 'start' }, length],
    params: 'addr size',
    help: 'compute the checksum of a memory region',
    run(context, args) {
      const start = word('sum', args.requireInteger('start'));
      const size = word('sum', args.requireInteger('size'));
      return `${String(sumOf(machineOf(context), start, size)).padStart(5, '0')}\n`;
    },
  },
  ...addressCommands,
  {
    name: 'balloon',
    args: [{ name: 'value', kind: 'expression' }],
    params: 'target',
    help: 'request VM to change its memory allocation (in MB)',
    run(context, args) {
      setBalloon(machineOf(context), args.requireInteger('value') * BigInt(MiB(1)));
      return undefined;
    },
  },
  {
    name: 'memsave',
    args: [address, length, { name: 'file', kind: 'word' }],
    params: 'addr size file',
    help: "save to disk virtual memory dump starting at 'addr' of size 'size'",
    async run(context, args) {
      const debug = debugOf(cpuOf(context));
      const machine = machineOf(context);
      await saveMemory(context.emulator, (at, into) => machine.whileStill(() => debug.readMemory(at, into)), {
        val: args.requireInteger('addr'),
        size: args.requireInteger('size'),
        filename: args.requireText('file'),
      });
      return undefined;
    },
  },
  {
    name: 'pmemsave',
    args: [address, length, { name: 'file', kind: 'word' }],
    params: 'addr size file',
    help: "save to disk physical memory dump starting at 'addr' of size 'size'",
    async run(context, args) {
      await saveMemory(context.emulator, physicalReader(machineOf(context)), {
        val: args.requireInteger('addr'),
        size: args.requireInteger('size'),
        filename: args.requireText('file'),
      });
      return undefined;
    },
  },
  {
    name: 'dump-skeys',
    args: [{ name: 'filename', kind: 'word' }],
    help: "Save guest storage keys into file 'filename'.",
    async run({ emulator }, args) {
      try {
        await saveStorageKeys(emulator, args.requireText('filename'));
      } catch (error) {
        throw error instanceof UserError ? new HmpNotice(error.message) : error;
      }
      return undefined;
    },
  },
  {
    name: 'dump-guest-memory',
    args: [
      { name: 'p', kind: 'flag' },
      { name: 'd', kind: 'flag' },
      { name: 'filename', kind: 'word' },
      { name: 'begin', kind: 'expression', optional: true },
      { name: 'length', kind: 'expression', optional: true },
    ],
    params: '[-p] [-d] filename [begin length]',
    help: 'dump guest memory into an ELF core file (-p: with the virtual addresses of page tables, -d: in the background)',
    async run(context, args) {
      await dumpOf(context.emulator).make({
        paging: args.flag('p'),
        detach: args.flag('d'),
        protocol: `file:${args.requireText('filename')}`,
        begin: args.integer('begin'),
        length: args.integer('length'),
      });
      return undefined;
    },
  },
];
