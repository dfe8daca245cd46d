// Values of the form `first,key=value,key=value`: a comma in a value is written twice, a key alone is `key=on`.

import { parseBool, parseSize, UserError } from '@boardwalk/core';

/** The keys of one option. Each is taken once; those that nobody took are an error. */
export class KeyValues {
  readonly #values = new Map<string, string>();
  /** All values of a key that was said several times. */
  readonly #every: (readonly [key: string, value: string])[] = [];
  readonly #taken = new Set<string>();
  readonly #lists: readonly string[];

  /**
   * @param text the option's value; a comma at its end is allowed
   * @param firstKey key of a first item that has none
   * @param lists keys whose values are joined with commas when there are several; of any other the last counts
   */
  constructor(text: string, firstKey?: string, lists: readonly string[] = []) {
    this.#lists = lists;
    splitItems(text).forEach((item, i) => {
      const at = item.indexOf('=');
      if (item === '') return;
      if (at > 0) this.#set(item.slice(0, at), item.slice(at + 1));
      else if (at === 0) throw new UserError(`'${item}' has no name`);
      else if (i === 0 && firstKey !== undefined) this.#values.set(firstKey, item);
      else this.#values.set(item, 'on');
    });
  }

  /** From keys and values that are apart already. */
  static of(values: Readonly<Record<string, string>>): KeyValues {
    const made = new KeyValues('');
    for (const [key, value] of Object.entries(values)) made.#values.set(key, value);
    return made;
  }

  /** A later option of the same kind adds to an earlier one, and replaces what both say. */
  merge(later: KeyValues): void {
    for (const [key, value] of later.#values) this.#values.set(key, value);
  }

  #set(key: string, value: string): void {
    this.#every.push([key, value]);
    const earlier = this.#lists.includes(key) ? this.#values.get(key) : undefined;
    this.#values.set(key, earlier === undefined ? value : `${earlier},${value}`);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  take(key: string): string | undefined {
    this.#taken.add(key);
    return this.#values.get(key);
  }

  /** Every value of a key, in their order. */
  takeAll(key: string): string[] {
    this.#taken.add(key);
    return this.#every.filter(([name]) => name === key).map(([, value]) => value);
  }

  /** @throws UserError if it is missing */
  require(key: string): string {
    const value = this.take(key);
    if (value === undefined || value === '') throw new UserError(`parameter '${key}' is missing`);
    return value;
  }

  bool(key: string): boolean | undefined {
    const value = this.take(key);
    return value === undefined ? undefined : parseBool(value, key);
  }

  /** @param defaultUnit the suffix that is meant when none is given */
  size(key: string, defaultUnit = 'B'): number | undefined {
    const value = this.take(key);
    return value === undefined ? undefined : parseSize(value, key, defaultUnit);
  }

  /** A number that is not negative. */
  count(key: string): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number)) {
      throw new UserError(`parameter '${key}' expects a number, not '${value}'`);
    }
    return number;
  }

  /** One of the words, which are all that is allowed. */
  choice<T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.take(key);
    const word = words.find((candidate) => candidate === value);
    if (value !== undefined && word === undefined) {
      throw new UserError(`${key}=${value} is not supported; ${words.join(', ')} ${words.length > 1 ? 'are' : 'is'}`);
    }
    return word;
  }

  /** The keys that were not taken, with their values; they count as taken now. */
  rest(): Record<string, string> {
    const left = [...this.#values].filter(([key]) => !this.#taken.has(key));
    for (const [key] of left) this.#taken.add(key);
    return Object.fromEntries(left);
  }

  /** @throws UserError if something is left that nobody took */
  finish(): void {
    const [key] = Object.keys(this.rest());
    if (key !== undefined) throw new UserError(`invalid parameter '${key}'`);
  }
}

/** Items between commas; `,,` is a comma within one. */
function splitItems(text: string): string[] {
  const items = [''];
  for (const part of text.split(/(,,|,)/)) {
    if (part === ',') items.push('');
    else items.push(`${items.pop()}${part === ',,' ? ',' : part}`);
  }
  return items;
}

/** Whether a value asks for help: `help`, `?` or `TYPE,help`. Gives the type, empty if there is none. */
export function helpTopic(value: string): string | undefined {
  const match = /^(?:(?:type=|driver=)?([^,]*),)?(?:help|\?)$/.exec(value);
  return match === null ? undefined : (match[1] ?? '');
}
