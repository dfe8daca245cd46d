// What a disk, a flash chip or a card reads and writes: bytes at an offset, whoever keeps them.

/** Storage behind a block device. Offsets and sizes are bytes. Calls may overlap in time; each one is done when its promise is. */
export interface BlockBackend {
  /** Bytes that there are; {@link resize} changes it. */
  readonly size: number;
  readonly readonly: boolean;
  /** The host's file behind it, as the user named it; undefined where there is none. */
  readonly filename?: string | undefined;
  /**
   * Fills `dst` from `offset`. Rejects with a RangeError beyond the end, with an Error when the host cannot read.
   */
  read(offset: number, dst: Uint8Array): Promise<void>;
  /**
   * Writes `src` at `offset`. Rejects with a RangeError beyond the end, with an Error when it is read-only or the host cannot write.
   */
  write(offset: number, src: Uint8Array): Promise<void>;
  /** Everything written before is safe when this is done. */
  flush(): Promise<void>;
  /** Writes what is kept apart from a file into it; not there where nothing is. Rejects when the host cannot. */
  commit?(): Promise<void>;
  /**
   * Makes it longer, with zeros, or shorter; not there where it has one size for ever. Whoever reads and writes it is not told.
   * @throws UserError when the host cannot
   */
  resize?(bytes: number): Promise<void>;
  /**
   * Somebody who writes takes it, or lets go of it; not there where that makes no difference.
   * @throws UserError where it cannot be written after all
   */
  setWriter?(there: boolean): void;
  /** Flushes and lets go of what the host holds. Nothing may be called after it. */
  close(): Promise<void>;
}

/** Checks a transfer against a backend's size. @throws RangeError */
export function checkBlockRange(size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > size) {
    throw new RangeError(`bytes ${offset} to ${offset + length} are not within a block device of ${size} bytes`);
  }
}
