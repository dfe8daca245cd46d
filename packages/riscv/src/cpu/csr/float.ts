/** fflags, frm and fcsr. RISC-V Unprivileged ISA, "Floating-Point Control and Status Register". */
import { FP_OFF, modeFp } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { fflags, frm } from '../state.ts';
import { markFpDirty } from '../status.ts';
import type { Csr } from './csr.ts';

const allowed = (_: unknown, mode: number): boolean => modeFp(mode) !== FP_OFF;

const FRM_SHIFT = 5;

export function floatCsrs(config: CpuConfig): Csr[] {
  if (!config.extensions.has('f')) return [];
  return [
    {
      number: 0x001,
      name: 'fflags',
      read: (b) => b.extend32U(b.get(fflags)),
      write: (b, value, mode) => {
        b.set(fflags, b.and(b.wrap(value), b.i32(0x1f)));
        markFpDirty(b, mode);
      },
      allowed,
    },
    {
      number: 0x002,
      name: 'frm',
      read: (b) => b.extend32U(b.get(frm)),
      write: (b, value, mode) => {
        b.set(frm, b.and(b.wrap(value), b.i32(7)));
        markFpDirty(b, mode);
      },
      effect: 'mode',
      allowed,
    },
    {
      number: 0x003,
      name: 'fcsr',
      read: (b) => b.extend32U(b.or(b.get(fflags), b.shl(b.get(frm), b.i32(FRM_SHIFT)))),
      write: (b, value, mode) => {
        const low = b.wrap(value);
        b.set(fflags, b.and(low, b.i32(0x1f)));
        b.set(frm, b.extract(low, FRM_SHIFT, 3));
        markFpDirty(b, mode);
      },
      effect: 'mode',
      allowed,
    },
  ];
}
