// The types that a program knows: those that can be made by name, and those of machines.
import { Machine, type TypeDefinition, TypeRegistry } from '@boardwalk/core';
import type { Emulator } from './emulator.ts';

const known = new WeakMap<TypeRegistry, { readonly size: number; readonly all: TypeRegistry }>();

/** All types of an emulator, machines too. */
export function typesOf({ types, boards = [] }: Emulator): TypeRegistry {
  const own = types.list({ abstract: true });
  const made = known.get(types);
  if (made?.size === own.length) return made.all;
  const all = new TypeRegistry();
  for (const type of [...own, ...machineTypes(boards)]) if (all.get(type.name) === undefined) all.register(type);
  known.set(types, { size: own.length, all });
  return all;
}

function machineTypes(boards: NonNullable<Emulator['boards']>): TypeDefinition[] {
  return [
    { name: Machine.typeName, abstract: true },
    ...boards.map(({ name, description, properties = [] }) => ({
      name: `${name}-machine`,
      parent: Machine.typeName,
      description,
      properties,
    })),
  ];
}
