// Files that a monitor writes: guest memory, for one.

import { open, rename, rm } from 'node:fs/promises';
import { UserError } from '@boardwalk/core';
import type { OutputFile, ReplacementFile } from '@boardwalk/monitor';

/** The system's words for the errors that users meet, as strerror(3) has them. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  ENOSPC: 'No space left on device',
  EROFS: 'Read-only file system',
};

/** The system's words for why it refuses. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ''] ?? message;
}

/** Makes a file, or empties the one of that name. @throws UserError as QEMU says it */
export async function createOutputFile(name: string): Promise<OutputFile> {
  const file = await open(name, 'w').catch((error: unknown) => {
    throw new UserError(`Could not open '${name}': ${reasonOf(error)}`);
  });
  return {
    async write(bytes) {
      try {
        await file.writeFile(bytes);
      } catch (error) {
        throw new UserError(`Could not write to '${name}': ${reasonOf(error)}`);
      }
    },
    close: () => file.close(),
  };
}

/** Files that the process has open: they have no name to take. */
const OPEN_FILES = '/proc/self/fd/';

async function openFile(name: string): Promise<ReplacementFile> {
  const file = await createOutputFile(name);
  return { ...file, discard: () => file.close() };
}

/** A file that takes its name when it is whole; until then it lies beside it. @throws UserError as {@link createOutputFile} */
export async function replaceOutputFile(name: string): Promise<ReplacementFile> {
  if (name.startsWith(OPEN_FILES)) return openFile(name);
  const beside = `${name}.${process.pid}.part`;
  const file = await createOutputFile(beside);
  return {
    write: file.write,
    async close() {
      await file.close();
      await rename(beside, name).catch((error: unknown) => {
        throw new UserError(`Could not write to '${name}': ${reasonOf(error)}`);
      });
    },
    async discard() {
      await file.close();
      await rm(beside, { force: true });
    },
  };
}
