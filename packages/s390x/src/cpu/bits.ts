/**
 * Bits of the PSW and the control registers, program-interruption codes, and places in the prefix area. Principles of Operation,
 * SA22-7832, chapters "Control" and "Interruptions". Masks are of 64-bit values whose bit 0 is the leftmost.
 */

/** The mask of bit `n` of a doubleword, numbered from the left as the manual does. */
export const bit64 = (n: number): bigint => 1n << BigInt(63 - n);

export const PSW = {
  PER: bit64(1),
  DAT: bit64(5),
  IO: bit64(6),
  EXT: bit64(7),
  KEY_SHIFT: 52,
  /** One in an ESA/390 PSW, zero in a z/Architecture one. */
  SHORT: bit64(12),
  MCHECK: bit64(13),
  WAIT: bit64(14),
  PROBLEM: bit64(15),
  AS_SHIFT: 46,
  CC_SHIFT: 44,
  /** Fixed-point overflow, decimal overflow, HFP exponent underflow, HFP significance. */
  FIXED_OVERFLOW: bit64(20),
  DECIMAL_OVERFLOW: bit64(21),
  EXTENDED: bit64(31),
  BASIC: bit64(32),
  /** Bits that must be zero: 0, 2 to 4, 12, 24 to 30, 33 to 63. */
  RESERVED: 0xb808_00fe_7fff_ffffn,
} as const;

/** Address-space control of the PSW. */
export const AS_PRIMARY = 0;
export const AS_REGISTER = 1;
export const AS_SECONDARY = 2;
export const AS_HOME = 3;

export const CR0 = {
  SSM_SUPPRESSION: bit64(33),
  LOW_PROTECTION: bit64(35),
  EXTRACTION: bit64(36),
  SECONDARY: bit64(37),
  FETCH_OVERRIDE: bit64(38),
  STORE_OVERRIDE: bit64(39),
  EDAT: bit64(40),
  AFP: bit64(45),
  VECTOR: bit64(46),
  MALFUNCTION: bit64(48),
  EMERGENCY: bit64(49),
  EXTERNAL_CALL: bit64(50),
  CLOCK_COMPARATOR: bit64(52),
  CPU_TIMER: bit64(53),
  SERVICE_SIGNAL: bit64(54),
} as const;

/** Events and controls of program-event recording in control register 9. */
export const PER = {
  BRANCH: bit64(32),
  FETCH: bit64(33),
  STORE: bit64(34),
  /** Branches only into the range that control registers 10 and 11 designate. */
  BRANCH_ADDRESS: bit64(40),
} as const;

/** Channel-report-pending subclass mask of control register 14. */
export const CR14_CHANNEL_REPORT = bit64(35);

/** Program-interruption codes. */
export const PGM = {
  operation: 0x01,
  privileged: 0x02,
  execute: 0x03,
  protection: 0x04,
  addressing: 0x05,
  specification: 0x06,
  data: 0x07,
  fixedOverflow: 0x08,
  fixedDivide: 0x09,
  decimalOverflow: 0x0a,
  decimalDivide: 0x0b,
  segment: 0x10,
  page: 0x11,
  translationSpecification: 0x12,
  specialOperation: 0x13,
  operand: 0x15,
  traceTable: 0x16,
  vectorProcessing: 0x1b,
  spaceSwitch: 0x1c,
  primaryAuthority: 0x24,
  secondaryAuthority: 0x25,
  aletSpecification: 0x28,
  alenTranslation: 0x29,
  aleSequence: 0x2a,
  asteValidity: 0x2b,
  asteSequence: 0x2c,
  extendedAuthority: 0x2d,
  stackFull: 0x30,
  stackEmpty: 0x31,
  stackSpecification: 0x32,
  stackType: 0x33,
  stackOperation: 0x34,
  asceType: 0x38,
  regionFirst: 0x39,
  regionSecond: 0x3a,
  regionThird: 0x3b,
  monitor: 0x40,
  /** With the code of another exception, where that completes or suppresses the instruction. */
  per: 0x80,
} as const;

