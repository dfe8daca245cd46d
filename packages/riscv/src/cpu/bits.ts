/** Fields of the control and status registers. RISC-V Privileged Architecture, chapters "Machine-Level ISA" and "Supervisor-Level ISA". */

/** mstatus. */
export const MSTATUS_SIE = 1n << 1n;
export const MSTATUS_MIE = 1n << 3n;
export const MSTATUS_SPIE = 1n << 5n;
export const MSTATUS_MPIE = 1n << 7n;
export const MSTATUS_SPP = 1n << 8n;
export const MSTATUS_MPP = 3n << 11n;
export const MSTATUS_FS = 3n << 13n;
export const MSTATUS_MPRV = 1n << 17n;
export const MSTATUS_SUM = 1n << 18n;
export const MSTATUS_MXR = 1n << 19n;
export const MSTATUS_TVM = 1n << 20n;
export const MSTATUS_TW = 1n << 21n;
export const MSTATUS_TSR = 1n << 22n;
export const MSTATUS_UXL = 3n << 32n;
export const MSTATUS_SXL = 3n << 34n;
export const MSTATUS_SD = 1n << 63n;

/** Interrupts: bit numbers in mip and mie, and exception codes of mcause. */
export const IRQ_SSI = 1;
export const IRQ_MSI = 3;
export const IRQ_STI = 5;
export const IRQ_MTI = 7;
export const IRQ_SEI = 9;
export const IRQ_MEI = 11;

/** menvcfg: fence of I/O implies memory, hardware updates of accessed and dirty, stimecmp. */
export const ENVCFG_FIOM = 1n;
export const MENVCFG_ADUE = 1n << 61n;
export const MENVCFG_STCE = 1n << 63n;

/** Exception codes of mcause. */
export const CAUSE_FETCH_MISALIGNED = 0;
export const CAUSE_FETCH_ACCESS = 1;
export const CAUSE_ILLEGAL_INSTRUCTION = 2;
export const CAUSE_BREAKPOINT = 3;
export const CAUSE_LOAD_MISALIGNED = 4;
export const CAUSE_LOAD_ACCESS = 5;
export const CAUSE_STORE_MISALIGNED = 6;
export const CAUSE_STORE_ACCESS = 7;
export const CAUSE_ECALL_U = 8;
export const CAUSE_FETCH_PAGE = 12;
export const CAUSE_LOAD_PAGE = 13;
export const CAUSE_STORE_PAGE = 15;

/** Number of the lowest bit of a field. */
export function lowBit(field: bigint): number {
  let bit = 0;
  while (((field >> BigInt(bit)) & 1n) === 0n) bit++;
  return bit;
}
