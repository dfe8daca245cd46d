// Objects and devices (qapi/qom.json, qapi/qdev.json).
import type { PropertySpec, TypeRegistry } from '@boardwalk/core';
import { linkTarget } from '@boardwalk/core';
import {
  type AnyType,
  any,
  bool,
  command,
  enumeration,
  int,
  list,
  type MemberSpecs,
  number,
  opt,
  size,
  str,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  union,
} from './dsl.ts';

export const ObjectPropertyInfo = struct('ObjectPropertyInfo', {
  name: str,
  type: str,
  description: opt(str),
  'default-value': opt(any),
});
export const ObjectTypeInfo = struct('ObjectTypeInfo', { name: str, abstract: opt(bool), parent: opt(str) });

const PROPERTY_TYPES: Readonly<Record<string, AnyType>> = {
  uint8,
  uint16,
  uint32,
  uint64,
  size,
  number,
  bool,
  str,
  string: str,
};

function propertyType(spec: PropertySpec): AnyType {
  if (spec.values) return enumeration(spec.reportedType ?? spec.type, spec.values);
  if (linkTarget(spec.type) !== undefined) return str;
  // A property with a parser of its own takes what that takes: of lists there are only those of numbers.
  if (spec.type === 'list') return list(int);
  return PROPERTY_TYPES[spec.type] ?? (spec.type.startsWith('int') ? int : any);
}

/** The arguments of `object-add`: the types of objects that a user can make, each with its properties. */
export function objectOptions(types: TypeRegistry): AnyType {
  const creatable = types.list({ implements: 'user-creatable' }).filter((type) => type.create);
  const variants = creatable.map(({ name }) => {
    const members: MemberSpecs = Object.fromEntries(
      types
        .properties(name)
        .filter((spec) => !spec.readonly)
        .map((spec) => [spec.name, spec.required ? propertyType(spec) : opt(propertyType(spec))]),
    );
    return [name, struct(`${name}-properties`, members)] as const;
  });
  const names = enumeration(
    'ObjectType',
    creatable.map(({ name }) => name),
  );
  return union('ObjectOptions', { 'qom-type': names, id: str }, 'qom-type', Object.fromEntries(variants));
}

export const qomCommands = {
  'qom-list': command({
    doc: 'The properties and children of the object at a path, which may be partial.',
    args: { path: str },
    returns: list(ObjectPropertyInfo),
    preconfig: true,
  }),
  'qom-get': command({
    doc: "A property's value.",
    args: { path: str, property: str },
    returns: any,
    preconfig: true,
  }),
  'qom-set': command({
    doc: 'Sets a property.',
    args: { path: str, property: str, value: any },
    preconfig: true,
  }),
  'qom-list-types': command({
    doc: 'The types, all or those that are or implement one.',
    args: { implements: opt(str), abstract: opt(bool) },
    returns: list(ObjectTypeInfo),
    preconfig: true,
  }),
  'qom-list-properties': command({
    doc: "A type's properties.",
    args: { typename: str },
    returns: list(ObjectPropertyInfo),
    preconfig: true,
  }),
  'device-list-properties': command({
    doc: "A type of device's properties.",
    args: { typename: str },
    returns: list(ObjectPropertyInfo),
  }),
  'object-add': command({
    doc: 'Makes an object, as `-object` does. Its type has further arguments: its properties.',
    args: { 'qom-type': str, id: str },
    open: true,
    refine: objectOptions,
    preconfig: true,
  }),
  'object-del': command({
    doc: 'Takes an object away that nothing uses.',
    args: { id: str },
    preconfig: true,
  }),
  device_add: command({
    doc: 'Adds a device, as `-device` does, where its bus takes one later. Further arguments are its properties.',
    args: { driver: str, bus: opt(str), id: opt(str) },
    open: true,
  }),
  device_del: command({
    doc: 'Takes a device away, by id or path, where its bus lets it go; DEVICE_DELETED tells when it has gone.',
    args: { id: str },
  }),
} as const;
