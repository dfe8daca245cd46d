// The frame of a snapshot file: a magic number and a format version, then sections, each with its length and a checksum.
//
//   file    "BWSNAP\r\n" · u32 format version · sections
//   section u32 kind · u32 bytes of payload · payload · u32 CRC-32 of all of these
//
// Numbers are little-endian. The last section is an empty one of kind `end`: a file without it is cut short.
import { crc32 } from '../loader/crc32.ts';
import { UserError } from '../object/index.ts';

const MAGIC = Uint8Array.of(0x42, 0x57, 0x53, 0x4e, 0x41, 0x50, 0x0d, 0x0a);
/** Raised when files can no longer be read by what read them before. */
export const FORMAT_VERSION = 1;
/** No section is longer: what claims to be is no snapshot. */
const LONGEST = 16 * 2 ** 20;

/** What a section holds. */
export const SECTION = {
  /** No more sections. */
  end: 0,
  /** What the machine is: JSON, see `MachineHeader`. */
  machine: 1,
  /** A device: JSON, see values.ts. */
  device: 2,
  /** A run of RAM: u32 block · u64 offset · u64 bytes · u8 0: all bytes are the one that follows, 1: the bytes follow. */
  ram: 3,
} as const;

/** A source of a file's bytes, from the start. */
export type Bytes = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

export interface Section {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** The file's first bytes. */
export function fileStart(): Uint8Array {
  const bytes = new Uint8Array(MAGIC.length + 4);
  bytes.set(MAGIC);
  new DataView(bytes.buffer).setUint32(MAGIC.length, FORMAT_VERSION, true);
  return bytes;
}

/** A section with what frames it. */
export function frame(kind: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(payload.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, kind, true);
  view.setUint32(4, payload.length, true);
  bytes.set(payload, 8);
  view.setUint32(payload.length + 8, crc32(bytes.subarray(0, payload.length + 8)), true);
  return bytes;
}

/** Reads whole sections off a stream of chunks of any length. */
class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest = new Uint8Array(0);

  constructor(source: Bytes) {
    this.#chunks = chunksOf(source);
  }

  /** The next `count` bytes. @throws UserError where the file ends before */
  async take(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done === true) throw new UserError('the snapshot is cut short');
        this.#rest = new Uint8Array(next.value);
        continue;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    const whole = new Uint8Array(count);
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

async function* chunksOf(source: Bytes): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) if (chunk.length > 0) yield chunk;
}

/**
 * The sections of a file, without the last, empty one.
 * @throws UserError for what is no snapshot, is of a newer format, is damaged or cut short
 */
export async function* sectionsOf(source: Bytes): AsyncGenerator<Section> {
  const reader = new ChunkReader(source);
  try {
    await checkStart(reader);
    for (;;) {
      const head = await reader.take(8);
      const view = viewOf(head);
      const length = view.getUint32(4, true);
      if (length > LONGEST) throw damaged();
      const payload = await reader.take(length);
      const sum = viewOf(await reader.take(4)).getUint32(0, true);
      if (crc32(payload, crc32(head)) !== sum) throw damaged();
      const kind = view.getUint32(0, true);
      if (kind === SECTION.end) return;
      yield { kind, payload };
    }
  } finally {
    await reader.close();
  }
}

async function checkStart(reader: ChunkReader): Promise<void> {
  const start = await reader.take(MAGIC.length + 4).catch(() => undefined);
  if (start === undefined || MAGIC.some((byte, i) => start[i] !== byte)) throw new UserError('this is no snapshot');
  const version = viewOf(start).getUint32(MAGIC.length, true);
  if (version !== FORMAT_VERSION) {
    throw new UserError(`the snapshot is in format ${version}, this program reads format ${FORMAT_VERSION}`);
  }
}

export function damaged(): UserError {
  return new UserError('the snapshot is damaged');
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
