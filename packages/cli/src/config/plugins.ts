// --load: boards, devices, and functions for the machine, that come from outside of our packages.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type BoardRegistry,
  defineBoard,
  isBoardDefinition,
  type Machine,
  type TypeDefinition,
  type TypeRegistry,
  UserError,
} from '@boardwalk/core';

/** What a module does with the machine once it is made: instruments, for one. It may give what is to be done at the end. */
// biome-ignore lint/suspicious/noConfusingVoidType: functions that give nothing are the usual ones
export type MachineHook = (machine: Machine) => (() => void) | void;

/**
 * Imports a module and registers every board and every device type that it exports, alone or in arrays. Gives the function
 * `onMachine` that it exports, if it does.
 * @throws UserError if it cannot be loaded, has none of these, or one that is there already
 */
export async function loadPlugin(
  path: string,
  boards: BoardRegistry,
  types: TypeRegistry,
): Promise<MachineHook | undefined> {
  const file = resolve(path);
  if (!existsSync(file)) throw new UserError(`${path}: no such file`);
  const exports = await import(pathToFileURL(file).href).catch((error: unknown) => {
    throw new UserError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  });
  const { onMachine } = exports as { readonly onMachine?: unknown };
  const hook = typeof onMachine === 'function' ? (onMachine as MachineHook) : undefined;
  const found = new Set<unknown>(Object.values(exports as object).flat());
  let count = 0;
  for (const item of found) {
    if (isBoardDefinition(item)) boards.register(defineBoard(item));
    else if (isTypeDefinition(item)) registerType(types, item, path);
    else continue;
    count++;
  }
  if (count === 0 && hook === undefined) {
    throw new UserError(`${path}: it exports no board (defineBoard), device type (typeOfClass) or function onMachine`);
  }
  return hook;
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
