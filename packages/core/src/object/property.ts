// What a property is. Types and their names follow QEMU's object model (docs/devel/qom.rst, `info qom-tree`, QMP qom-list).

import type { BwObject } from './object.ts';

/**
 * One property of a type: what `-device TYPE,NAME=VALUE`, QMP `qom-set` and code may read and set.
 *
 * Without `get` and `set` the object itself keeps the value, starting with `default`. With `get` alone the property
 * cannot be written. `validate` sees the value already converted to its type.
 */
export interface PropertySpec<T = unknown> {
  readonly name: string;
  /**
   * `bool`, `str`, `int8` to `int64`, `uint8` to `uint64`, `int` (64 bits, signed), `size` (bytes), `number`, `enum` or any other
   * name with `values`, `link<TYPE>`, or any name at all with `parse`.
   *
   * An integer value is a number; only one beyond 2^53 - 1 is a bigint.
   */
  readonly type: string;
  /** One line for help texts and `qom-list-properties`. */
  readonly description: string;
  /** The type that introspection reports, where that is not `type` itself. */
  readonly reportedType?: string;
  readonly default?: T;
  /** The names an enumeration accepts. */
  readonly values?: readonly string[];
  /** Refuses every write from outside. */
  readonly readonly?: boolean;
  /** Must be given when {@link TypeRegistry.create} makes the object. */
  readonly required?: boolean;
  get?(o: BwObject): T;
  set?(o: BwObject, value: T): void;
  /** The text of the error that this value is, or undefined if it is allowed. */
  validate?(value: T): string | undefined;
  /** Converts what was given (a string, or a JSON value) for a type that the object model does not know. */
  parse?(value: unknown): T;
}

/** Properties by name as they are given: strings are read by type, other values must have the type. */
export type PropertyBag = Readonly<Record<string, unknown>>;

/** The `TYPE` of `link<TYPE>`, or undefined for any other property type. */
export function linkTarget(type: string): string | undefined {
  return /^link<(.+)>$/.exec(type)?.[1];
}
