// Writes kept in memory over storage that is only read.

const CLUSTER_BYTES = 64 * 1024;

/** Reads of the storage underneath: fill `dst` from `offset`. */
export type BaseRead = (offset: number, dst: Uint8Array) => Promise<void>;

/** What was written, in clusters that are copied from below at their first write. Offsets are bytes, already checked. */
export class WriteOverlay {
  readonly #size: number;
  readonly #readBase: BaseRead;
  readonly #clusters = new Map<number, Promise<Uint8Array>>();

  constructor(size: number, readBase: BaseRead) {
    this.#size = size;
    this.#readBase = readBase;
  }

  async read(offset: number, dst: Uint8Array): Promise<void> {
    for (const { index, within, at, length } of pieces(offset, dst.length)) {
      const part = dst.subarray(at, at + length);
      const cluster = this.#clusters.get(index);
      if (cluster) part.set((await cluster).subarray(within, within + length));
      else await this.#readBase(offset + at, part);
    }
  }

  async write(offset: number, src: Uint8Array): Promise<void> {
    for (const { index, within, at, length } of pieces(offset, src.length)) {
      let cluster = this.#clusters.get(index);
      if (!cluster) {
        cluster = this.#load(index);
        // Kept at once, so that two writes to one cluster find the same bytes.
        this.#clusters.set(index, cluster);
        cluster.catch(() => this.#clusters.delete(index));
      }
      (await cluster).set(src.subarray(at, at + length), within);
    }
  }

  /** Writes what was written so far to the storage underneath. */
  async commit(writeBase: (offset: number, src: Uint8Array) => Promise<void>): Promise<void> {
    for (const [index, cluster] of this.#clusters) await writeBase(index * CLUSTER_BYTES, await cluster);
  }

  async #load(index: number): Promise<Uint8Array> {
    const start = index * CLUSTER_BYTES;
    const bytes = new Uint8Array(Math.min(CLUSTER_BYTES, this.#size - start));
    await this.#readBase(start, bytes);
    return bytes;
  }
}

interface Piece {
  /** Which cluster, and the offset in it. */
  readonly index: number;
  readonly within: number;
  /** Offset in the transfer. */
  readonly at: number;
  readonly length: number;
}

function* pieces(offset: number, length: number): IterableIterator<Piece> {
  for (let at = 0; at < length; ) {
    const index = Math.floor((offset + at) / CLUSTER_BYTES);
    const within = offset + at - index * CLUSTER_BYTES;
    const size = Math.min(CLUSTER_BYTES - within, length - at);
    yield { index, within, at, length: size };
    at += size;
  }
}
