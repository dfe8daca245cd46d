// `info` about memory.
import {
  balloonOf,
  formatFlatViews,
  formatMemoryDevices,
  formatMemoryTree,
  memoryDeviceInfo,
  pluggedMemory,
} from '@boardwalk/core';
import { formatInfoMemdev, formatInfoNuma } from '@boardwalk/numa';
import { memdevsOf, numaNodesOf } from '../memory-info.ts';
import { storageKeyText } from '../qmp/commands/storage-keys.ts';
import { cpuOf, type HmpCommand, type HmpContext, machineOf } from './command.ts';
import { hex16 } from './format.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Lines of texts. */
export function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}

function memorySize(context: HmpContext): string {
  const machine = machineOf(context);
  const plugged = machine.deviceMemory ? [`plugged memory: ${pluggedMemory(machine)}`] : [];
  return lines([`base memory: ${machine.ramSize}`, ...plugged]);
}

function ramBlocks(context: HmpContext): string {
  const head = 'Block Name    PSize              Offset               Used              Total';
  const number = (value: number): string => `0x${hex16(BigInt(value))}`;
  const rows = machineOf(context).space.blocks.map(
    ({ name, offset, size }) =>
      `${name.padStart(24)} ${`${4096 / KiB} KiB`.padStart(8)}  ${number(offset)} ${number(size)} ${number(size)}`,
  );
  return lines([head.padStart(head.length + 14), ...rows]);
}

/** What the guest can read and not write. */
function roms(context: HmpContext): string {
  const ranges = machineOf(context).addressSpace.flatView().ranges;
  return lines(
    ranges
      .filter(({ region, readonly }) => region.block && (region.kind === 'rom' || readonly))
      .map(
        ({ region, base, size }) =>
          `addr=${hex16(BigInt(base))} size=0x${size.toString(16).padStart(6, '0')} mem=rom name="${region.name}"`,
      ),
  );
}

export const memoryInfoCommands: readonly HmpCommand[] = [
  {
    name: 'mtree',
    args: ['f', 'o', 'D'].map((name) => ({ name, kind: 'flag' as const })),
    params: '[-f][-o][-D]',
    help: 'show memory tree (-f: dump flat view for address spaces;-o: dump region owners/parents;-D: dump disabled regions)',
    run(context, args) {
      const { addressSpace } = machineOf(context);
      const text = args.flag('f')
        ? formatFlatViews(addressSpace)
        : formatMemoryTree(addressSpace, { owner: args.flag('o'), disabled: args.flag('D') });
      return text;
    },
  },
  {
    name: 'numa',
    help: 'show NUMA information',
    run: ({ emulator }) => lines(formatInfoNuma(numaNodesOf(emulator))),
  },
  {
    name: 'memdev',
    help: 'show memory backends',
    preconfig: true,
    run: ({ emulator }) => `${lines(formatInfoMemdev(memdevsOf(emulator)))}\n`,
  },
  {
    name: 'memory-devices',
    help: 'show memory devices',
    run: (context) => lines(formatMemoryDevices(memoryDeviceInfo(machineOf(context)))),
  },
  {
    name: 'memory_size_summary',
    help: 'show the amount of initially allocated and present hotpluggable (if enabled) memory in bytes.',
    run: memorySize,
  },
  {
    name: 'balloon',
    help: 'show balloon information',
    run: (context) => `balloon: actual=${Math.floor(balloonOf(machineOf(context)).guestMemory / MiB)}\n`,
  },
  {
    name: 'skeys',
    args: [{ name: 'addr', kind: 'expression' }],
    params: 'address',
    help: 'Display the value of a storage key',
    run: (context, args) => storageKeyText(machineOf(context), args.requireInteger('addr')),
  },
  { name: 'ramblock', help: 'Display system ramblock information', run: ramBlocks },
  { name: 'roms', help: 'show roms', run: roms },
  {
    name: 'tlb',
    help: 'show virtual to physical memory mappings',
    run: (context) => {
      const mappings = cpuOf(context).mappings();
      if (mappings === undefined) return 'No translation or protection\n';
      return lines(mappings.map(({ va, pa, size }) => `${hex16(va)}: ${hex16(pa)} 0x${size.toString(16)}`));
    },
  },
  {
    name: 'mem',
    help: 'show the active virtual memory mappings',
    run: (context) => cpuOf(context).formatMappings() ?? 'No translation or protection\n',
  },
];