/** Exceptions that leave the PSW at the instruction, which is nullified: bit n for code n, up to 0x3f. */
export const NULLIFYING: bigint = [
  PGM.segment,
  PGM.page,
  0x20,
  0x21,
  0x22,
  0x23,
  PGM.primaryAuthority,
  PGM.secondaryAuthority,
  PGM.aletSpecification,
  PGM.alenTranslation,
  PGM.aleSequence,
  PGM.asteValidity,
  PGM.asteSequence,
  PGM.extendedAuthority,
  PGM.stackFull,
  PGM.stackEmpty,
  PGM.stackSpecification,
  PGM.stackType,
  PGM.stackOperation,
  PGM.asceType,
  PGM.regionFirst,
  PGM.regionSecond,
  PGM.regionThird,
].reduce((mask, code) => mask | (1n << BigInt(code)), 0n);

/** `excCode` of a supervisor call: this plus its number. */
export const SUPERVISOR_CALL = 0x1_0000;

/** Data-exception codes. */
export const DXC = {
  decimal: 0x00,
  afpRegister: 0x01,
  bfpInstruction: 0x02,
  dfpInstruction: 0x03,
  vectorInstruction: 0xfe,
  compareAndTrap: 0xff,
} as const;

/** Places in the prefix area, the first 8 KiB of real storage. */
export const LOWCORE = {
  externalParameter: 0x80,
  externalCpuAddress: 0x84,
  externalCode: 0x86,
  svcLength: 0x88,
  svcCode: 0x8a,
  programLength: 0x8c,
  programCode: 0x8e,
  dataExceptionCode: 0x90,
  monitorClass: 0x94,
  perCode: 0x96,
  perAddress: 0x98,
  accessId: 0xa0,
  perAccessId: 0xa1,
  operandAccessId: 0xa2,
  architectureMode: 0xa3,
  translationId: 0xa8,
  monitorCode: 0xb0,
  subsystemId: 0xb8,
  ioParameter: 0xbc,
  ioWord: 0xc0,
  facilityList: 0xc8,
  machineCheckCode: 0xe8,
  externalDamageCode: 0xf4,
  failingStorageAddress: 0xf8,
  breakingEvent: 0x110,
  restartOld: 0x120,
  externalOld: 0x130,
  svcOld: 0x140,
  programOld: 0x150,
  machineCheckOld: 0x160,
  ioOld: 0x170,
  restartNew: 0x1a0,
  externalNew: 0x1b0,
  svcNew: 0x1c0,
  programNew: 0x1d0,
  machineCheckNew: 0x1e0,
  ioNew: 0x1f0,
  /** Address of the machine-check extended save area. */
  extendedSaveArea: 0x11b0,
  externalParameter64: 0x11b8,
  /** The save area of STORE STATUS and of machine checks. */
  saveArea: 0x1200,
} as const;

/** Bits of `pendingIrq`. */
export const IRQ = {
  clockComparator: 1 << 0,
  cpuTimer: 1 << 1,
  emergency: 1 << 2,
  externalCall: 1 << 3,
  malfunction: 1 << 4,
  serviceSignal: 1 << 5,
  /** An external interruption that the machine queued. */
  external: 1 << 6,
  io: 1 << 7,
  machineCheck: 1 << 8,
  restart: 1 << 9,
  /** The CPU is to stop at the end of the instruction. */
  stop: 1 << 10,
  /** The PSW has to be looked at: one that was set is invalid. */
  invalidPsw: 1 << 11,
  /** An event of program-event recording, once the instruction is complete. */
  per: 1 << 12,
} as const;

/** Values of the slot `cpuState`. */
export const STATE_OPERATING = 0;
export const STATE_STOPPED = 1;
export const STATE_CHECK_STOP = 2;
export const STATE_LOAD = 3;
