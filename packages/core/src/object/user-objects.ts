// Objects that a user makes and deletes, before the machine is there or while it runs: -object, QMP object-add and object-del.

import type { BwObject } from './object.ts';
import type { PropertyBag } from './property.ts';
import type { TypeRegistry } from './registry.ts';
import { UserError } from './user-error.ts';

/** An object that a user asks for. */
export interface UserObjectSpec {
  /** The type's name; it must have the interface `user-creatable`. */
  readonly type: string;
  readonly id: string;
  readonly properties: PropertyBag;
  /** Properties are JSON values, not texts. */
  readonly json?: boolean;
}

/** What an id may be (QEMU's rule for ids of options and objects). */
const ID = /^[A-Za-z][A-Za-z0-9._-]*$/;

/** Whether users may name a thing so: a letter, then letters, digits and `.`, `_`, `-`. */
export function isObjectId(id: string): boolean {
  return ID.test(id);
}

function objectsOf(root: BwObject): BwObject {
  const objects = root.children.get('objects');
  if (objects === undefined) throw new Error('the object tree has no /objects');
  return objects;
}

/**
 * Makes an object under `/objects` and completes it: a memory backend has its memory then. Nothing stays when that fails.
 * @throws UserError for a type, id or property that cannot be
 */
export function addUserObject(root: BwObject, types: TypeRegistry, spec: UserObjectSpec): BwObject {
  const { type, id, properties, json = false } = spec;
  if (!types.isA(type, 'user-creatable')) throw new UserError(`invalid object type: ${type}`);
  if (!isObjectId(id)) throw new UserError("Parameter 'id' expects an identifier");
  return types.create(type, properties, { json, id, scope: root, parent: objectsOf(root) });
}

/**
 * Takes an object away that a user made, and gives back what it holds.
 * @throws UserError if there is none of that id, or something uses it
 */
export function deleteUserObject(root: BwObject, id: string): void {
  const o = objectsOf(root).children.get(id);
  if (o === undefined) throw new UserError(`object '${id}' not found`);
  if (!o.canBeDeleted()) throw new UserError(`object '${id}' is in use, can not be deleted`);
  o.remove();
  o.dispose();
}
