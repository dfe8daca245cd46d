// What an architecture package gives to a program that runs machines: boards, CPU models, devices, firmware.
import type { PropertySpec, TypeRegistry } from '../object/index.ts';
import type { ThreadedCpu } from '../threads/vcpu-loop.ts';
import type { VcpuThread } from '../threads/vcpu-thread.ts';
import type { BoardDefinition } from './board.ts';
import type { Machine } from './machine.ts';

/** A CPU model as help texts and queries show it. */
export interface CpuModelInfo {
  readonly name: string;
  readonly description: string;
  /** The type of such a CPU in the object tree: `rv64-riscv-cpu`. */
  readonly typeName?: string;
  /** The model never changes. */
  readonly isStatic?: boolean;
  /** A guest can move to another version of the program on it. */
  readonly isMigrationSafe?: boolean;
  /** What `-cpu MODEL,name=value` takes. */
  readonly properties?: readonly PropertySpec[];
}

/** A CPU model with features that are not as the model has them, as queries about models take and give them. */
export interface CpuModelSelection {
  readonly name: string;
  readonly props?: Readonly<Record<string, unknown>>;
}

/** How one CPU model stands to another: `superset` has more than the other. */
export interface CpuModelComparison {
  readonly result: 'incompatible' | 'identical' | 'superset' | 'subset';
  /** Names of what differs. */
  readonly responsible: readonly string[];
}

/** What is asked of CPU models. Each throws a UserError for a model or feature that there is not. */
export interface CpuModelQueries {
  /** What a model has: by a model that never changes and what differs, or all of its features (`full`). */
  expand(model: CpuModelSelection, full: boolean): CpuModelSelection;
  compare(a: CpuModelSelection, b: CpuModelSelection): CpuModelComparison;
  /** What two models have in common. */
  baseline(a: CpuModelSelection, b: CpuModelSelection): CpuModelSelection;
}

/** Where the firmware of some boards is found when the user names none. */
export interface FirmwareSource {
  /** The boards that start with it. */
  readonly boards: readonly string[];
  /** File names, the best first; each folder given with `-L` is searched for them. */
  readonly files: readonly string[];
  /** Folders in which distributions install them, searched last. */
  readonly folders: readonly string[];
}

/** An architecture's package; it exports one of these as `architecture`. Must be cheap to import. */
export interface ArchitecturePackage {
  /** The architectures in it, as in names of programs: `riscv64`. */
  readonly names: readonly string[];
  /** The boards of all of them; each says its `arch`. */
  readonly boards: readonly BoardDefinition[];
  cpuModels(arch: string): readonly CpuModelInfo[];
  /** Not there where such things are not asked of the architecture's models. */
  readonly cpuModelQueries?: CpuModelQueries;
  /** Firmware by architecture. */
  readonly firmware?: Readonly<Record<string, readonly FirmwareSource[]>>;
  /** Adds the CPU that a thread runs to the thread's part of a machine, from its description. Without it there is no thread=multi. */
  addThreadCpu?(machine: Machine, thread: VcpuThread): ThreadedCpu;
  /** Registers the devices that a user can name: this package's, and the shared ones that fit its boards. */
  registerTypes?(types: TypeRegistry): void;
}
