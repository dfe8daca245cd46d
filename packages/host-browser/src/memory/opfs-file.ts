// A file of the origin private file system, open for reading and writing at once. File System Standard, section 2.6
// (FileSystemSyncAccessHandle): it is there in dedicated workers alone, and locks the file against everybody else.

import { UserError } from '@boardwalk/core';

/** A file with synchronous access: what the standard calls a FileSystemSyncAccessHandle. Positions and sizes are bytes. */
export interface SyncFile {
  getSize(): number;
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(from: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

/** A file that is open, under the path that it was asked for by. */
export interface OpfsFile {
  readonly path: string;
  readonly file: SyncFile;
  /** It was not there before. */
  readonly made: boolean;
  /** Removes it; it must be closed. */
  remove(): Promise<void>;
}

interface SyncAccess {
  createSyncAccessHandle?(): Promise<SyncFile>;
}

const failed = (path: string, why: string): UserError =>
  new UserError(`can't open backing store ${path} for guest RAM: ${why}`);

function reason(error: unknown): string {
  if (!(error instanceof DOMException)) return error instanceof Error ? error.message : String(error);
  switch (error.name) {
    case 'NoModificationAllowedError':
      return 'it is open elsewhere, and memory cannot be shared live in a browser';
    case 'TypeMismatchError':
      return 'Is a directory';
    case 'NotFoundError':
      return 'No such file or directory';
    case 'QuotaExceededError':
      return 'No space left on device';
    default:
      return `${error.name}: ${error.message}`;
  }
}

/** The folders of a path, and its last name. Both `guest/ram` and `/guest/ram` begin at the root. */
function split(path: string): { folders: string[]; name: string } {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined || parts.includes('..') || name === '..') throw failed(path, 'it names no file');
  return { folders: parts, name };
}

async function exists(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.getFileHandle(name);
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return false;
    throw error;
  }
}

/**
 * Opens a file, and makes it if it is not there; its folder must be.
 * @throws UserError if that cannot be done here
 */
export async function openOpfsFile(root: FileSystemDirectoryHandle, path: string): Promise<OpfsFile> {
  const { folders, name } = split(path);
  try {
    let folder = root;
    for (const part of folders) folder = await folder.getDirectoryHandle(part);
    const made = !(await exists(folder, name));
    const handle: FileSystemFileHandle & SyncAccess = await folder.getFileHandle(name, { create: true });
    const remove = (): Promise<void> => folder.removeEntry(name);
    if (handle.createSyncAccessHandle === undefined) {
      if (made) await remove();
      throw failed(path, 'files can be read and written at once in a dedicated worker only');
    }
    return { path, file: await handle.createSyncAccessHandle(), made, remove };
  } catch (error) {
    throw error instanceof UserError ? error : failed(path, reason(error));
  }
}
