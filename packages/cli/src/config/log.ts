// -d and -D: what is logged, and where it goes.

import { closeSync, openSync, writeSync } from 'node:fs';
import { GuestLog, logCategories, UserError } from '@boardwalk/core';
import { checkWritable, GatheredOutput, hostError } from '@boardwalk/host-node';
import { reasonOf } from './output-file.ts';

/** The text of `-d help`. */
export function logHelp(): string {
  const lines = Object.entries(logCategories).map(([name, description]) => `${name.padEnd(15)} ${description}`);
  return `Log items (comma separated):\n${lines.join('\n')}\nall             all of them\n`;
}

const STDERR = 2;
/** Logging each instruction makes a lot of lines: they are written in pieces of this size. */
const BUFFER_CHARACTERS = 64 * 1024;

/** How long a line may wait for more before it is in the file. */
const PATIENCE_MS = 100;

/** A guest log that goes to a file or to standard error. */
export class LogOutput {
  readonly log: GuestLog;
  #path: string | undefined;
  #fd = STDERR;
  #buffer = '';
  #flushing: NodeJS.Timeout | undefined;

  /** @throws UserError for an unknown category, or a file that cannot be written */
  constructor(categories: readonly string[], path: string | undefined) {
    this.#path = path;
    if (path !== undefined) checkWritable(path);
    const lineEnd = path === undefined && process.stderr.isTTY ? '\r\n' : '\n';
    this.log = new GuestLog(GuestLog.parseCategories(categories.join(',')), (_, text) => {
      this.#buffer += text + lineEnd;
      // A terminal shows a line when it comes.
      if (this.#buffer.length > BUFFER_CHARACTERS || this.#fd === STDERR) this.flush();
      else this.#flushing ??= setTimeout(() => this.flush(), PATIENCE_MS).unref();
    });
  }

  /** Makes the file. @throws UserError if the host refuses */
  open(): void {
    if (this.#path === undefined) return;
    try {
      this.#fd = openSync(this.#path, 'w');
    } catch (error) {
      throw hostError(this.#path, error);
    }
  }

  /** Goes on in another file. @throws UserError if the host refuses; then it stays where it was */
  moveTo(path: string): void {
    let fd: number;
    try {
      fd = openSync(path, 'w');
    } catch (error) {
      throw new UserError(`Error opening logfile ${path}: ${reasonOf(error)}`);
    }
    this.close();
    this.#path = path;
    this.#fd = fd;
  }

  flush(): void {
    const text = this.#buffer;
    this.#buffer = '';
    clearTimeout(this.#flushing);
    this.#flushing = undefined;
    if (text === '') return;
    GatheredOutput.flush();
    try {
      writeSync(this.#fd, text);
    } catch (error) {
      if (error instanceof UserError) throw error;
      // Nobody reads, or the disk is full: the log is lost, the guest goes on.
    }
  }

  close(): void {
    this.flush();
    if (this.#fd !== STDERR) closeSync(this.#fd);
    this.#fd = STDERR;
  }
}
