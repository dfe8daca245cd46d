// A board's definition, and the registry of the boards that there are: our packages' and anybody's.
import { type PropertySpec, UserError } from '../object/index.ts';
import type { CpuModel } from './cpu-model.ts';
import type { Machine } from './machine.ts';
import type { NumaSupport, PossibleCpu } from './numa.ts';
import type { SmpLevel, SmpTopology } from './smp.ts';

/** What a board is, and how it is put together. Sizes are bytes. */
export interface BoardDefinition {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  /** Architecture as in the program's name: `riscv64`, `s390x` ... */
  readonly arch: string;
  /** Used when the user names no board. */
  readonly isDefault?: boolean;
  /** CPU model when the user says none. */
  readonly defaultCpu: string;
  /** The CPU models that can be on the board; without it every one of the architecture. */
  readonly cpuTypes?: readonly string[];
  readonly maxCpus: number;
  /** Default 1. */
  readonly minCpus?: number;
  /** CPUs when the user says none. Default: `minCpus`. */
  readonly defaultCpus?: number;
  /** Default 128 MiB. */
  readonly defaultRamSize?: number;
  /** Name of the main RAM. A board without it gets none. */
  readonly defaultRamId?: string;
  /** The only sizes that the board can have. */
  readonly validRamSizes?: readonly number[];
  readonly maxRamSize?: number;
  /** The board calls {@link Machine.mapDeviceMemory}: it takes `-m slots=,maxmem=` and memory devices, so many modules at most. */
  readonly maxMemorySlots?: number;
  /** Says what is wrong with a size, before the other checks. */
  checkRamSize?(bytes: number): string | undefined;
  /** What CPUs can be arranged in besides sockets, cores and threads (-smp). */
  readonly smpLevels?: readonly SmpLevel[];
  /** The board can have NUMA nodes; `boardNuma` of @boardwalk/numa makes it. */
  readonly numa?: NumaSupport;
  /** Places that CPUs can be plugged into, by their index, on a board without NUMA nodes. */
  cpuPlaces?(smp: SmpTopology, model: CpuModel): readonly PossibleCpu[];
  readonly properties?: readonly PropertySpec[];
  /** Adds the devices and maps everything. @throws UserError for options that the board cannot have */
  build(machine: Machine): void | Promise<void>;
}

/**
 * Declares a board.
 * @throws Error if the definition contradicts itself
 */
export function defineBoard(definition: BoardDefinition): BoardDefinition {
  const problem = definitionProblem(definition);
  if (problem !== undefined) throw new Error(`board '${definition.name}': ${problem}`);
  return definition;
}

function definitionProblem(d: BoardDefinition): string | undefined {
  const minimum = d.minCpus ?? 1;
  const count = d.defaultCpus ?? minimum;
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(d.name)) return 'a name consists of letters, digits and . _ + -';
  if (!(minimum <= count && count <= d.maxCpus)) return 'minCpus <= defaultCpus <= maxCpus does not hold';
  if (d.cpuTypes !== undefined && !d.cpuTypes.includes(d.defaultCpu)) return 'defaultCpu is not among cpuTypes';
  const size = d.defaultRamSize;
  if (size !== undefined && d.validRamSizes !== undefined && !d.validRamSizes.includes(size)) {
    return 'defaultRamSize is not among validRamSizes';
  }
  if (size !== undefined && d.maxRamSize !== undefined && size > d.maxRamSize)
    return 'defaultRamSize is above maxRamSize';
  return undefined;
}

/** True for anything that has the shape of a board: a board may come with its own copy of this package. */
export function isBoardDefinition(value: unknown): value is BoardDefinition {
  if (typeof value !== 'object' || value === null) return false;
  const { name, arch, description, maxCpus, build } = value as Partial<Record<keyof BoardDefinition, unknown>>;
  return (
    [name, arch, description].every((text) => typeof text === 'string') &&
    typeof maxCpus === 'number' &&
    typeof build === 'function'
  );
}

/** Finds boards by name and architecture. */
export class BoardRegistry {
  readonly #boards: BoardDefinition[] = [];

  constructor(boards: Iterable<BoardDefinition> = []) {
    for (const board of boards) this.register(board);
  }

  /** @throws UserError if the architecture has a board of that name (or alias) already */
  register(board: BoardDefinition): void {
    for (const name of [board.name, ...(board.aliases ?? [])]) {
      if (this.#named(name, board.arch) !== undefined) {
        throw new UserError(`machine type '${name}' of ${board.arch} is registered already`);
      }
    }
    this.#boards.push(board);
  }

  /**
   * Registers what a module exports: each board, and each board of an exported array.
   * @returns how many
   * @throws UserError if there is none
   */
  registerModule(exports: object, from: string): number {
    const found = new Set(Object.values(exports).flat().filter(isBoardDefinition));
    if (found.size === 0) throw new UserError(`${from} exports no board`);
    for (const board of found) this.register(defineBoard(board));
    return found.size;
  }

  /** The boards, all or of one architecture, by name; `none` is with those of an architecture. */
  list(arch?: string): readonly BoardDefinition[] {
    const boards = this.#boards.filter((board) => arch === undefined || board.arch === arch);
    if (arch !== undefined && !boards.some((board) => board.name === 'none')) boards.push(noneBoard(arch));
    return boards.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  /** @throws UserError if there is no such board */
  find(name: string, arch: string): BoardDefinition {
    const board = this.#named(name, arch);
    if (board !== undefined) return board;
    if (name === 'none') return noneBoard(arch);
    throw new UserError(`unsupported machine type '${name}', use -machine help to list supported machines`);
  }

  /** The board of an architecture that is taken when the user names none. */
  defaultBoard(arch: string): BoardDefinition | undefined {
    return this.#boards.find((board) => board.arch === arch && board.isDefault === true);
  }

  #named(name: string, arch: string): BoardDefinition | undefined {
    return this.#boards.find(
      (board) => board.arch === arch && (board.name === name || (board.aliases ?? []).includes(name)),
    );
  }
}

/** The empty board that every architecture has: no CPU unless one is asked for, RAM only if a size is given. */
export function noneBoard(arch: string): BoardDefinition {
  return defineBoard({
    name: 'none',
    description: 'empty machine',
    arch,
    defaultCpu: '',
    maxCpus: 1,
    defaultRamSize: 0,
    defaultRamId: 'ram',
    build(machine) {
      if (machine.options.kernel !== undefined) throw new UserError("the machine 'none' does not take -kernel");
      if (machine.options.cpu !== undefined) throw new UserError("the machine 'none' does not take -cpu");
      if (machine.ramSize > 0) machine.map(0, machine.ram);
    },
  });
}
