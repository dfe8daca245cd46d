// What a migration is written to: a file, a command, a socket, an open file.

import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { UserError } from '@boardwalk/core';
import { capitalized, systemErrorText } from '@boardwalk/host-node';
import type { OutgoingTarget, ReplacementFile } from '@boardwalk/monitor';
import { parseMigrationUri } from './migration-uri.ts';
import { replaceOutputFile } from './output-file.ts';

/** Opens the place that a URI names. @throws UserError */
export async function openOutgoing(uri: string): Promise<OutgoingTarget> {
  const target = parseMigrationUri(uri, "Parameter 'uri' expects a valid migration protocol");
  switch (target.kind) {
    case 'file':
      return there(await replaceOutputFile(target.path));
    case 'exec':
      return there(throughCommand(target.command));
    case 'fd':
      return there(onStream(createWriteStream('', { fd: target.fd, autoClose: true }), uri));
    case 'unix':
      return { opened: connected(createConnection({ path: target.path }), target.path) };
    case 'tcp': {
      const { host, port } = target;
      return { opened: connected(createConnection({ host: host || 'localhost', port }), `${host}:${port}`) };
    }
  }
}

/** A target that nobody has to answer at. */
export function there(file: ReplacementFile): OutgoingTarget {
  return { opened: Promise.resolve(file) };
}

function connected(socket: Socket, address: string): Promise<ReplacementFile> {
  return new Promise((resolve, reject) => {
    socket.once('connect', () => resolve(onStream(socket, address)));
    socket.once('error', (error) => {
      reject(new UserError(`Failed to connect to '${address}': ${capitalized(systemErrorText(error))}`));
    });
  });
}

function throughCommand(command: string): ReplacementFile {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new UserError(`Unable to run the command: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new UserError(`the command ended with ${signal ?? `status ${code}`}`));
    });
  });
  ended.catch(() => {});
  const stream = onStream(child.stdin, 'command');
  return {
    write: stream.write,
    async close() {
      await stream.close();
      await ended;
    },
    async discard() {
      child.kill();
      await stream.discard();
    },
  };
}

function onStream(stream: Writable, name: string): ReplacementFile {
  let failed: Error | undefined;
  stream.on('error', (error) => {
    failed ??= error;
  });
  const check = (error: Error | null | undefined): void => {
    if (error ?? failed) throw new UserError(`Unable to write to ${name}: ${(error ?? failed)?.message}`);
  };
  return {
    async write(bytes) {
      check(undefined);
      check(await new Promise<Error | null | undefined>((resolve) => stream.write(bytes, resolve)));
    },
    async close() {
      check(undefined);
      await new Promise<void>((resolve) => {
        stream.once('error', () => resolve());
        stream.end(resolve);
      });
      check(undefined);
    },
    async discard() {
      stream.destroy();
    },
  };
}
