/** Where things lie in the test machine, and in the record of one case. Addresses are absolute; everything is big-endian. */

export const RAM_SIZE = 64 << 20;

/** The executor's variables and scratch, in reach of a displacement without a base. */
export const VARIABLES = {
  /** Registers of a case that has ended. */
  registers: 0x400,
  controls: 0x800,
  /** The current record, the end of the records, the PSW that is loaded. */
  current: 0x880,
  end: 0x888,
  psw: 0x890,
} as const;

export const EXECUTOR = 0x1_0000;
/** Code under test, in zeros, which are no instruction: wherever it goes astray here, it stops. */
export const FIELD = 0x2_0000;
export const FIELD_SIZE = 0x20_0000;
/** Memory that the code under test reads and writes. */
export const SCRATCH = 0x30_0000;
export const SCRATCH_SIZE = 0x10_0000;
/** Translation tables, and whatever else a suite puts into memory. */
export const TABLES = 0x40_0000;
export const RECORDS = 0x80_0000;
export const RECORDS_END = RAM_SIZE - (1 << 20);

/** A record: what to set before the case, replaced by what was found after it. */
export const RECORD = {
  pswMask: 0,
  pswAddress: 8,
  /** Instruction length and code of the interruption; the data-exception code; identification of the translation exception. */
  interruption: 16,
  dataException: 20,
  translation: 24,
  r: (n: number): number => 32 + 8 * n,
  f: (n: number): number => 160 + 8 * n,
  fpc: 288,
  ar: (n: number): number => 296 + 4 * n,
  v: (n: number): number => 368 + 16 * n,
  size: 368 + 16 * 32,
} as const;

/** What `interruption` holds before the case has run. */
export const NOT_RUN = 0xdead_dead;
