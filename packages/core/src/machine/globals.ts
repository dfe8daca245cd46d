// -global: values of properties for all devices of a type. What a device itself is given comes before them.
import type { BwObject, TypeRegistry } from '../object/index.ts';
import { UserError } from '../object/index.ts';

/** One `-global`. */
export interface GlobalProperty {
  /** The devices' type, or one that they derive from. */
  readonly driver: string;
  readonly property: string;
  readonly value: string;
}

/**
 * The properties that a device of a type is made with: those given, and the globals for it, the last one of a property.
 * @throws UserError for a property that the type has not
 */
export function withGlobals(
  globals: readonly GlobalProperty[],
  types: TypeRegistry,
  driver: string,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const wanted = globals.filter((global) => types.isA(driver, global.driver));
  if (wanted.length === 0) return given;
  const known = new Set(types.properties(driver).map(({ name }) => name));
  const properties: Record<string, unknown> = {};
  for (const global of wanted) {
    if (!known.has(global.property)) throw refused(global, `Property '${driver}.${global.property}' not found`);
    properties[global.property] = global.value;
  }
  return { ...properties, ...given };
}

/** Sets the globals that are for a device which its board made. @throws UserError for a property or value that it cannot have */
export function applyGlobals(globals: readonly GlobalProperty[], device: BwObject): void {
  for (const global of globals) {
    if (!device.isA(global.driver)) continue;
    try {
      device.setProperty(global.property, global.value);
    } catch (error) {
      throw error instanceof UserError ? refused(global, error.message) : error;
    }
  }
}

function refused({ driver, property, value }: GlobalProperty, problem: string): UserError {
  return new UserError(`can't apply global ${driver}.${property}=${value}: ${problem}`);
}
