// -pidfile: the process's number, for scripts that start and stop emulators.

import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '@boardwalk/core';
import { checkWritable, hostError } from '@boardwalk/host-node';

/** A file with the process's number, there while the machine is. */
export class PidFile {
  readonly #path: string;
  #written = false;

  /** @throws UserError if it cannot be written, or belongs to a process that runs */
  constructor(path: string) {
    // A background process leaves its folder.
    this.#path = resolve(path);
    checkWritable(path);
    const owner = statSync(path, { throwIfNoEntry: false }) ? Number(readFileSync(path, 'utf8')) : 0;
    if (Number.isInteger(owner) && owner > 0 && owner !== process.pid && isAlive(owner)) {
      throw new UserError(`${path}: it belongs to process ${owner}, which runs`);
    }
  }

  /** @throws UserError if the host refuses */
  write(): void {
    try {
      writeFileSync(this.#path, `${process.pid}\n`);
      this.#written = true;
    } catch (error) {
      throw hostError(this.#path, error);
    }
  }

  remove(): void {
    if (this.#written) rmSync(this.#path, { force: true });
    this.#written = false;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
