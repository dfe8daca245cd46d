// What a snapshot says of the machine that it was taken of, and whether another machine is the same.
import type { CpuModel } from '../machine/cpu-model.ts';
import type { Machine } from '../machine/machine.ts';
import type { RamBlock } from '../memory/index.ts';
import { UserError } from '../object/index.ts';
import { damaged } from './sections.ts';
import { isRecord } from './values.ts';

export interface MachineHeader {
  readonly board: string;
  readonly arch: string;
  /** CPU model with its properties, as `-cpu` has it. */
  readonly cpu: string;
  readonly cpus: number;
  /** Bytes of main RAM. */
  readonly ramSize: number;
  /** RAM and ROM in the order of the file's runs: name and bytes. */
  readonly blocks: readonly { readonly name: string; readonly size: number }[];
  /** Virtual time in ns. */
  readonly timeNs: number;
  /** CPU whose turn is next. */
  readonly turn: number;
  /** Where the seeded sequence of random numbers is; absent where they are the host's. */
  readonly random?: bigint;
}

/** The blocks that a snapshot holds. */
export function savedBlocks(machine: Machine): readonly RamBlock[] {
  return machine.space.blocks;
}

export function headerOf(machine: Machine): MachineHeader {
  const { board, cpuModel, cpus, ramSize, clock } = machine;
  const { turn, random } = machine.runState;
  return {
    board: board.name,
    arch: board.arch,
    cpu: modelText(cpuModel),
    cpus: cpus.length,
    ramSize,
    blocks: savedBlocks(machine).map(({ name, size }) => ({ name, size })),
    timeNs: clock.now(),
    turn,
    ...(random === undefined ? {} : { random }),
  };
}

function modelText({ model, properties }: CpuModel): string {
  return [model, ...properties.map(({ name, value }) => `${name}=${value}`)].join(',');
}

/** @throws UserError for what is no header */
export function checkHeader(value: unknown): MachineHeader {
  if (!isRecord(value) || !Array.isArray(value.blocks)) throw damaged();
  const strings = [value.board, value.arch, value.cpu];
  const numbers = [value.cpus, value.ramSize, value.timeNs, value.turn];
  const blocks = value.blocks.every((b) => isRecord(b) && typeof b.name === 'string' && typeof b.size === 'number');
  const random = value.random === undefined || typeof value.random === 'bigint';
  if (!strings.every((s) => typeof s === 'string') || !numbers.every(Number.isFinite) || !blocks || !random) {
    throw damaged();
  }
  return value as unknown as MachineHeader;
}

/** @throws UserError where the snapshot is not one of such a machine */
export function checkSameMachine(saved: MachineHeader, machine: Machine): void {
  const own = headerOf(machine);
  const what = {
    arch: 'architecture',
    board: 'machine',
    cpu: 'CPU',
    cpus: 'number of CPUs',
    ramSize: 'RAM size',
  } as const;
  for (const [key, label] of Object.entries(what) as [keyof typeof what, string][]) {
    if (saved[key] === own[key]) continue;
    throw new UserError(`the snapshot has another ${label}: ${saved[key]}, this machine ${own[key]}`);
  }
  const list = (header: MachineHeader): string => header.blocks.map((b) => `${b.name} (${b.size})`).join(', ');
  if (list(saved) !== list(own)) {
    throw new UserError(`the snapshot has other memory: ${list(saved)}; this machine ${list(own)}`);
  }
}
