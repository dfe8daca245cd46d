/**
 * Semantics of the floating-point support instructions: loads, stores and moves of floating-point registers, and the control
 * register. Principles of Operation, SA22-7832, chapter "Floating-Point Overview and Support Instructions".
 */
import type { Value } from '@boardwalk/translator';
import { DXC, PGM } from '../bits.ts';
import { MODE_AFP } from '../mode.ts';
import { updateMode } from '../psw.ts';
import { fpc, vh } from '../state.ts';
import { type Emitter, type Insn, slotOf } from './insn.ts';

/** Bits of the FPC that are not zero for good: masks, flags, DXC, DFP rounding, BFP rounding. */
const FPC_VALID = 0xfcfc_ff77 | 0;

function withoutAfp(i: Insn, code: number): void {
  if ((i.mode & MODE_AFP) === 0) i.refuse(PGM.data, i.b.i64(code));
}

/** Refuses registers other than 0, 2, 4 and 6 while control register 0 has not turned the others on. */
export function floatRegisters(i: Insn, ...numbers: readonly number[]): void {
  if (numbers.some((n) => (n & 9) !== 0)) withoutAfp(i, DXC.afpRegister);
}

/** Refuses what belongs to binary floating point while it is off. */
export function binaryFloat(i: Insn): void {
  withoutAfp(i, DXC.bfpInstruction);
}

export const getFloat = (i: Insn, n: number): Value => i.b.get(slotOf(vh, n));
export const setFloat = (i: Insn, n: number, v: Value): void => i.b.set(slotOf(vh, n), v);
/** A short operand is in the left half of the register, whose right half stays. */
export const getShort = (i: Insn, n: number): Value => i.b.wrap(i.b.shr(getFloat(i, n), i.b.i64(32)));
export const setShort = (i: Insn, n: number, v: Value): void => {
  const { b } = i;
  setFloat(i, n, b.or(b.zext(getFloat(i, n), 32), b.shl(b.extend32U(v), b.i64(32))));
};

const load =
  (size: 4 | 8): Emitter =>
  (i) => {
    floatRegisters(i, i.f.r1);
    const value = i.load2(size);
    if (size === 8) setFloat(i, i.f.r1, value);
    else setShort(i, i.f.r1, i.b.wrap(value));
  };
const store =
  (size: 4 | 8): Emitter =>
  (i) => {
    floatRegisters(i, i.f.r1);
    const value = getFloat(i, i.f.r1);
    i.store2(size === 8 ? value : i.b.shr(value, i.b.i64(32)), size);
  };

const SIGN = 1n << 63n;
const change =
  (how: (i: Insn, v: Value) => Value): Emitter =>
  (i) => {
    floatRegisters(i, i.f.r1, i.f.r2);
    setFloat(i, i.f.r1, how(i, getFloat(i, i.f.r2)));
  };

/** A value for the FPC: bits that must be zero, or a rounding mode that is none, are a specification exception. */
function requireValid(i: Insn, value: Value): void {
  const { b } = i;
  const rounding = b.and(value, b.i32(7));
  const reserved = b.and(rounding, b.i32(4));
  const bad = b.or(b.and(value, b.i32(~FPC_VALID)), b.and(b.ne(reserved, b.i32(0)), b.ne(rounding, b.i32(7))));
  i.raiseIf(b.ne(bad, b.i32(0)), PGM.specification);
}

function setControl(i: Insn, value: Value): void {
  const { b } = i;
  requireValid(i, value);
  b.set(fpc, value);
  b.call(updateMode);
  i.exit();
}

const FLAGS = 0x00f8_0000;
/** Exceptions as masks, flags and the data-exception code have them, and that the exception is simulated. */
const [INVALID, DIVISION, OVERFLOW, UNDERFLOW, INEXACT, SIMULATED] = [0x80, 0x40, 0x20, 0x10, 0x08, 0x03];

/** SET FPC AND SIGNAL: flags that are set stay; one that the new mask enables is an exception, the most urgent where several are. */
function setAndSignal(i: Insn, operand: Value): void {
  const { b } = i;
  const value = b.local('i32', operand);
  requireValid(i, b.getLocal(value));
  const flags = b.local('i32', b.and(b.get(fpc), b.i32(FLAGS)));
  b.set(fpc, b.or(b.getLocal(value), b.getLocal(flags)));
  b.call(updateMode);
  const enabled = b.and(b.shr(b.getLocal(flags), b.i32(16)), b.shr(b.getLocal(value), b.i32(24)));
  const signals = b.local('i32', enabled);
  const among = (kept: number): Value => b.and(b.getLocal(signals), b.i32(kept));
  const code = [
    [INVALID, INVALID],
    [DIVISION, DIVISION],
    [OVERFLOW, OVERFLOW | INEXACT],
    [UNDERFLOW, UNDERFLOW | INEXACT],
  ].reduceRight<Value>((rest, [which = 0, kept = 0]) => b.select(among(which), among(kept), rest), b.i32(INEXACT));
  b.if(b.getLocal(signals), () => i.raise(PGM.data, b.extend32U(b.or(code, b.i32(SIMULATED)))));
  i.exit();
}

