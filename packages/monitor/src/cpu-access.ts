// What monitors ask of a CPU besides that it runs: registers and memory as its program sees them.
import { type Cpu, type Machine, UserError } from '@boardwalk/core';

/** The part of a CPU's debugger's side that monitors need. */
interface CpuDebugView {
  readonly description: {
    readonly endian: 'little' | 'big';
    readonly features: readonly {
      readonly registers: readonly { readonly name: string; readonly number?: number }[];
    }[];
  };
  readRegister(number: number): bigint | undefined;
  readMemory(address: bigint, into: Uint8Array): boolean;
  physicalAddress(address: bigint): number | undefined;
}

function viewOf(cpu: Cpu | undefined): CpuDebugView | undefined {
  return cpu && 'debug' in cpu ? (cpu.debug as CpuDebugView | undefined) : undefined;
}

/** The debugger's side of a CPU. @throws UserError for one that has none */
export function debugOf(cpu: Cpu): CpuDebugView {
  const debug = viewOf(cpu);
  if (!debug) throw new UserError('the CPU cannot be looked into');
  return debug;
}

/** A register by its name in the debugger's description; undefined if there is none. */
export function readRegister(cpu: Cpu, name: string): bigint | undefined {
  const debug = viewOf(cpu);
  if (!debug) return undefined;
  let number = 0;
  for (const { registers } of debug.description.features) {
    for (const register of registers) {
      number = register.number ?? number;
      if (register.name === name) return debug.readRegister(number);
      number++;
    }
  }
  return undefined;
}

/** Whether values in memory have their least significant byte first. */
export function isLittleEndian({ cpus }: Machine): boolean {
  return viewOf(cpus[0])?.description.endian !== 'big';
}
