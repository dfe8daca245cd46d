/**
 * Traps: exceptions, interrupts, delegation to supervisor mode, and the returns from them. RISC-V Privileged Architecture,
 * "Machine Trap Delegation Registers", "Machine Interrupt Registers", "Trap-Return Instructions".
 */
import { defineHelper, type IrBuilder, type IrHelper, type Slot, type Value } from '@boardwalk/translator';
import {
  IRQ_MEI,
  IRQ_MSI,
  IRQ_MTI,
  IRQ_SEI,
  IRQ_SSI,
  IRQ_STI,
  lowBit,
  MSTATUS_MIE,
  MSTATUS_MPIE,
  MSTATUS_MPP,
  MSTATUS_MPRV,
  MSTATUS_SIE,
  MSTATUS_SPIE,
  MSTATUS_SPP,
} from './bits.ts';
import { PRIV_M, PRIV_S, PRIV_U } from './mode.ts';
import type { CpuConfig } from './models.ts';
import { common, csr, priv } from './state.ts';
import { field, pendingInterrupts, updateMode, withField } from './status.ts';

/** Interrupts in the order in which they are taken. */
const PRIORITY = [IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI] as const;

/** What one privilege level saves a trap in. */
interface TrapLevel {
  readonly privilege: number;
  readonly epc: Slot;
  readonly cause: Slot;
  readonly tval: Slot;
  readonly vector: Slot;
  /** Fields of mstatus: interrupt enable, its previous value, previous privilege. */
  readonly ie: bigint;
  readonly pie: bigint;
  readonly pp: bigint;
}

const MACHINE: TrapLevel = {
  privilege: PRIV_M,
  epc: csr.mepc,
  cause: csr.mcause,
  tval: csr.mtval,
  vector: csr.mtvec,
  ie: MSTATUS_MIE,
  pie: MSTATUS_MPIE,
  pp: MSTATUS_MPP,
};

const SUPERVISOR: TrapLevel = {
  privilege: PRIV_S,
  epc: csr.sepc,
  cause: csr.scause,
  tval: csr.stval,
  vector: csr.stvec,
  ie: MSTATUS_SIE,
  pie: MSTATUS_SPIE,
  pp: MSTATUS_SPP,
};

/** Enters a trap at a level: `code` is an i32, `interrupt` an i32 that is 0 or 1. */
function enter(b: IrBuilder, level: TrapLevel, code: Value, interrupt: Value, tval: Value): void {
  b.set(level.epc, b.get(common.pc));
  b.set(level.cause, b.or(b.extend32U(code), b.shl(b.extend32U(interrupt), b.i64(63))));
  b.set(level.tval, tval);
  const status = b.get(csr.mstatus);
  const saved = withField(b, status, level.pie, field(b, status, level.ie));
  const disabled = b.and(saved, b.big(~level.ie));
  b.set(csr.mstatus, withField(b, disabled, level.pp, b.get(priv)));
  // Vectored mode: interrupts go to their own entry.
  const vector = b.get(level.vector);
  const vectored = b.and(interrupt, b.wrap(b.and(vector, b.i64(1))));
  const offset = b.select(vectored, b.shl(code, b.i32(2)), b.i32(0));
  b.set(common.pc, b.add(b.and(vector, b.i64(-4)), b.extend32U(offset)));
  b.set(priv, b.i32(level.privilege));
  b.call(updateMode);
}

/** Enters the exception in `excCode` and `excValue` at `pc`, where delegation says. */
export const raise: IrHelper = defineHelper('riscv_raise', [], undefined, (b) => {
  const code = b.get(common.excCode);
  const tval = b.get(common.excValue);
  const chosen = b.wrap(b.and(b.shr(b.get(csr.medeleg), b.extend32U(code)), b.i64(1)));
  const delegated = b.and(chosen, b.leU(b.get(priv), b.i32(PRIV_S)));
  b.if(
    delegated,
    () => enter(b, SUPERVISOR, code, b.i32(0), tval),
    () => enter(b, MACHINE, code, b.i32(0), tval),
  );
});

/** Of the interrupts in `mask` (an i32 that is not zero), the one that is taken first: its number. */
function first(b: IrBuilder, mask: Value): Value {
  return PRIORITY.reduceRight<Value>(
    (later, irq) => b.select(b.and(mask, b.i32(1 << irq)), b.i32(irq), later),
    b.i32(0),
  );
}

/** Whether interrupts for a level are enabled: always below it, at it by its enable bit. */
function enabled(b: IrBuilder, level: TrapLevel): Value {
  const current = b.get(priv);
  const at = b.and(b.eq(current, b.i32(level.privilege)), field(b, b.get(csr.mstatus), level.ie));
  return b.or(b.ltU(current, b.i32(level.privilege)), at);
}

/** Takes the most urgent interrupt that is pending and enabled: 1 if there is one. One that is only pending ends a wait. */
export const serviceInterrupt: IrHelper = defineHelper('riscv_interrupt', [], 'i32', (b) => {
  const pending = b.and(pendingInterrupts(b), b.wrap(b.get(csr.mie)));
  b.if(b.eqz(pending), () => b.return_(b.i32(0)));
  b.set(common.halted, b.i32(0));
  const delegation = b.wrap(b.get(csr.mideleg));
  const forMachine = b.and(pending, b.not(delegation));
  b.if(forMachine, () =>
    b.if(enabled(b, MACHINE), () => {
      enter(b, MACHINE, first(b, forMachine), b.i32(1), b.i64(0));
      b.return_(b.i32(1));
    }),
  );
  const forSupervisor = b.and(pending, delegation);
  b.if(forSupervisor, () =>
    b.if(enabled(b, SUPERVISOR), () => {
      enter(b, SUPERVISOR, first(b, forSupervisor), b.i32(1), b.i64(0));
      b.return_(b.i32(1));
    }),
  );
  return b.i32(0);
});

/** Returns from a trap of a level; the previous privilege becomes the least that the hart has. */
function leave(b: IrBuilder, level: TrapLevel, least: number): void {
  const status = b.get(csr.mstatus);
  const to = field(b, status, level.pp);
  const restored = withField(b, status, level.ie, field(b, status, level.pie));
  const fresh = b.or(b.and(restored, b.big(~level.pp)), b.big(level.pie | (BigInt(least) << BigInt(lowBit(level.pp)))));
  b.set(csr.mstatus, b.select(b.eq(to, b.i32(PRIV_M)), fresh, b.and(fresh, b.big(~MSTATUS_MPRV))));
  b.set(priv, to);
  b.set(common.pc, b.get(level.epc));
  b.call(updateMode);
}

/** The privilege that xPP holds after a return. */
const leastPrivilege = (config: CpuConfig): number => (config.extensions.has('u') ? PRIV_U : PRIV_M);

/** mret and sret: set pc, privilege and mode. */
export function defineReturns(config: CpuConfig): { readonly mret: IrHelper; readonly sret: IrHelper } {
  return {
    mret: defineHelper('riscv_mret', [], undefined, (b) => leave(b, MACHINE, leastPrivilege(config))),
    sret: defineHelper('riscv_sret', [], undefined, (b) => leave(b, SUPERVISOR, PRIV_U)),
  };
}
