// -readconfig and -set: options that come from a file, and properties that are added to earlier options.
// The file is QEMU's: sections `[group "id"]`, lines `key = "value"`, comments after `#`.

import { readFileSync } from 'node:fs';
import { UserError } from '@boardwalk/core';
import { hostError } from '@boardwalk/host-node';
import { OPTIONS, type OptionName, type OptionSpec } from './table.ts';

/** An option with its argument, as on the command line. */
export interface GivenOption {
  readonly name: OptionName;
  value: string;
}

/** Options by the names of their groups. */
const BY_GROUP: ReadonlyMap<string, OptionName> = new Map(
  Object.entries<OptionSpec>(OPTIONS).flatMap(([name, { group }]) =>
    group === undefined ? [] : [[group, name as OptionName] as const],
  ),
);

/** @throws UserError if the file cannot be read, with the number of the line that is wrong */
export function readConfigFile(path: string): GivenOption[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw hostError(path, error);
  }
  return parseConfig(text, path);
}

/** @param path for messages */
export function parseConfig(text: string, path: string): GivenOption[] {
  const options: GivenOption[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const refuse = (problem: string): UserError => new UserError(`${path}:${index + 1}: ${problem}`);
    const section = /^\[\s*([\w-]+)(?:\s+"([^"]*)")?\s*\]$/.exec(trimmed);
    if (section) {
      const [, group = '', id] = section;
      const name = BY_GROUP.get(group);
      if (name === undefined) throw refuse(`There is no option group '${group}'`);
      options.push({ name, value: id === undefined ? '' : `id=${escapeCommas(id)}` });
      continue;
    }
    const [, key, value] = /^([\w.-]+)\s*=\s*"([^"]*)"$/.exec(trimmed) ?? [];
    const option = options.at(-1);
    if (key === undefined || value === undefined)
      throw refuse(`'${trimmed}' is neither [GROUP "ID"] nor KEY = "VALUE"`);
    if (option === undefined) throw refuse('no group defined');
    appendProperty(option, key, value);
  }
  return options;
}

/**
 * `GROUP.ID.PROP=VALUE`: adds to the option that has the id.
 * @throws UserError if there is none
 */
export function setProperty(given: readonly GivenOption[], text: string): void {
  const [, group = '', id = '', key = '', value = ''] = /^([^.]+)\.([^.]+)\.([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === '') throw new UserError(`'${text}' should be GROUP.ID.PROP=VALUE`);
  const name = BY_GROUP.get(group);
  if (name === undefined) throw new UserError(`There is no option group '${group}'`);
  const option = given.find((candidate) => candidate.name === name && hasId(candidate.value, id));
  if (option === undefined) throw new UserError(`there is no ${group} "${id}" defined`);
  appendProperty(option, key, value);
}

function hasId(value: string, id: string): boolean {
  return `,${value.replaceAll(',,', '\0')},`.includes(`,id=${id},`);
}

function appendProperty(option: GivenOption, key: string, value: string): void {
  option.value = `${option.value}${option.value === '' ? '' : ','}${key}=${escapeCommas(value)}`;
}

function escapeCommas(text: string): string {
  return text.replaceAll(',', ',,');
}
