/**
 * Numbers of the PCI instructions and of CALL LOGICAL PROCESSOR's PCI commands. After what Linux (arch/s390/include/asm/pci_insn.h,
 * pci_clp.h) and qemu-system-s390x 7.2 (observed) have in common; all fields are big-endian.
 */
import type { Outcome } from '../cpu/services.ts';

/** A function's handle: whether it is enabled, that it is emulated, and its number. */
export const HANDLE_ENABLED = 0x8000_0000;
export const HANDLE_EMULATED = 0x0002_0000;
export const HANDLE_INDEX_MASK = 0xffff;
/** What handles have in common. */
export const HANDLE_KIND_MASK = 0x00ff_0000;

/** Address spaces of a load or store: the windows, and configuration space. */
export const SPACE_CONFIG = 15;
export const WINDOWS = 6;

/** Why a function did not do what an instruction asked for; the instruction's condition code is 1. */
export const STATUS = {
  none: 0,
  /** It has got into the error state by this instruction. */
  intoError: 8,
  /** It is in the error state, where loads and stores are blocked. */
  blocked: 12,
  invalidSpace: 20,
  /** The order of requests does not allow it now. */
  sequence: 24,
  invalidDmaSpace: 28,
  /** It is in the error state, which the program has to end first. */
  recovery: 40,
} as const;

/** The function handle is not known, or is not that of an enabled function. */
export const NO_FUNCTION: Outcome = 3;

/** Condition code 1, with a status for the instruction to store. */
export function failed(status: number): Outcome {
  return (status << 8) | 1;
}

/** What a request of a PCI instruction says. */
export interface PciRequest {
  readonly handle: number;
  /** Address space of a load or store. */
  readonly space: number;
  /** DMA address space of MPCIFC. */
  readonly dmaSpace: number;
  /** Bytes, or the operation of MPCIFC. */
  readonly low: number;
}

/** Reads a request: handle in the left half, space in bits 44 to 47 (40 to 47 of MPCIFC), and what is asked for in the last byte. */
export function parseRequest(request: bigint): PciRequest {
  const low = Number(request & 0xffff_ffffn);
  return {
    handle: Number(request >> 32n) >>> 0,
    space: (low >>> 16) & 0xf,
    dmaSpace: (low >>> 16) & 0xff,
    low: low & 0xff,
  };
}

/** Interrupts as messages go here, and nowhere else: the upper half of the address. */
export const MESSAGE_ADDRESS_HIGH = 0xfe00_0000;
/** Interrupts of one function. */
export const MAX_INTERRUPTS = 128;
/** DMA addresses that a function may use. */
export const FIRST_DMA = 0x1_0000_0000n;
export const LAST_DMA = 0x01ff_ffff_ffff_ffffn;
/** Bytes of the longest PCI STORE BLOCK. */
export const MAX_STORE_BLOCK = 128;
/** Time between two updates of a measurement block, in ms. */
export const MEASUREMENT_MS = 4000;

/** What the program is told of functions that come and go (Linux: arch/s390/pci/pci_event.c). */
export const PCI_EVENT = {
  toConfigured: 0x0301,
  deconfigurationRequested: 0x0303,
  standbyToReserved: 0x0308,
} as const;

/** What the program is told of functions that are in an error (codes of qemu-system-s390x 7.2). */
export const PCI_ERROR = {
  noTranslation: 0x01,
  outOfRange: 0x02,
  /** An access that the tables do not allow. */
  protection: 0x04,
  invalidEntry: 0x07,
  tableLength: 0x08,
  tableType: 0x09,
  /** An interrupt's bit is not in storage. */
  interruptBit: 0x13,
  measurementBlock: 0x2a,
  measurementKey: 0x2c,
} as const;

/** Function information block: MPCIFC's operand, STPCIFC's result. */
export const FIB = {
  bytes: 80,
  format: 0,
  controls: 8,
  dmaBase: 16,
  dmaLimit: 24,
  translation: 32,
  /** Subclass (bits 1 to 3), number of interrupts (4 to 15), offset of the bits (18 to 23), summary (24) and its offset (26 to 31). */
  interrupts: 40,
  bitVector: 48,
  summary: 56,
  measurement: 64,
} as const;

/** Function controls of a stored block. */
export const FIB_ENABLED = 0x80;
export const FIB_BLOCKED = 0x40;
export const FIB_ERROR = 0x20;
export const FIB_DMA_REGISTERED = 0x10;
