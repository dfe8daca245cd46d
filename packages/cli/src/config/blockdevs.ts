// -blockdev, and QMP's blockdev-add: named images that devices refer to.

import { type BlockNodes, NullBlock, UserError } from '@boardwalk/core';
import { type CommandLine, forOption } from '../options/command-line.ts';
import { KeyValues } from '../options/key-values.ts';
import { type Access, type FdSets, fdSets } from './fd-sets.ts';

/** One node as read; its file has not been opened. */
export interface BlockdevSpec {
  readonly driver: 'file' | 'raw' | 'null-co';
  readonly nodeName: string | undefined;
  readonly readonly: boolean;
  /** Its file is open to be written only while a device has it. Undefined: as the node above it says. */
  readonly autoReadonly: boolean | undefined;
  /** Of `file`. */
  readonly filename?: string;
  /** Of `file`: where the host has it. @throws UserError if it was not given for that */
  readonly path?: (access: Access) => string;
  /** Of `raw`: a node that is there, or one to be made. */
  readonly file?: string | BlockdevSpec;
  /** Of `null-co`: bytes. */
  readonly size?: number;
}

const DRIVERS = ['file', 'raw', 'null-co'] as const;

/** What `null-co` has when nothing is said: 1 GiB, as in QEMU. */
const NULL_BYTES = 2 ** 30;

type Json = Readonly<Record<string, unknown>>;

