// -add-fd: open files that the process was given, by the number of their set: /dev/fdset/N in place of a path.

import { closeSync, fstatSync, readFileSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';

/** What is to be done with a file. */
export type Access = 'read' | 'write' | 'read-write';

/** An open file of a set. */
export interface FdOfSet {
  readonly fd: number;
  readonly opaque: string | undefined;
}

/** Open files, in sets: those of a set are the same file, opened for different accesses. */
export class FdSets {
  readonly #sets = new Map<number, FdOfSet[]>();

  /** @throws UserError for a file that is not open */
  constructor(line: CommandLine) {
    for (const text of line.all('add-fd')) forOption('add-fd', () => this.#add(new KeyValues(text)));
  }

  get list(): readonly { readonly set: number; readonly files: readonly FdOfSet[] }[] {
    return [...this.#sets].map(([set, files]) => ({ set, files }));
  }

  /** @param set its number; without one the lowest that is free. @returns the number */
  add(file: FdOfSet, set?: number): number {
    const number = set ?? this.#free();
    this.#sets.set(number, [...(this.#sets.get(number) ?? []), file]);
    return number;
  }

  /** Closes one file of a set, or all. @returns false if there is no such set or file */
  remove(set: number, fd?: number): boolean {
    const files = this.#sets.get(set) ?? [];
    const gone = files.filter((file) => fd === undefined || file.fd === fd);
    for (const file of gone) closeSync(file.fd);
    const left = files.filter((file) => !gone.includes(file));
    if (left.length > 0) this.#sets.set(set, left);
    else this.#sets.delete(set);
    return gone.length > 0;
  }

  #free(): number {
    let number = 0;
    while (this.#sets.has(number)) number++;
    return number;
  }

  /**
   * A path for fs functions: that of a descriptor of the set for `/dev/fdset/N`, else the path itself.
   * @throws UserError if there is no set of the number, or none of its files is open for this access
   */
  resolve(path: string, access: Access): string {
    const [, number] = /^\/dev\/fdset\/(\d+)$/.exec(path) ?? [];
    if (number === undefined) return path;
    const set = this.#sets.get(Number(number));
    if (set === undefined) throw new UserError(`${path}: there is no fd set ${number}; -add-fd makes one`);
    const found = set.find(({ fd }) => accessOf(fd) === access) ?? set.find(({ fd }) => accessOf(fd) === 'read-write');
    if (found === undefined) throw new UserError(`${path}: no file of the set is open to ${access}`);
    return `/proc/self/fd/${found.fd}`;
  }

  #add(values: KeyValues): void {
    const fd = values.count('fd');
    const set = values.count('set');
    const opaque = values.take('opaque');
    values.finish();
    if (process.platform !== 'linux') throw new UserError('file descriptor sets need Linux');
    if (fd === undefined) throw new UserError('fd option is required and must be non-negative');
    if (set === undefined) throw new UserError('set option is required and must be non-negative');
    if (fd <= 2) throw new UserError('fd cannot be a standard I/O stream');
    try {
      fstatSync(fd);
    } catch {
      throw new UserError(`fd ${fd} is not valid or already in use`);
    }
    this.add({ fd, opaque }, set);
  }
}

const ofLine = new WeakMap<CommandLine, FdSets>();

/** The sets of a command line. @throws UserError for a file that is not open */
export function fdSets(line: CommandLine): FdSets {
  const sets = ofLine.get(line) ?? new FdSets(line);
  ofLine.set(line, sets);
  return sets;
}

const ACCESS_MODES = 3;

function accessOf(fd: number): Access {
  const [, flags = '0'] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? [];
  const mode = Number.parseInt(flags, 8) & ACCESS_MODES;
  return mode === 0 ? 'read' : mode === 1 ? 'write' : 'read-write';
}
