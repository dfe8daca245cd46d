/**
 * Zicsr and the privileged instructions. RISC-V Unprivileged ISA, "Zicsr", "Environment Call and Breakpoints"; Privileged
 * Architecture, "Machine-Mode Privileged Instructions", "Supervisor Instructions".
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CAUSE_BREAKPOINT, CAUSE_ECALL_U, MSTATUS_TSR, MSTATUS_TW } from '../bits.ts';
import { type Csr, csrPrivilege, csrReadOnly } from '../csr/csr.ts';
import { translationAllowed } from '../csr/translation.ts';
import type { Fields } from '../decode/pattern.ts';
import { flushTranslation, flushTranslations } from '../mmu.ts';
import { modePriv, PRIV_M, PRIV_S, PRIV_U } from '../mode.ts';
import type { CpuConfig } from '../models.ts';
import { common, csr } from '../state.ts';
import { field, lookAtInterrupts, updateMode } from '../status.ts';
import { defineReturns } from '../trap.ts';
import { type Emitter, endBlock, illegal, pcRelative, type RiscvContext, readX, writeX } from './emitter.ts';

type CsrOperation = 'write' | 'set' | 'clear';

/** The new value of a register that an instruction writes. */
function combine(b: IrBuilder, operation: CsrOperation, old: Value, operand: Value): Value {
  switch (operation) {
    case 'write':
      return operand;
    case 'set':
      return b.or(old, operand);
    case 'clear':
      return b.and(old, b.not(operand));
  }
}

/** Emits `then` where a condition holds; elsewhere the instruction is illegal. True if `then` was emitted. */
function require(b: IrBuilder, cpu: RiscvContext, condition: Value | boolean): boolean {
  if (typeof condition !== 'boolean') b.if(b.eqz(condition), () => illegal(b, cpu));
  else if (!condition) illegal(b, cpu);
  return condition !== false;
}

/** What a write of the register changes besides, and the end of the block where it does. */
function applyEffect(b: IrBuilder, register: Csr, cpu: RiscvContext): void {
  if (register.effect === undefined) return;
  if (register.effect === 'mode') b.call(updateMode);
  if (register.effect === 'translation') flushTranslations(b);
  if (register.effect === 'exit') b.call(lookAtInterrupts);
  endBlock(b, cpu);
}

/** csrrw, csrrs and csrrc, with a register or the five-bit number in `imm` as the operand. */
function csrAccess(csrs: ReadonlyMap<number, Csr>, operation: CsrOperation, immediate: boolean): Emitter {
  return (b, f, cpu) => {
    const register = csrs.get(f.csr);
    // Setting or clearing with x0 or 0 is no write at all.
    const writes = operation === 'write' || (immediate ? f.imm : f.rs1) !== 0;
    const privileged = modePriv(cpu.mode) >= csrPrivilege(f.csr);
    if (register === undefined || !privileged || (writes && csrReadOnly(f.csr))) {
      illegal(b, cpu);
      return;
    }
    if (!require(b, cpu, register.allowed?.(b, cpu.mode) ?? true)) return;
    const operand = immediate ? b.i64(f.imm) : readX(b, f.rs1);
    const old = operation === 'write' && f.rd === 0 ? undefined : register.read(b);
    if (writes && register.write !== undefined) {
      const start = operation === 'write' ? operand : (register.readForUpdate?.(b) ?? old ?? operand);
      register.write(b, combine(b, operation, start, operand), cpu.mode);
    }
    if (old !== undefined) writeX(b, f.rd, old);
    if (writes) applyEffect(b, register, cpu);
  };
}

/** Whether an mstatus bit leaves an instruction to supervisor mode. */
function supervisorMay(b: IrBuilder, bit: bigint): Value {
  return b.eqz(field(b, b.get(csr.mstatus), bit));
}

function wfi(config: CpuConfig): Emitter {
  return (b, _, cpu) => {
    const privilege = modePriv(cpu.mode);
    const user = privilege === PRIV_U && config.extensions.has('s');
    const allowed = privilege === PRIV_M || (!user && supervisorMay(b, MSTATUS_TW));
    if (!require(b, cpu, allowed)) return;
    b.set(common.pc, pcRelative(b, cpu, cpu.length));
    b.halt();
  };
}

function sfenceVma(b: IrBuilder, f: Fields, cpu: RiscvContext): void {
  if (!require(b, cpu, modePriv(cpu.mode) >= PRIV_S && translationAllowed(b, cpu.mode))) return;
  if (f.rs1 === 0) flushTranslations(b);
  else b.call(flushTranslation, readX(b, f.rs1));
  endBlock(b, cpu);
}

/** The system instructions of a hart, by mnemonic. */
export function systemEmitters(config: CpuConfig, csrs: ReadonlyMap<number, Csr>): Readonly<Record<string, Emitter>> {
  const { mret, sret } = defineReturns(config);
  return {
    csrrw: csrAccess(csrs, 'write', false),
    csrrs: csrAccess(csrs, 'set', false),
    csrrc: csrAccess(csrs, 'clear', false),
    csrrwi: csrAccess(csrs, 'write', true),
    csrrsi: csrAccess(csrs, 'set', true),
    csrrci: csrAccess(csrs, 'clear', true),
    ecall: (b, _, cpu) => b.raise(CAUSE_ECALL_U + modePriv(cpu.mode), b.i64(0)),
    ebreak: (b, _, cpu) => b.raise(CAUSE_BREAKPOINT, pcRelative(b, cpu, 0)),
    mret: (b, _, cpu) => {
      if (!require(b, cpu, modePriv(cpu.mode) === PRIV_M)) return;
      b.call(mret);
      b.exitToLookup();
    },
    sret: (b, _, cpu) => {
      const privilege = modePriv(cpu.mode);
      const allowed = privilege === PRIV_M || (privilege === PRIV_S && supervisorMay(b, MSTATUS_TSR));
      if (!require(b, cpu, allowed)) return;
      b.call(sret);
      b.exitToLookup();
    },
    wfi: wfi(config),
    'sfence.vma': sfenceVma,
  };
}
