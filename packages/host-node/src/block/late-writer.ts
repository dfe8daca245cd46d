// A file that is open to be written only while somebody wants to write it.

import { closeSync, fdatasync, ftruncate, openSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { UserError } from '@boardwalk/core';
import type { FileLock } from '../file/lock.ts';
import { capitalized, systemErrorText } from '../file/system-error.ts';

/** What is done with an open file, as Node's `FileHandle` has it. */
export interface WritableFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
  truncate(bytes: number): Promise<void>;
  datasync(): Promise<void>;
}

const calls = { write: promisify(write), truncate: promisify(ftruncate), datasync: promisify(fdatasync) };

/** An open file, and its hold on what it is of. */
interface OpenFile {
  readonly file: WritableFile;
  close(): void;
}

/** Opens the file when it is wanted, with the lock of one that writes, and closes it when it is wanted no longer. */
export class LateWriter {
  readonly #name: string;
  readonly #path: () => string;
  readonly #lock: FileLock;
  #open: OpenFile | undefined;
  #wanted = false;
  readonly #running = new Set<Promise<void>>();

  /**
   * @param name what the user calls the file
   * @param path where it is, asked for anew whenever it is opened
   * @param lock a shared one, of another open file
   */
  constructor(name: string, path: () => string, lock: FileLock) {
    this.#name = name;
    this.#path = path;
    this.#lock = lock;
  }

  /** @throws UserError where the host does not let it be written, or others use it */
  setWanted(wanted: boolean): void {
    if (wanted) this.#open ??= this.#openFile();
    this.#wanted = wanted;
    // It is closed when that is done, unless it is wanted again by then. A host that cannot write has told those who wrote.
    if (!wanted) this.flush().catch(() => {});
  }

  /** Does something with the file, which is open meanwhile. */
  async write(work: (file: WritableFile) => Promise<void>): Promise<void> {
    this.#open ??= this.#openFile();
    const running = work(this.#open.file);
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
      this.#closeUnwanted();
    }
  }

  /** What was written is safe when this is done. */
  async flush(): Promise<void> {
    if (this.#open !== undefined) await this.write((file) => file.datasync());
  }

  async close(): Promise<void> {
    this.setWanted(false);
    await Promise.allSettled(this.#running);
  }

  #closeUnwanted(): void {
    if (this.#wanted || this.#running.size > 0) return;
    this.#open?.close();
    this.#open = undefined;
  }

  #openFile(): OpenFile {
    let fd: number;
    try {
      fd = openSync(this.#path(), 'r+');
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`Could not open '${this.#name}': ${capitalized(systemErrorText(error))}`);
    }
    try {
      const release = this.#lock.takeAlone(fd);
      const close = (): void => {
        closeSync(fd);
        release();
      };
      return { file: fileOf(fd), close };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }
}

function fileOf(fd: number): WritableFile {
  return {
    write: (bytes, offset, length, position) => calls.write(fd, bytes, offset, length, position),
    truncate: (bytes) => calls.truncate(fd, bytes),
    datasync: () => calls.datasync(fd),
  };
}
