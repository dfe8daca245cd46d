// A block backend whose requests are counted, for `query-blockstats` and `info blockstats`.
import { UserError } from '../object/user-error.ts';
import type { BlockBackend } from './block-backend.ts';

/** What was done of one kind. */
export interface BlockCount {
  readonly bytes: number;
  readonly operations: number;
  readonly failed: number;
  /** Nanoseconds of the host that they took, all together. */
  readonly totalTimeNs: number;
}

type Kind = 'read' | 'write' | 'flush';

/** Passes on what is asked of a backend, and counts it. */
export class CountedBlock implements BlockBackend {
  readonly #backend: BlockBackend;
  readonly #counts: Record<Kind, { -readonly [K in keyof BlockCount]: BlockCount[K] }> = {
    read: { bytes: 0, operations: 0, failed: 0, totalTimeNs: 0 },
    write: { bytes: 0, operations: 0, failed: 0, totalTimeNs: 0 },
    flush: { bytes: 0, operations: 0, failed: 0, totalTimeNs: 0 },
  };
  readonly #readonly: boolean;
  #highestWritten = 0;

  /** @param readonly writes are refused, even where the backend takes them */
  constructor(backend: BlockBackend, readonly = false) {
    this.#backend = backend;
    this.#readonly = readonly;
  }

  /** The backend whose requests are counted. */
  get counted(): BlockBackend {
    return this.#backend;
  }

  get counts(): Readonly<Record<Kind, BlockCount>> {
    return this.#counts;
  }

  /** End of the highest write, in bytes. */
  get highestWritten(): number {
    return this.#highestWritten;
  }

  get size(): number {
    return this.#backend.size;
  }

  get readonly(): boolean {
    return this.#readonly || this.#backend.readonly;
  }

  get filename(): string | undefined {
    return this.#backend.filename;
  }

  read(offset: number, dst: Uint8Array): Promise<void> {
    return this.#count('read', dst.length, () => this.#backend.read(offset, dst));
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    if (this.readonly) throw new Error('this block device is read-only');
    await this.#count('write', src.length, () => this.#backend.write(offset, src));
    this.#highestWritten = Math.max(this.#highestWritten, offset + src.length);
  }

  flush(): Promise<void> {
    return this.#count('flush', 0, () => this.#backend.flush());
  }

  async commit(): Promise<void> {
    await this.#backend.commit?.();
  }

  async resize(bytes: number): Promise<void> {
    if (this.readonly) throw new UserError('Image is read-only');
    if (!this.#backend.resize) throw new UserError('Image format driver does not support resize');
    await this.#backend.resize(bytes);
  }

  /** Somebody takes it, who writes unless it is read-only, or lets go of it. @throws UserError where it cannot be written after all */
  setUser(there: boolean): void {
    if (this.readonly) return;
    if (this.#backend instanceof CountedBlock) this.#backend.setUser(there);
    else this.#backend.setWriter?.(there);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  async #count(kind: Kind, bytes: number, request: () => Promise<void>): Promise<void> {
    const count = this.#counts[kind];
    const began = performance.now();
    try {
      await request();
      count.operations++;
      count.bytes += bytes;
    } catch (error) {
      count.failed++;
      throw error;
    } finally {
      count.totalTimeNs += Math.round((performance.now() - began) * 1e6);
    }
  }
}
