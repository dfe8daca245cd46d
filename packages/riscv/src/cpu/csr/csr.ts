/**
 * How a control and status register is declared. RISC-V Unprivileged ISA, "Zicsr"; Privileged Architecture, "Control and
 * Status Registers (CSRs)": bits 9:8 of the number are the least privilege, bits 11:10 both set means read-only.
 */
import type { IrBuilder, Slot, Value } from '@boardwalk/translator';
import { csr } from '../state.ts';

/**
 * What a write changes beyond the register: `exit` interrupts that are pending or enabled, `mode` what the mode word says,
 * `translation` what cached translations say. All of them end the block.
 */
export type CsrEffect = 'exit' | 'mode' | 'translation';

/** A register: how it reads and writes, and when it may be touched. */
export interface Csr {
  readonly number: number;
  readonly name: string;
  /** The value, an i64. */
  readonly read: (b: IrBuilder) => Value;
  /** What csrrs and csrrc start from, where that is not what they return. */
  readonly readForUpdate?: (b: IrBuilder) => Value;
  /** Stores the legal part of an i64; absent where a write changes nothing. */
  readonly write?: (b: IrBuilder, value: Value, mode: number) => void;
  readonly effect?: CsrEffect;
  /**
   * What access asks beyond privilege: an i32 that is not 0 where it is allowed, or the answer itself where the mode word has
   * it.
   */
  readonly allowed?: (b: IrBuilder, mode: number) => Value | boolean;
}

/** The least privilege that may access a register. */
export const csrPrivilege = (number: number): number => (number >>> 8) & 3;

/** Whether a register is read-only by its number: writing it is illegal. */
export const csrReadOnly = (number: number): boolean => number >>> 10 === 3;

/** A register that always reads the same; writes, where its number allows them, are ignored. */
export function constant(number: number, name: string, value: bigint): Csr {
  return { number, name, read: (b) => b.big(value) };
}

/** A register whose bits in `mask` are plain storage and whose others read as zero. */
export function masked(number: number, name: string, slot: Slot, mask: bigint, effect?: CsrEffect): Csr {
  const all = mask === 0xffff_ffff_ffff_ffffn;
  return {
    number,
    name,
    read: (b) => b.get(slot),
    write: (b, value) => b.set(slot, all ? value : b.and(value, b.big(mask))),
    ...(effect && { effect }),
  };
}

/** A register of 64 plain bits. */
export function plain(number: number, name: string, slot: Slot): Csr {
  return masked(number, name, slot, 0xffff_ffff_ffff_ffffn);
}

/** A bit of mcounteren (below machine mode) and of scounteren (in user mode) lets a counter be read. */
export function counterEnabled(b: IrBuilder, privilege: number, index: number): Value | boolean {
  if (privilege === 3) return true;
  const machine = b.get(csr.mcounteren);
  const both = privilege === 0 ? b.and(machine, b.get(csr.scounteren)) : machine;
  return b.wrap(b.extract(both, index, 1));
}
