// What lies behind a mapping: a file, a memory file or POSIX shared memory, opened, checked and brought to its size. The checks and
// their texts are QEMU's.

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  type Stats,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type FileSource, type MapRequest, type MemfdSource, UserError } from '@boardwalk/core';
import { type LinuxCalls, refuse } from './linux-calls.ts';

/** An open file that memory can be mapped from. */
export interface Backing {
  readonly fd: number;
  /** Bytes of its pages. */
  readonly pageSize: number;
  /** Bytes to map, whole pages. */
  readonly size: number;
  /** Takes back what opening did to files: one that was made goes away, one that was grown is empty again. */
  undo(): void;
}

const nothing = (): void => {};
const hex = (n: number): string => `0x${n.toString(16)}`;

function wholePages(bytes: number, pageSize: number): number {
  return Math.ceil(bytes / pageSize) * pageSize;
}

/** A file system of huge pages says their size as its block size (statfs(2)). */
function pageSizeOf(calls: LinuxCalls, fd: number): number {
  const HUGETLBFS_MAGIC = 0x9584_58f6;
  const { type, bsize } = statfsSync(`/proc/self/fd/${fd}`);
  return type === HUGETLBFS_MAGIC ? bsize : calls.pageSize;
}

/** Runs a check on an open file, which is closed and taken back if it fails. */
function guarded<T>(fd: number, undo: () => void, check: () => T): T {
  try {
    return check();
  } catch (error) {
    undo();
    closeSync(fd);
    throw error;
  }
}

interface OpenFile {
  readonly fd: number;
  /** Removes the file if it was made. */
  readonly undo: () => void;
}

/** Opens a file, makes it if it is not there, or makes one without a name in a folder. */
function openOrMake(calls: LinuxCalls, { path, readonly }: FileSource, name: string): OpenFile {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NONBLOCK } = constants;
  const failed = (error: unknown): never => refuse(calls, `can't open backing store ${path} for guest RAM`, error);
  try {
    return { fd: openSync(path, (readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK), undo: nothing };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (readonly || (code !== 'ENOENT' && code !== 'EISDIR')) return failed(error);
    const inFolder = code === 'EISDIR';
    const safeName = name.replaceAll('/', '_');
    const made = inFolder ? join(path, `boardwalk_back_mem.${safeName}.${crypto.randomUUID()}`) : path;
    try {
      const fd = openSync(made, O_RDWR | O_CREAT | O_EXCL, inFolder ? 0o600 : 0o644);
      if (inFolder) unlinkSync(made);
      return { fd, undo: inFolder ? nothing : () => removeSame(made, fd) };
    } catch (second) {
      return failed(second);
    }
  }
}

/** Removes a file if its name still stands for the one that is open. */
function removeSame(path: string, fd: number): void {
  try {
    const now = statSync(path);
    const mine = fstatSync(fd);
    if (now.ino === mine.ino && now.dev === mine.dev) unlinkSync(path);
  } catch {
    // It is gone already.
  }
}

/** Opens a `memory-backend-file`'s file. */
export function openFile(calls: LinuxCalls, request: MapRequest, source: FileSource): Backing {
  const { fd, undo } = openOrMake(calls, source, request.name);
  return guarded(fd, undo, () => {
    const status = fstatSync(fd);
    if (!status.isFile() && !status.isCharacterDevice()) {
      const what = status.isDirectory() ? 'Is a directory' : 'not a regular file';
      throw new UserError(`can't open backing store ${source.path} for guest RAM: ${what}`);
    }
    const pageSize = pageSizeOf(calls, fd);
    checkPlacement(request.size, source, pageSize);
    const size = wholePages(request.size, pageSize);
    if (!status.isFile()) return { fd, pageSize, size, undo };
    const grown = fitFile(calls, fd, status, request.size, size, source);
    // A file that was made is grown as well, but has to go.
    return { fd, pageSize, size, undo: grown && undo === nothing ? () => ftruncateSync(fd, 0) : undo };
  });
}

