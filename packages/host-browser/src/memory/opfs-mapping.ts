// The memory of one backend in a browser: plain memory of the RAM space, or the contents of a file in it.

import {
  type HostMapping,
  type MemoryAdvice,
  type MemoryPolicy,
  type PolicyReport,
  type RamSpace,
  UserError,
} from '@boardwalk/core';
import type { SyncFile } from './opfs-file.ts';

/** Why a browser has not got what the kernel of a host does. */
export const REASON = 'a browser has no memory mappings of the host';

const PAGE = 4096;
/** Bytes that are copied at a time: files take no views of shared memory, so each piece goes through a buffer. */
const PIECE = 2 ** 20;

/** Advice that costs speed or memory at most when it is not followed. */
const HINTS: readonly MemoryAdvice[] = ['huge-pages', 'mergeable', 'dump', 'remove'];

/** Memory that is nothing but its place in the RAM space. Sizes are bytes. */
export class PlainMapping implements HostMapping {
  readonly size: number;
  readonly pageSize = PAGE;
  readonly align: number;
  readonly fd = undefined;

  constructor(size: number, align = PAGE) {
    this.size = Math.ceil(size / PAGE) * PAGE;
    this.align = align;
  }

  advise(advice: MemoryAdvice): void {
    if (!HINTS.includes(advice)) throw new UserError(`cannot advise the host on guest memory (${advice}): ${REASON}`);
  }

  bind(_policy: MemoryPolicy, _nodes: readonly number[]): void {
    throw new UserError(`cannot bind memory to host NUMA nodes: ${REASON}`);
  }

  policy(): PolicyReport {
    return { policy: 'default', nodes: [] };
  }

  populate(_threads: number): void {
    throw new UserError(`preallocating memory failed: ${REASON}`);
  }

  attach(_space: RamSpace, _hostOffset: number): void {}
  release(): void {}
  abandon(): void {}
}

/** An open file as a backend uses it. */
export interface OpenBacking {
  readonly file: SyncFile;
  readonly path: string;
  /** Where in the file the memory begins, in bytes. */
  readonly offset: number;
  /** What the guest writes goes to the file. */
  readonly writable: boolean;
  /** The backend lets go of the file. */
  ended(contents: FileContents, abandoned: boolean): void;
}

/** The contents of a file, or of a part of one. */
export class FileContents extends PlainMapping {
  readonly share: boolean;
  readonly #bytes: number;
  readonly #backing: OpenBacking;
  #place: { readonly space: RamSpace; readonly hostOffset: number } | undefined;
  #discarded = false;
  #ended = false;

  /** @param size bytes of the memory, which need not be whole pages */
  constructor(size: number, align: number, share: boolean, backing: OpenBacking) {
    super(size, align);
    this.share = share;
    this.#bytes = size;
    this.#backing = backing;
  }

  override advise(advice: MemoryAdvice): void {
    super.advise(advice);
    if (advice === 'remove') this.#discarded = true;
  }

  /** Loads the file. */
  override attach(space: RamSpace, hostOffset: number): void {
    const { file, offset, path } = this.#backing;
    this.#pieces((at, piece) => {
      const count = file.read(piece, { at: offset + at });
      if (count !== piece.length) throw new UserError(`can't read backing store ${path} for guest RAM`);
      space.u8.set(piece, hostOffset + at);
    });
    this.#place = { space, hostOffset };
  }

  /** Writes the memory to the file, if that is where it goes. @throws UserError with the browser's reason */
  writeBack(): void {
    const place = this.#place;
    const { file, offset, path, writable } = this.#backing;
    if (place === undefined || !writable) return;
    const { space, hostOffset } = place;
    try {
      this.#pieces((at, piece) => {
        if (this.#discarded) piece.fill(0);
        else piece.set(space.u8.subarray(hostOffset + at, hostOffset + at + piece.length));
        if (file.write(piece, { at: offset + at }) !== piece.length) throw new Error('No space left on device');
      });
      file.flush();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UserError(`can't write backing store ${path} of guest RAM: ${why}`);
    }
  }

  override release(): void {
    if (this.#ended) return;
    try {
      this.writeBack();
    } finally {
      this.#end(false);
    }
  }

  override abandon(): void {
    if (!this.#ended) this.#end(true);
  }

  #end(abandoned: boolean): void {
    this.#ended = true;
    this.#place = undefined;
    this.#backing.ended(this, abandoned);
  }

  #pieces(each: (at: number, piece: Uint8Array) => void): void {
    const buffer = new Uint8Array(Math.min(PIECE, this.#bytes));
    for (let at = 0; at < this.#bytes; at += PIECE) each(at, buffer.subarray(0, Math.min(PIECE, this.#bytes - at)));
  }
}
