// The types that can be made by name (`-object`, `-device`, QMP object-add) and what is known of each.

import { BwObject, type ObjectClass } from './object.ts';
import type { PropertyBag, PropertySpec } from './property.ts';
import { UserError } from './user-error.ts';

/** A type as the registry knows it. */
export interface TypeDefinition {
  readonly name: string;
  /** The type it derives from; `object` if not given. */
  readonly parent?: string;
  readonly abstract?: boolean;
  readonly description?: string;
  readonly interfaces?: readonly string[];
  /** Properties it adds to its parent's. */
  readonly properties?: readonly PropertySpec[];
  /** Makes the object; its properties are set afterwards. `props` are those given, not yet converted. */
  create?(props: PropertyBag): BwObject;
}

/** Which types {@link TypeRegistry.list} gives. */
export interface TypeFilter {
  /** Only this type, those derived from it and those that have it as an interface. */
  readonly implements?: string | undefined;
  /** Abstract types too. */
  readonly abstract?: boolean | undefined;
}

/** How {@link TypeRegistry.create} looks links up and reads values, and where the object goes. */
export interface CreateOptions {
  /** Object that the new one becomes a child of, under the name `id`, before it is completed. */
  readonly parent?: BwObject | undefined;
  readonly id?: string | undefined;
  /** The tree in which links are looked up. */
  readonly scope?: BwObject | undefined;
  /** Takes strings as JSON strings. */
  readonly json?: boolean | undefined;
}

/** Describes a class for {@link TypeRegistry.register}, taking name, parent, interfaces and properties from it. */
export function typeOfClass(
  type: ObjectClass,
  more: Pick<TypeDefinition, 'description' | 'abstract' | 'create'> = {},
): TypeDefinition {
  const parent = Object.getPrototypeOf(type) as ObjectClass;
  return {
    name: type.typeName,
    parent: parent.typeName,
    interfaces: Object.hasOwn(type, 'interfaces') ? type.interfaces : [],
    properties: Object.hasOwn(type, 'properties') ? type.properties : [],
    ...more,
  };
}

/** Types by name, in the order in which they were registered. */
export class TypeRegistry {
  readonly #types = new Map<string, TypeDefinition>();

  constructor() {
    this.register({ name: BwObject.typeName, abstract: true });
  }

  register(type: TypeDefinition): void {
    if (this.#types.has(type.name)) throw new Error(`type '${type.name}' is registered already`);
    this.#types.set(type.name, type);
  }

  get(name: string): TypeDefinition | undefined {
    return this.#types.get(name);
  }

  /** The parent's name; undefined for `object` alone. */
  parentOf(type: TypeDefinition): string | undefined {
    return type.name === BwObject.typeName ? undefined : (type.parent ?? BwObject.typeName);
  }

  /** A type and those it derives from, itself first. */
  lineage(name: string): TypeDefinition[] {
    const line: TypeDefinition[] = [];
    let type = this.#types.get(name);
    while (type) {
      line.push(type);
      const parent = this.parentOf(type);
      type = parent === undefined ? undefined : this.#types.get(parent);
    }
    return line;
  }

  /** Whether a type is another, derives from it, or has it as an interface. */
  isA(name: string, other: string): boolean {
    return this.lineage(name).some((type) => type.name === other || type.interfaces?.includes(other));
  }

  list(filter: TypeFilter = {}): TypeDefinition[] {
    const wanted = filter.implements;
    return [...this.#types.values()].filter(
      (type) => (filter.abstract || !type.abstract) && (wanted === undefined || this.isA(type.name, wanted)),
    );
  }

  /**
   * The properties of a type, those of its ancestors first.
   *
   * @throws UserError (DeviceNotFound) if there is no such type
   */
  properties(name: string): PropertySpec[] {
    if (!this.#types.has(name)) throw new UserError(`Class '${name}' not found`, 'DeviceNotFound');
    const all = new Map<string, PropertySpec>();
    for (const type of this.lineage(name).reverse()) {
      for (const spec of type.properties ?? []) all.set(spec.name, spec);
    }
    return [...all.values()];
  }

  /**
   * Makes an object, sets its properties in the order given, places it in the tree if `options` say where, and completes it. If
   * that fails nothing of it stays behind.
   *
   * @throws UserError for a type that is not there or abstract, and for properties that are missing, unknown or wrong
   */
  create(name: string, props: PropertyBag = {}, options: CreateOptions = {}): BwObject {
    const type = this.#types.get(name);
    if (!type) throw new UserError(`invalid object type: ${name}`);
    if (type.abstract || !type.create) throw new UserError(`object type '${name}' is abstract`);
    for (const spec of this.properties(name)) {
      if (spec.required && props[spec.name] === undefined) {
        throw new UserError(`Parameter '${spec.name}' is missing`);
      }
    }
    const o = type.create(props);
    try {
      for (const [key, value] of Object.entries(props)) if (value !== undefined) o.setProperty(key, value, options);
      if (options.parent && options.id !== undefined) options.parent.addChild(options.id, o);
      o.complete();
    } catch (error) {
      o.remove();
      o.dispose();
      throw error;
    }
    return o;
  }
}
