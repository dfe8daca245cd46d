// -incoming: a machine goes on from a snapshot file.

import { createReadStream, statSync } from 'node:fs';
import { loadSnapshot, type Machine, UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';

/** The snapshot's path. @throws UserError where there is no such file, or the machine is not made at once */
export function readIncoming(line: CommandLine): string | undefined {
  const uri = line.last('incoming');
  if (uri === undefined) return undefined;
  return forOption('incoming', () => {
    const path = /^file:(.+)$/s.exec(uri)?.[1];
    if (path === undefined) throw new UserError(`unknown migration protocol: ${uri}; file:PATH is there`);
    if (line.has('preconfig')) throw new UserError('not with --preconfig');
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw new UserError(`${path}: no such file or directory`);
    if (!found.isFile()) throw new UserError(`${path}: it is no file`);
    return path;
  });
}

/** @throws UserError where the file is damaged, or is another machine's */
export async function takeIncoming(machine: Machine, path: string): Promise<void> {
  try {
    await loadSnapshot(machine, () => createReadStream(path));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`-incoming: ${path}: ${error.message}`);
    if (error instanceof Error && 'code' in error) throw new UserError(`-incoming: ${path}: ${error.message}`);
    throw error;
  }
}
