// Character devices and disks (qapi/char.json, qapi/block-core.json).
import { bool, command, enumeration, int, list, opt, str, struct } from './dsl.ts';

export const ChardevInfoType = struct('ChardevInfo', { label: str, filename: str, 'frontend-open': bool });

export const ImageInfo = struct('ImageInfo', { filename: str, format: str, 'virtual-size': int });
export const BlockDeviceInfo = struct('BlockDeviceInfo', {
  file: str,
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
  type: str,
  removable: bool,
  locked: bool,
  inserted: opt(BlockDeviceInfo),
});
export const BlockJobInfo = struct('BlockJobInfo', { type: str, device: str, len: int, offset: int });

export const ioCommands = {
  'query-chardev': command({ doc: 'The character devices.', returns: list(ChardevInfoType), preconfig: true }),
  'query-block': command({ doc: 'The drives.', returns: list(BlockInfo) }),
  'query-block-jobs': command({ doc: 'Jobs on drives: none.', returns: list(BlockJobInfo) }),
} as const;
