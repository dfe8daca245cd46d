/** Where things lie in the test machine, and in the record of one case. Addresses are physical; everything is little-endian. */

export const RAM_BASE = 0x8000_0000;
export const RAM_SIZE = 64 << 20;

/** The executor: prologue, loop, trap handler. */
export const EXECUTOR = RAM_BASE;
/** The trap handler, and a table of vectors: the first goes there, the others hold c.ebreak and so say which was taken. */
export const HANDLER = EXECUTOR + 4;
export const VECTORS = RAM_BASE + 0x2000;
/** The executor's variables: the current record and the end of the records. */
export const VARIABLES = RAM_BASE + 0x4000;
/** Four megabytes of c.ebreak, in which the code under test is placed: wherever it goes astray here, it stops. */
export const FIELD = RAM_BASE + 0x20_0000;
export const FIELD_SIZE = 4 << 20;
/** Memory that the code under test reads and writes. */
export const SCRATCH = RAM_BASE + 0x60_0000;
export const SCRATCH_SIZE = 2 << 20;
/** Page tables, and whatever else a suite puts into memory. */
export const TABLES = RAM_BASE + 0x80_0000;
export const TABLES_SIZE = 8 << 20;
/** The records, one after the other. */
export const RECORDS = RAM_BASE + 0x100_0000;
/** The reference keeps its device tree above. */
export const RECORDS_END = RAM_BASE + RAM_SIZE - (4 << 20);

/**
 * A record: what to set before the case, replaced by what was found after it. Offsets in bytes; all fields have eight.
 * `pc` becomes mepc; `cause` and `tval` are only written.
 */
export const RECORD = {
  pc: 0,
  mstatus: 8,
  fcsr: 16,
  cause: 24,
  tval: 32,
  x: (n: number): number => 40 + 8 * n,
  f: (n: number): number => 40 + 8 * (32 + n),
  csr: (index: number): number => 40 + 8 * (64 + index),
} as const;

/** Bytes of a record with so many control and status registers. */
export const recordSize = (csrs: number): number => RECORD.csr(csrs);

/** What `cause` holds before the case has run. */
export const NOT_RUN = 0xdead_dead_dead_deadn;
