// -incoming: a machine goes on from a snapshot, in a file or coming through a command, a socket or an open file.

import { createReadStream, statSync } from 'node:fs';
import { loadSnapshot, type Machine, UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { parseMigrationUri } from './migration-uri.ts';

/** From where a machine goes on: a file that is there, something that is to come, or what a monitor will say. */
export type Incoming =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stream'; readonly uri: string }
  | { readonly kind: 'defer' };

/** @throws UserError where there is no such file, or the machine is not made at once */
export function readIncoming(line: CommandLine): Incoming | undefined {
  const uri = line.last('incoming');
  if (uri === undefined) return undefined;
  return forOption('incoming', () => {
    if (line.has('preconfig')) throw new UserError('not with --preconfig');
    if (uri === 'defer') return { kind: 'defer' };
    const place = parseMigrationUri(uri);
    if (place.kind !== 'file') return { kind: 'stream', uri };
    const found = statSync(place.path, { throwIfNoEntry: false });
    if (found === undefined) throw new UserError(`${place.path}: no such file or directory`);
    if (!found.isFile()) throw new UserError(`${place.path}: it is no file`);
    return { kind: 'file', path: place.path };
  });
}

/** @throws UserError where the file is damaged, or is another machine's */
export async function takeIncoming(machine: Machine, path: string, name = path): Promise<void> {
  try {
    await loadSnapshot(machine, () => createReadStream(path));
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`-incoming: ${name}: ${error.message}`);
    if (error instanceof Error && 'code' in error) throw new UserError(`-incoming: ${name}: ${error.message}`);
    throw error;
  }
}
