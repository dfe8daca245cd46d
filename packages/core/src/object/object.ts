// The object tree: everything a machine is made of has a type, a place in the tree and properties.
// The model and its error texts are those of the QEMU Object Model (docs/devel/qom.rst).

import { resolvePath } from './path.ts';
import { linkTarget, type PropertySpec } from './property.ts';
import { UserError } from './user-error.ts';
import { convertValue, invalidType } from './value.ts';

/** How {@link BwObject.setProperty} reads what it is given. */
export interface SetPropertyOptions {
  /** The tree in which a link's path is looked up; the object's own tree if not given. */
  readonly scope?: BwObject | undefined;
  /** Takes strings as JSON strings, never as the text of a number or a boolean (QMP does). */
  readonly json?: boolean | undefined;
}

/** A class of objects, abstract or not, whatever its constructor takes. */
export type ObjectClass = (abstract new (
  ...args: never[]
) => BwObject) &
  Pick<typeof BwObject, 'typeName' | 'properties' | 'interfaces'>;

const classProperties = new WeakMap<ObjectClass, ReadonlyMap<string, PropertySpec>>();

function parentClass(type: ObjectClass): ObjectClass | undefined {
  return type === BwObject ? undefined : (Object.getPrototypeOf(type) as ObjectClass);
}

function propertiesOfClass(type: ObjectClass): ReadonlyMap<string, PropertySpec> {
  const known = classProperties.get(type);
  if (known) return known;
  const parent = parentClass(type);
  const all = new Map(parent ? propertiesOfClass(parent) : []);
  if (Object.hasOwn(type, 'properties')) for (const spec of type.properties) all.set(spec.name, spec);
  classProperties.set(type, all);
  return all;
}

/**
 * A node of the object tree. A class declares its properties once, in `static properties`; a derived class inherits them and
 * may declare one anew to change it. Children keep the order in which they were added.
 */
export class BwObject {
  /** The type's name, as QMP shows it. */
  static readonly typeName: string = 'object';
  /** Properties that this class adds to its parent's. */
  static readonly properties: readonly PropertySpec[] = [];
  /** Interfaces that this class adds to its parent's. */
  static readonly interfaces: readonly string[] = [];

  readonly type: string;
  #id = '';
  #parent: BwObject | undefined;
  readonly #children = new Map<string, BwObject>();
  readonly #ownProperties = new Map<string, PropertySpec>();
  readonly #values = new Map<string, unknown>();

  /** @param type the type's name, where one class serves several types (CPU models do) */
  constructor(type?: string) {
    this.type = type ?? (this.constructor as ObjectClass).typeName;
  }

  /** The name under the parent; empty while the object is in no tree. */
  get id(): string {
    return this.#id;
  }

  get parent(): BwObject | undefined {
    return this.#parent;
  }

