/** menvcfg and senvcfg. RISC-V Privileged Architecture, "Machine Environment Configuration Register" and its supervisor counterpart. */
import { ENVCFG_FIOM, IRQ_STI, MENVCFG_ADUE, MENVCFG_STCE } from '../bits.ts';
import type { CpuConfig } from '../models.ts';
import { csr } from '../state.ts';
import { type Csr, masked } from './csr.ts';
import type { TimeHelpers } from './time.ts';

/** menvcfg at reset: where the hardware can update accessed and dirty bits it does, until firmware says otherwise. */
export function menvcfgReset({ extensions }: CpuConfig): bigint {
  return extensions.has('svadu') && !extensions.has('svade') ? MENVCFG_ADUE : 0n;
}

export function environmentCsrs({ extensions }: CpuConfig, time: TimeHelpers): Csr[] {
  if (!extensions.has('u')) return [];
  const sstc = extensions.has('sstc');
  const mask = ENVCFG_FIOM | (sstc ? MENVCFG_STCE : 0n) | (extensions.has('svadu') ? MENVCFG_ADUE : 0n);
  const csrs: Csr[] = [
    {
      number: 0x30a,
      name: 'menvcfg',
      read: (b) => b.get(csr.menvcfg),
      write: (b, value) => {
        b.set(csr.menvcfg, b.and(value, b.big(mask)));
        if (!sstc) return;
        // With STCE the timer alone makes mip.STIP; what software wrote there is gone.
        const keep = b.select(b.ltS(value, b.i64(0)), b.big(~(1n << BigInt(IRQ_STI))), b.i64(-1));
        b.set(csr.mip, b.and(b.get(csr.mip), keep));
        b.tellCount();
        b.call(time.timerChanged);
      },
      effect: 'translation',
    },
  ];
  if (extensions.has('s')) csrs.push(masked(0x10a, 'senvcfg', csr.senvcfg, ENVCFG_FIOM));
  return csrs;
}
