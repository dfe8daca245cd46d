/**
 * The architectural state of one RV64 hart, as fields of the translator's state.
 *
 * After the RISC-V Unprivileged ISA (registers x0 to x31, f0 to f31, fcsr) and the Privileged Architecture (the control and
 * status registers that hold state of their own; views such as sstatus and constants such as misa have none).
 */
import { type Slot, StateLayout } from '@boardwalk/translator';

/** The fields of every RV64 hart: common to all CPU models, so that instruction semantics can name them directly. */
export const layout = new StateLayout();

/** Fields that the translator itself knows: pc, mode word, exception, walk result, interrupt lines. */
export const common = layout.common;

/** Integer registers. `x[0]` exists so that indices are register numbers; nothing reads or writes it. */
export const x: readonly Slot[] = layout.array('x', 'i64', 32);

/** Floating-point registers: 64 bits each, narrower values NaN-boxed. */
export const f: readonly Slot[] = layout.array('f', 'i64', 32);

/** Accrued exceptions: NX=1 UF=2 OF=4 DZ=8 NV=16. */
export const fflags: Slot = layout.field('fflags', 'i32');

/** Dynamic rounding mode, 0 to 7. Every change goes through the mode word too (see mode.ts). */
export const frm: Slot = layout.field('frm', 'i32');

/** Address of the LR/SC reservation, or `NO_RESERVATION`. */
export const resAddr: Slot = layout.field('resAddr', 'i64', { reset: -1n });

/** The value that LR read: SC succeeds only where memory still holds it. */
export const resValue: Slot = layout.field('resValue', 'i64');

/** No reservation is held: not an address that LR could have used, since LR is naturally aligned. */
export const NO_RESERVATION = -1;

/** Current privilege: 0 user, 1 supervisor, 3 machine. */
export const priv: Slot = layout.field('priv', 'i32', { reset: 3 });

const word = (name: string, reset = 0n): Slot => layout.field(name, 'i64', { reset });

/** mstatus.UXL and SXL say 64 bits, for good. */
const MSTATUS_RESET = 0xa_0000_0000n;

/** Storage of the control and status registers, by their names in the manual. */
export const csr = {
  /** All of mstatus but SD, which is read as "FS is dirty". */
  mstatus: word('mstatus', MSTATUS_RESET),
  mtvec: word('mtvec'),
  medeleg: word('medeleg'),
  mideleg: word('mideleg'),
  mie: word('mie'),
  /** The bits of mip that software wrote: SSIP, STIP and SEIP. The lines of devices are `common.pendingIrq`. */
  mip: word('mip'),
  mepc: word('mepc'),
  mcause: word('mcause'),
  mtval: word('mtval'),
  mscratch: word('mscratch'),
  mcounteren: word('mcounteren'),
  mcountinhibit: word('mcountinhibit'),
  menvcfg: word('menvcfg'),
  stvec: word('stvec'),
  sepc: word('sepc'),
  scause: word('scause'),
  stval: word('stval'),
  sscratch: word('sscratch'),
  scounteren: word('scounteren'),
  senvcfg: word('senvcfg'),
  satp: word('satp'),
  stimecmp: word('stimecmp', -1n),
  /** mcycle and minstret less the translator's instruction count; the value itself while mcountinhibit stops them. */
  mcycleBase: word('mcycleBase'),
  minstretBase: word('minstretBase'),
  mhartid: word('mhartid'),
  /** pmpcfg0 and pmpcfg2: eight entries of a byte each. */
  pmpcfg: layout.array('pmpcfg', 'i64', 2),
  pmpaddr: layout.array('pmpaddr', 'i64', 16),
} as const;

/** Physical memory protection as the checks want it; follows pmpcfg and pmpaddr, see pmp.ts. */
export const pmp = {
  /** First and past-the-end physical address of each entry; an entry that is off has lo above hi. */
  lo: layout.array('pmpLo', 'i64', 16, { reset: -1n }),
  hi: layout.array('pmpHi', 'i64', 16),
  /** Number of the last entry that is on, plus one. */
  active: layout.field('pmpActive', 'i32'),
} as const;
