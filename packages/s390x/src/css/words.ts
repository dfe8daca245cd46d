/**
 * Control blocks of the channel subsystem, as offsets and bits. After the Principles of Operation, SA22-7832, chapters "Basic I/O
 * Functions" (subchannel-information block, operation-request block, channel-command word) and "I/O Interruptions"
 * (interruption-response block). All fields are big-endian; bit numbers of the manual are given where the value is not plain.
 */

/** Bytes of a subchannel-information block: PMCW, SCSW, and 12 bytes that depend on the model. */
export const SCHIB_BYTES = 52;

/** Path-management-control word, at the start of the SCHIB. */
export const PMCW = {
  parameter: 0,
  flags: 4,
  deviceNumber: 6,
  logicalPathMask: 8,
  pathNotOperationalMask: 9,
  lastPathUsedMask: 10,
  pathInstalledMask: 11,
  measurementBlockIndex: 12,
  pathOperationalMask: 14,
  pathAvailableMask: 15,
  channelPaths: 16,
  /** Word 6: bits 8 to 10 the subchannel type, 29 to 31 what the program may set. */
  characteristics: 24,
} as const;

/** Flags of the PMCW (bits 0 to 15 of word 1). */
export const PMCW_ISC_SHIFT = 11;
export const PMCW_ENABLED = 0x0080;
export const PMCW_LIMIT_MODE = 0x0060;
export const PMCW_MEASUREMENT_BLOCK = 0x0010;
export const PMCW_CONNECT_TIME = 0x0008;
export const PMCW_MULTIPATH = 0x0004;
export const PMCW_TIMING = 0x0002;
export const PMCW_DEVICE_NUMBER_VALID = 0x0001;
/** Bits that a program must leave zero: 0 and 1, 5 to 7. */
export const PMCW_FLAGS_ZERO = 0xc700;
/** Word 6: measurement block of format 1, extended measurement word, concurrent sense. */
export const PMCW_MEASUREMENT_FORMAT1 = 4;
export const PMCW_EXTENDED_MEASUREMENT = 2;
export const PMCW_CONCURRENT_SENSE = 1;

/** Subchannel-status word, at 28 of the SCHIB and at the start of the IRB. */
export const SCSW = 28;
export const SCSW_BYTES = 12;
/** In the SCHIB behind the SCSW: the address of a measurement block of format 1. */
export const MEASUREMENT_BLOCK_ADDRESS = 40;

/** First halfword of the SCSW. */
export const SCSW_KEY = 0xf000;
export const SCSW_SUSPEND_CONTROL = 0x0800;
export const SCSW_LOGOUT_FORMAT0 = 0x0400;
export const SCSW_DEFERRED_CC = 0x0300;
export const SCSW_FORMAT1 = 0x0080;
export const SCSW_PREFETCH = 0x0040;
export const SCSW_INITIAL_STATUS = 0x0020;
export const SCSW_LIMIT_CHECK = 0x0010;
export const SCSW_SUPPRESS_SUSPENDED = 0x0008;
export const SCSW_ZERO_CC = 0x0004;
export const SCSW_EXTENDED = 0x0002;
export const SCSW_PATH_NOT_OPERATIONAL = 0x0001;

/** Second halfword: function control (bits 17 to 19), activity control (20 to 26), status control (27 to 31). */
export const FC_START = 0x4000;
export const FC_HALT = 0x2000;
export const FC_CLEAR = 0x1000;
export const FC_ALL = FC_START | FC_HALT | FC_CLEAR;
export const AC_RESUME_PENDING = 0x0800;
export const AC_START_PENDING = 0x0400;
export const AC_HALT_PENDING = 0x0200;
export const AC_CLEAR_PENDING = 0x0100;
export const AC_SUBCHANNEL_ACTIVE = 0x0080;
export const AC_DEVICE_ACTIVE = 0x0040;
export const AC_SUSPENDED = 0x0020;
export const AC_PENDING = AC_RESUME_PENDING | AC_START_PENDING | AC_HALT_PENDING | AC_CLEAR_PENDING;
export const AC_ALL = AC_PENDING | AC_SUBCHANNEL_ACTIVE | AC_DEVICE_ACTIVE | AC_SUSPENDED;
export const SC_ALERT = 0x0010;
export const SC_INTERMEDIATE = 0x0008;
export const SC_PRIMARY = 0x0004;
export const SC_SECONDARY = 0x0002;
export const SC_PENDING = 0x0001;
export const SC_ALL = 0x001f;

/** Device status. */
export const DS_CHANNEL_END = 0x08;
export const DS_DEVICE_END = 0x04;
export const DS_UNIT_CHECK = 0x02;

/** Subchannel status. */
export const SS_PROGRAM_CONTROLLED = 0x80;
export const SS_INCORRECT_LENGTH = 0x40;
export const SS_PROGRAM_CHECK = 0x20;
export const SS_PROTECTION_CHECK = 0x10;

/** Operation-request block: flags are word 1. */
export const ORB_BYTES = 32;
export const ORB_KEY = 0xf000_0000;
export const ORB_SUSPEND_CONTROL = 0x0800_0000;
export const ORB_FORMAT1 = 0x0080_0000;
export const ORB_PREFETCH = 0x0040_0000;
export const ORB_INITIAL_STATUS = 0x0020_0000;
export const ORB_LIMIT_CHECK = 0x0010_0000;
export const ORB_SUPPRESS_SUSPENDED = 0x0008_0000;
export const ORB_TRANSPORT_MODE = 0x0004_0000;
export const ORB_IDAW_FORMAT2 = 0x0002_0000;
export const ORB_IDAW_2K = 0x0001_0000;
export const ORB_SUPPRESS_LENGTH = 0x0000_0080;
export const ORB_MIDAW = 0x0000_0040;
/** Bits 26 to 30 must be zero. */
export const ORB_FLAGS_ZERO = 0x0000_003e;

/** Bytes of an interruption-response block as TEST SUBCHANNEL stores it: SCSW, ESW and ECW. */
export const IRB_BYTES = 64;
export const IRB_ESW = 12;
export const IRB_ECW = 32;

/** Flags of a channel-command word. */
export const CCW_CHAIN_DATA = 0x80;
export const CCW_CHAIN_COMMAND = 0x40;
export const CCW_SUPPRESS_LENGTH = 0x20;
export const CCW_SKIP = 0x10;
export const CCW_PROGRAM_CONTROLLED = 0x08;
export const CCW_INDIRECT = 0x04;
export const CCW_SUSPEND = 0x02;
export const CCW_MIDAW = 0x01;

/** Commands that every device knows. */
export const CMD_NO_OPERATION = 0x03;
export const CMD_BASIC_SENSE = 0x04;
export const CMD_TRANSFER = 0x08;
export const CMD_SENSE_ID = 0xe4;

/** Sense byte 0: the device does not know the command, or not now. */
export const SENSE_COMMAND_REJECT = 0x80;
export const SENSE_BYTES = 32;

/** A page's channel-path identifier type: what virtio devices are reached by. */
export const CHANNEL_PATH_VIRTIO = 0x32;
