// --load: boards and devices that come from outside of our packages.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type BoardRegistry,
  defineBoard,
  isBoardDefinition,
  type TypeDefinition,
  type TypeRegistry,
  UserError,
} from '@boardwalk/core';

/**
 * Imports a module and registers every board and every device type that it exports, alone or in arrays.
 * @throws UserError if it cannot be loaded, has neither, or one that is there already
 */
export async function loadPlugin(path: string, boards: BoardRegistry, types: TypeRegistry): Promise<void> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UserError(`${path}: no such file`);
  const exports = await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw new UserError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const found = new Set<unknown>(Object.values(exports as object).flat());
  let count = 0;
  for (const item of found) {
    if (isBoardDefinition(item)) boards.register(defineBoard(item));
    else if (isTypeDefinition(item)) registerType(types, item, path);
    else continue;
    count++;
  }
  if (count === 0)
    throw new UserError(`${path}: it exports neither a board (defineBoard) nor a device type (typeOfClass)`);
}

function registerType(types: TypeRegistry, type: TypeDefinition, path: string): void {
  if (types.get(type.name)) throw new UserError(`${path}: there is a device type '${type.name}' already`);
  types.register(type);
}

function isTypeDefinition(value: unknown): value is TypeDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, parent, create, abstract } = value as Partial<Record<keyof TypeDefinition, unknown>>;
  return typeof name === 'string' && typeof parent === 'string' && (typeof create === 'function' || abstract === true);
}
