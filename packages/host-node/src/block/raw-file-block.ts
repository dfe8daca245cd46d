// A disk image as it is: byte n of the disk is byte n of the file.

import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type BlockBackend, checkBlockRange, UserError } from '@boardwalk/core';
import { regularFile } from '../file/input-file.ts';
import { type FileLock, lockFile } from '../file/lock.ts';
import { hostError } from '../file/system-error.ts';
import { LateWriter, type WritableFile } from './late-writer.ts';
import { WriteOverlay } from './write-overlay.ts';

/** How a {@link RawFileBlock} is opened. */
export interface RawFileOptions {
  /** The guest cannot write, and several may read the file. */
  readonly readonly?: boolean;
  /** What the guest writes is kept in memory and is gone at the end; the file is only read. */
  readonly snapshot?: boolean;
  /**
   * Open to be written only while a device has it that writes: others may read and write the file until then. Gives the path, each
   * time that it is opened. @throws UserError if there is none
   */
  readonly writeLate?: () => string;
  /** What the user calls the file, where the path is another. */
  readonly filename?: string;
  /** The size must be a multiple of this, in bytes: 512 for a disk, 1 for a flash chip. */
  readonly sectorBytes?: number;
}

/** A file as storage, locked while it is open. */
export class RawFileBlock implements BlockBackend {
  readonly filename: string;
  readonly readonly: boolean;
  /** Wherever the program's folder is by then. */
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #lock: FileLock;
  readonly #writer: LateWriter | undefined;
  readonly #overlay: WriteOverlay | undefined;
  #size: number;
  #closed = false;

  private constructor(path: string, size: number, options: RawFileOptions, file: FileHandle, lock: FileLock) {
    this.filename = options.filename ?? path;
    this.#path = resolve(path);
    this.#size = size;
    this.readonly = options.readonly ?? false;
    this.#file = file;
    this.#lock = lock;
    const late = options.writeLate;
    this.#writer = late === undefined || this.readonly ? undefined : new LateWriter(this.filename, late, lock);
    this.#overlay = options.snapshot ? new WriteOverlay(size, (offset, dst) => this.#readFile(offset, dst)) : undefined;
  }

  /**
   * Opens an image.
   * @throws UserError, `FILE: why`, if it is missing, not permitted, no regular file, empty, of a size that no disk has, or
   * used by another drive or process
   */
  static async open(path: string, options: RawFileOptions = {}): Promise<RawFileBlock> {
    const writes = !options.readonly && !options.snapshot && options.writeLate === undefined;
    const name = options.filename ?? path;
    const file = await open(path, writes ? 'r+' : 'r').catch((error: unknown) => {
      throw hostError(name, error);
    });
    try {
      const { size, identity } = regularFile(name, file.fd);
      const sector = options.sectorBytes ?? 512;
      if (size === 0) throw new UserError(`${name}: the file is empty`);
      if (size % sector !== 0) {
        throw new UserError(`${name}: its size, ${size} bytes, is not a multiple of ${sector}: truncated?`);
      }
      const lock = await lockFile(name, file.fd, identity, writes ? 'exclusive' : 'shared');
      return new RawFileBlock(path, size, options, file, lock);
    } catch (error) {
      await file.close();
      throw hostError(name, error);
    }
  }

  get size(): number {
    return this.#size;
  }

  async resize(bytes: number): Promise<void> {
    if (this.readonly) throw new UserError('Image is read-only');
    if (this.#overlay) throw new UserError(`${this.filename}: what is kept apart from its file has the size of that`);
    try {
      await this.#writing((file) => file.truncate(bytes));
    } catch (error) {
      throw hostError(this.filename, error);
    }
    this.#size = bytes;
  }

  async read(offset: number, dst: Uint8Array): Promise<void> {
    checkBlockRange(this.size, offset, dst.length);
    await (this.#overlay ? this.#overlay.read(offset, dst) : this.#readFile(offset, dst));
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    checkBlockRange(this.size, offset, src.length);
    if (this.readonly) throw new Error(`${this.filename} is read-only`);
    if (this.#overlay) return this.#overlay.write(offset, src);
    await this.#writing((file) => writeAll(file, offset, src));
  }

  /** Of a snapshot: what was kept in memory goes to the file. @throws UserError where the file cannot be written, or others use it */
  async commit(): Promise<void> {
    const overlay = this.#overlay;
    if (!overlay || this.readonly) return;
    await this.#lock.checkAlone();
    try {
      const file = await open(this.#path, 'r+');
      try {
        await overlay.commit((offset, src) => writeAll(file, offset, src));
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw hostError(this.filename, error);
    }
  }

  async flush(): Promise<void> {
    if (this.readonly || this.#overlay) return;
    if (this.#writer === undefined) await this.#file.datasync();
    else await this.#writer.flush();
  }

  setWriter(there: boolean): void {
    this.#writer?.setWanted(there);
  }

  #writing(work: (file: WritableFile) => Promise<void>): Promise<void> {
    return this.#writer === undefined ? work(this.#file) : this.#writer.write(work);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush();
    } finally {
      await this.#writer?.close();
      await this.#file.close();
      this.#lock.release();
    }
  }

  async #readFile(offset: number, dst: Uint8Array): Promise<void> {
    for (let done = 0; done < dst.length; ) {
      const { bytesRead } = await this.#file.read(dst, done, dst.length - done, offset + done);
      if (bytesRead === 0) throw new Error(`${this.filename} has become shorter than it was`);
      done += bytesRead;
    }
  }
}

async function writeAll(file: WritableFile, offset: number, src: Uint8Array): Promise<void> {
  for (let done = 0; done < src.length; ) {
    done += (await file.write(src, done, src.length - done, offset + done)).bytesWritten;
  }
}
