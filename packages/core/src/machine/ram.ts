// The machine's main RAM: its size, checked against the board, and the backend that provides it.
import { createRamBackend, MemoryBackend, type RamSpace } from '../memory/index.ts';
import { type BwObject, UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';
import { formatBytes, KiB, MiB } from './units.ts';

/** RAM of a board that says nothing about it. */
export const standardRamSize = MiB(128);

/** Sizes are whole pages: half a page could not be mapped. */
const granule = KiB(4);

/** What is wrong with a RAM size for a board; undefined if nothing is. */
export function ramSizeProblem(board: BoardDefinition, bytes: number): string | undefined {
  const own = board.checkRamSize?.(bytes);
  if (own !== undefined) return own;
  const valid = board.validRamSizes;
  if (valid !== undefined && !valid.includes(bytes))
    return `Invalid RAM size, should be ${oneOf(valid.map(formatBytes))}`;
  if (board.maxRamSize !== undefined && bytes > board.maxRamSize) {
    return `RAM size more than ${formatBytes(board.maxRamSize)} is not supported`;
  }
  if (!Number.isSafeInteger(bytes) || bytes < 0) return `Invalid RAM size ${bytes}`;
  if (bytes === 0 && board.defaultRamSize !== 0) return 'Invalid RAM size, should be more than 0';
  if (bytes % granule !== 0)
    return `Invalid RAM size ${formatBytes(bytes)}, should be a multiple of ${formatBytes(granule)}`;
  return undefined;
}

function oneOf(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names.join('');
}

/** Where a machine's RAM comes from. */
export interface RamChoice {
  /** Bytes. */
  readonly size: number;
  /** The backend that the user named; without it one is made, if the board has RAM and the size is not 0. */
  readonly backend: MemoryBackend | undefined;
}

/**
 * Decides size and backend.
 * @param objects the container of the user's objects
 * @throws UserError for a size that the board cannot have, or a backend that is not there or does not fit
 */
export function chooseRam(
  board: BoardDefinition,
  options: { readonly ramSize?: number; readonly memoryBackend?: string },
  objects: BwObject,
): RamChoice {
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
  if (!(object instanceof MemoryBackend)) throw new UserError(`'${id}' is no memory backend`);
  return object;
}

/**
 * The backend of a board's RAM when the user named none: an object with the board's RAM id.
 * @throws UserError if an object of the user's has that id, or there is not enough memory
 */
export function makeDefaultBackend(space: RamSpace, id: string, size: number, objects: BwObject): MemoryBackend {
  if (objects.children.has(id)) {
    throw new UserError(
      `object name '${id}' is reserved for the default RAM backend, it can't be used for any other purposes`,
    );
  }
  return createRamBackend(space, { id, size, parent: objects });
}

/**
 * Takes a backend for a machine.
 * @throws UserError if it is in use already
 * @throws Error if its memory lies in another space than the machine's
 */
export function useBackend(backend: MemoryBackend, space: RamSpace): void {
  if (backend.mapped) throw new UserError(`can't use already busy memdev: ${backend.id}`);
  if (backend.space !== space) throw new Error(`memory backend '${backend.id}' has its memory in another RAM space`);
  backend.mapped = true;
}