  /** The topmost object above this one, or the object itself. */
  get root(): BwObject {
    let o: BwObject = this;
    while (o.#parent) o = o.#parent;
    return o;
  }

  /** Canonical path, such as `/machine/soc/uart0`. The root of a tree is `/`. */
  get path(): string {
    if (!this.#parent) return '/';
    const above = this.#parent.path;
    return above === '/' ? `/${this.#id}` : `${above}/${this.#id}`;
  }

  get children(): ReadonlyMap<string, BwObject> {
    return this.#children;
  }

  /** Whether the object is of a type, or of one derived from it, or has it as an interface. */
  isA(typeName: string): boolean {
    if (this.type === typeName || typeName === BwObject.typeName) return true;
    for (let type: ObjectClass | undefined = this.constructor as ObjectClass; type; type = parentClass(type)) {
      if (type.typeName === typeName || type.interfaces.includes(typeName)) return true;
    }
    return false;
  }

  /**
   * Puts an object into the tree under this one and returns it. A name that ends in `[*]` takes the first free number.
   *
   * @throws UserError if the name is taken
   */
  addChild<T extends BwObject>(name: string, o: T): T {
    const id = name.endsWith('[*]') ? this.#freeName(name.slice(0, -3)) : name;
    const child: BwObject = o;
    if (id === '' || id.includes('/')) throw new Error(`'${id}' is no name for an object`);
    if (child.#parent) throw new Error(`object '${child.path}' is in the tree already`);
    if (this.root === child) throw new Error(`object '${id}' cannot be placed below itself`);
    if (this.#children.has(id) || this.findProperty(id)) {
      throw new UserError(`attempt to add duplicate property '${id}' to object (type '${this.type}')`);
    }
    child.#parent = this;
    child.#id = id;
    this.#children.set(id, child);
    return o;
  }

  /** Takes the object, and all below it, out of the tree. */
  remove(): void {
    if (this.#parent) this.#parent.#children.delete(this.#id);
    this.#parent = undefined;
    this.#id = '';
  }

  /** Called once by whoever made the object, after its properties are set: checks them together and takes what it needs. */
  complete(): void {}

  /** Whether nothing uses the object, so that its user may delete it. */
  canBeDeleted(): boolean {
    return true;
  }

  /** Gives back what the object holds (memory, files). It is not used again. */
  dispose(): void {}

  /** Declares a property of this one object. */
  addProperty<T>(spec: PropertySpec<T>): void {
    if (this.#children.has(spec.name) || this.findProperty(spec.name)) {
      throw new Error(`attempt to add duplicate property '${spec.name}' to object (type '${this.type}')`);
    }
    this.#ownProperties.set(spec.name, spec);
  }

  /** Declares a property that stands for another object's. */
  addAlias(name: string, target: BwObject, targetName = name): void {
    const spec = target.#requireProperty(targetName);
    const { default: _, validate: __, parse: ___, ...rest } = spec;
    this.addProperty({
      ...rest,
      // The target reads what it is given.
      ...(spec.parse && { parse: (value: unknown) => value }),
      name,
      required: false,
      get: () => target.getProperty(targetName),
      set: (_o: BwObject, value: unknown) => target.setProperty(targetName, value),
    });
  }

  /** The properties that can be got or set, those of base classes first; children are not among them. */
  properties(): PropertySpec[] {
    return [...propertiesOfClass(this.constructor as ObjectClass).values(), ...this.#ownProperties.values()];
  }

  findProperty(name: string): PropertySpec | undefined {
    return propertiesOfClass(this.constructor as ObjectClass).get(name) ?? this.#ownProperties.get(name);
  }

  /**
   * A property's value in its own type; a link's is the object or undefined, a child's name gives the child, `type` the type's name.
   *
   * @throws UserError if there is no such property
   */
  getProperty(name: string): unknown {
    const spec = this.findProperty(name);
    if (spec) {
      if (spec.get) return spec.get(this);
      return this.#values.has(name) ? this.#values.get(name) : spec.default;
    }
    const child = this.#children.get(name);
    if (child) return child;
    if (name === 'type') return this.type;
    throw this.#notFound(name);
  }

  /**
   * Sets a property. A string is read by the property's type (`on`, `0x10`, `512M`, an object's path or id), any other value
   * must be of that type.
   *
   * @throws UserError in QEMU's words: no such property, not writable, wrong type or value
   */
  setProperty(name: string, value: unknown, options: SetPropertyOptions = {}): void {
    const spec = this.#requireProperty(name);
    if (spec.readonly || (spec.get && !spec.set)) {
      throw new UserError(`Property '${this.type}.${name}' is not writable`);
    }
    const refusal = this.refuseChange(spec);
    if (refusal !== undefined) throw new UserError(refusal);
    const target = linkTarget(spec.type);
    const converted =
      target !== undefined && !spec.parse
        ? this.#resolveLink(name, target, value, options.scope ?? this.root)
        : convertValue(spec, value, !options.json);
    const problem = spec.validate?.(converted);
    if (problem !== undefined) throw new UserError(problem);
    if (spec.set) spec.set(this, converted);
    if (!spec.get) this.#values.set(name, converted);
  }

  /** The text of the error if this property must not be changed now (devices refuse once they are realized). */
  protected refuseChange(_spec: PropertySpec): string | undefined {
    return undefined;
  }

  #freeName(stem: string): string {
    let index = 0;
    while (this.#children.has(`${stem}[${index}]`)) index++;
    return `${stem}[${index}]`;
  }

  #notFound(name: string): UserError {
    return new UserError(`Property '${this.type}.${name}' not found`);
  }

  #requireProperty(name: string): PropertySpec {
    const spec = this.findProperty(name);
    if (spec) return spec;
    if (name === 'type' || this.#children.has(name)) {
      throw new UserError(`Property '${this.type}.${name}' is not writable`);
    }
    throw this.#notFound(name);
  }

  #resolveLink(name: string, target: string, value: unknown, scope: BwObject): BwObject | undefined {
    if (value === undefined || value === '') return undefined;
    if (value instanceof BwObject) {
      if (!value.isA(target)) throw invalidType(name, target);
      return value;
    }
    if (typeof value !== 'string') throw invalidType(name, 'string');
    const { object, ambiguous } = resolvePath(scope, value, target);
    if (ambiguous) throw new UserError(`Path '${value}' does not uniquely identify an object`);
    if (object) return object;
    const other = resolvePath(scope, value);
    if (other.object || other.ambiguous) throw invalidType(name, target);
    throw new UserError(`Device '${value}' not found`, 'DeviceNotFound');
  }
}

/** A node that only holds others (`/objects`, `/chardevs`, `/machine/peripheral`). */
export class Container extends BwObject {
  static override readonly typeName: string = 'container';
}

/** An empty object tree: the root, with `/objects` and `/chardevs`. */
export function createObjectTree(): BwObject {
  const root = new Container();
  root.addChild('objects', new Container());
  root.addChild('chardevs', new Container());
  return root;
}
