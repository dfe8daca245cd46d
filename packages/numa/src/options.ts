// What a user says about NUMA, and how it is read from an option's text or from JSON. Names, types and the texts of the errors
// are those of QEMU 7.2 (read off `-numa` and QMP set-numa-node).
import {
  ASSOCIATIVITIES,
  convertValue,
  DATA_TYPES,
  HIERARCHIES,
  type NumaOption,
  parseSize,
  UserError,
  WRITE_POLICIES,
} from '@boardwalk/core';

export type {
  CpuProps,
  HmatCacheOption,
  HmatDataType,
  HmatHierarchy,
  HmatLbOption,
  NumaCpuOption,
  NumaDistOption,
  NumaNodeOption,
  NumaOption,
} from '@boardwalk/core';

interface Field {
  /** Name in an option's text and in JSON. */
  readonly name: string;
  readonly kind: 'uint8' | 'uint16' | 'uint64' | 'size' | 'str' | 'id' | 'cpus' | readonly string[];
  readonly required?: boolean;
}

const need = (name: string, kind: Field['kind']): Field => ({ name, kind, required: true });
const may = (name: string, kind: Field['kind']): Field => ({ name, kind });

const FIELDS: Readonly<Record<NumaOption['type'], readonly Field[]>> = {
  node: [
    may('nodeid', 'uint16'),
    may('cpus', 'cpus'),
    may('mem', 'size'),
    may('memdev', 'str'),
    may('initiator', 'uint16'),
  ],
  dist: [need('src', 'uint16'), need('dst', 'uint16'), need('val', 'uint8')],
  cpu: ['node-id', 'socket-id', 'die-id', 'cluster-id', 'core-id', 'thread-id'].map((name) => may(name, 'id')),
  'hmat-lb': [
    need('initiator', 'uint16'),
    need('target', 'uint16'),
    need('hierarchy', HIERARCHIES),
    need('data-type', DATA_TYPES),
    may('latency', 'uint64'),
    may('bandwidth', 'size'),
  ],
  'hmat-cache': [
    need('node-id', 'uint16'),
    need('size', 'size'),
    need('level', 'uint8'),
    need('associativity', ASSOCIATIVITIES),
    need('policy', WRITE_POLICIES),
    need('line', 'uint16'),
  ],
};

const LARGEST_CPU_INDEX = 0xffff;

const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function isType(value: unknown): value is NumaOption['type'] {
  return typeof value === 'string' && Object.hasOwn(FIELDS, value);
}

/** `0`, `0-3`, or several of them. */
function readCpus(texts: readonly string[]): number[] {
  return texts.flatMap((text) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(text);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last > LARGEST_CPU_INDEX) {
      throw new UserError("Parameter 'cpus' expects a uint64 value or range");
    }
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

function readCpuList(value: unknown): number[] {
  if (!Array.isArray(value)) throw new UserError("Invalid parameter type for 'cpus', expected: array");
  return value.map((item: unknown) =>
    Number(convertValue({ name: 'cpus', type: 'uint16', description: '' }, item, false)),
  );
}

/** A number's text, with the words for what is none. */
function checkNumberText(name: string, kind: string, value: string): void {
  if (kind.startsWith('uint') && !/^\s*\+?(0x[0-9a-f]+|\d+)$/i.test(value)) {
    throw new UserError(`Parameter '${name}' expects a uint64 value`);
  }
  if (kind === 'id' && !/^\s*[+-]?(0x[0-9a-f]+|\d+)$/i.test(value)) {
    throw new UserError(`Parameter '${name}' expects an int64 value`);
  }
}

function readField({ name, kind }: Field, values: readonly unknown[], text: boolean): unknown {
  if (kind === 'cpus') return text ? readCpus(values.map(String)) : readCpuList(values[0]);
  const value = values.at(-1);
  if (typeof kind !== 'string') return convertValue({ name, type: 'enum', values: kind, description: '' }, value, text);
  if (text) checkNumberText(name, kind, String(value));
  // A node's memory is in MiB where no unit is said, alone among the sizes here.
  if (text && name === 'mem') return parseSize(String(value), name, 'M');
  const number = convertValue({ name, type: kind === 'id' ? 'int64' : kind, description: '' }, value, text);
  if (typeof number !== 'bigint') return number;
  throw new UserError(`Parameter '${name}' expects at most ${Number.MAX_SAFE_INTEGER}`);
}

function read(given: ReadonlyMap<string, readonly unknown[]>, text: boolean): NumaOption {
  const type = given.get('type')?.at(-1);
  if (type === undefined) throw new UserError("Parameter 'type' is missing");
  if (!isType(type)) throw new UserError(`Parameter 'type' does not accept value '${String(type)}'`);
  const option: Record<string, unknown> = { type };
  for (const field of FIELDS[type]) {
    const values = given.get(field.name);
    if (values !== undefined) option[camel(field.name)] = readField(field, values, text);
    else if (field.required === true) throw new UserError(`Parameter '${field.name}' is missing`);
  }
  for (const name of given.keys()) {
    if (name === 'type' || FIELDS[type].some((field) => field.name === name)) continue;
    throw new UserError(text ? `Invalid parameter '${name}'` : `Parameter '${name}' is unexpected`);
  }
  // Each field was converted by its declaration above, and the required ones are there.
  return option as unknown as NumaOption;
}

/**
 * Reads an option's text: `node,nodeid=0,cpus=0-3,memdev=m0`, `dist,src=0,dst=1,val=20` and so on.
 * @throws UserError that names the parameter
 */
export function parseNuma(text: string): NumaOption {
  const given = new Map<string, unknown[]>();
  text.split(',').forEach((item, i) => {
    const at = item.indexOf('=');
    if (item === '' && i > 0) return;
    const [name, value] = at >= 0 ? [item.slice(0, at), item.slice(at + 1)] : i === 0 ? ['type', item] : [item, 'on'];
    given.set(name, [...(given.get(name) ?? []), value]);
  });
  return read(given, true);
}

/**
 * Reads the arguments of QMP's `set-numa-node`.
 * @throws UserError that names the parameter
 */
export function numaFromJson(args: Readonly<Record<string, unknown>>): NumaOption {
  return read(new Map(Object.entries(args).map(([name, value]) => [name, [value]])), false);
}
