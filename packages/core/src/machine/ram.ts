// The machine's main RAM: its size, checked against the board, and the backend that provides it.
import {
  createFileBackend,
  createRamBackend,
  type HostMemory,
  MemoryBackend,
  type NoHostMemory,
  type RamSpace,
} from '../memory/index.ts';
import { type BwObject, UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';
import { formatBytes, KiB, MiB } from './units.ts';

/** RAM of a board that says nothing about it. */
export const standardRamSize = MiB(128);

/** Sizes are whole pages: half a page could not be mapped. */
const granule = KiB(4);

/** What is wrong with a RAM size for a board; undefined if nothing is. */
export function ramSizeProblem(board: BoardDefinition, bytes: number): string | undefined {
  if (board.maxRamSize !== undefined && bytes > board.maxRamSize) {
    return `RAM size more than ${formatBytes(board.maxRamSize)} is not supported`;
  }
  const own = board.checkRamSize?.(bytes);
  if (own !== undefined) return own;
  const valid = board.validRamSizes;
  if (valid !== undefined && !valid.includes(bytes))
    return `Invalid RAM size, should be ${oneOf(valid.map(formatBytes))}`;
  if (!Number.isSafeInteger(bytes) || bytes < 0) return `Invalid RAM size ${bytes}`;
  if (bytes === 0 && board.defaultRamSize !== 0) return 'Invalid RAM size, should be more than 0';
  if (bytes % granule !== 0)
    return `Invalid RAM size ${formatBytes(bytes)}, should be a multiple of ${formatBytes(granule)}`;
  return undefined;
}

function oneOf(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names.join('');
}

/** What a machine can have besides its main RAM. */
export interface MemoryLimits {
  /** Bytes of main RAM and memory devices together. */
  readonly maximum: number;
  readonly slots: number;
}

const hex = (n: number): string => `0x${n.toString(16)}`;

/**
 * Reads `slots=` and `maxmem=`, which need the size of the main RAM.
 * @throws UserError in QEMU's words
 */
export function memoryLimits(
  board: BoardDefinition,
  ramSize: number,
  { memorySlots: slots = 0, maxRamSize }: { readonly memorySlots?: number; readonly maxRamSize?: number },
): MemoryLimits {
  const maximum = maxRamSize ?? ramSize;
  if (maxRamSize === undefined && slots > 0) throw new UserError('slots specified but no max-size');
  const [most, now] = [hex(maximum), hex(ramSize)];
  if (maximum < ramSize) {
    throw new UserError(
      `invalid value of maxmem: maximum memory size (${most}) must be at least the initial memory size (${now})`,
    );
  }
  if (maximum === ramSize && slots > 0) {
    throw new UserError(
      `invalid value of maxmem: memory slots were specified but maximum memory size (${most}) is equal to the initial memory size (${now})`,
    );
  }
  if (maximum === ramSize) return { maximum, slots: 0 };
  if (board.maxMemorySlots === undefined) {
    throw new UserError(`"-memory 'slots|maxmem'" is not supported by: ${board.name}`);
  }
  if (slots > board.maxMemorySlots) throw new UserError(`unsupported amount of memory slots: ${slots}`);
  if (maximum % granule !== 0) throw new UserError('maximum memory size must by aligned to multiple of 4096 bytes');
  return { maximum, slots };
}

/** Where a machine's RAM comes from. */
export interface RamChoice {
  /** Bytes. */
  readonly size: number;
  /** The backend that the user named; without it one is made, if the board has RAM and the size is not 0. */
  readonly backend: MemoryBackend | undefined;
}

/** What a user can say about the main RAM. */
export interface RamOptions {
  /** Bytes. */
  readonly ramSize?: number;
  /** Id of the object that provides the RAM. */
  readonly memoryBackend?: string;
  /** The file, or folder, of the backend that is made for the machine. */
  readonly memPath?: string;
  /** Whether that backend has all its pages from the start. */
  readonly memPrealloc?: boolean;
}

/** Refuses what is only for the backend that a machine makes for itself where it makes none. */
function checkDefaultOnly(board: BoardDefinition, { memoryBackend, memPath, memPrealloc }: RamOptions): void {
  for (const [option, given] of [
    ['-mem-path', memPath !== undefined],
    ['-mem-prealloc', memPrealloc === true],
  ] as const) {
    if (!given) continue;
    if (memoryBackend !== undefined) {
      throw new UserError(`'${option}' can't be used together with '-machine memory-backend'`);
    }
    if (board.defaultRamId === undefined) throw new UserError(`machine '${board.name}' does not support ${option}`);
  }
}

/**
 * Decides size and backend.
 * @param objects the container of the user's objects
 * @throws UserError for a size that the board cannot have, or a backend that is not there or does not fit
 */
export function chooseRam(board: BoardDefinition, options: RamOptions, objects: BwObject): RamChoice {
  checkDefaultOnly(board, options);
  const backend = options.memoryBackend === undefined ? undefined : findBackend(board, options.memoryBackend, objects);
  if (backend !== undefined && options.ramSize !== undefined && options.ramSize !== backend.size) {
    throw new UserError(
      "Size specified by -m option must match size of explicitly specified 'memory-backend' property",
    );
  }
  const size = options.ramSize ?? backend?.size ?? board.defaultRamSize ?? standardRamSize;
  const problem = ramSizeProblem(board, size);
  if (problem !== undefined) throw new UserError(problem);
  return { size, backend };
}

function findBackend(board: BoardDefinition, id: string, objects: BwObject): MemoryBackend {
  if (board.defaultRamId === undefined)
    throw new UserError(`machine '${board.name}' has no RAM that a memory backend could provide`);
  const object = objects.children.get(id);
  if (object === undefined) throw new UserError(`Memory backend '${id}' not found`);
  if (!(object instanceof MemoryBackend))
    throw new UserError(`memory-backend=${id}: ${object.type} is no memory backend`);
  return object;
}

/** How {@link makeDefaultBackend} makes a backend. */
export interface DefaultBackendOptions extends RamOptions {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly host: HostMemory | NoHostMemory | undefined;
  /** CPUs of the machine: as many threads make the pages. */
  readonly cpus: number;
}

/**
 * The backend of a board's RAM when the user named none: an object with the board's RAM id.
 * @throws UserError if an object of the user's has that id, there is not enough memory, or the file cannot be used
 */
export function makeDefaultBackend(space: RamSpace, options: DefaultBackendOptions, objects: BwObject): MemoryBackend {
  const { id, size, host, cpus, memPath, memPrealloc } = options;
  if (objects.children.has(id)) {
    throw new UserError(
      `object name '${id}' is reserved for the default RAM backend, it can't be used for any other purposes. Change the object's 'id' to something else`,
    );
  }
  const preallocated = memPrealloc === true ? { prealloc: true, preallocThreads: cpus } : {};
  const backend = { id, size, host, parent: objects, ...preallocated };
  return memPath === undefined ? createRamBackend(space, backend) : createFileBackend(space, memPath, backend);
}

/**
 * Takes a backend for a machine or a memory device.
 * @throws UserError if it is in use already
 * @throws Error if its memory lies in another space than the machine's
 */
export function useBackend(backend: MemoryBackend, space: RamSpace): void {
  if (backend.mapped) throw new UserError(`can't use already busy memdev: ${backend.id}`);
  if (backend.space !== space) throw new Error(`memory backend '${backend.id}' has its memory in another RAM space`);
  backend.mapped = true;
}
