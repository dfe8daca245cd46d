// Commands about objects and devices.
import {
  addUserObject,
  deleteUserObject,
  getAt,
  isObjectId,
  listAt,
  listTypeProperties,
  listTypes,
  plugDevice,
  setAt,
  UserError,
  unplugDevice,
} from '@boardwalk/core';
import type { Emulator } from '../../emulator.ts';
import { typesOf } from '../../types.ts';
import type { qomCommands } from '../schema/qom.ts';
import { type Handlers, requireMachine } from './context.ts';

function checkId(id: string): void {
  if (!isObjectId(id)) throw new UserError("Parameter 'id' expects an identifier");
}

/** Makes a user's object. @param json properties are JSON values, not texts @throws UserError */
export function addObject(
  emulator: Emulator,
  type: string,
  id: string,
  properties: Readonly<Record<string, unknown>>,
  json: boolean,
): void {
  addUserObject(emulator.root, emulator.types, { type, id, properties, json });
}

/** Takes a user's object away. @throws UserError if there is none, or something uses it */
export function deleteObject(emulator: Emulator, id: string): void {
  deleteUserObject(emulator.root, id);
}

/** Plugs a device into a machine that is there. @throws UserError, if its bus takes none later among others */
export function addDevice(
  emulator: Emulator,
  driver: string,
  { id, bus, ...properties }: Readonly<Record<string, unknown>>,
): void {
  const machine = requireMachine(emulator);
  const type = emulator.types.get(driver);
  if (!type || !emulator.types.isA(driver, 'device')) {
    throw new UserError(`'${driver}' is not a valid device model name`);
  }
  if (type.abstract) throw new UserError("Parameter 'driver' expects a non-abstract device type");
  if (!type.create) throw new UserError("Parameter 'driver' expects a pluggable device type");
  if (typeof id === 'string') checkId(id);
  plugDevice(machine, {
    driver,
    properties,
    ...(typeof id === 'string' && { id }),
    ...(typeof bus === 'string' && { bus }),
  });
}

export const qomHandlers: Handlers<keyof typeof qomCommands> = {
  'qom-list': ({ emulator }, { path }) => listAt(emulator.root, path),
  'qom-get': ({ emulator }, { path, property }) => getAt(emulator.root, path, property),
  'qom-set': ({ emulator }, { path, property, value }) => setAt(emulator.root, path, property, value),
  'qom-list-types': ({ emulator }, { implements: type, abstract }) =>
    listTypes(typesOf(emulator), { implements: type, abstract }),
  'qom-list-properties': ({ emulator }, { typename }) => listTypeProperties(typesOf(emulator), typename),
  'device-list-properties': ({ emulator }, { typename }) => {
    const types = typesOf(emulator);
    const type = types.get(typename);
    if (!type) throw new UserError(`Device '${typename}' not found`, 'DeviceNotFound');
    if (type.abstract || !types.isA(typename, 'device')) {
      throw new UserError("Parameter 'typename' expects a non-abstract device type");
    }
    return listTypeProperties(types, typename).filter(({ name }) => name !== 'type');
  },
  'object-add': ({ emulator }, { 'qom-type': type, id, ...properties }) =>
    addObject(emulator, type, id, properties, true),
  'object-del': ({ emulator }, { id }) => deleteObject(emulator, id),
  device_add: ({ emulator }, { driver, ...rest }) => addDevice(emulator, driver, rest),
  device_del: ({ emulator }, { id }) => unplugDevice(requireMachine(emulator), id),
};
