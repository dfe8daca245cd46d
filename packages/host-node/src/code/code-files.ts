/** Translated code that is kept in files of a folder, from one run of a machine to the next. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CodeStore } from '@boardwalk/core';

/** Names of the files: a hash of what a run is. */
const NAME = /^[0-9a-f]{32}\.code$/;
const CHECK_BYTES = 4;
/** Bytes of all files of a folder, beyond which those go that were used longest ago. */
const MOST_BYTES = 256 * 2 ** 20;

/**
 * @param folder made when something is saved, for its user alone
 * @param run what the run is: the program's version, what it starts
 */
export function codeFiles(folder: string, run: string): CodeStore {
  const pathOf = (shape: string): string => {
    const { createHash } = process.getBuiltinModule('node:crypto');
    const hash = createHash('sha256')
      .update(JSON.stringify([run, shape]))
      .digest('hex')
      .slice(0, 32);
    return join(folder, `${hash}.code`);
  };
  return {
    load(shape) {
      const path = pathOf(shape);
      try {
        const code = read(path);
        const now = new Date();
        utimesSync(path, now, now);
        return code;
      } catch {
        return undefined;
      }
    },
    save(shape, code) {
      const path = pathOf(shape);
      try {
        if (code === undefined) rmSync(path, { force: true });
        else write(folder, path, code);
      } catch {
        // A full disk, a folder that cannot be written: the next run translates again.
      }
    },
  };
}

/** What files are made with, which a machine without code never needs. */
function checkedData() {
  const { deserialize, serialize } = process.getBuiltinModule('node:v8');
  const { crc32 } = process.getBuiltinModule('node:zlib');
  return { crc32, deserialize, serialize };
}

/** @throws where the file is not there or not whole */
function read(path: string): unknown {
  const { crc32, deserialize } = checkedData();
  const file = readFileSync(path);
  const body = file.subarray(CHECK_BYTES);
  if (file.length < CHECK_BYTES || file.readUInt32LE(0) !== crc32(body)) throw new Error(`${path} is damaged`);
  return deserialize(body);
}

function write(folder: string, path: string, code: unknown): void {
  const { crc32, serialize } = checkedData();
  const body = serialize(code);
  const check = Buffer.alloc(CHECK_BYTES);
  check.writeUInt32LE(crc32(body));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, Buffer.concat([check, body]), { mode: 0o600 });
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
