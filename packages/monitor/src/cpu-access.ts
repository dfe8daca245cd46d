// What monitors ask of a CPU besides that it runs: registers and memory as its program sees them.
import { type Cpu, type CpuDebug, type Machine, UserError } from '@boardwalk/core';

/** The debugger's side of a CPU. @throws UserError for one that has none */
export function debugOf(cpu: Cpu): CpuDebug {
  const { debug } = cpu;
  if (!debug) throw new UserError('the CPU cannot be looked into');
  return debug;
}

/** A register by its name in the debugger's description; undefined if there is none. */
export function readRegister(cpu: Cpu, name: string): bigint | undefined {
  const { debug } = cpu;
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
  return cpus[0]?.debug?.description.endian !== 'big';
}
