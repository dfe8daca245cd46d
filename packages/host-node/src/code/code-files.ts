/** Translated code that is kept in files of a folder, from one run of a machine to the next. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Serializer } from 'node:v8';
import type { CodeOrigin, CodeStore } from '@boardwalk/core';

/** Names of the files: a checksum of the text that says what the code is of. */
const NAME = /^[0-9a-f]+\.code$/;
/** Before the data: a checksum of all that follows, and how long the first part is. Numbers are little-endian. */
const HEAD_BYTES = 8;
/** Arrays lie at multiples of so many bytes. */
const ALIGNMENT = 8;
/** Bytes of all files of a folder, beyond which those go that were used longest ago. */
const MOST_BYTES = 256 * 2 ** 20;

/** What files of code are made with; a machine without code never needs it. */
function tools() {
  return { ...process.getBuiltinModule('node:v8'), crc32: process.getBuiltinModule('node:zlib').crc32 };
}
type Tools = ReturnType<typeof tools>;

/** What is in a file. */
interface Content {
  /** What the code is of: two texts may have one name. */
  readonly key: string;
  readonly code: unknown;
}

/**
 * @param folder made when something is saved, for its user alone
 * @param program what the program is: the versions of its parts
 * @param guest what it starts
 */
export function codeFiles(folder: string, program: string, guest: string): CodeStore {
  const keyOf = (shape: string, of: CodeOrigin): string =>
    JSON.stringify(of === 'guest' ? [program, shape, guest] : [program, shape]);
  return {
    load(shape, of) {
      const key = keyOf(shape, of);
      try {
        const made = tools();
        const path = pathOf(folder, key, made);
        const content = read(path, made);
        if (content.key !== key) return undefined;
        const now = new Date();
        utimesSync(path, now, now);
        return content.code;
      } catch {
        return undefined;
      }
    },
    save(shape, code, of) {
      const key = keyOf(shape, of);
      try {
        const made = tools();
        const path = pathOf(folder, key, made);
        if (code === undefined) rmSync(path, { force: true });
        else write(folder, path, { key, code }, made);
      } catch {
        // A full disk, a folder that cannot be written: the next run translates again.
      }
    },
  };
}

function pathOf(folder: string, key: string, { crc32 }: Tools): string {
  return join(folder, `${crc32(key).toString(16).padStart(8, '0')}.code`);
}

/** Arrays of the data, in the order of their numbers in the file. */
const ARRAYS = [Uint8Array, Int32Array] as const;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
const padding = (bytes: number): Uint8Array => new Uint8Array(aligned(bytes) - bytes);

/** What Node's type declarations leave out. */
interface TreatsViews {
  _setTreatArrayBufferViewsAsHostObjects(on: boolean): void;
}

/** The data in a file, its arrays as views of what was read: they are nearly all of it. @throws where it is not there or not whole */
function read(path: string, { crc32, Deserializer }: Tools): Content {
  const file = readFileSync(path);
  if (file.length < HEAD_BYTES || file.readUInt32LE(0) !== crc32(file.subarray(4)))
    throw new Error(`${path} is damaged`);
  const rest = HEAD_BYTES + file.readUInt32LE(4);
  const reader = new Deserializer(file.subarray(HEAD_BYTES, rest));
  let at = file.byteOffset + aligned(rest);
  const readView = (): ArrayBufferView => {
    const View = ARRAYS[reader.readUint32()] ?? Uint8Array;
    const length = reader.readUint32();
    const view = new View(file.buffer, at, length);
    at += aligned(view.byteLength);
    return view;
  };
  Object.assign(reader, { _readHostObject: readView });
  reader.readHeader();
  return reader.readValue() as Content;
}

function write(folder: string, path: string, content: Content, { crc32, Serializer }: Tools): void {
  const writer = new Serializer();
  const arrays: Uint8Array[] = [];
  const writeView = (view: ArrayBufferView): void => {
    const kind = ARRAYS.findIndex((View) => view instanceof View);
    if (kind < 0) throw new Error('an array of a kind that files of code do not have');
    writer.writeUint32(kind);
    writer.writeUint32(view.byteLength / (ARRAYS[kind]?.BYTES_PER_ELEMENT ?? 1));
    arrays.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  };
  Object.assign(writer, { _writeHostObject: writeView });
  (writer as Serializer & TreatsViews)._setTreatArrayBufferViewsAsHostObjects(true);
  writer.writeHeader();
  writer.writeValue(content);
  const data = writer.releaseBuffer();
  const length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  const parts: Uint8Array[] = [length, data, padding(HEAD_BYTES + data.length)];
  for (const array of arrays) parts.push(array, padding(array.length));
  const check = Buffer.alloc(4);
  // Of no bytes at all zlib says 0, whatever came before.
  check.writeUInt32LE(parts.reduce((sum, part) => (part.length === 0 ? sum : crc32(part, sum)), 0));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    for (const part of [check, ...parts]) writeFileSync(fd, part);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  makeRoom(folder);
}

function makeRoom(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => NAME.test(name))
    .map((name) => ({ path: join(folder, name), ...sizeAndTime(join(folder, name)) }))
    .sort((a, b) => b.time - a.time);
  let bytes = 0;
  for (const { path, size } of files) {
    bytes += size;
    if (bytes > MOST_BYTES) rmSync(path, { force: true });
  }
}

function sizeAndTime(path: string): { readonly size: number; readonly time: number } {
  const { size, mtimeMs: time } = statSync(path);
  return { size, time };
}
