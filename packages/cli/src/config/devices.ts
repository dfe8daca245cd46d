// -device and -object: things that the user adds, by type and properties, as text or JSON.

import { type DeviceOptions, type GlobalProperty, type TypeRegistry, UserError } from '@boardwalk/core';
import { KeyValues } from '../options/key-values.ts';

/** Properties that may be given several times. */
const LISTS: readonly string[] = ['host-nodes'];

/** @throws UserError for a -device that cannot be read */
export function parseDevice(text: string): DeviceOptions {
  const { type, id, rest } = parseTyped(text, 'driver');
  const { bus, ...properties } = rest;
  if (bus !== undefined && typeof bus !== 'string')
    throw new UserError("Invalid parameter type for 'bus', expected: string");
  return {
    driver: type,
    properties,
    ...(id === undefined ? {} : { id }),
    ...(bus === undefined ? {} : { bus }),
  };
}

/** `TYPE.PROP=VALUE`, or the three by name. @throws UserError for a -global that cannot be read */
export function parseGlobal(text: string): GlobalProperty {
  const [, driver, property, value] = /^([^.=,]+)\.([^=,]+)=(.*)$/s.exec(text) ?? [];
  if (driver !== undefined && property !== undefined && value !== undefined) return { driver, property, value };
  const values = new KeyValues(text);
  const global = {
    driver: values.require('driver'),
    property: values.require('property'),
    value: values.require('value'),
  };
  values.finish();
  return global;
}

/** One -object. */
export interface ObjectSpec {
  readonly type: string;
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Properties are JSON values, not texts. */
  readonly json: boolean;
}

/** @throws UserError for an -object that cannot be read */
export function parseObject(text: string): ObjectSpec {
  const { type, id, rest, json } = parseTyped(text, 'qom-type');
  if (id === undefined) throw new UserError("parameter 'id' is missing");
  return { type, id, properties: rest, json };
}

interface Typed {
  readonly type: string;
  readonly id: string | undefined;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly json: boolean;
}

function parseTyped(text: string, typeKey: string): Typed {
  const json = text.trimStart().startsWith('{');
  const all: Readonly<Record<string, unknown>> = json ? parseJson(text) : new KeyValues(text, typeKey, LISTS).rest();
  const { [typeKey]: type, id, ...rest } = all;
  if (typeof type !== 'string' || type === '') throw new UserError(`parameter '${typeKey}' is missing`);
  if (id !== undefined && (typeof id !== 'string' || !/^[A-Za-z][A-Za-z0-9._-]*$/.test(id))) {
    throw new UserError(`'${String(id)}' is no id: letters, digits and . _ - are, after a letter`);
  }
  return { type, id, rest, json };
}

function parseJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`JSON parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Lists the types that are, or derive from, one. */
export function typesHelp(types: TypeRegistry, base: string, heading: string): string {
  const names = types.list({ implements: base }).filter((type) => type.create !== undefined);
  const lines = names.map(({ name, description }) => {
    return base === 'device' ? `name "${name}"${description ? `, desc "${description}"` : ''}` : `  ${name}`;
  });
  return `${[heading, ...lines.sort()].join('\n')}\n`;
}

/** Lists the properties of a type. @throws UserError if there is no such type */
export function typeHelp(types: TypeRegistry, name: string): string {
  if (types.get(name) === undefined) throw new UserError(`'${name}' is not a valid device model name`);
  const lines = types.properties(name).map((spec) => {
    const initial = spec.default === undefined ? '' : ` (default: ${String(spec.default)})`;
    return `  ${spec.name}=<${spec.reportedType ?? spec.type}>  - ${spec.description}${initial}`;
  });
  return `${[`${name} options:`, ...lines.sort()].join('\n')}\n`;
}
