// -bios and -L: the firmware that a board starts with, and where it is found.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ArchitecturePackage, type BoardDefinition, UserError } from '@boardwalk/core';
import { readInputFile } from '@boardwalk/host-node';

/** Where QEMU's firmware lies on common systems. */
const DATA_FOLDERS = ['/usr/share/qemu', '/usr/local/share/qemu', '/opt/homebrew/share/qemu'];

/** The folders to be searched, the user's first. */
export function firmwareFolders(userFolders: readonly string[]): string[] {
  return [...userFolders, ...DATA_FOLDERS.filter((folder) => existsSync(folder))];
}

/** A file that was read, with its name for messages. */
export interface Firmware {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The firmware that the user named: a path, or a file name to be found in the folders.
 * @throws UserError if it cannot be read
 */
export function namedFirmware(name: string, userFolders: readonly string[]): Firmware {
  const path = existsSync(name) ? name : (find(firmwareFolders(userFolders), [name]) ?? name);
  return { path, bytes: readInputFile(path) };
}

/**
 * The firmware that a board usually starts with; undefined for a board that has none.
 * @throws UserError if it is found nowhere
 */
export function usualFirmware(
  architecture: ArchitecturePackage,
  board: BoardDefinition,
  userFolders: readonly string[],
): Firmware | undefined {
  const source = architecture.firmware?.[board.arch]?.find(({ boards }) => boards.includes(board.name));
  if (!source) return undefined;
  const path = find([...firmwareFolders(userFolders), ...source.folders], source.files);
  if (path === undefined) {
    throw new UserError(
      `-bios: the firmware of ${board.name} (${source.files.join(' or ')}) is not found; name a file, a folder with -L, or none`,
    );
  }
  return { path, bytes: readInputFile(path) };
}

function find(folders: readonly string[], files: readonly string[]): string | undefined {
  for (const folder of folders) {
    for (const file of files) {
      const path = join(folder, file);
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
    }
  }
  return undefined;
}
