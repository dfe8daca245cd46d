/**
 * Semantics of F and D. RISC-V Unprivileged ISA, chapters "F" and "D"; Privileged ISA, "Extension Context Status in mstatus".
 *
 * Registers are 64 bits. Single precision is NaN-boxed in them: upper half all ones, and a register that is not so holds the
 * canonical NaN for single-precision arithmetic. Arithmetic is the translator's software floating point, exact in result and flags.
 */
import { createSoftFloat, type IrBuilder, type Value } from '@boardwalk/translator';
import type { Fields } from '../decode/pattern.ts';
import { FP_OFF, FP_ON, modeDataMmu, modeFp, modeFrm } from '../mode.ts';
import { fflags, f as fregs } from '../state.ts';
import { markFpDirty } from '../status.ts';
import { type Emitter, endBlock, illegal, type RiscvContext, readX, writeX } from './emitter.ts';

type Format = 'f32' | 'f64';
type IntegerFormat = { readonly bits: 32 | 64; readonly signed: boolean };

const softFloat = createSoftFloat({ flags: fflags, defaultNan: true, tininess: 'after' });

const BOX = 0xffff_ffff_0000_0000n;
const CANONICAL_NAN_F32 = 0x7fc0_0000;
const SIGN: Readonly<Record<Format, bigint>> = { f32: 1n << 31n, f64: 1n << 63n };

const RM_DYNAMIC = 7;
/** Rounding modes above this one are reserved. */
const RM_LAST = 4;

/** The 64 bits of a register, whatever they mean. */
function readRaw(b: IrBuilder, n: number): Value {
  const slot = fregs[n];
  if (slot === undefined) throw new RangeError(`no register f${n}`);
  return b.get(slot);
}

function writeRaw(b: IrBuilder, n: number, v: Value): void {
  const slot = fregs[n];
  if (slot === undefined) throw new RangeError(`no register f${n}`);
  b.set(slot, v);
}

/** Bits of a number of the format, zero-extended. */
function readF(b: IrBuilder, n: number, format: Format): Value {
  const raw = readRaw(b, n);
  if (format === 'f64') return raw;
  return b.select(b.geU(raw, b.big(BOX)), b.zext(raw, 32), b.i64(CANONICAL_NAN_F32));
}

/** Sets a register; bits above the format's do not matter. */
function writeF(b: IrBuilder, n: number, format: Format, v: Value): void {
  writeRaw(b, n, format === 'f64' ? v : b.or(v, b.big(BOX)));
}

const negate = (b: IrBuilder, v: Value, format: Format): Value => b.xor(v, b.big(SIGN[format]));

/** An instruction that leaves floating-point registers and flags alone: illegal where floating point is off. */
function reading(emit: Emitter): Emitter {
  return (b, f, cpu) => {
    if (modeFp(cpu.mode) === FP_OFF) illegal(b, cpu);
    else emit(b, f, cpu);
  };
}

/** An instruction that changes floating-point registers or flags. */
function changing(emit: Emitter): Emitter {
  return reading((b, f, cpu) => {
    emit(b, f, cpu);
    if (modeFp(cpu.mode) === FP_ON) {
      markFpDirty(b, cpu.mode);
      // What follows is to be found under the new mode word, where floating-point state is dirty already.
      endBlock(b, cpu);
    }
  });
}

/** An instruction that rounds, or at least names a rounding mode: reserved modes are illegal. */
function rounding(emit: (b: IrBuilder, f: Fields, rm: Value) => void): Emitter {
  const emitChange = changing((b, f, cpu) => emit(b, f, b.i32(roundingMode(f, cpu))));
  return (b, f, cpu) => {
    if (roundingMode(f, cpu) > RM_LAST) illegal(b, cpu);
    else emitChange(b, f, cpu);
  };
}

function roundingMode(f: Fields, cpu: RiscvContext): number {
  return f.rm === RM_DYNAMIC ? modeFrm(cpu.mode) : f.rm;
}

// --- memory and moves ---

function load(format: Format): Emitter {
  const size = format === 'f64' ? 8 : 4;
  return changing((b, f, cpu) => {
    const address = b.add(readX(b, f.rs1), b.i64(f.imm));
    writeF(b, f.rd, format, b.load(address, { size, mmu: modeDataMmu(cpu.mode) }));
  });
}

function store(format: Format): Emitter {
  const size = format === 'f64' ? 8 : 4;
  return reading((b, f, cpu) => {
    const address = b.add(readX(b, f.rs1), b.i64(f.imm));
    b.store(address, readRaw(b, f.rs2), { size, mmu: modeDataMmu(cpu.mode) });
  });
}

/** fd = rs1's magnitude under the sign that `sign` makes of both operands. */
function injectSign(format: Format, sign: (b: IrBuilder, x: Value, y: Value) => Value): Emitter {
  const mask = SIGN[format];
  return changing((b, f) => {
    const x = readF(b, f.rs1, format);
    const y = readF(b, f.rs2, format);
    writeF(b, f.rd, format, b.or(b.and(x, b.big(~mask)), b.and(sign(b, x, y), b.big(mask))));
  });
}

/** fmv between formats that are the same is a copy of the register, sign injection being what fmv.s and fmv.d are. */
function copySign(format: Format): Emitter {
  const inject = injectSign(format, (_b, _x, y) => y);
  const move = changing((b, f) => writeF(b, f.rd, format, readF(b, f.rs1, format)));
  return (b, f, cpu) => (f.rs1 === f.rs2 ? move : inject)(b, f, cpu);
}

