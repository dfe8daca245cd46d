/** What control instructions may and may not do. Principles of Operation, SA22-7832, chapter "Control Instructions". */
import type { Value } from '@boardwalk/translator';
import { PGM } from '../../bits.ts';
import { updateMode } from '../../psw.ts';
import { common, cr, pswMask } from '../../state.ts';
import { type Insn, slotOf } from '../insn.ts';

export const cr0 = slotOf(cr, 0);

/** Sets bits of the PSW that change how translation goes on, and leaves the block. */
export function changeMask(i: Insn, mask: Value): void {
  const { b } = i;
  b.set(pswMask, mask);
  b.call(updateMode);
  b.if(b.get(common.pendingIrq), () => b.requestExit());
  i.exit();
}

/** The key in a register, which the problem state needs the PSW-key mask for. */
export function checkedKey(i: Insn, register: number): Value {
  const { b } = i;
  const key = b.extract(i.get64(register), 4, 4);
  if (i.isProblem) {
    const allowed = b.and(b.shr(b.get(slotOf(cr, 3)), b.sub(b.i64(31), key)), b.i64(1));
    i.raiseIf(b.eqz(allowed), PGM.privileged);
  }
  return b.wrap(key);
}
