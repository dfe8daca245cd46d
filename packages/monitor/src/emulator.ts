/** What monitors act on: one emulated computer and the program around it. The command line, a page or a test supplies it. */
import type { BwObject, Machine, TypeRegistry } from '@boardwalk/core';

export interface Emulator {
  /** Name of the program (`boardwalk-system-riscv64`), for messages. */
  readonly name: string;
  /** Architecture, as in the program's name. */
  readonly arch: string;
  /** Root of the object tree: `/machine`, `/objects`, `/chardevs`. */
  readonly root: BwObject;
  /** Every type of object and device that can be made. */
  readonly types: TypeRegistry;
  /** The machine; undefined before it is made, under `--preconfig`. */
  readonly machine: Machine | undefined;
  /** Ends the program with status 0, after what was said is out. */
  quit(): void;
}