// --- arithmetic ---

function binary(operation: 'add' | 'sub' | 'mul' | 'div', format: Format): Emitter {
  return rounding((b, f, rm) => {
    const result = b.call(softFloat[operation](format), readF(b, f.rs1, format), readF(b, f.rs2, format), rm);
    writeF(b, f.rd, format, result);
  });
}

function squareRoot(format: Format): Emitter {
  return rounding((b, f, rm) => {
    writeF(b, f.rd, format, b.call(softFloat.sqrt(format), readF(b, f.rs1, format), rm));
  });
}

/** rs1 * rs2 + rs3, with the product or the addend negated first. */
function fused(format: Format, negateProduct: boolean, negateAddend: boolean): Emitter {
  return rounding((b, f, rm) => {
    const x = readF(b, f.rs1, format);
    const z = readF(b, f.rs3, format);
    const result = b.call(
      softFloat.fma(format),
      negateProduct ? negate(b, x, format) : x,
      readF(b, f.rs2, format),
      negateAddend ? negate(b, z, format) : z,
      rm,
    );
    writeF(b, f.rd, format, result);
  });
}

function extreme(which: 'min' | 'max', format: Format): Emitter {
  return changing((b, f) => {
    const result = b.call(softFloat[which](format), readF(b, f.rs1, format), readF(b, f.rs2, format));
    writeF(b, f.rd, format, result);
  });
}

function compare(relation: 'eq' | 'lt' | 'le', format: Format): Emitter {
  return changing((b, f) => {
    const holds = b.call(softFloat[relation](format), readF(b, f.rs1, format), readF(b, f.rs2, format));
    writeX(b, f.rd, b.extend32U(holds));
  });
}

// --- conversions ---

function toInteger(format: Format, integer: IntegerFormat): Emitter {
  return rounding((b, f, rm) => {
    writeX(b, f.rd, b.call(softFloat.toInt(format, integer), readF(b, f.rs1, format), rm));
  });
}

function fromInteger(format: Format, integer: IntegerFormat): Emitter {
  return rounding((b, f, rm) => {
    writeF(b, f.rd, format, b.call(softFloat.fromInt(format, integer), readX(b, f.rs1), rm));
  });
}

function convert(from: Format, to: Format): Emitter {
  return rounding((b, f, rm) => {
    writeF(b, f.rd, to, b.call(softFloat.convert(from, to), readF(b, f.rs1, from), rm));
  });
}

const W = { bits: 32, signed: true } as const;
const WU = { bits: 32, signed: false } as const;
const L = { bits: 64, signed: true } as const;
const LU = { bits: 64, signed: false } as const;

function ofFormat(suffix: 's' | 'd', format: Format): Readonly<Record<string, Emitter>> {
  return {
    [`fadd.${suffix}`]: binary('add', format),
    [`fsub.${suffix}`]: binary('sub', format),
    [`fmul.${suffix}`]: binary('mul', format),
    [`fdiv.${suffix}`]: binary('div', format),
    [`fsqrt.${suffix}`]: squareRoot(format),
    [`fmadd.${suffix}`]: fused(format, false, false),
    [`fmsub.${suffix}`]: fused(format, false, true),
    [`fnmsub.${suffix}`]: fused(format, true, false),
    [`fnmadd.${suffix}`]: fused(format, true, true),
    [`fsgnj.${suffix}`]: copySign(format),
    [`fsgnjn.${suffix}`]: injectSign(format, (b, _x, y) => b.not(y)),
    [`fsgnjx.${suffix}`]: injectSign(format, (b, x, y) => b.xor(x, y)),
    [`fmin.${suffix}`]: extreme('min', format),
    [`fmax.${suffix}`]: extreme('max', format),
    [`feq.${suffix}`]: compare('eq', format),
    [`flt.${suffix}`]: compare('lt', format),
    [`fle.${suffix}`]: compare('le', format),
    [`fclass.${suffix}`]: reading((b, f) => {
      writeX(b, f.rd, b.call(softFloat.classify(format), readF(b, f.rs1, format)));
    }),
    [`fcvt.w.${suffix}`]: toInteger(format, W),
    [`fcvt.wu.${suffix}`]: toInteger(format, WU),
    [`fcvt.l.${suffix}`]: toInteger(format, L),
    [`fcvt.lu.${suffix}`]: toInteger(format, LU),
    [`fcvt.${suffix}.w`]: fromInteger(format, W),
    [`fcvt.${suffix}.wu`]: fromInteger(format, WU),
    [`fcvt.${suffix}.l`]: fromInteger(format, L),
    [`fcvt.${suffix}.lu`]: fromInteger(format, LU),
  };
}

export const floatSemantics: Readonly<Record<string, Emitter>> = {
  ...ofFormat('s', 'f32'),
  ...ofFormat('d', 'f64'),
  flw: load('f32'),
  fld: load('f64'),
  fsw: store('f32'),
  fsd: store('f64'),
  'fcvt.s.d': convert('f64', 'f32'),
  'fcvt.d.s': convert('f32', 'f64'),
  'fmv.x.w': reading((b, f) => writeX(b, f.rd, b.sext(readRaw(b, f.rs1), 32))),
  'fmv.x.d': reading((b, f) => writeX(b, f.rd, readRaw(b, f.rs1))),
  'fmv.w.x': changing((b, f) => writeF(b, f.rd, 'f32', readX(b, f.rs1))),
  'fmv.d.x': changing((b, f) => writeF(b, f.rd, 'f64', readX(b, f.rs1))),
};
