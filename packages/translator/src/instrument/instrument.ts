/**
 * Looking at guest code while it executes: an instrument says, as code is translated, where something is to be counted or called.
 * Code is translated with that in it, so that a machine without instruments pays nothing. docs/instruments.md.
 */
import type { TranslatedCpu } from '../engine/translated-cpu.ts';

/** A count of executions, kept in the machine's memory: counting calls nothing. */
export interface Counter {
  readonly value: bigint;
  /** Host offset of its 64 bits, little-endian. */
  readonly at: number;
}

/** What happens at a place each time that it executes. */
export interface Probe {
  /** Counts one more. Probes may share a counter. */
  readonly count?: Counter;
  /** Is called, before the instruction or block. The vCPU's registers may be read; its `pc` is not up to date. */
  readonly call?: (cpu: TranslatedCpu) => void;
}

/** Code that is translated. It may be asked about again: after code changed, or for one instruction alone. */
export interface CodePlace {
  /** Virtual address. */
  readonly pc: bigint;
  readonly mode: number;
  /** Bytes of the instruction, or of the first one of the block. */
  readonly bytes: Uint8Array;
  /** Text of that instruction. */
  disassemble(): string;
}

/** An access of guest memory that has been made. */
export interface MemoryAccess {
  readonly cpu: TranslatedCpu;
  /** Virtual addresses of the instruction and of what it accessed. */
  readonly pc: bigint;
  readonly address: bigint;
  /** Bytes: 1, 2, 4, 8 or 16. */
  readonly size: number;
  /** Loads, stores, or both at once (atomic operations). */
  readonly kind: 'load' | 'store' | 'atomic';
}

/**
 * What looks at guest code. All of it is optional. Nothing of what it does is seen by the guest; what it throws ends the machine.
 * While there is one, the interpreter executes everything.
 */
export interface Instrument {
  /** Asked for each block of code when it is translated: what happens each time that it is entered. */
  block?(place: CodePlace): Probe | undefined;
  /** Asked for each instruction when it is translated: what happens each time before it executes. */
  insn?(place: CodePlace): Probe | undefined;
  /**
   * Called after each access that an instruction makes itself. What a helper does for an instruction (page walks, copies of many
   * bytes at once) is not told.
   */
  memory?(access: MemoryAccess): void;
}
