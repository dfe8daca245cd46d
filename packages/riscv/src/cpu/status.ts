/** mstatus as the rest of the hart uses it: its fields, and the mode word that follows from it. */
import { defineHelper, type IrBuilder, type IrHelper, type Value } from '@boardwalk/translator';
import { lowBit, MSTATUS_FS, MSTATUS_MPP, MSTATUS_MPRV, MSTATUS_MXR, MSTATUS_SUM } from './bits.ts';
import { FP_DIRTY, MMU_M, MODE_FP_SHIFT, MODE_FRM_SHIFT, MODE_MMU_SHIFT, modeFp, PRIV_M } from './mode.ts';
import { common, csr, frm, priv } from './state.ts';

/** A field of a 64-bit register, shifted down, as an i32. */
export function field(b: IrBuilder, word: Value, mask: bigint): Value {
  const low = lowBit(mask);
  return b.and(b.wrap(b.shr(word, b.i64(low))), b.i32(Number(mask >> BigInt(low))));
}

/** The word with a field replaced by an i32. */
export function withField(b: IrBuilder, word: Value, mask: bigint, value: Value): Value {
  const cleared = b.and(word, b.big(~mask));
  return b.or(cleared, b.shl(b.extend32U(value), b.i64(lowBit(mask))));
}

/** mip: the lines of devices and the bits that software set, an i32. */
export function pendingInterrupts(b: IrBuilder): Value {
  return b.or(b.get(common.pendingIrq), b.wrap(b.get(csr.mip)));
}

/**
 * To be called after a change of what is pending or enabled: leaves translated code where an interrupt may have to be taken
 * before the next instruction.
 */
export const lookAtInterrupts: IrHelper = defineHelper('riscv_look_at_interrupts', [], undefined, (b) => {
  b.if(b.and(pendingInterrupts(b), b.wrap(b.get(csr.mie))), () => b.requestExit());
});

/**
 * Recomputes the mode word (mode.ts) from privilege, mstatus and frm: to be called after every change of those, which may be
 * what a pending interrupt waits for.
 */
export const updateMode: IrHelper = defineHelper('riscv_update_mode', [], undefined, (b) => {
  const status = b.get(csr.mstatus);
  const current = b.get(priv);
  const effective = b.select(field(b, status, MSTATUS_MPRV), field(b, status, MSTATUS_MPP), current);
  // User 0, supervisor 1, with SUM 2, machine 3; MXR adds 4 where there is translation.
  const sum = b.and(effective, field(b, status, MSTATUS_SUM));
  const mxr = b.shl(field(b, status, MSTATUS_MXR), b.i32(2));
  const isMachine = b.eq(effective, b.i32(PRIV_M));
  const mmu = b.select(isMachine, b.i32(MMU_M), b.or(b.add(effective, sum), mxr));
  const fs = field(b, status, MSTATUS_FS);
  const fp = b.add(b.ne(fs, b.i32(0)), b.eq(fs, b.i32(3)));
  const data = b.or(b.shl(mmu, b.i32(MODE_MMU_SHIFT)), b.shl(fp, b.i32(MODE_FP_SHIFT)));
  b.set(common.mode, b.or(b.or(current, data), b.shl(b.get(frm), b.i32(MODE_FRM_SHIFT))));
  b.call(lookAtInterrupts);
});

/**
 * The instruction changes floating-point state: mstatus.FS becomes dirty. Costs nothing in blocks that were translated after
 * it did; later look-ups find those.
 */
export function markFpDirty(b: IrBuilder, mode: number): void {
  if (modeFp(mode) === FP_DIRTY) return;
  b.set(csr.mstatus, b.or(b.get(csr.mstatus), b.big(MSTATUS_FS)));
  b.set(common.mode, b.i32((mode & ~(3 << MODE_FP_SHIFT)) | (FP_DIRTY << MODE_FP_SHIFT)));
}