const setRounding =
  (bits: number): Emitter =>
  (i) => {
    binaryFloat(i);
    const { b } = i;
    const mode = b.wrap(i.address(i.f.b2, i.f.d2));
    const kept = b.and(mode, b.i32((1 << bits) - 1));
    if (bits === 3) {
      i.raiseIf(b.ne(b.and(mode, b.i32(-8)), b.i32(0)), PGM.specification);
      i.raiseIf(b.and(b.geU(kept, b.i32(4)), b.ne(kept, b.i32(7))), PGM.specification);
    }
    b.set(fpc, b.or(b.and(b.get(fpc), b.i32(-8)), kept));
    b.call(updateMode);
    i.exit();
  };

export const floatSupportSemantics: Readonly<Record<string, Emitter>> = {
  ld: load(8),
  ldy: load(8),
  le: load(4),
  ley: load(4),
  std: store(8),
  stdy: store(8),
  ste: store(4),
  stey: store(4),
  ldr: change((_, v) => v),
  ler: (i) => {
    floatRegisters(i, i.f.r1, i.f.r2);
    setShort(i, i.f.r1, getShort(i, i.f.r2));
  },
  lxr: (i) => {
    if (((i.f.r1 | i.f.r2) & 2) !== 0) i.refuse(PGM.specification);
    floatRegisters(i, i.f.r1, i.f.r2);
    const [high, low] = [getFloat(i, i.f.r2), getFloat(i, i.f.r2 + 2)];
    setFloat(i, i.f.r1, high);
    setFloat(i, i.f.r1 + 2, low);
  },
  lzer: (i) => {
    floatRegisters(i, i.f.r1);
    setShort(i, i.f.r1, i.b.i32(0));
  },
  lzdr: (i) => {
    floatRegisters(i, i.f.r1);
    setFloat(i, i.f.r1, i.b.i64(0));
  },
  lzxr: (i) => {
    if ((i.f.r1 & 2) !== 0) i.refuse(PGM.specification);
    floatRegisters(i, i.f.r1);
    setFloat(i, i.f.r1, i.b.i64(0));
    setFloat(i, i.f.r1 + 2, i.b.i64(0));
  },
  lpdfr: change((i, v) => i.b.and(v, i.b.big(~SIGN))),
  lndfr: change((i, v) => i.b.or(v, i.b.big(SIGN))),
  lcdfr: change((i, v) => i.b.xor(v, i.b.big(SIGN))),
  cpsdr: (i) => {
    floatRegisters(i, i.f.r1, i.f.r2, i.f.r3);
    const { b } = i;
    const sign = b.and(getFloat(i, i.f.r3), b.big(SIGN));
    setFloat(i, i.f.r1, b.or(b.and(getFloat(i, i.f.r2), b.big(~SIGN)), sign));
  },
  ldgr: (i) => {
    floatRegisters(i, i.f.r1);
    setFloat(i, i.f.r1, i.get64(i.f.r2));
  },
  lgdr: (i) => {
    floatRegisters(i, i.f.r2);
    i.set64(i.f.r1, getFloat(i, i.f.r2));
  },
  lfpc: (i) => {
    binaryFloat(i);
    setControl(i, i.b.wrap(i.load2(4)));
  },
  stfpc: (i) => {
    binaryFloat(i);
    i.store2(i.b.extend32U(i.b.get(fpc)), 4);
  },
  sfpc: (i) => {
    binaryFloat(i);
    setControl(i, i.get32(i.f.r1));
  },
  efpc: (i) => {
    binaryFloat(i);
    i.set32(i.f.r1, i.b.extend32U(i.b.get(fpc)));
  },
  sfasr: (i) => {
    binaryFloat(i);
    setAndSignal(i, i.get32(i.f.r1));
  },
  lfas: (i) => {
    binaryFloat(i);
    setAndSignal(i, i.b.wrap(i.load2(4)));
  },
  // The rounding mode of decimal floating point, which is kept also where there is none.
  srnmt: (i) => {
    withoutAfp(i, DXC.dfpInstruction);
    const { b } = i;
    const mode = b.shl(b.and(b.wrap(i.address(i.f.b2, i.f.d2)), b.i32(7)), b.i32(4));
    b.set(fpc, b.or(b.and(b.get(fpc), b.i32(~0x70)), mode));
  },
  srnm: setRounding(2),
  srnmb: setRounding(3),
};
