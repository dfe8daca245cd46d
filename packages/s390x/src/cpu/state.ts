/**
 * The architectural state of one CPU, as fields of the translator's state. Principles of Operation, SA22-7832, chapters
 * "Organization" and "Control".
 */
import { type Slot, StateLayout } from '@boardwalk/translator';

/** The fields of every CPU: common to all models, so that instruction semantics can name them directly. */
export const layout = new StateLayout();

/** Fields that the translator itself knows: pc (the PSW's address), mode word, exception, walk result, interrupts. */
export const common = layout.common;

/** General registers. */
export const r: readonly Slot[] = layout.array('r', 'i64', 16);

/** Access registers. */
export const ar: readonly Slot[] = layout.array('ar', 'i32', 16);

/** Control registers. */
export const cr: readonly Slot[] = Array.from({ length: 16 }, (_, n) =>
  layout.field(`cr${n}`, 'i64', { reset: n === 0 ? 0xe0 : n === 14 ? 0xc200_0000 : 0 }),
);

/**
 * Vector registers, each as a number of 128 bits, so that the leftmost element of the manual is in the highest lane. A load or
 * store is one reversal of bytes for every element size, and elements of all sizes lie in lanes of theirs.
 */
export const v: readonly Slot[] = layout.array('v', 'v128', 32);
/** Left halves of the vector registers; those of 0 to 15 are the floating-point registers. */
export const vh: readonly Slot[] = v.map((whole, n) => layout.highHalf(n < 16 ? `f${n}` : `v${n}.left`, whole));
/** Right halves of the vector registers. */
export const vl: readonly Slot[] = v.map((whole, n) => layout.lowHalf(`v${n}.right`, whole));

/** Floating-point-control register. */
export const fpc: Slot = layout.field('fpc', 'i32');

/** Flags of the floating-point operation that runs, in the order of the software floating point's. */
export const floatFlags: Slot = layout.field('floatFlags', 'i32');
/** The right half of an extended result. */
export const floatLow: Slot = layout.field('floatLow', 'i64');

/** The fourth operand of an extended MULTIPLY AND ADD. */
export const addendHigh: Slot = layout.field('addendHigh', 'i64');
export const addendLow: Slot = layout.field('addendLow', 'i64');

/** Flags of the elements of a vector operation so far, and the code of the first exception that is enabled. */
export const vectorFlags: Slot = layout.field('vectorFlags', 'i32');
export const vectorCode: Slot = layout.field('vectorCode', 'i32');

/** Mask half of the PSW; the condition code in it is not kept up to date, see condition.ts. */
export const pswMask: Slot = layout.field('pswMask', 'i64');

/** How the condition code follows from `ccA` and `ccB`, see condition.ts. */
export const ccKind: Slot = layout.field('ccKind', 'i32');
export const ccA: Slot = layout.field('ccA', 'i64');
export const ccB: Slot = layout.field('ccB', 'i64');

/** Length of the instruction that is restarted or raises, in bytes. */
export const ilc: Slot = layout.field('ilc', 'i32', { reset: 2 });

/** CPU address: its number in the machine. */
export const cpuAddress: Slot = layout.field('cpuAddress', 'i32');

/** Absolute address of the prefix area. */
export const prefix: Slot = layout.field('prefix', 'i64');

/** Clock comparator, in units of the TOD clock, and the TOD programmable field. */
export const ckc: Slot = layout.field('ckc', 'i64', { reset: -1n });
export const todpr: Slot = layout.field('todpr', 'i32');

/** The TOD clock's value at which the CPU timer is zero. */
export const cpuTimerEnd: Slot = layout.field('cpuTimerEnd', 'i64');

/** `STATE_OPERATING` and its like. */
export const cpuState: Slot = layout.field('cpuState', 'i32', { reset: 1 });

/** Pending external calls' sender; senders of emergency signals and malfunction alerts, a bit each. */
export const externalCaller: Slot = layout.field('externalCaller', 'i32');
export const emergencyFrom: readonly Slot[] = layout.array('emergencyFrom', 'i64', 4);
export const malfunctionFrom: readonly Slot[] = layout.array('malfunctionFrom', 'i64', 4);

/** Pending machine check: its code. */
export const machineCheck: Slot = layout.field('machineCheck', 'i64');

/** Subclasses of pending I/O interruptions, as bits 7 (class 0) to 0, and codes of pending floating ones. */
export const ioClasses: Slot = layout.field('ioClasses', 'i32');

/**
 * Translation regimes of address spaces: the designation (ASCE) that each regime of the pool translates, and the regimes of the
 * primary, secondary and home space, which may be one. See psw.ts.
 */
export const POOL = 3;
export const poolAsce: readonly Slot[] = layout.array('poolAsce', 'i64', POOL, { reset: -1n });
export const primaryMmu: Slot = layout.field('primaryMmu', 'i32', { reset: 1 });
export const secondaryMmu: Slot = layout.field('secondaryMmu', 'i32', { reset: 1 });
export const homeMmu: Slot = layout.field('homeMmu', 'i32', { reset: 1 });

/** What regime `MMU_EXPLICIT` means: the space's designation, the access key, the address-space control, DAT off. */
export const explicit = {
  asce: layout.field('explicitAsce', 'i64'),
  key: layout.field('explicitKey', 'i32'),
  as: layout.field('explicitAs', 'i32'),
  real: layout.field('explicitReal', 'i32'),
} as const;

/** Address of the segment- or page-table entry whose invalid bit ended the last walk that failed, else 0: what LRA tells. */
export const invalidEntry: Slot = layout.field('invalidEntry', 'i64');

/** Set to the number of the CPUs of the machine: with one, nobody else has to be told of what changed. */
export const cpuCount: Slot = layout.field('cpuCount', 'i32', { reset: 1 });

/** Host offset of the storage keys, a byte for each 4 KiB of absolute storage, and how many there are. */
export const keyTable: Slot = layout.field('keyTable', 'i32');
export const keyCount: Slot = layout.field('keyCount', 'i32');

/**
 * What the program knows of reference bits: `KEYS_UNSEEN` at first, `KEYS_REFERENCED` once they are all set, `KEYS_SEEN` when it has
 * looked at or set a key. See `span` in translation.ts.
 */
export const keyUse: Slot = layout.field('keyUse', 'i32');
export const KEYS_UNSEEN = 0;
export const KEYS_REFERENCED = 1;
export const KEYS_SEEN = 2;

/**
 * Program-event recording: the instruction that may be an event, its length, the PSW's mask before it, and the events that control
 * register 9 had for it, in the left bits of a byte.
 */
export const per = {
  address: layout.field('perAddress', 'i64'),
  length: layout.field('perLength', 'i32'),
  mask: layout.field('perMask', 'i64'),
  events: layout.field('perEvents', 'i32'),
} as const;

/** Address of the target of EXECUTE that is executed. */
export const executeTarget: Slot = layout.field('executeTarget', 'i64');
/** Second byte of that target, where it is a length. */
export const executeLength: Slot = layout.field('executeLength', 'i32');

/** A block of operands on its way between guest memory and the machine. */
export const block: readonly Slot[] = layout.array('block', 'i64', 16);
