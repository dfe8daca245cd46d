// Finding objects by path: absolute, or partial as QEMU's object_resolve_path takes them.

import type { BwObject } from './object.ts';
import { linkTarget } from './property.ts';
import { UserError } from './user-error.ts';

/** What a path leads to. */
export interface Resolution {
  readonly object: BwObject | undefined;
  /** A partial path that fits more than one object. */
  readonly ambiguous: boolean;
}

function step(o: BwObject, name: string): BwObject | undefined {
  const child = o.children.get(name);
  if (child) return child;
  const spec = o.findProperty(name);
  if (!spec || linkTarget(spec.type) === undefined) return undefined;
  return o.getProperty(name) as BwObject | undefined;
}

function walk(from: BwObject, parts: readonly string[], type: string | undefined): BwObject | undefined {
  let o: BwObject | undefined = from;
  for (const part of parts) {
    o = step(o, part);
    if (!o) return undefined;
  }
  return type === undefined || o.isA(type) ? o : undefined;
}

/**
 * Looks an object up. `/machine/uart0` starts at the root, follows children and links; `uart0` or `soc/uart0` is a partial path: it
 * is tried from every object of the tree. An empty path with a type finds the one object of that type.
 *
 * @param type only objects of this type count
 */
export function resolvePath(root: BwObject, path: string, type?: string): Resolution {
  const parts = path.split('/').filter((part) => part !== '');
  if (path.startsWith('/')) return { object: walk(root, parts, type), ambiguous: false };
  const found = new Set<BwObject>();
  const visit = (from: BwObject): void => {
    const match = walk(from, parts, type);
    if (match) found.add(match);
    for (const child of from.children.values()) visit(child);
  };
  visit(root);
  const [object] = found;
  return found.size > 1 ? { object: undefined, ambiguous: true } : { object, ambiguous: false };
}

/**
 * The object that a path leads to.
 *
 * @throws UserError (DeviceNotFound) if there is none, or if a partial path fits several
 */
export function requireObject(root: BwObject, path: string): BwObject {
  const { object, ambiguous } = resolvePath(root, path);
  if (ambiguous) throw new UserError(`Path '${path}' is ambiguous`);
  if (!object) throw new UserError(`Device '${path}' not found`, 'DeviceNotFound');
  return object;
}
