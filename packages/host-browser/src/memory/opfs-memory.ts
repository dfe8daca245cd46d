// Memory backends in a browser. A page maps nothing: guest RAM is the RAM space itself. What a file backend can be is the contents of a
// file of the origin private file system (OPFS), loaded when the memory is made and written back when it is flushed or given back.

import {
  type FileSource,
  type HostMapping,
  type HostMemory,
  type MapRequest,
  type NoHostMemory,
  UserError,
} from '@boardwalk/core';
import { type OpfsFile, openOpfsFile } from './opfs-file.ts';
import { FileContents, type OpenBacking, PlainMapping, REASON } from './opfs-mapping.ts';

/** Pages of the RAM space: what offsets and alignments are multiples of. */
const PAGE = 4096;

const hex = (n: number): string => `0x${n.toString(16)}`;

/** What `openOpfsMemory` takes. */
export interface OpfsMemoryOptions {
  /** Where paths begin. Default: the origin's own folder, `navigator.storage.getDirectory()`. */
  readonly root?: FileSystemDirectoryHandle;
  /** Files to open at once, as {@link OpfsMemory.open} does. */
  readonly files?: readonly string[];
}

/**
 * The memory that this browser has, or why there is only plain memory. In a dedicated worker, on a page that is a secure context.
 * @throws UserError for a file that cannot be opened
 */
export async function openOpfsMemory(options: OpfsMemoryOptions = {}): Promise<OpfsMemory | NoHostMemory> {
  let { root } = options;
  if (root === undefined) {
    const storage: StorageManager | undefined = globalThis.navigator?.storage;
    if (storage?.getDirectory === undefined) {
      return { unavailable: 'this browser has no origin private file system, or the page is no secure context' };
    }
    root = await storage.getDirectory();
  }
  const memory = new OpfsMemory(root);
  try {
    for (const path of options.files ?? []) await memory.open(path);
  } catch (error) {
    await memory.close();
    throw error;
  }
  return memory;
}

/**
 * Memory backends whose files are in OPFS. Files are opened before a backend names them, because opening takes time in a browser and
 * making a backend does not. An open file is locked: nobody else can open it until {@link close}.
 */
export class OpfsMemory implements HostMemory {
  readonly contentsOnly = REASON;
  readonly #root: FileSystemDirectoryHandle;
  readonly #files = new Map<string, OpfsFile>();
  /** The backends that use a file now. */
  readonly #inUse = new Map<string, Set<FileContents>>();
  /** Files that a backend grew from nothing and kept. */
  readonly #kept = new Set<string>();

  /** @param root the folder in which paths begin */
  constructor(root: FileSystemDirectoryHandle) {
    this.#root = root;
  }

  /** Opens a file for backends with this `mem-path`, and makes it if it is not there. @throws UserError with the browser's reason */
  async open(path: string): Promise<void> {
    if (this.#files.has(path)) return;
    this.#files.set(path, await openOpfsFile(this.#root, path));
  }

  /** Writes the memory of backends with `share=on` to their files. @throws UserError if a file cannot be written */
  flush(): void {
    for (const users of this.#inUse.values()) for (const contents of users) contents.writeBack();
  }

  /** Closes the files, and removes those that were made for a backend that never came to be. No backend may use one any more. */
  async close(): Promise<void> {
    const busy = [...this.#inUse].find(([, users]) => users.size > 0);
    if (busy !== undefined) throw new Error(`${busy[0]} is in use by a memory backend`);
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const { file } of files) file.close();
    for (const { made, path, remove } of files) if (made && !this.#kept.has(path)) await remove();
  }

  addressOf(): number {
    return 0;
  }

  map(request: MapRequest): HostMapping {
    const { source } = request;
    switch (source.kind) {
      case 'anonymous':
        if (source.share)
          throw new UserError(`property 'share' of memory-backend-ram doesn't take value 'on': ${REASON}`);
        return new PlainMapping(request.size);
      case 'file':
        return this.#mapFile(request, source);
      case 'memfd':
      case 'shm':
        throw new UserError(`memory-backend-${source.kind} cannot be had: ${REASON}`);
    }
  }

  #mapFile({ size }: MapRequest, source: FileSource): HostMapping {
    const { path, share, offset, align, readonly, pmem } = source;
    if (pmem) throw new UserError(`${path} cannot be mapped as persistent memory: ${REASON}`);
    checkPlacement(source);
    const opened = this.#files.get(path);
    if (opened === undefined) {
      throw new UserError(`can't open backing store ${path} for guest RAM: a program opens OPFS files beforehand`);
    }
    const users = this.#inUse.get(path) ?? new Set();
    if ([...users].some((user) => user.share || share)) {
      throw new UserError(
        `can't open backing store ${path} for guest RAM: another memory backend uses it, and memory cannot be shared live in a browser`,
      );
    }
    const grown = fitFile(opened, size, source);
    const backing: OpenBacking = {
      file: opened.file,
      path,
      offset,
      writable: share && !readonly,
      ended: (contents, abandoned) => {
        users.delete(contents);
        if (abandoned && grown) opened.file.truncate(0);
        else if (grown) this.#kept.add(path);
      },
    };
    const contents = new FileContents(size, Math.max(align, PAGE), share, backing);
    this.#inUse.set(path, users.add(contents));
    return contents;
  }
}

function checkPlacement({ align, offset }: FileSource): void {
  if (align % PAGE !== 0) throw new UserError(`alignment ${hex(align)} must be multiples of page size ${hex(PAGE)}`);
  if (align !== 0 && !Number.isInteger(Math.log2(align))) {
    throw new UserError(`alignment ${hex(align)} must be a power of two`);
  }
  if (offset % PAGE !== 0) throw new UserError(`offset ${hex(offset)} must be multiples of page size ${hex(PAGE)}`);
}

/** Grows an empty file; any other must be long enough. @returns whether it was grown */
function fitFile({ file, path }: OpfsFile, size: number, { offset, readonly }: FileSource): boolean {
  const there = file.getSize();
  if (there === 0 && !readonly) {
    try {
      file.truncate(offset + size);
    } catch (error) {
      throw new UserError(`can't resize backing store ${path} for guest RAM: ${String(error)}`);
    }
    return true;
  }
  if (there < offset + size) {
    throw new UserError(`backing store size ${hex(there)} does not match 'size' option ${hex(size)}`);
  }
  return false;
}
