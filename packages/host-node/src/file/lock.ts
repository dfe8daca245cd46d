// Keeps two users from writing one file. Inside this process by the file's identity, whatever its names are. Between processes,
// on Linux with koffi, by open-file-description locks (fcntl(2), F_OFD_SETLK) on the bytes that QEMU uses for its image files,
// so that an image which QEMU has open is refused here, and the other way round.

import { UserError } from '@boardwalk/core';
import { type NativeFunction, nativeLibrary } from './native.ts';

export type LockMode = 'shared' | 'exclusive';

/** Users of the files that are open in this process: how many share one, or -1 for one that has it alone. */
const users = new Map<string, number>();

/** A lock that is held until it is released. What other processes see ends when the file is closed. */
export interface FileLock {
  release(): void;
  /** For one that shares a file, and wants to write it once. @throws UserError if others share it too */
  checkAlone(): Promise<void>;
  /**
   * For one that shares a file: has it alone, through another open file of it.
   * @returns gives that up again, after the other file has been closed
   * @throws UserError if others share it too
   */
  takeAlone(fd: number): () => void;
}

/**
 * Locks an open file.
 * @param identity device and inode, as one key
 * @throws UserError if another drive or another process uses the file in a way that excludes this one
 */
export async function lockFile(path: string, fd: number, identity: string, mode: LockMode): Promise<FileLock> {
  const count = users.get(identity) ?? 0;
  if (count < 0 || (mode === 'exclusive' && count > 0)) {
    throw new UserError(`${path}: the file is used by another drive already`);
  }
  users.set(identity, mode === 'exclusive' ? -1 : count + 1);
  const release = (): void => {
    const left = (users.get(identity) ?? 0) - 1;
    if (mode === 'exclusive' || left <= 0) users.delete(identity);
    else users.set(identity, left);
  };
  const fcntl = await recordLocks();
  try {
    if (fcntl) lockBetweenProcesses(fcntl, path, fd, mode);
  } catch (error) {
    release();
    throw error;
  }
  const checkAlone = async (): Promise<void> => {
    if ((users.get(identity) ?? 0) > 1) throw new UserError(`${path}: the file is used by another drive already`);
    if (fcntl && isHeldByAnother(fcntl, fd, DENIES + WRITE)) throw usedByAnother(path);
  };
  const takeAlone = (other: number): (() => void) => {
    if ((users.get(identity) ?? 0) > 1) throw new UserError(`${path}: the file is used by another drive already`);
    if (fcntl) handOver(fcntl, path, fd, other);
    users.set(identity, -1);
    return () => {
      users.set(identity, 1);
      if (fcntl) lockBetweenProcesses(fcntl, path, fd, 'shared');
    };
  };
  return { release, checkAlone, takeAlone };
}

const usedByAnother = (path: string): UserError => new UserError(`${path}: the file is used by another process`);

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
/** A byte that is read-locked from here on says "I do this", one from the second base "nobody else may do this". */
const USES = 100;
const DENIES = 200;
/** What may be done with an image. */
const READ = 0;
const WRITE = 1;
const RESIZE = 3;

async function recordLocks(): Promise<NativeFunction | undefined> {
  if (process.platform !== 'linux') return undefined;
  return (await nativeLibrary())?.func('int fcntl(int fd, int command, void *lock)');
}

/** What one open file of this process shares becomes another's alone. */
function handOver(fcntl: NativeFunction, path: string, from: number, to: number): void {
  for (const what of [READ, WRITE, RESIZE]) {
    for (const base of [USES, DENIES]) fcntl(from, F_OFD_SETLK, lockRecord(F_UNLCK, base + what));
  }
  try {
    lockBetweenProcesses(fcntl, path, to, 'exclusive');
  } catch (error) {
    lockBetweenProcesses(fcntl, path, from, 'shared');
    throw error;
  }
}

function lockBetweenProcesses(fcntl: NativeFunction, path: string, fd: number, mode: LockMode): void {
  const uses = mode === 'exclusive' ? [READ, WRITE] : [READ];
  const denies = [WRITE, RESIZE];
  for (const byte of [...uses.map((what) => USES + what), ...denies.map((what) => DENIES + what)]) {
    // A file system without locks refuses: then there is no protection to be had.
    if (fcntl(fd, F_OFD_SETLK, lockRecord(F_RDLCK, byte)) !== 0) return;
  }
  for (const byte of [...uses.map((what) => DENIES + what), ...denies.map((what) => USES + what)]) {
    if (isHeldByAnother(fcntl, fd, byte)) throw usedByAnother(path);
  }
}

/** `struct flock` of 64-bit Linux: type, whence (0: from the start), start, length 1, pid. */
function lockRecord(type: number, byte: number): Buffer {
  const record = Buffer.alloc(32);
  record.writeInt16LE(type, 0);
  record.writeBigInt64LE(BigInt(byte), 8);
  record.writeBigInt64LE(1n, 16);
  return record;
}

function isHeldByAnother(fcntl: NativeFunction, fd: number, byte: number): boolean {
  const record = lockRecord(F_WRLCK, byte);
  return fcntl(fd, F_OFD_GETLK, record) === 0 && record.readInt16LE(0) !== F_UNLCK;
}
