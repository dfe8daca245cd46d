// What a debugger asks of a vCPU, whatever executes its instructions: registers as data, memory as the program sees it,
// breakpoints, watchpoints and single steps.

/** A register as a debugger sees it. */
export interface DebugRegister {
  readonly name: string;
  readonly bits: number;
  /** Type in the terms of gdb's target descriptions: `int`, `code_ptr`, `data_ptr`, `ieee_double`, or one of the feature's own. */
  readonly type?: string;
  /** Number in gdb's protocol, where it is not the one after the register before. */
  readonly number?: number;
  readonly group?: string;
}

/** Registers that belong together: a feature of gdb's target descriptions. */
export interface DebugFeature {
  /** `org.gnu.gdb.riscv.cpu`. */
  readonly name: string;
  /** XML of types that the registers name. */
  readonly types?: string;
  readonly registers: readonly DebugRegister[];
}

/** How the registers of a CPU lie in core files. */
export interface CoreFileFormat {
  /** The ELF machine number, and its flags. */
  readonly machine: number;
  readonly flags?: number;
  readonly bits: 32 | 64;
  /** Numbers of the registers in the order of Linux's `elf_gregset_t`. */
  readonly registers: readonly number[];
}

/** What a CPU's registers are called. The first feature holds the registers that a debugger reads all at once. */
export interface DebugDescription {
  /** gdb's name of the architecture: `riscv:rv64`. */
  readonly architecture: string;
  readonly endian: 'little' | 'big';
  /** A watchpoint stops before the instruction that makes the access; debuggers step over it themselves. Otherwise after it. */
  readonly watchStopsBefore?: boolean;
  readonly features: readonly DebugFeature[];
  /** For dumps of guest memory; without it there are none. */
  readonly core?: CoreFileFormat;
}

export type WatchKind = 'read' | 'write' | 'access';

/** Bytes whose accesses stop the machine. */
export interface Watchpoint {
  readonly kind: WatchKind;
  /** Virtual address. */
  readonly address: bigint;
  readonly length: bigint;
}

/** Where a program is to stop. */
export interface DebugPoints {
  /** Virtual addresses of instructions: the program stops before it executes one. */
  readonly breakpoints: ReadonlySet<bigint>;
  readonly watchpoints: readonly Watchpoint[];
}

/** How a single step treats what happens meanwhile. */
export interface StepOptions {
  /** The step takes no interrupt. */
  readonly noIrq?: boolean;
}

/** Why a vCPU stopped. */
export type DebugStop =
  | { readonly reason: 'breakpoint' }
  | { readonly reason: 'step' }
  | { readonly reason: 'watchpoint'; readonly watchpoint: Watchpoint };

/**
 * The debugger's side of a vCPU; `Cpu.debug`. Only for use between slices. A stop pauses the machine and is told by its
 * `debug` event.
 */
export interface CpuDebug {
  readonly description: DebugDescription;
  /** A register by its number in the description, unsigned; undefined where there is none. */
  readRegister(number: number): bigint | undefined;
  /** Sets a register, modulo its width, as far as it can be set. False where there is none. */
  writeRegister(number: number, value: bigint): boolean;
  pc: bigint;
  /** Instructions executed since the reset: the place in a run that can be repeated. */
  readonly instructions: bigint;
  /** Reads memory at a virtual address as the program would, devices too. False where a byte cannot be read. */
  readMemory(address: bigint, into: Uint8Array): boolean;
  /** Writes memory at a virtual address, ROM and pages that the program may only read too. False where a byte cannot be written. */
  writeMemory(address: bigint, bytes: Uint8Array): boolean;
  /** Physical address of a virtual one, or undefined where nothing is mapped. */
  physicalAddress(address: bigint): number | undefined;
  /** Replaces all breakpoints and watchpoints. */
  setPoints(points: DebugPoints): void;
  /** What the CPU does when it next executes: exactly one instruction and stop (a step), or as ever (undefined). */
  step: StepOptions | undefined;
}
