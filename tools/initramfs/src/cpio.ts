// The "new ASCII" cpio archive (cpio(5) `newc`; Linux: Documentation/driver-api/early-userspace/buffer-format.rst):
// for each entry a header of `070701` and thirteen numbers of eight hexadecimal digits, its name, its data.

const MAGIC = '070701';
const HEADER_BYTES = 110;
const TRAILER = 'TRAILER!!!';
const ARCHIVE_ALIGNMENT = 512;

const TYPE_DIRECTORY = 0o040000;
const TYPE_FILE = 0o100000;
const TYPE_LINK = 0o120000;
const TYPE_CHARACTER_DEVICE = 0o020000;

/** An entry of an archive; all belong to root and date from the epoch, so that equal input gives equal archives. */
export interface CpioEntry {
  /** Path without a leading slash. */
  readonly path: string;
  /** File type and permissions, as in stat(2)'s `st_mode`. */
  readonly mode: number;
  readonly data: Uint8Array;
  /** Major and minor number of a device. */
  readonly device: readonly [major: number, minor: number];
}

/** Collects entries and writes the archive. Parent directories are added by themselves. */
export class CpioWriter {
  readonly #entries = new Map<string, CpioEntry>();

  directory(path: string, permissions = 0o755): this {
    return this.#add(path, TYPE_DIRECTORY | permissions, new Uint8Array(0));
  }

  file(path: string, data: Uint8Array | string, permissions = 0o644): this {
    return this.#add(path, TYPE_FILE | permissions, typeof data === 'string' ? new TextEncoder().encode(data) : data);
  }

  link(path: string, target: string): this {
    return this.#add(path, TYPE_LINK | 0o777, new TextEncoder().encode(target));
  }

  characterDevice(path: string, major: number, minor: number, permissions = 0o600): this {
    return this.#add(path, TYPE_CHARACTER_DEVICE | permissions, new Uint8Array(0), [major, minor]);
  }

  /** The archive, ended by its trailer and filled to a multiple of 512 bytes. */
  build(): Uint8Array {
    const records = [...this.#entries.values()].map((entry, index) => formatRecord(entry, index + 1));
    records.push(formatRecord({ path: TRAILER, mode: 0, data: new Uint8Array(0), device: [0, 0] }, 0));
    const bytes = records.reduce((sum, record) => sum + record.length, 0);
    const archive = new Uint8Array(align(bytes, ARCHIVE_ALIGNMENT));
    let at = 0;
    for (const record of records) {
      archive.set(record, at);
      at += record.length;
    }
    return archive;
  }

  #add(path: string, mode: number, data: Uint8Array, device: readonly [number, number] = [0, 0]): this {
    if (path.length === 0 || path.startsWith('/') || path.split('/').includes('..')) {
      throw new RangeError(`not a path inside an archive: ${JSON.stringify(path)}`);
    }
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(slash, 0));
    if (parent !== '' && !this.#entries.has(parent)) this.directory(parent);
    this.#entries.set(path, { path, mode, data, device });
    return this;
  }
}

function formatRecord(entry: CpioEntry, inode: number): Uint8Array {
  const name = new TextEncoder().encode(`${entry.path}\0`);
  const isDirectory = (entry.mode & 0o170000) === TYPE_DIRECTORY;
  const fields = [
    inode,
    entry.mode,
    0, // uid
    0, // gid
    isDirectory ? 2 : 1, // links
    0, // mtime
    entry.data.length,
    0, // device that the archive was made on
    0,
    entry.device[0],
    entry.device[1],
    name.length,
    0, // checksum, unused in this variant
  ];
  const header = MAGIC + fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('');
  const dataStart = align(HEADER_BYTES + name.length, 4);
  const record = new Uint8Array(align(dataStart + entry.data.length, 4));
  record.set(new TextEncoder().encode(header));
  record.set(name, HEADER_BYTES);
  record.set(entry.data, dataStart);
  return record;
}

/**
 * Reads an archive back.
 *
 * @throws RangeError when it is not a whole newc archive.
 */
export function parseCpio(archive: Uint8Array): CpioEntry[] {
  const entries: CpioEntry[] = [];
  const text = (start: number, end: number) => new TextDecoder().decode(archive.subarray(start, end));
  let at = 0;
  for (;;) {
    if (text(at, at + 6) !== MAGIC) throw new RangeError(`no cpio header at ${at}`);
    const header = at;
    const field = (index: number) => Number.parseInt(text(header + 6 + 8 * index, header + 14 + 8 * index), 16);
    const nameEnd = at + HEADER_BYTES + field(11);
    const path = text(at + HEADER_BYTES, nameEnd - 1);
    if (path === TRAILER) return entries;
    const dataStart = align(nameEnd, 4);
    const dataEnd = dataStart + field(6);
    if (!(dataEnd <= archive.length)) throw new RangeError('the cpio archive is cut off');
    entries.push({ path, mode: field(1), data: archive.slice(dataStart, dataEnd), device: [field(9), field(10)] });
    at = align(dataEnd, 4);
  }
}

function align(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