/** Text of -blockdev, JSON or `driver=raw,file.driver=file,file.filename=a.img`. @throws UserError */
export function parseBlockdev(text: string): BlockdevSpec {
  if (text.trimStart().startsWith('{')) return readBlockdev(parseJson(text), true);
  const nested: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(new KeyValues(text, 'driver').rest())) {
    let at = nested;
    const parts = key.split('.');
    const last = parts.pop() ?? key;
    for (const part of parts) {
      const next = at[part] ?? {};
      if (typeof next !== 'object' || next === null) throw new UserError(`Parameters '${part}.*' used inconsistently`);
      at[part] = next;
      at = next as Record<string, unknown>;
    }
    at[last] = value;
  }
  return readBlockdev(nested, true);
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new UserError(`JSON parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Reads a node's description.
 * @param root it must have a name
 * @throws UserError for whatever of it cannot be
 */
export function readBlockdev(given: Json, root: boolean): BlockdevSpec {
  const left = new Map(Object.entries(given));
  const take = (name: string): unknown => {
    const value = left.get(name);
    left.delete(name);
    return value;
  };
  const driver = DRIVERS.find((known) => known === left.get('driver'));
  if (!left.has('driver')) throw new UserError("Parameter 'driver' is missing");
  if (driver === undefined) throw new UserError(`Parameter 'driver' does not accept value '${String(take('driver'))}'`);
  left.delete('driver');
  const nodeName = optionalText('node-name', take('node-name'));
  if (root && nodeName === undefined) throw new UserError("'node-name' must be specified for the root node");
  const spec = {
    driver,
    nodeName,
    readonly: flag('read-only', take('read-only')),
    autoReadonly: left.has('auto-read-only') ? flag('auto-read-only', take('auto-read-only')) : undefined,
  };
  onlyDefault('detect-zeroes', take('detect-zeroes'), ['off']);
  // A request to discard is advice; the host's file stays as large as it is.
  onlyDefault('discard', take('discard'), ['ignore', 'unmap']);
  checkCache(take('cache'));
  const own = ownOptions(driver, take);
  const [unknown] = left.keys();
  if (unknown !== undefined) throw new UserError(`Parameter '${unknown}' is unexpected`);
  return { ...spec, ...own };
}

function ownOptions(
  driver: BlockdevSpec['driver'],
  take: (name: string) => unknown,
): Pick<BlockdevSpec, 'filename' | 'file' | 'size'> {
  if (driver === 'null-co') {
    const size = take('size');
    const bytes = size === undefined ? NULL_BYTES : Number(size);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new UserError("Parameter 'size' expects a size");
    return { size: bytes };
  }
  if (driver === 'file') {
    const filename = optionalText('filename', take('filename'));
    if (filename === undefined) throw new UserError("Parameter 'filename' is missing");
    onlyDefault('locking', take('locking'), ['auto', 'on']);
    onlyDefault('aio', take('aio'), ['threads']);
    return { filename };
  }
  const file = take('file');
  if (file === undefined) throw new UserError("Parameter 'file' is missing");
  if (typeof file === 'string') return { file };
  if (typeof file !== 'object' || file === null) throw new UserError("Invalid parameter type for 'file'");
  return { file: readBlockdev(file as Json, false) };
}

function optionalText(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new UserError(`Invalid parameter type for '${name}', expected: string`);
}

function flag(name: string, value: unknown): boolean {
  if (value === undefined || value === false || value === 'off') return false;
  if (value === true || value === 'on') return true;
  throw new UserError(`Invalid parameter type for '${name}', expected: boolean`);
}

function onlyDefault(name: string, value: unknown, words: readonly string[]): void {
  if (value === undefined || words.some((word) => word === value)) return;
  throw new UserError(
    `${name}=${String(value)} is not supported; ${words.join(', ')} ${words.length > 1 ? 'are' : 'is'}`,
  );
}

/** Files are read and written through the host's cache, and flushed when the guest says so. */
function checkCache(value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) throw new UserError("Invalid parameter type for 'cache'");
  for (const [name, on] of Object.entries(value)) {
    if (name !== 'direct' && name !== 'no-flush') throw new UserError(`Parameter 'cache.${name}' is unexpected`);
    if (flag(`cache.${name}`, on)) throw new UserError(`cache.${name}=on is not supported; off is`);
  }
}

/** Makes a node and what is below it. When that fails, nothing is left open. @throws UserError */
export async function openBlockdev(nodes: BlockNodes, spec: BlockdevSpec): Promise<void> {
  if (spec.nodeName !== undefined) nodes.checkName(spec.nodeName);
  if (typeof spec.file === 'string') {
    nodes.add({ name: spec.nodeName, driver: spec.driver, file: spec.file, readonly: spec.readonly });
    return;
  }
  if (spec.file === undefined) {
    const backend = await openFile(spec);
    nodes.add({ name: spec.nodeName, driver: spec.driver, backend });
    return;
  }
  const readonly = spec.file.readonly || spec.readonly;
  const backend = await openFile({ ...spec.file, readonly, autoReadonly: spec.file.autoReadonly ?? spec.autoReadonly });
  const below = nodes.add({ name: spec.file.nodeName, driver: spec.file.driver, backend });
  nodes.add({ name: spec.nodeName, driver: spec.driver, file: below.name });
}

async function openFile({ driver, filename, path, readonly, autoReadonly, size = 0 }: BlockdevSpec) {
  if (driver === 'null-co' || filename === undefined) return new NullBlock(size, { readonly });
  const { RawFileBlock, capitalized } = await import('@boardwalk/host-node');
  const of = path ?? (() => filename);
  const late = !readonly && autoReadonly === true;
  const writeLate = late ? { writeLate: () => of('read-write') } : {};
  try {
    return await RawFileBlock.open(of(readonly || late ? 'read' : 'read-write'), { filename, readonly, ...writeLate });
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.startsWith(`${filename}: `)) throw error;
    // In the words that clients know.
    throw new UserError(`Could not open '${filename}': ${capitalized(error.message.slice(filename.length + 2))}`);
  }
}

/** All of -blockdev. @throws UserError as {@link parseBlockdev} does */
export function readBlockdevs(line: CommandLine): BlockdevSpec[] {
  return line
    .all('blockdev')
    .map((text) => forOption('blockdev', () => resolveFiles(parseBlockdev(text), fdSets(line))));
}

/** Files that the process was given take the place of their numbers. */
export function resolveFiles(spec: BlockdevSpec, sets: FdSets): BlockdevSpec {
  if (typeof spec.file === 'object') return { ...spec, file: resolveFiles(spec.file, sets) };
  if (spec.filename === undefined) return spec;
  const { filename } = spec;
  return { ...spec, path: (access) => sets.resolve(filename, access) };
}
