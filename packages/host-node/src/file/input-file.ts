// Files that the user names: kernels, firmware, device trees.

import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import { hostError } from './system-error.ts';

/** Larger than anything that fits a 32-bit machine's memory; Node cannot read much more at once. */
const MAX_BYTES = 0x7fff_ffff;

/**
 * The bytes of a file.
 * @throws UserError, `FILE: why`, if it is missing, not readable, a directory, empty, or 2 GiB and more
 */
export function readInputFile(path: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    throw hostError(path, error);
  }
  try {
    const { size } = regularFile(path, fd);
    if (size === 0) throw new UserError(`${path}: the file is empty`);
    if (size > MAX_BYTES) throw new UserError(`${path}: the file is too large`);
    return readFileSync(fd);
  } catch (error) {
    throw hostError(path, error);
  } finally {
    closeSync(fd);
  }
}

/** Status of an open file. @throws UserError if it is a directory, a device or a pipe */
export function regularFile(path: string, fd: number): { readonly size: number; readonly identity: string } {
  const status = fstatSync(fd, { bigint: true });
  if (status.isDirectory()) throw new UserError(`${path}: it is a directory`);
  if (!status.isFile()) throw new UserError(`${path}: not a regular file`);
  return { size: Number(status.size), identity: `${status.dev}:${status.ino}` };
}
