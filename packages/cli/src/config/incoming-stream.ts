// -incoming from what is no file: a command, a socket, an open file. Loaded when it is needed.

import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Machine, UserError } from '@boardwalk/core';
import { takeIncoming } from './incoming.ts';
import { parseMigrationUri } from './migration-uri.ts';

/**
 * Waits for all of a snapshot, and puts it into the machine. It is read twice, so that it lies in a file meanwhile.
 * @throws UserError where it does not come, is damaged, or is another machine's
 */
export async function takeIncomingStream(machine: Machine, uri: string): Promise<void> {
  const place = parseMigrationUri(uri);
  if (place.kind === 'file') return takeIncoming(machine, place.path);
  const folder = mkdtempSync(join(tmpdir(), 'boardwalk-incoming-'));
  const path = join(folder, 'snapshot');
  try {
    await pipeline(await openIncoming(uri), createWriteStream(path, { mode: 0o600 })).catch((error: unknown) => {
      throw new UserError(`-incoming: ${uri}: ${error instanceof Error ? error.message : String(error)}`);
    });
    await takeIncoming(machine, path, uri);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openIncoming(uri: string): Promise<Readable> {
  const place = parseMigrationUri(uri);
  switch (place.kind) {
    case 'exec':
      return spawn('/bin/sh', ['-c', place.command], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
    case 'fd':
      return createReadStream('', { fd: place.fd });
    case 'unix':
      return oneClient({ path: place.path });
    case 'tcp':
      // Of this machine alone, unless a host is named.
      return oneClient({ host: place.host || 'localhost', port: place.port });
    case 'file':
      return createReadStream(place.path);
  }
}

/** The first that connects. */
function oneClient(address: { readonly path: string } | { readonly host: string; readonly port: number }) {
  return new Promise<Readable>((resolve, reject) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    });
    server.once('error', reject);
    // A socket in the file system is for its owner alone.
    const before = process.umask(0o077);
    try {
      server.listen(address);
    } finally {
      process.umask(before);
    }
  });
}
