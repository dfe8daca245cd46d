// A file that takes what the guest sends, and another that has what it receives.

import { accessSync, closeSync, constants, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '@boardwalk/core';
import { readInputFile } from '../file/input-file.ts';
import { hostError } from '../file/system-error.ts';
import { HostChar } from './host-char.ts';

/** How a {@link FileChar} uses its file. */
export interface FileCharOptions {
  /** Adds to the file; otherwise it starts empty. */
  readonly append?: boolean;
  /** File whose contents the guest receives. */
  readonly inputPath?: string;
}

/** Output to a file. */
export class FileChar extends HostChar {
  readonly #path: string;
  readonly #append: boolean;
  readonly #input: Uint8Array | undefined;
  #fd: number | undefined;

  /** @throws UserError if the file cannot be written; it is not made or emptied before {@link begin} */
  constructor(path: string, options: FileCharOptions = {}) {
    super();
    this.#path = path;
    this.#append = options.append ?? false;
    this.#input = options.inputPath === undefined ? undefined : readInputFile(options.inputPath);
    checkWritable(path);
  }

  override get filename(): string {
    return 'file';
  }

  override begin(): Promise<void> {
    try {
      this.#fd = openSync(this.#path, this.#append ? 'a' : 'w');
    } catch (error) {
      return Promise.reject(hostError(this.#path, error));
    }
    if (this.#input) this.deliver(this.#input);
    return Promise.resolve();
  }

  protected override send(data: Uint8Array): void {
    if (this.#fd === undefined) return;
    try {
      for (let done = 0; done < data.length; ) done += writeSync(this.#fd, data, done);
    } catch {
      // A full disk loses the output, as an unplugged printer would; the guest goes on.
    }
  }

  protected override release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Whether a file could be opened for writing, without touching it. @throws UserError if not */
export function checkWritable(path: string): void {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status?.isDirectory()) throw new UserError(`${path}: it is a directory`);
    accessSync(status ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw hostError(path, error);
  }
}
