// What a monitor shows of objects and types: QMP qom-list, qom-get, qom-set, qom-list-types, qom-list-properties (qapi/qom.json).

import { BwObject } from './object.ts';
import { requireObject } from './path.ts';
import { linkTarget, type PropertySpec } from './property.ts';
import type { TypeFilter, TypeRegistry } from './registry.ts';

/** A property as QMP describes it (ObjectPropertyInfo). */
export interface PropertyInfo {
  readonly name: string;
  readonly type: string;
  readonly description?: string;
  readonly 'default-value'?: unknown;
}

/** A type as QMP describes it (ObjectTypeInfo). */
export interface TypeInfo {
  readonly name: string;
  readonly parent?: string;
  readonly abstract?: boolean;
}

const typeProperty: PropertyInfo = { name: 'type', type: 'string' };

function reportedType(spec: PropertySpec): string {
  return spec.reportedType ?? spec.type;
}

function describe(spec: PropertySpec): PropertyInfo {
  return {
    name: spec.name,
    type: reportedType(spec),
    ...(spec.description === '' ? {} : { description: spec.description }),
    ...(spec.default === undefined ? {} : { 'default-value': spec.default }),
  };
}

/** All that an object has: its type, its properties, then its children as `child<TYPE>`. */
export function listProperties(o: BwObject): PropertyInfo[] {
  return [
    typeProperty,
    ...o.properties().map((spec) => ({ name: spec.name, type: reportedType(spec) })),
    ...[...o.children].map(([name, child]) => ({ name, type: `child<${child.type}>` })),
  ];
}

/** The properties of a type with descriptions and defaults. Throws UserError if there is no such type. */
export function listTypeProperties(registry: TypeRegistry, typeName: string): PropertyInfo[] {
  return [typeProperty, ...registry.properties(typeName).map(describe)];
}

/** The types of a registry. */
export function listTypes(registry: TypeRegistry, filter: TypeFilter = {}): TypeInfo[] {
  return registry.list(filter).map((type) => {
    const parent = registry.parentOf(type);
    return {
      name: type.name,
      ...(parent === undefined ? {} : { parent }),
      ...(type.abstract ? { abstract: true } : {}),
    };
  });
}

/** `list` of the object at a path. */
export function listAt(root: BwObject, path: string): PropertyInfo[] {
  return listProperties(requireObject(root, path));
}

/** A property's value as JSON has it: objects as their paths, an unset link as an empty string. 64-bit integers may be bigint. */
export function getAt(root: BwObject, path: string, name: string): unknown {
  const o = requireObject(root, path);
  const value = o.getProperty(name);
  if (value instanceof BwObject) return value.path;
  const spec = o.findProperty(name);
  return value === undefined && spec && linkTarget(spec.type) !== undefined ? '' : value;
}

/** Sets a property from a JSON value. Throws UserError as {@link BwObject.setProperty} does. */
export function setAt(root: BwObject, path: string, name: string, value: unknown): void {
  requireObject(root, path).setProperty(name, value, { scope: root, json: true });
}
