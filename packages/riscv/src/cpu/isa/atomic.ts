/**
 * Semantics of A. RISC-V Unprivileged ISA, chapter "A".
 *
 * A reservation is an address and the value that LR read there: SC stores by compare and swap, so it succeeds where memory holds
 * that value still. (It may have changed and changed back in between, which the loops that LR and SC are made for do not mind.)
 * The acquire and release bits add nothing: atomics are sequentially consistent.
 * They must be naturally aligned, or fault.
 */
import type { IrBuilder } from '@boardwalk/translator';
import { CAUSE_STORE_MISALIGNED } from '../bits.ts';
import { modeDataMmu } from '../mode.ts';
import { NO_RESERVATION, resAddr, resValue } from '../state.ts';
import { type Emitter, readX, writeX } from './emitter.ts';

type Size = 4 | 8;
type RmwOp = Parameters<IrBuilder['atomicRmw']>[0];

function loadReserved(size: Size): Emitter {
  return (b, f, cpu) => {
    const address = readX(b, f.rs1);
    const value = b.load(address, { size, signed: true, align: 'natural', mmu: modeDataMmu(cpu.mode) });
    b.set(resAddr, address);
    b.set(resValue, value);
    writeX(b, f.rd, value);
  };
}

/** rd = 0 where it stored, 1 where it failed; either way the reservation is gone. */
function storeConditional(size: Size): Emitter {
  return (b, f, cpu) => {
    const address = readX(b, f.rs1);
    const value = readX(b, f.rs2);
    const failed = b.local('i64', b.i64(1));
    b.if(
      b.eq(b.get(resAddr), address),
      () => {
        const expected = b.get(resValue);
        const old = b.atomicCas(address, expected, value, { size, signed: true, mmu: modeDataMmu(cpu.mode) });
        b.setLocal(failed, b.extend32U(b.ne(old, expected)));
      },
      () => b.if(b.wrap(b.and(address, b.i64(size - 1))), () => b.raise(CAUSE_STORE_MISALIGNED, address)),
    );
    b.set(resAddr, b.i64(NO_RESERVATION));
    writeX(b, f.rd, b.getLocal(failed));
  };
}

function amo(op: RmwOp, size: Size): Emitter {
  return (b, f, cpu) => {
    const address = readX(b, f.rs1);
    const operand = readX(b, f.rs2);
    writeX(b, f.rd, b.atomicRmw(op, address, operand, { size, signed: true, mmu: modeDataMmu(cpu.mode) }));
  };
}

function ofSize(suffix: string, size: Size): Readonly<Record<string, Emitter>> {
  return {
    [`lr.${suffix}`]: loadReserved(size),
    [`sc.${suffix}`]: storeConditional(size),
    [`amoswap.${suffix}`]: amo('swap', size),
    [`amoadd.${suffix}`]: amo('add', size),
    [`amoxor.${suffix}`]: amo('xor', size),
    [`amoand.${suffix}`]: amo('and', size),
    [`amoor.${suffix}`]: amo('or', size),
    [`amomin.${suffix}`]: amo('minS', size),
    [`amomax.${suffix}`]: amo('maxS', size),
    [`amominu.${suffix}`]: amo('minU', size),
    [`amomaxu.${suffix}`]: amo('maxU', size),
  };
}

export const atomicSemantics: Readonly<Record<string, Emitter>> = { ...ofSize('w', 4), ...ofSize('d', 8) };
