// What a machine wants from a vCPU, whatever executes its instructions.
import { Device } from '../device/device.ts';
import type { IrqHandler, IrqInput } from '../irq/irq-line.ts';
import type { CpuDebug } from './debug.ts';

/** What translates guest code, for `info jit`. */
export interface TranslationInfo {
  /** Counts in lines, without line feeds. */
  describe(): readonly string[];
  /** What samples the guest, for `info profile`; undefined where nothing does. */
  readonly profile?: Omit<TranslationInfo, 'profile'> | undefined;
}

/** Virtual addresses that lie in one run of physical ones. Bytes. */
export interface VirtualRange {
  readonly va: bigint;
  readonly pa: bigint;
  readonly size: bigint;
}

/** A virtual CPU. Being part of a machine makes it one of `machine.cpus`. */
export abstract class Cpu extends Device {
  static override readonly typeName: string = 'cpu';
  /** Position among the machine's CPUs, from 0. */
  readonly index: number;
  /** A debugger keeps it from executing while other vCPUs may run. */
  held = false;

  constructor(index: number) {
    super();
    this.index = index;
  }

  /** It waits for an interrupt (or has been switched off) and executes nothing. */
  abstract get halted(): boolean;
  abstract set halted(halted: boolean);

  /**
   * Executes about `budget` instructions; returns early when it halts or has been asked to. A halted CPU looks whether
   * an interrupt wakes it, else returns 0 at once.
   * @returns instructions executed
   */
  abstract execute(budget: number): number;

  /** Asks for a return from {@link execute} soon: an interrupt, a reset, an earlier timer. Callable at any time. */
  abstract requestExit(): void;

  /** What a debugger may do with it; undefined where what executes its instructions has no debugging. */
  get debug(): CpuDebug | undefined {
    return undefined;
  }

  /** Where it is, for logs: `pc=0x80000000 mode=M`. */
  abstract describe(): string;

  /** The registers as `info registers` shows them: lines, each with its line feed. */
  formatRegisters(): string {
    return `${this.describe()}\n`;
  }

  /** Which state the architecture says that it is in, where it has such states: `operating`, `stopped` of an s390x CPU. */
  get architecturalState(): string | undefined {
    return undefined;
  }

  /** The virtual addresses that are mapped, as `info mem` shows them; undefined while nothing is translated. */
  formatMappings(): string | undefined {
    return undefined;
  }

  /** What {@link formatMappings} shows, as numbers: undefined while nothing is translated, or where nobody can tell. */
  mappings(): readonly VirtualRange[] | undefined {
    return undefined;
  }

  /** Takes an instruction apart; the bytes may go on after it. Undefined where nothing can. */
  get disassemble():
    | ((bytes: Uint8Array, pc: bigint) => { readonly text: string; readonly length: number })
    | undefined {
    return undefined;
  }

  /** What translates its instructions, where something does. CPUs may share it. */
  get translation(): TranslationInfo | undefined {
    return undefined;
  }

  /** False while {@link execute} could do nothing: saves the call. Override where interrupt lines end a halt. */
  hasWork(): boolean {
    return !this.halted;
  }

  /** Instructions executed since {@link execute} was entered; makes an instruction clock exact within a slice. */
  instructionsInSlice(): number {
    return 0;
  }

  /** A line that goes high ends the CPU's slice and wakes a sleeping machine, so that it is seen at once. */
  protected override addInputs(count: number, handler: IrqHandler, name?: string): readonly IrqInput[] {
    return super.addInputs(
      count,
      (level, index) => {
        handler(level, index);
        if (!level || !this.realized) return;
        this.requestExit();
        this.machine.wake();
      },
      name,
    );
  }
}
