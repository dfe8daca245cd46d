/** Trap handling registers of machine and supervisor mode. RISC-V Privileged Architecture, "Machine Trap-Vector Base-Address Register" to "Machine Trap Value Register", and their supervisor counterparts. */
import type { IrBuilder, Slot, Value } from '@boardwalk/translator';
import { IRQ_MEI, IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI, MENVCFG_STCE } from '../bits.ts';
import type { CpuConfig } from '../models.ts';
import { csr } from '../state.ts';
import { pendingInterrupts } from '../status.ts';
import { type Csr, masked, plain } from './csr.ts';

const bits = (...numbers: readonly number[]): bigint => numbers.reduce((all, n) => all | (1n << BigInt(n)), 0n);

const MACHINE_IRQS = bits(IRQ_MSI, IRQ_MTI, IRQ_MEI);
const SUPERVISOR_IRQS = bits(IRQ_SSI, IRQ_STI, IRQ_SEI);

/** Exceptions that may be delegated: all that exist but the environment call of machine mode. */
const DELEGABLE = bits(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 15);

/** xtvec: direct or vectored; another mode leaves the register as it is. */
function vector(number: number, name: string, slot: Slot): Csr {
  return {
    number,
    name,
    read: (b) => b.get(slot),
    write: (b, value) => {
      const reserved = b.wrap(b.and(value, b.i64(2)));
      b.set(slot, b.select(reserved, b.get(slot), value));
    },
  };
}

/** xepc holds addresses where an instruction can start. */
function exceptionPc(number: number, name: string, slot: Slot, config: CpuConfig): Csr {
  const align = config.extensions.has('c') ? 2n : 4n;
  return masked(number, name, slot, 0x1_0000_0000_0000_0000n - align);
}

/** The bits of a slot in `mask` (an i64) replaced by those of the value. */
function merge(b: IrBuilder, slot: Slot, value: Value, mask: Value): void {
  b.set(slot, b.or(b.and(b.get(slot), b.not(mask)), b.and(value, mask)));
}

/** mip: software writes SSIP, SEIP and, unless the timer of Sstc makes it, STIP. */
function mip(config: CpuConfig): Csr {
  const writable = config.extensions.has('s') ? SUPERVISOR_IRQS : 0n;
  return {
    number: 0x344,
    name: 'mip',
    read: (b) => b.extend32U(pendingInterrupts(b)),
    // The line of the interrupt controller is not written back into SEIP.
    readForUpdate: (b) => b.get(csr.mip),
    write: (b, value) => {
      const stce = b.ne(b.and(b.get(csr.menvcfg), b.big(MENVCFG_STCE)), b.i64(0));
      b.set(csr.mip, b.and(value, b.select(stce, b.big(writable & ~bits(IRQ_STI)), b.big(writable))));
    },
    effect: 'exit',
  };
}

/** sie and sip: the interrupts that are delegated, of mie and mip. */
function supervisorViews(): Csr[] {
  return [
    {
      number: 0x104,
      name: 'sie',
      read: (b) => b.and(b.get(csr.mie), b.get(csr.mideleg)),
      write: (b, value) => merge(b, csr.mie, value, b.get(csr.mideleg)),
      effect: 'exit',
    },
    {
      number: 0x144,
      name: 'sip',
      read: (b) => b.and(b.extend32U(pendingInterrupts(b)), b.get(csr.mideleg)),
      readForUpdate: (b) => b.get(csr.mip),
      write: (b, value) => merge(b, csr.mip, value, b.and(b.get(csr.mideleg), b.big(bits(IRQ_SSI)))),
      effect: 'exit',
    },
  ];
}

export function trapCsrs(config: CpuConfig): Csr[] {
  const supervisor = config.extensions.has('s');
  const csrs: Csr[] = [
    masked(0x304, 'mie', csr.mie, supervisor ? MACHINE_IRQS | SUPERVISOR_IRQS : MACHINE_IRQS, 'exit'),
    vector(0x305, 'mtvec', csr.mtvec),
    exceptionPc(0x341, 'mepc', csr.mepc, config),
    plain(0x342, 'mcause', csr.mcause),
    plain(0x343, 'mtval', csr.mtval),
    mip(config),
  ];
  if (supervisor) {
    csrs.push(
      masked(0x302, 'medeleg', csr.medeleg, DELEGABLE),
      masked(0x303, 'mideleg', csr.mideleg, SUPERVISOR_IRQS, 'exit'),
      vector(0x105, 'stvec', csr.stvec),
      exceptionPc(0x141, 'sepc', csr.sepc, config),
      plain(0x142, 'scause', csr.scause),
      plain(0x143, 'stval', csr.stval),
      ...supervisorViews(),
    );
  }
  return csrs;
}
