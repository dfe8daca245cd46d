// Commands about drives and named block nodes.
import { type BlockNode, type Drive, devicesOf, isCapacityTeller, type Machine, UserError } from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import type { blockCommands } from '../schema/block.ts';
import { type Handlers, requireMachine } from './context.ts';

/** A drive's name: its id, or its place. */
export function driveName({ id, if: type, index }: Drive): string {
  return id ?? `${type}${index}`;
}

/** What monitors call a block device: a drive, or a node that a device has. */
export interface BlockDevice {
  /** The drive's name; empty for one of `-blockdev`. */
  readonly name: string;
  readonly node: BlockNode;
  /** The device that has it: its id, or its path where it has none. */
  readonly qdev: string | undefined;
  readonly removable: boolean;
}

/** The drives, then what devices have of `-blockdev`. */
export function blockDevices({ drives }: Machine): BlockDevice[] {
  const deviceOf = (node: BlockNode): string | undefined => {
    const path = drives.deviceOf(node);
    return /^\/machine\/peripheral\/([^/]+)$/.exec(path ?? '')?.[1] ?? path;
  };
  const ofDrives = drives.all.map((drive) => ({
    name: driveName(drive),
    node: drive.node,
    qdev: deviceOf(drive.node),
    removable: drive.media === 'cdrom',
  }));
  const taken = new Set(ofDrives.map(({ node }) => node));
  const others = drives.nodes.all.filter((node) => !taken.has(node) && deviceOf(node) !== undefined);
  return [...ofDrives, ...others.map((node) => ({ name: '', node, qdev: deviceOf(node), removable: false }))];
}

/**
 * Why a machine's images hold no snapshot: that needs a format that has a place for them, and every image here is raw.
 * @param names of nodes that are to; without it all that can be written
 */
export function snapshotProblem(machine: Machine, names?: readonly string[]): string {
  const unknown = names?.find((name) => machine.drives.nodes.find(name) === undefined);
  if (unknown !== undefined) return `No block device node '${unknown}'`;
  const writable = blockDevices(machine).find(
    ({ node }) => !node.backend.readonly && (names === undefined || names.includes(node.name)),
  );
  return writable === undefined
    ? 'no block device can store vmstate for snapshot'
    : `Device '${writable.name || writable.node.name}' is writable but does not support snapshots`;
}

/** Unit of a disk's size, bytes. */
const SECTOR = 512;

/**
 * Gives a drive or a node another size, and tells the guest.
 * @param names the drive's id, else the node's name
 * @param bytes a multiple of 512 that is not 0
 * @throws UserError if there is none, it cannot be written, its size cannot change, or its device cannot tell the guest
 */
export async function resizeBlock(
  machine: Machine,
  { device = '', node: nodeName = '' }: { readonly device?: string | undefined; readonly node?: string | undefined },
  bytes: number,
): Promise<void> {
  const { drives } = machine;
  const node = device === '' ? drives.nodes.find(nodeName) : drives.all.find(({ id }) => id === device)?.node;
  if (node === undefined) throw new UserError(`Cannot find device='${device}' nor node-name='${nodeName}'`);
  if (bytes < 0) throw new UserError("Parameter 'size' expects a >0 size");
  if (bytes === 0 || bytes % SECTOR !== 0 || !Number.isSafeInteger(bytes)) {
    throw new UserError(`Parameter 'size' expects a multiple of ${SECTOR} that is not 0`);
  }
  const above = drives.nodes.all.find(({ file }) => file === node);
  if (above !== undefined) throw new UserError(`Node '${node.name}' is in use by '${above.name}'`);
  const path = drives.deviceOf(node);
  const user = path === undefined ? undefined : devicesOf(machine).find((one) => one.path === path);
  if (path !== undefined && (user === undefined || !isCapacityTeller(user))) {
    throw new UserError(`'${user?.type ?? path}' cannot tell the guest of another size`);
  }
  await node.backend.resize(bytes);
  if (user !== undefined && isCapacityTeller(user)) user.capacityChanged();
}

