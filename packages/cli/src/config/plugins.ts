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

/** What a module does with the machine once it is made: instruments, for one. It gives what is to be done at the end. */
export type MachineHook = (machine: Machine) => Promise<() => unknown>;

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
  const hook = typeof onMachine === 'function' ? hookOf(path, onMachine as (machine: Machine) => unknown) : undefined;
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

/** @throws UserError, when it is called, where the module's function gives what cannot be called */
function hookOf(path: string, onMachine: (machine: Machine) => unknown): MachineHook {
  return async (machine) => {
    const end = (await onMachine(machine)) ?? (() => {});
    if (typeof end !== 'function')
      throw new UserError(`-load: ${path}: what onMachine returns for the end is no function`);
    return end as () => unknown;
  };
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
