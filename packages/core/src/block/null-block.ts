// A block backend that keeps nothing (QEMU's null-co): for measuring what is above it.
import { type BlockBackend, checkBlockRange } from './block-backend.ts';

/** Reads give zeros, writes are forgotten. */
export class NullBlock implements BlockBackend {
  readonly size: number;
  readonly readonly: boolean;

  /** @param size bytes */
  constructor(size: number, options: { readonly readonly?: boolean } = {}) {
    this.size = size;
    this.readonly = options.readonly ?? false;
  }

  async read(offset: number, dst: Uint8Array): Promise<void> {
    checkBlockRange(this.size, offset, dst.length);
    dst.fill(0);
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    checkBlockRange(this.size, offset, src.length);
    if (this.readonly) throw new Error('this block device is read-only');
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
