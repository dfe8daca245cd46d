// Drives and named block nodes (qapi/block-core.json).
import { alternate, bool, command, enumeration, int, list, opt, str, struct, union, unionCommand } from './dsl.ts';

export const ImageInfo = struct('ImageInfo', {
  filename: str,
  format: str,
  'dirty-flag': opt(bool),
  'virtual-size': int,
});
export const BlockDeviceInfo = struct('BlockDeviceInfo', {
  file: str,
  'node-name': opt(str),
  ro: bool,
  drv: str,
  backing_file_depth: int,
  encrypted: bool,
  detect_zeroes: enumeration('BlockdevDetectZeroesOptions', ['off', 'on', 'unmap']),
  bps: int,
  bps_rd: int,
  bps_wr: int,
  iops: int,
  iops_rd: int,
  iops_wr: int,
  image: ImageInfo,
  cache: struct('BlockdevCacheInfo', { writeback: bool, direct: bool, 'no-flush': bool }),
  write_threshold: int,
});
export const BlockInfo = struct('BlockInfo', {
  device: str,
  qdev: opt(str),
  type: str,
  removable: bool,
  locked: bool,
  inserted: opt(BlockDeviceInfo),
  tray_open: opt(bool),
});
export const BlockJobInfo = struct('BlockJobInfo', { type: str, device: str, len: int, offset: int });

const BlockDeviceStats = struct('BlockDeviceStats', {
  rd_bytes: int,
  wr_bytes: int,
  unmap_bytes: int,
  rd_operations: int,
  wr_operations: int,
  flush_operations: int,
  unmap_operations: int,
  rd_total_time_ns: int,
  wr_total_time_ns: int,
  flush_total_time_ns: int,
  unmap_total_time_ns: int,
  wr_highest_offset: int,
  rd_merged: int,
  wr_merged: int,
  unmap_merged: int,
  failed_rd_operations: int,
  failed_wr_operations: int,
  failed_flush_operations: int,
  failed_unmap_operations: int,
  invalid_rd_operations: int,
  invalid_wr_operations: int,
  invalid_flush_operations: int,
  invalid_unmap_operations: int,
  account_invalid: bool,
  account_failed: bool,
});
/** Of the node below. */
const ParentStats = struct('BlockNodeStats', { 'node-name': opt(str), stats: BlockDeviceStats });
export const BlockStats = struct('BlockStats', {
  device: opt(str),
  qdev: opt(str),
  'node-name': opt(str),
  stats: BlockDeviceStats,
  parent: opt(ParentStats),
});

const onOffCache = struct('BlockdevCacheOptions', { direct: opt(bool), 'no-flush': opt(bool) });
const fileOptions = {
  filename: str,
  aio: opt(enumeration('BlockdevAioOptions', ['threads'])),
  locking: opt(enumeration('OnOffAuto', ['auto', 'on'])),
} as const;
const nullOptions = { size: opt(int) } as const;
const base = {
  'node-name': opt(str),
  discard: opt(enumeration('BlockdevDiscardOptions', ['ignore', 'unmap'])),
  cache: opt(onOffCache),
  'read-only': opt(bool),
  'auto-read-only': opt(bool),
} as const;
/** A file with `auto-read-only` is open to be written only while a device has it. */
const BlockdevOptionsFile = struct('BlockdevOptionsFile', fileOptions, ['dynamic-auto-read-only']);
const BlockdevOptionsNull = struct('BlockdevOptionsNull', nullOptions);
/** What may lie below a format: a protocol. */
const BlockdevProtocol = union(
  'BlockdevProtocolOptions',
  { driver: enumeration('BlockdevProtocolDriver', ['file', 'null-co']), ...base },
  'driver',
  { file: BlockdevOptionsFile, 'null-co': BlockdevOptionsNull },
);
export const BlockdevOptions = union(
  'BlockdevOptions',
  { driver: enumeration('BlockdevDriver', ['file', 'null-co', 'raw']), ...base },
  'driver',
  {
    file: BlockdevOptionsFile,
    'null-co': BlockdevOptionsNull,
    raw: struct('BlockdevOptionsRaw', { file: alternate('BlockdevRef', BlockdevProtocol, str) }),
  },
);

export const blockCommands = {
  'query-block': command({ doc: 'The drives, and what devices have of `-blockdev`.', returns: list(BlockInfo) }),
  'query-named-block-nodes': command({
    doc: 'Every image and what it lies on, by name.',
    args: { flat: opt(bool) },
    returns: list(BlockDeviceInfo),
    preconfig: true,
  }),
  'query-blockstats': command({
    doc: 'Bytes, requests and time of each drive, or of each node.',
    args: { 'query-nodes': opt(bool) },
    returns: list(BlockStats),
  }),
  'query-block-jobs': command({ doc: 'Jobs on drives: none.', returns: list(BlockJobInfo) }),
  'blockdev-add': unionCommand({
    doc: 'Opens an image under a name, as `-blockdev` does, for a device that names it.',
    union: BlockdevOptions,
  }),
  block_resize: command({
    doc: 'Gives a raw file another size: a drive by its id, or a node by its name. The guest is told.',
    args: { device: opt(str), 'node-name': opt(str), size: int },
  }),
  'blockdev-del': command({ doc: 'Closes an image that nothing uses.', args: { 'node-name': str } }),
} as const;
