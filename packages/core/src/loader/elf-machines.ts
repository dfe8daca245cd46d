// ELF machine numbers: the registry of the System V ABI (e_machine), those that an architecture package may meet.

/** `e_machine` of RISC-V. */
export const EM_RISCV = 243;

const NAMES: ReadonlyMap<number, string> = new Map([
  [2, 'SPARC'],
  [3, 'x86 (i386)'],
  [4, 'm68k'],
  [8, 'MIPS'],
  [15, 'PA-RISC'],
  [18, 'SPARC V8+'],
  [20, 'PowerPC'],
  [21, 'PowerPC64'],
  [22, 'S/390'],
  [40, 'ARM'],
  [42, 'SuperH'],
  [43, 'SPARC V9'],
  [62, 'x86-64'],
  [76, 'CRIS'],
  [94, 'Xtensa'],
  [138, 'LatticeMico32'],
  [183, 'AArch64'],
  [189, 'MicroBlaze'],
  [EM_RISCV, 'RISC-V'],
  [247, 'BPF'],
  [258, 'LoongArch'],
  [0x9026, 'Alpha'],
]);

/** Name of an ELF machine, or its number. */
export function machineName(machine: number): string {
  return NAMES.get(machine) ?? `machine ${machine}`;
}
