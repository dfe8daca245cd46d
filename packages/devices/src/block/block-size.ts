// The sizes of blocks that a disk tells its guest of.

import { type Device, type PropertySpec, UserError } from '@boardwalk/core';

/** Bytes of the smallest block, and of the unit that disks are counted in. */
export const SECTOR = 512;
const LARGEST = 2 ** 16;

/** `logical_block_size` and `physical_block_size`, in bytes. */
export const blockSizeProperties: readonly PropertySpec[] = [
  {
    name: 'logical_block_size',
    type: 'uint32',
    description: 'bytes of a block',
    default: SECTOR,
    validate: blockSizeProblem,
  },
  {
    name: 'physical_block_size',
    type: 'uint32',
    description: 'bytes of a block on the medium',
    default: SECTOR,
    validate: blockSizeProblem,
  },
];

/** @throws UserError when the medium's blocks are smaller than those that the guest sees */
export function checkBlockSizes(device: Device): void {
  if (Number(device.getProperty('physical_block_size')) < Number(device.getProperty('logical_block_size'))) {
    throw new UserError('logical_block_size > physical_block_size not supported');
  }
}

function blockSizeProblem(value: unknown): string | undefined {
  const bytes = Number(value);
  const good = bytes >= SECTOR && bytes <= LARGEST && (bytes & (bytes - 1)) === 0;
  return good ? undefined : `a block size of ${bytes} bytes is not a power of two from 512 to 65536`;
}