/** No limit on transfers. */
const UNLIMITED = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 } as const;

/** Where a node's bytes are: a file, or QEMU's name for what has none. */
export function nodeFile({ driver, backend }: BlockNode): string {
  return backend.filename ?? (driver === 'null-co' ? 'null-co://' : '');
}

function nodeInfo(node: BlockNode) {
  const { name, driver, backend } = node;
  const filename = nodeFile(node);
  return {
    file: filename,
    'node-name': name,
    ro: backend.readonly,
    drv: driver,
    backing_file_depth: 0,
    encrypted: false,
    detect_zeroes: 'off' as const,
    ...UNLIMITED,
    image: { filename, format: driver, 'dirty-flag': false, 'virtual-size': backend.size },
    cache: { writeback: true, direct: false, 'no-flush': false },
    write_threshold: 0,
  };
}

function statsOf({ backend }: BlockNode) {
  const { read, write, flush } = backend.counts;
  return {
    rd_bytes: read.bytes,
    wr_bytes: write.bytes,
    unmap_bytes: 0,
    rd_operations: read.operations,
    wr_operations: write.operations,
    flush_operations: flush.operations,
    unmap_operations: 0,
    rd_total_time_ns: read.totalTimeNs,
    wr_total_time_ns: write.totalTimeNs,
    flush_total_time_ns: flush.totalTimeNs,
    unmap_total_time_ns: 0,
    wr_highest_offset: backend.highestWritten,
    rd_merged: 0,
    wr_merged: 0,
    unmap_merged: 0,
    failed_rd_operations: read.failed,
    failed_wr_operations: write.failed,
    failed_flush_operations: flush.failed,
    failed_unmap_operations: 0,
    invalid_rd_operations: 0,
    invalid_wr_operations: 0,
    invalid_flush_operations: 0,
    invalid_unmap_operations: 0,
    account_invalid: true,
    account_failed: true,
  };
}

function nodeStats(node: BlockNode) {
  const { file } = node;
  return {
    'node-name': node.name,
    stats: statsOf(node),
    ...(file === undefined ? {} : { parent: { 'node-name': file.name, stats: statsOf(file) } }),
  };
}

const qdevOf = (qdev: string | undefined): { readonly qdev?: string } => (qdev === undefined ? {} : { qdev });

function nodesOf({ machine }: Emulator): readonly BlockNode[] {
  return machine?.drives.nodes.all ?? [];
}

export const blockHandlers: Handlers<keyof typeof blockCommands> = {
  'query-block': ({ emulator }) =>
    blockDevices(requireMachine(emulator)).map(({ name, node, qdev, removable }) => ({
      device: name,
      ...qdevOf(qdev),
      type: 'unknown',
      removable,
      locked: false,
      ...(removable ? { tray_open: false } : {}),
      inserted: nodeInfo(node),
    })),
  'query-named-block-nodes': ({ emulator }) => [...nodesOf(emulator)].reverse().map(nodeInfo),
  'query-blockstats': ({ emulator }, args) =>
    args['query-nodes'] === true
      ? nodesOf(emulator).map(nodeStats)
      : blockDevices(requireMachine(emulator)).map(({ name, node, qdev }) => ({
          device: name,
          ...qdevOf(qdev),
          ...nodeStats(node),
        })),
  'query-block-jobs': () => [],
  'blockdev-add': ({ emulator }, options) => {
    const { drives } = requireMachine(emulator);
    if (!emulator.openBlockNode) throw new UserError('images cannot be opened here');
    return emulator.openBlockNode(drives.nodes, { ...options });
  },
  block_resize: ({ emulator }, { device, 'node-name': node, size }) =>
    resizeBlock(requireMachine(emulator), { device, node }, Number(size)),
  'blockdev-del': ({ emulator }, args) => requireMachine(emulator).drives.nodes.remove(args['node-name']),
};
