// Takes a command line apart by the option table.

import { UserError } from '@boardwalk/core';
import { type GivenOption, readConfigFile, setProperty } from './config-file.ts';
import { type FlagOption, OPTIONS, type OptionName, type OptionSpec, type ValueOption } from './table.ts';

const BY_SPELLING: ReadonlyMap<string, OptionName> = new Map(
  Object.entries<OptionSpec>(OPTIONS).flatMap(([name, { aliases = [] }]) =>
    [name, ...aliases].map((spelling) => [spelling, name as OptionName] as const),
  ),
);

/** The options as they were given, those of -readconfig's files among them. */
export class CommandLine {
  readonly #given: GivenOption[] = [];

  /** @throws UserError for an option that is not there, or without its argument, or an argument without its option */
  constructor(argv: readonly string[]) {
    const rest = argv.values();
    for (const text of rest) {
      if (!text.startsWith('-') || text === '-') throw new UserError(`unexpected argument '${text}'`);
      const name = BY_SPELLING.get(text.replace(/^--?/, ''));
      if (name === undefined) throw new UserError(`${text}: invalid option`);
      const spec: OptionSpec = OPTIONS[name];
      let value = '';
      if (spec.argument !== undefined) {
        const next = rest.next();
        if (next.done) throw new UserError(`${text}: requires an argument`);
        value = next.value;
      }
      if (name === 'readconfig') this.#given.push(...forOption(name, () => readConfigFile(value)));
      else if (name === 'set') forOption(name, () => setProperty(this.#given, value));
      else this.#given.push({ name, value });
    }
  }

  has(name: FlagOption | ValueOption): boolean {
    return this.#given.some((option) => option.name === name);
  }

  /** The values of an option, in the order given. */
  all(name: ValueOption): readonly string[] {
    return this.#given.filter((option) => option.name === name).map(({ value }) => value);
  }

  /** The value of an option of which the last one counts. */
  last(name: ValueOption): string | undefined {
    return this.all(name).at(-1);
  }
}

/**
 * Runs a part that reads an option: its errors say which.
 * @param name as the user writes it, without the dash
 * @param value the option's value, where it is given several times and the user should see which it was
 */
export function forOption<T>(name: ValueOption, part: () => T, value = ''): T {
  try {
    return part();
  } catch (error) {
    throw namedError(value === '' ? name : `${name} ${value}`, error);
  }
}

/** As {@link forOption}, for a part that takes time. */
export async function forOptionAsync<T>(name: ValueOption, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    throw namedError(name, error);
  }
}

/** As {@link forOptionAsync}, for an option that a name stands for. */
export async function forOptionNamed<T>(name: string, part: () => Promise<T>): Promise<T> {
  try {
    return await part();
  } catch (error) {
    throw namedError(name, error);
  }
}

function namedError(name: string, error: unknown): unknown {
  if (!(error instanceof UserError) || error.message.startsWith('-')) return error;
  return new UserError(`-${name}: ${error.message}`);
}
