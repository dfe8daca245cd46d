// What the conformance suite tests: a board, what is known of it, and machines made of it.

import {
  type BoardDefinition,
  type BwObject,
  createObjectTree,
  createRamBackend,
  KiB,
  Machine,
  type MachineOptions,
  ManualClock,
  type MemoryBackend,
  type MemoryBackendRam,
  MiB,
  RamSpace,
  standardRamSize,
  UserError,
} from '@boardwalk/core';
import { differences } from './differences.ts';
import { type GuestStore, storeProgram } from './store-program.ts';

/** The functions of a test runner that the suite uses: vitest's, or any with the same meaning. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void> | void): void;
}

/** What is known of a board from elsewhere than its own code. Sizes are bytes. */
export interface BoardFacts {
  /** Name of the main RAM; undefined for a board without. */
  readonly ramId: string | undefined;
  readonly defaultRamSize: number;
  /** Sizes that it takes besides the default. */
  readonly accepts?: readonly number[];
  /** Sizes that it refuses, each with the text of the error or a part of it. */
  readonly refuses?: readonly { readonly bytes: number; readonly text: string }[];
}

/** How a board is tested. */
export interface BoardConformanceOptions extends TestRunner {
  /** Without it the board is held against what it declares. */
  readonly facts?: BoardFacts;
  /**
   * How the board's CPU is made to store a value: options with a program. Default: that of {@link storeProgram}, for
   * boards of the architectures that it knows.
   */
  readonly guestStore?: (store: GuestStore) => MachineOptions;
  /** What the board cannot do without, such as firmware. Called for each machine. */
  readonly options?: () => MachineOptions;
  /**
   * Brings the machine into a state that is not that after a reset. Default: {@link pokeDevices}.
   */
  readonly exercise?: (machine: Machine) => void;
}

/** Of each device region: how far registers are written. */
const POKED_BYTES = KiB(4);

export function check(condition: boolean, text: string): asserts condition {
  if (!condition) throw new Error(text);
}

export function checkSame(what: string, actual: unknown, expected: unknown): void {
  const lines = differences(actual, expected);
  check(lines.length === 0, `${what} differs:\n  ${lines.join('\n  ')}`);
}

/** The error's text, in which `text` must occur. */
export async function checkRefused(attempt: Promise<Machine>, text: string): Promise<void> {
  let machine: Machine;
  try {
    machine = await attempt;
  } catch (error) {
    check(error instanceof UserError, `refused with something else than a UserError: ${error}`);
    check(error.message.includes(text), `refused with "${error.message}", expected "${text}"`);
    check(!error.message.includes('\n'), `the refusal has several lines: "${error.message}"`);
    return;
  }
  await machine.dispose();
  throw new Error(`was made, expected the error "${text}"`);
}

/** The backend's bytes must be those that the machine's memory shows, wherever RAM is mapped. */
export function checkBytesReach(machine: Machine, backend: MemoryBackend): void {
  const { block } = backend.region;
  const ranges = machine.addressSpace.flatView().ranges.filter((range) => range.region === backend.region);
  check(block !== undefined && ranges.length > 0, "the machine's RAM is not the backend's");
  for (const { base, size, offset, readonly } of ranges) {
    if (readonly) continue;
    for (const at of [0, size - 8]) {
      const bytes = Uint8Array.from({ length: 8 }, (_, i) => (base + at + 37 * i) & 0xff);
      check(machine.addressSpace.writeBytes(base + at, bytes) === 0, `cannot write 0x${(base + at).toString(16)}`);
      const start = offset + at;
      checkSame('what the backend has', [...block.bytes.subarray(start, start + 8)], [...bytes]);
    }
  }
}

/**
 * Writes patterns to the registers of every device that is mapped, as a guest without sense would. Deterministic.
 */
export function pokeDevices(machine: Machine): void {
  let pattern = 0x9e37_79b9;
  for (const range of machine.addressSpace.flatView().ranges) {
    if (range.host >= 0) continue;
    for (let offset = 0; offset < Math.min(range.size, POKED_BYTES); offset += 4) {
      pattern = (Math.imul(pattern, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
      machine.addressSpace.store(range.base + offset, 4, pattern & 0x7f);
      machine.addressSpace.load(range.base + offset, 4);
    }
  }
}

/** One board and how machines are made of it. */
export class Subject {
  readonly board: BoardDefinition;
  readonly facts: BoardFacts;
  readonly exercise: (machine: Machine) => void;
  readonly guestStore: (store: GuestStore) => MachineOptions;
  /** What the board cannot do without. */
  readonly options: () => MachineOptions;

  constructor(board: BoardDefinition, { facts, options, exercise, guestStore }: BoardConformanceOptions) {
    this.board = board;
    this.facts = facts ?? { ramId: board.defaultRamId, defaultRamSize: board.defaultRamSize ?? standardRamSize };
    this.exercise = exercise ?? pokeDevices;
    this.guestStore = guestStore ?? ((store) => storeProgram(board.arch, store));
    this.options = options ?? (() => ({}));
  }

  /** Time stands still, so that the states of two machines can be compared. */
  create(more: MachineOptions = {}): Promise<Machine> {
    return Machine.create(this.board, { clock: new ManualClock(), ...this.options(), ...more });
  }

  async with(body: (machine: Machine) => Promise<void> | void, more: MachineOptions = {}): Promise<void> {
    const machine = await this.create(more);
    try {
      await body(machine);
    } finally {
      await machine.dispose();
    }
  }

  /** Sizes that should be accepted, the board's own list among them. */
  get accepted(): number[] {
    return [
      ...new Set([this.facts.defaultRamSize, ...(this.board.validRamSizes ?? []), ...(this.facts.accepts ?? [])]),
    ];
  }

  /** Sizes that should be refused, and with what. */
  get refused(): { readonly bytes: number; readonly text: string }[] {
    const { validRamSizes, maxRamSize } = this.board;
    const list = [...(this.facts.refuses ?? [])];
    if (validRamSizes !== undefined) list.push({ bytes: Math.max(...validRamSizes) * 2, text: 'RAM' });
    if (maxRamSize !== undefined) list.push({ bytes: maxRamSize + KiB(4), text: 'RAM' });
    return list;
  }

  /** Bytes of a backend that is to be the board's RAM. */
  get backendSize(): number {
    return this.facts.defaultRamSize === 0 ? MiB(1) : this.facts.defaultRamSize;
  }

  /** A backend of the user's own and the tree that it is in. */
  backend(size = this.facts.defaultRamSize): { root: BwObject; space: RamSpace; backend: MemoryBackendRam } {
    const root = createObjectTree();
    const space = RamSpace.create();
    const parent = root.children.get('objects');
    return { root, space, backend: createRamBackend(space, { id: 'guest-memory', size, parent }) };
  }
}