function checkPlacement(size: number, { align, offset }: FileSource, pageSize: number): void {
  if (align % pageSize !== 0) {
    throw new UserError(`alignment ${hex(align)} must be multiples of page size ${hex(pageSize)}`);
  }
  if (align !== 0 && !Number.isInteger(Math.log2(align))) {
    throw new UserError(`alignment ${hex(align)} must be a power of two`);
  }
  if (offset % pageSize !== 0) {
    throw new UserError(`offset ${hex(offset)} must be multiples of page size ${hex(pageSize)}`);
  }
  if (size < pageSize && pageSize > 65536) {
    throw new UserError(`memory size ${hex(size)} must be equal to or larger than page size ${hex(pageSize)}`);
  }
}

/** Grows an empty file; any other must be long enough, because a touch beyond its end would kill the process. */
function fitFile(
  calls: LinuxCalls,
  fd: number,
  status: Stats,
  wanted: number,
  whole: number,
  source: FileSource,
): boolean {
  const { offset, path, readonly } = source;
  if (status.size === 0 && !readonly) {
    try {
      ftruncateSync(fd, offset + whole);
    } catch (error) {
      refuse(calls, `can't resize backing store ${path} for guest RAM`, error);
    }
    return true;
  }
  if (status.size < offset + wanted) {
    throw new UserError(`backing store size ${hex(status.size)} does not match 'size' option ${hex(wanted)}`);
  }
  return false;
}

/** Makes a memory file of the request's size, and seals it. */
export function openMemfd(calls: LinuxCalls, request: MapRequest, source: MemfdSource): Backing {
  const MFD_CLOEXEC = 1;
  const MFD_ALLOW_SEALING = 2;
  const MFD_HUGETLB = 4;
  const SIZE_SHIFT = 26;
  const { hugetlb, hugetlbSize, seal } = source;
  const sizeFlag = hugetlb && hugetlbSize > 0 ? (Math.log2(hugetlbSize) << SIZE_SHIFT) >>> 0 : 0;
  const flags = (MFD_CLOEXEC | (seal ? MFD_ALLOW_SEALING : 0) | (hugetlb ? MFD_HUGETLB : 0) | sizeFlag) >>> 0;
  let fd: number;
  try {
    fd = calls.memfdCreate('memory-backend-memfd', flags);
  } catch (error) {
    return refuse(calls, `failed to create memfd with flags ${hex(flags)}`, error);
  }
  return guarded(fd, nothing, () => {
    const pageSize = pageSizeOf(calls, fd);
    // The kernel refuses what is no whole number of huge pages.
    const size = hugetlb ? request.size : wholePages(request.size, pageSize);
    resize(calls, fd, size, 'memfd');
    if (seal) addSeals(calls, fd);
    return { fd, pageSize, size, undo: nothing };
  });
}

function addSeals(calls: LinuxCalls, fd: number): void {
  const F_SEAL_SEAL_SHRINK_GROW = 7;
  try {
    calls.addSeals(fd, F_SEAL_SEAL_SHRINK_GROW);
  } catch (error) {
    refuse(calls, `failed to add seals ${hex(F_SEAL_SEAL_SHRINK_GROW)}`, error);
  }
}

/** Makes POSIX shared memory of the request's size. */
export function openShm(calls: LinuxCalls, request: MapRequest): Backing {
  let fd: number;
  try {
    fd = calls.shmOpenUnnamed(`/boardwalk-${crypto.randomUUID()}`);
  } catch (error) {
    return refuse(calls, 'failed to create POSIX shared memory', error);
  }
  return guarded(fd, nothing, () => {
    const { pageSize } = calls;
    const size = wholePages(request.size, pageSize);
    resize(calls, fd, size, 'POSIX shared memory');
    return { fd, pageSize, size, undo: nothing };
  });
}

function resize(calls: LinuxCalls, fd: number, size: number, what: string): void {
  try {
    ftruncateSync(fd, size);
  } catch (error) {
    refuse(calls, `failed to resize ${what} to ${size}`, error);
  }
}
