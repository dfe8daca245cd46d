// Files that are to be written, all or none.
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Mistake } from './mistake.ts';

/** Texts by their paths below a folder. */
export interface Plan {
  readonly folder: string;
  /** Files that must not be there yet. */
  readonly made: ReadonlyMap<string, string>;
  /** Files that are there and change. */
  readonly changed: ReadonlyMap<string, string>;
}

/** Makes a folder and those above it; gives the ones that were not there, the deepest first. */
function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.push(at);
  mkdirSync(folder, { recursive: true });
  return missing;
}

/**
 * Writes the files. If one cannot be written everything is as it was.
 * @throws Mistake if a file is there already, or the system refuses
 */
export function carryOut({ folder, made, changed }: Plan): void {
  for (const name of made.keys()) {
    if (existsSync(join(folder, name))) throw new Mistake(`${join(folder, name)} is there already`);
  }
  const undo: (() => void)[] = [];
  try {
    for (const [name, text] of made) {
      const path = join(folder, name);
      for (const folderMade of makeFolder(dirname(path)).reverse()) undo.push(() => rmdirSync(folderMade));
      undo.push(() => rmSync(path, { force: true }));
      writeFileSync(path, text, { flag: 'wx' });
    }
    for (const [name, text] of changed) {
      const path = join(folder, name);
      const before = readFileSync(path);
      undo.push(() => writeFileSync(path, before));
      writeFileSync(path, text);
    }
  } catch (error) {
    for (const step of undo.reverse()) {
      try {
        step();
      } catch {
        // What cannot be taken back is told of by the error itself.
      }
    }
    throw new Mistake(error instanceof Error ? error.message : String(error));
  }
}
