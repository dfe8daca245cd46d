// -profile: where the guest spends its instructions, as a file that flame-graph viewers open.

import { readFileSync } from 'node:fs';
import { type Machine, parseElf, UserError } from '@boardwalk/core';
import { hostError } from '@boardwalk/host-node';
import type { ReplacementFile } from '@boardwalk/monitor';
import type { Profiler } from '@boardwalk/translator/profile';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import { replaceOutputFile } from './output-file.ts';

/** What -profile asks for. */
export interface ProfileSpec {
  readonly path: string;
  /** Files with the names of functions. */
  readonly symbols: readonly string[];
  /** Instructions from one sample to the next. */
  readonly every: number | undefined;
}

/** @throws UserError for a value that cannot be */
export function readProfile(line: CommandLine): ProfileSpec | undefined {
  const text = line.last('profile');
  if (text === undefined) return undefined;
  return forOption('profile', () => {
    const values = new KeyValues(text, 'file', ['symbols']);
    const path = values.require('file');
    const symbols = values.take('symbols')?.split(',') ?? [];
    const every = values.count('every');
    if (every === 0) throw new UserError("parameter 'every' expects a number from 1 on, not '0'");
    values.finish();
    return { path, symbols, every };
  });
}

/** The profile of one machine, and the file that it goes to. */
export class Profile {
  readonly #path: string;
  readonly #file: ReplacementFile;
  readonly #profiler: Profiler;

  private constructor(path: string, file: ReplacementFile, profiler: Profiler) {
    this.#path = path;
    this.#file = file;
    this.#profiler = profiler;
  }

  /** Begins. @throws UserError for symbols that cannot be read, or a file that cannot be written */
  static async begin(spec: ProfileSpec, machine: Machine): Promise<Profile> {
    const { Profiler, SymbolTable } = await import('@boardwalk/translator/profile');
    const symbols = spec.symbols.map((path) => {
      const bytes = read(path);
      try {
        const isElf = String.fromCharCode(...bytes.subarray(1, 4)) === 'ELF';
        return isElf ? SymbolTable.fromElf(parseElf(bytes)) : SymbolTable.fromText(new TextDecoder().decode(bytes));
      } catch (error) {
        if (error instanceof UserError) throw new UserError(`symbols=${path}: ${error.message}`);
        throw error;
      }
    });
    const profiler = new Profiler({ symbols, ...(spec.every === undefined ? {} : { every: spec.every }) });
    const file = await replaceOutputFile(spec.path);
    profiler.attach(machine);
    return new Profile(spec.path, file, profiler);
  }

  /** Writes the file. Gives a line that says so. @throws UserError if the host refuses */
  async end(): Promise<string> {
    const isJson = this.#path.endsWith('.cpuprofile');
    const text = isJson ? JSON.stringify(this.#profiler.cpuProfile()) : this.#profiler.folded();
    await this.#file.write(new TextEncoder().encode(text));
    await this.#file.close();
    return `profile: ${this.#profiler.samples} samples of ${this.#profiler.every} instructions each in ${this.#path}`;
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw hostError(path, error);
  }
}
