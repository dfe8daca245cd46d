// Commands about drives, and about snapshots in images.
import { parseSize, UserError } from '@boardwalk/core';
import { type BlockDevice, blockDevices, nodeFile, resizeBlock, snapshotProblem } from '../qmp/commands/block.ts';
import { type HmpArguments, type HmpCommand, type HmpContext, HmpNotice, machineOf } from './command.ts';

const lines = (rows: readonly string[]): string => rows.map((row) => `${row}\n`).join('');

/** One device or node as `info block` shows it. */
function describe({ name, node, qdev, removable }: BlockDevice): string {
  const mode = node.backend.readonly ? `${node.driver}, read-only` : node.driver;
  const title = name === '' ? (qdev === undefined ? node.name : `(${node.name})`) : `${name} (${node.name})`;
  const file = nodeFile(node);
  return lines([
    `${qdev !== undefined && name === '' ? node.name : title}: ${file === '' ? '' : `${file} `}(${mode})`,
    ...(qdev === undefined ? [] : [`    Attached to:      ${qdev}`]),
    ...(removable ? ['    Removable device: not locked, tray closed'] : []),
    '    Cache mode:       writeback',
  ]);
}

function image({ node }: BlockDevice): string {
  const { size } = node.backend;
  return `\nImages:\n${lines([`image: ${nodeFile(node)}`, `file format: ${node.driver}`, `virtual size: ${humanSize(size)} (${size} bytes)`])}`;
}

/** `1 MiB`, `1.5 GiB`: three digits, as qemu-img shows sizes. */
function humanSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, (bytes * 1024) / 1000)) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`;
}

function infoBlock(context: HmpContext, args: HmpArguments): string {
  const machine = machineOf(context);
  const name = args.text('device');
  if (args.flag('n')) {
    const nodes = [...machine.drives.nodes.all].reverse().filter((node) => name === undefined || node.name === name);
    return nodes.map((node) => describe({ name: '', node, qdev: undefined, removable: false })).join('\n');
  }
  const found = blockDevices(machine).filter((device) => name === undefined || device.name === name);
  return found.map((device) => describe(device) + (args.flag('v') ? image(device) : '')).join('\n');
}

function infoBlockstats(context: HmpContext): string {
  return lines(
    blockDevices(machineOf(context))
      .filter(({ name }) => name !== '')
      .map(({ name, node: { backend } }) => {
        const { read, write, flush } = backend.counts;
        const numbers = {
          rd_bytes: read.bytes,
          wr_bytes: write.bytes,
          rd_operations: read.operations,
          wr_operations: write.operations,
          flush_operations: flush.operations,
          wr_total_time_ns: write.totalTimeNs,
          rd_total_time_ns: read.totalTimeNs,
          flush_total_time_ns: flush.totalTimeNs,
          rd_merged: 0,
          wr_merged: 0,
          idle_time_ns: 0,
        };
        const text = Object.entries(numbers).map(([key, value]) => `${key}=${value}`);
        return `${name}: ${text.join(' ')}`;
      }),
  );
}

function driveNames({ emulator: { machine } }: HmpContext): string[] {
  return machine === undefined ? [] : blockDevices(machine).flatMap(({ name }) => (name === '' ? [] : [name]));
}

function refuseSnapshot(context: HmpContext): never {
  throw new UserError(snapshotProblem(machineOf(context)));
}

export const blockInfoCommands: readonly HmpCommand[] = [
  {
    name: 'block',
    args: [
      { name: 'n', kind: 'flag' },
      { name: 'v', kind: 'flag' },
      { name: 'device', kind: 'word', optional: true },
    ],
    params: '[-n] [-v] [device]',
    help: 'show info of one block device or all block devices (-n: show named nodes; -v: show details)',
    run: infoBlock,
  },
  { name: 'blockstats', help: 'show block device statistics', run: infoBlockstats },
  { name: 'block-jobs', help: 'show progress of ongoing block device operations', run: () => 'No active jobs\n' },
  {
    name: 'snapshots',
    help: 'show the currently saved VM snapshots',
    run() {
      throw new HmpNotice('no block device can store vmstate for snapshot');
    },
  },
];

const tag = { name: 'name', kind: 'word' } as const;

export const blockHmpCommands: readonly HmpCommand[] = [
  {
    name: 'commit',
    args: [{ name: 'device', kind: 'word', complete: (context) => ['all', ...driveNames(context)] }],
    params: 'device|all',
    help: 'commit changes to the disk images (if -snapshot is used)',
    async run(context, args) {
      const wanted = args.requireText('device');
      const found = blockDevices(machineOf(context)).filter(({ name }) => wanted === 'all' || name === wanted);
      if (wanted !== 'all' && found.length === 0) throw new UserError(`Device '${wanted}' not found`);
      for (const { node } of found) await node.backend.commit();
      return undefined;
    },
  },
  {
    name: 'block_resize',
    args: [
      { name: 'device', kind: 'word', complete: driveNames },
      { name: 'size', kind: 'word', expected: 'size' },
    ],
    params: 'device size',
    help: 'resize a block image',
    async run(context, args) {
      const bytes = parseSize(args.requireText('size'), 'size', 'M');
      await resizeBlock(machineOf(context), { device: args.requireText('device') }, bytes);
      return undefined;
    },
  },
  {
    name: 'savevm',
    args: [{ ...tag, optional: true }],
    params: 'tag',
    help: 'save a VM snapshot: needs an image that can hold one, which no raw image can',
    run: refuseSnapshot,
  },
  {
    name: 'loadvm',
    args: [tag],
    params: 'tag',
    help: 'restore a VM snapshot from its tag: needs an image that can hold one',
    run: refuseSnapshot,
  },
  {
    name: 'delvm',
    args: [tag],
    params: 'tag',
    help: 'delete a VM snapshot from its tag: needs an image that can hold one',
    run(context) {
      const { drives } = machineOf(context);
      if (drives.all.some(({ backend }) => !backend.readonly)) refuseSnapshot(context);
      return undefined;
    },
  },
];
