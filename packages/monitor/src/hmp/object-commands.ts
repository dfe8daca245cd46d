// Commands about objects and devices.
import { type BwObject, getAt, listAt, requireObject, UserError, unplugDevice } from '@boardwalk/core';
import { addDevice, addObject, deleteObject } from '../qmp/commands/qom.ts';
import { readJson } from '../qmp/json/read-json.ts';
import { formatJson } from '../qmp/json/value.ts';
import { type HmpArgument, type HmpCommand, type HmpContext, machineOf } from './command.ts';

/** `driver,id=a,speed=5` in parts; two commas in a row are one in a value. @throws UserError */
export function parseOptions(text: string, first: string): Record<string, string> {
  const values: Record<string, string> = {};
  const items = text.match(/(?:[^,]|,,)+/g) ?? [];
  items.forEach((raw, i) => {
    const item = raw.replaceAll(',,', ',');
    const at = item.indexOf('=');
    if (at < 0 && i === 0) values[first] = item;
    else if (at < 0) values[item] = 'on';
    else values[item.slice(0, at)] = item.slice(at + 1);
  });
  return values;
}

const path: HmpArgument = { name: 'path', kind: 'word', complete: completePath };
const property: HmpArgument = { name: 'property', kind: 'word' };

/** The objects below the part of a path that is there already. */
function completePath({ emulator }: HmpContext, typed: string): readonly string[] {
  const end = typed.lastIndexOf('/');
  if (end < 0) return [];
  const parent = end === 0 ? '/' : typed.slice(0, end);
  try {
    const o = requireObject(emulator.root, parent);
    return [...o.children.keys()].map((name) => `${typed.slice(0, end + 1)}${name}`);
  } catch {
    return [];
  }
}

function namesUnder(o: BwObject | undefined): readonly string[] {
  return [...(o?.children.keys() ?? [])];
}

function isCreatable({ emulator: { types } }: HmpContext, base: string): readonly string[] {
  return types
    .list({ implements: base })
    .filter((type) => type.create)
    .map(({ name }) => name);
}

/** The kinds of devices that there are, one a line, as `-device help` has them. */
export const objectInfoCommands: readonly HmpCommand[] = [
  {
    name: 'qdm',
    help: 'show qdev device model list',
    preconfig: true,
    run: ({ emulator: { types } }) =>
      types
        .list({ implements: 'device' })
        .map(({ name, description }) => `name "${name}"${description ? `, desc "${description}"` : ''}\n`)
        .sort()
        .join(''),
  },
];

export const objectCommands: readonly HmpCommand[] = [
  {
    name: 'qom-list',
    args: [{ ...path, optional: true }],
    params: 'path',
    help: 'list QOM properties',
    preconfig: true,
    run({ emulator }, args) {
      const at = args.text('path');
      if (at === undefined) return '/\n';
      return listAt(emulator.root, at)
        .map(({ name, type }) => `${name} (${type})\n`)
        .join('');
    },
  },
  {
    name: 'qom-get',
    args: [path, property],
    params: 'path property',
    help: 'print QOM property',
    preconfig: true,
    run: ({ emulator }, args) =>
      `${formatJson(getAt(emulator.root, args.requireText('path'), args.requireText('property')))}\n`,
  },
  {
    name: 'qom-set',
    args: [{ name: 'j', kind: 'flag' }, path, property, { name: 'value', kind: 'rest' }],
    params: '[-j] path property value',
    help: 'set QOM property.\n\t\t\t-j: the value is specified in json format.',
    preconfig: true,
    run({ emulator }, args) {
      const json = args.flag('j');
      const text = args.requireText('value');
      requireObject(emulator.root, args.requireText('path')).setProperty(
        args.requireText('property'),
        json ? readJson(text) : text,
        { scope: emulator.root, json },
      );
      return undefined;
    },
  },
  {
    name: 'device_add',
    args: [{ name: 'device', kind: 'rest', optional: true, complete: (context) => isCreatable(context, 'device') }],
    params: 'driver[,prop=value][,...]',
    help: 'add device, like -device on the command line',
    run({ emulator }, args) {
      const { driver, ...rest } = parseOptions(args.text('device') ?? '', 'driver');
      if (driver === undefined) throw new UserError("Parameter 'driver' is missing");
      addDevice(emulator, driver, rest);
      return undefined;
    },
  },
  {
    name: 'device_del',
    args: [
      {
        name: 'id',
        kind: 'word',
        complete: ({ emulator }) => namesUnder(emulator.machine?.children.get('peripheral')),
      },
    ],
    params: 'device',
    help: 'remove device',
    run(context, args) {
      unplugDevice(machineOf(context), args.requireText('id'));
      return undefined;
    },
  },
  {
    name: 'object_add',
    args: [{ name: 'object', kind: 'rest', complete: (context) => isCreatable(context, 'user-creatable') }],
    params: '[qom-type=]type,id=str[,prop=value][,...]',
    help: 'create QOM object',
    preconfig: true,
    run({ emulator }, args) {
      const { 'qom-type': type, id, ...properties } = parseOptions(args.requireText('object'), 'qom-type');
      if (type === undefined) throw new UserError("Parameter 'qom-type' is missing");
      if (!emulator.types.isA(type, 'user-creatable') || !emulator.types.get(type)?.create) {
        throw new UserError(`Parameter 'qom-type' does not accept value '${type}'`);
      }
      if (id === undefined) throw new UserError("Parameter 'id' is missing");
      addObject(emulator, type, id, properties, false);
      return undefined;
    },
  },
  {
    name: 'object_del',
    args: [{ name: 'id', kind: 'word', complete: ({ emulator }) => namesUnder(emulator.root.children.get('objects')) }],
    params: 'id',
    help: 'destroy QOM object',
    preconfig: true,
    run({ emulator }, args) {
      deleteObject(emulator, args.requireText('id'));
      return undefined;
    },
  },
];
