// A device's state, declared once as data: it serves reset, snapshots and inspection.

/** A state value as a snapshot keeps it. Arrays and bytes are copies. */
export type StateValue = number | bigint | boolean | Uint8Array | readonly (number | bigint | boolean)[];

type ScalarType = 'u8' | 'u16' | 'u32' | 'i32' | 'number';

interface FieldBase {
  /** Name of the device's own field that holds it. */
  readonly name: string;
  /** Elements of an array (a typed array or a plain one); without it the field holds one value. Of `bytes`: the length. */
  readonly count?: number;
}

/**
 * One declared piece of state. `reset` is the value after a reset (of every element, for an array); a field without it
 * keeps its value through resets, as a battery-backed register does. `u64` is a bigint; `number` any number, for
 * virtual times in ns.
 */
export type StateField = FieldBase &
  (
    | { readonly type: ScalarType; readonly reset?: number }
    | { readonly type: 'u64'; readonly reset?: bigint }
    | { readonly type: 'bool'; readonly reset?: boolean }
    | { readonly type: 'bytes'; readonly reset?: number }
  );

/** A saved device. Can be cloned by `structuredClone`. */
export interface DeviceState {
  readonly type: string;
  readonly version: number;
  readonly fields: Readonly<Record<string, StateValue>>;
  /** Levels of interrupt lines, by group. */
  readonly inputs: Readonly<Record<string, readonly boolean[]>>;
  readonly outputs: Readonly<Record<string, readonly boolean[]>>;
}

/** Anything whose class declares `static state`. */
type Stateful = object;

const declared = new WeakMap<object, readonly StateField[]>();

/** The fields that an object's class and its ancestors declare, ancestors first. */
export function stateFieldsOf(owner: Stateful): readonly StateField[] {
  const known = declared.get(owner.constructor);
  if (known !== undefined) return known;
  const chain: StateField[][] = [];
  for (let type: unknown = owner.constructor; typeof type === 'function'; type = Object.getPrototypeOf(type)) {
    if (Object.hasOwn(type, 'state')) chain.unshift([...(type as unknown as { state: readonly StateField[] }).state]);
  }
  const fields = chain.flat();
  declared.set(owner.constructor, fields);
  return fields;
}

/** Checks that each declared field exists and holds what its declaration says. @throws Error naming class and field */
export function checkState(owner: Stateful): void {
  for (const field of stateFieldsOf(owner)) {
    const problem = fieldProblem(field, Reflect.get(owner, field.name));
    if (problem !== undefined) throw new Error(`${owner.constructor.name}.${field.name}: ${problem}`);
  }
}

function fieldProblem(field: StateField, value: unknown): string | undefined {
  if (field.type === 'bytes') return value instanceof Uint8Array ? undefined : 'state of type bytes is no Uint8Array';
  if (field.count !== undefined) {
    const array = indexable(value);
    if (array === undefined) return 'state with a count is no array';
    return array.length === field.count ? undefined : `has ${array.length} elements, its state declares ${field.count}`;
  }
  const wanted = field.type === 'u64' ? 'bigint' : field.type === 'bool' ? 'boolean' : 'number';
  return typeof value === wanted ? undefined : `state of type ${field.type} is no ${wanted}`;
}

interface Indexable {
  readonly length: number;
  [index: number]: number | bigint | boolean;
}

function indexable(value: unknown): Indexable | undefined {
  if (Array.isArray(value)) return value as Indexable;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as unknown as Indexable;
  return undefined;
}

/** Gives every field that has one its reset value. */
export function resetState(owner: Stateful): void {
  for (const field of stateFieldsOf(owner)) {
    if (field.reset === undefined) continue;
    if (field.type !== 'bytes' && field.count === undefined) {
      Reflect.set(owner, field.name, field.reset);
      continue;
    }
    const array = indexable(Reflect.get(owner, field.name));
    for (let i = 0; i < (array?.length ?? 0); i++) if (array !== undefined) array[i] = field.reset;
  }
}

/** A copy of every declared field. */
export function saveState(owner: Stateful): Record<string, StateValue> {
  const fields: Record<string, StateValue> = {};
  for (const field of stateFieldsOf(owner)) {
    const value: unknown = Reflect.get(owner, field.name);
    if (value instanceof Uint8Array && field.type === 'bytes') fields[field.name] = value.slice();
    else fields[field.name] = field.count === undefined ? (value as StateValue) : Array.from(indexable(value) ?? []);
  }
  return fields;
}

/** The declared fields that a snapshot has, checked. @throws Error if a saved value is not of its field's type or length */
export function checkSavedState(owner: Stateful, saved: Readonly<Record<string, StateValue>>): readonly StateField[] {
  const fields = stateFieldsOf(owner).filter((field) => Object.hasOwn(saved, field.name));
  for (const field of fields) {
    const problem = fieldProblem(field, saved[field.name]);
    if (problem !== undefined) throw new Error(`saved ${owner.constructor.name}.${field.name}: ${problem}`);
  }
  return fields;
}

/**
 * Puts saved fields back. A field that the snapshot lacks keeps its present value.
 * @throws Error if a saved value is not of its field's type or length, before anything has changed
 */
export function restoreState(owner: Stateful, saved: Readonly<Record<string, StateValue>>): void {
  for (const field of checkSavedState(owner, saved)) {
    const value = saved[field.name];
    if (value instanceof Uint8Array) restoreBytes(owner, field.name, value);
    else if (Array.isArray(value)) restoreArray(indexable(Reflect.get(owner, field.name)), value);
    else Reflect.set(owner, field.name, value);
  }
}

function restoreBytes(owner: Stateful, name: string, value: Uint8Array): void {
  const present: unknown = Reflect.get(owner, name);
  if (present instanceof Uint8Array && present.length === value.length) present.set(value);
  else Reflect.set(owner, name, value.slice());
}

function restoreArray(target: Indexable | undefined, values: readonly (number | bigint | boolean)[]): void {
  values.forEach((value, i) => {
    if (target !== undefined) target[i] = value;
  });
}

/** `name=value` texts for a person: numbers in hex, arrays in brackets. */
export function describeState(owner: Stateful): string[] {
  return Object.entries(saveState(owner)).map(([name, value]) => `${name}=${describeValue(value)}`);
}

function describeValue(value: StateValue): string {
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (typeof value === 'object') return `[${value.map(describeValue).join(' ')}]`;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return String(value);
  return value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}
