// A block backend in memory: scratch disks, tests, images that a page has downloaded.
import { UserError } from '../object/user-error.ts';
import { type BlockBackend, checkBlockRange } from './block-backend.ts';

/** Bytes in memory, lost when it is closed. */
export class MemoryBlock implements BlockBackend {
  readonly readonly: boolean;
  #bytes: Uint8Array;
  #closed = false;

  /** @param contents a size in bytes (zero-filled), or the bytes themselves, used in place */
  constructor(contents: number | Uint8Array, options: { readonly readonly?: boolean } = {}) {
    this.#bytes = typeof contents === 'number' ? new Uint8Array(contents) : contents;
    this.readonly = options.readonly ?? false;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** The bytes as they are now; not a copy. */
  get contents(): Uint8Array {
    return this.#bytes;
  }

  /** The bytes move: {@link contents} are others afterwards. @throws UserError if there is not so much memory */
  async resize(bytes: number): Promise<void> {
    let longer: Uint8Array;
    try {
      longer = new Uint8Array(bytes);
    } catch {
      throw new UserError(`there is no memory for ${bytes} bytes`);
    }
    longer.set(this.#bytes.subarray(0, bytes));
    this.#bytes = longer;
  }

  async read(offset: number, dst: Uint8Array): Promise<void> {
    this.#check(offset, dst.length);
    dst.set(this.#bytes.subarray(offset, offset + dst.length));
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    this.#check(offset, src.length);
    if (this.readonly) throw new Error('this block device is read-only');
    this.#bytes.set(src, offset);
  }

  async flush(): Promise<void> {
    this.#check(0, 0);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #check(offset: number, length: number): void {
    if (this.#closed) throw new Error('this block device is closed');
    checkBlockRange(this.size, offset, length);
  }
}
