/**
 * Semantics of F and D. RISC-V Unprivileged ISA, chapters "F" and "D"; Privileged ISA, "Extension Context Status in mstatus".
 *
 * Registers are 64 bits. Single precision is NaN-boxed in them: upper half all ones, and a register that is not so holds the
 * canonical NaN for single-precision arithmetic. Arithmetic is the translator's software floating point, exact in result and flags.
 */
import {
  createSoftFloat,
  defineHelper,
  type IntegerFormat,
  type IrBuilder,
  type IrHelper,
  type Value,
} from '@boardwalk/translator';
import type { Fields } from '../decode/pattern.ts';
import { FP_OFF, FP_ON, modeDataMmu, modeFp, modeFrm } from '../mode.ts';
import { fflags, f as fregs } from '../state.ts';
import { markFpDirty } from '../status.ts';
import { type Emitter, endBlock, illegal, type RiscvContext, readX, writeX } from './emitter.ts';

type Format = 'f32' | 'f64';

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

/** Bits of a number in a register, zero-extended. */
function unbox(b: IrBuilder, raw: Value, format: Format): Value {
  if (format === 'f64') return raw;
  return b.select(b.geU(raw, b.big(BOX)), b.zext(raw, 32), b.i64(CANONICAL_NAN_F32));
}

/** A register's content for a number; bits above the format's do not matter. */
function box(b: IrBuilder, v: Value, format: Format): Value {
  return format === 'f64' ? v : b.or(v, b.big(BOX));
}

/** What the leading operands and the result of an operation are; operands after those listed are passed on as they are. */
interface Shape {
  readonly operands: readonly Format[];
  readonly result?: Format;
}

/** An operation on numbers as one on registers, boxing included, so that an instruction is one call. */
function onRegisters(operation: IrHelper, { operands, result }: Shape): IrHelper {
  if (![...operands, result].includes('f32')) return operation;
  return defineHelper(`riscv.${operation.name}`, operation.params, operation.result, (b, ...args) => {
    const numbers = args.map((arg, index) => unbox(b, arg, operands[index] ?? 'f64'));
    const value = b.call(operation, ...numbers);
    return result === undefined ? value : box(b, value, result);
  });
}

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
    writeRaw(b, f.rd, box(b, b.load(address, { size, mmu: modeDataMmu(cpu.mode) }), format));
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
function injectSign(name: string, format: Format, sign: (b: IrBuilder, x: Value, y: Value) => Value): Emitter {
  const mask = SIGN[format];
  const inject = (b: IrBuilder, x: Value, y: Value): Value =>
    b.or(b.and(x, b.big(~mask)), b.and(sign(b, x, y), b.big(mask)));
  if (format === 'f64') {
    return changing((b, f) => writeRaw(b, f.rd, inject(b, readRaw(b, f.rs1), readRaw(b, f.rs2))));
  }
  const helper = onRegisters(defineHelper(name, ['i64', 'i64'], 'i64', inject), binaryShape(format));
  return changing((b, f) => writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), readRaw(b, f.rs2))));
}

/** fsgnj, which with one source twice is fmv: in double precision a copy of the register. */
function copySign(name: string, format: Format): Emitter {
  const inject = injectSign(name, format, (_b, _x, y) => y);
  const move = changing((b, f) => writeRaw(b, f.rd, readRaw(b, f.rs1)));
  return (b, f, cpu) => (format === 'f64' && f.rs1 === f.rs2 ? move : inject)(b, f, cpu);
}

// --- arithmetic ---

function binaryShape(format: Format): Shape {
  return { operands: [format, format], result: format };
}

function binary(operation: 'add' | 'sub' | 'mul' | 'div', format: Format): Emitter {
  const helper = onRegisters(softFloat[operation](format), binaryShape(format));
  return rounding((b, f, rm) => writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), readRaw(b, f.rs2), rm)));
}

function squareRoot(format: Format): Emitter {
  const helper = onRegisters(softFloat.sqrt(format), { operands: [format], result: format });
  return rounding((b, f, rm) => writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), rm)));
}

/** rs1 * rs2 + rs3, with the product or the addend negated first. */
function fused(name: string, format: Format, negated: { product: boolean; addend: boolean }): Emitter {
  const negate = (b: IrBuilder, v: Value): Value => b.xor(v, b.big(SIGN[format]));
  const fma = softFloat.fma(format);
  const operation = defineHelper(name, fma.params, fma.result, (b, ...args) => {
    const [x = b.i64(0), y = b.i64(0), z = b.i64(0), rm = b.i32(0)] = args;
    return b.call(fma, negated.product ? negate(b, x) : x, y, negated.addend ? negate(b, z) : z, rm);
  });
  const shape: Shape = { operands: [format, format, format], result: format };
  const helper = onRegisters(negated.product || negated.addend ? operation : fma, shape);
  return rounding((b, f, rm) => {
    writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), readRaw(b, f.rs2), readRaw(b, f.rs3), rm));
  });
}

function extreme(which: 'min' | 'max', format: Format): Emitter {
  const helper = onRegisters(softFloat[which](format), binaryShape(format));
  return changing((b, f) => writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), readRaw(b, f.rs2))));
}

function compare(relation: 'eq' | 'lt' | 'le', format: Format): Emitter {
  const helper = onRegisters(softFloat[relation](format), { operands: [format, format] });
  return changing((b, f) => writeX(b, f.rd, b.extend32U(b.call(helper, readRaw(b, f.rs1), readRaw(b, f.rs2)))));
}

function classify(format: Format): Emitter {
  const helper = onRegisters(softFloat.classify(format), { operands: [format] });
  return reading((b, f) => writeX(b, f.rd, b.call(helper, readRaw(b, f.rs1))));
}

// --- conversions ---

function toInteger(format: Format, integer: IntegerFormat): Emitter {
  const helper = onRegisters(softFloat.toInt(format, integer), { operands: [format] });
  return rounding((b, f, rm) => writeX(b, f.rd, b.call(helper, readRaw(b, f.rs1), rm)));
}

function fromInteger(format: Format, integer: IntegerFormat): Emitter {
  const helper = onRegisters(softFloat.fromInt(format, integer), { operands: [], result: format });
  return rounding((b, f, rm) => writeRaw(b, f.rd, b.call(helper, readX(b, f.rs1), rm)));
}

function convert(from: Format, to: Format): Emitter {
  const helper = onRegisters(softFloat.convert(from, to), { operands: [from], result: to });
  return rounding((b, f, rm) => writeRaw(b, f.rd, b.call(helper, readRaw(b, f.rs1), rm)));
}

const W = { bits: 32, signed: true } as const;
const WU = { bits: 32, signed: false } as const;
const L = { bits: 64, signed: true } as const;
const LU = { bits: 64, signed: false } as const;

function fusedOfFormat(suffix: 's' | 'd', format: Format): Readonly<Record<string, Emitter>> {
  const emitter = (name: string, product: boolean, addend: boolean): Readonly<Record<string, Emitter>> => ({
    [`${name}.${suffix}`]: fused(`${name}.${suffix}`, format, { product, addend }),
  });
  return {
    ...emitter('fmadd', false, false),
    ...emitter('fmsub', false, true),
    ...emitter('fnmsub', true, false),
    ...emitter('fnmadd', true, true),
  };
}

function ofFormat(suffix: 's' | 'd', format: Format): Readonly<Record<string, Emitter>> {
  return {
    [`fadd.${suffix}`]: binary('add', format),
    [`fsub.${suffix}`]: binary('sub', format),
    [`fmul.${suffix}`]: binary('mul', format),
    [`fdiv.${suffix}`]: binary('div', format),
    [`fsqrt.${suffix}`]: squareRoot(format),
    ...fusedOfFormat(suffix, format),
    [`fsgnj.${suffix}`]: copySign(`fsgnj.${suffix}`, format),
    [`fsgnjn.${suffix}`]: injectSign(`fsgnjn.${suffix}`, format, (b, _x, y) => b.not(y)),
    [`fsgnjx.${suffix}`]: injectSign(`fsgnjx.${suffix}`, format, (b, x, y) => b.xor(x, y)),
    [`fmin.${suffix}`]: extreme('min', format),
    [`fmax.${suffix}`]: extreme('max', format),
    [`feq.${suffix}`]: compare('eq', format),
    [`flt.${suffix}`]: compare('lt', format),
    [`fle.${suffix}`]: compare('le', format),
    [`fclass.${suffix}`]: classify(format),
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
  'fmv.w.x': changing((b, f) => writeRaw(b, f.rd, box(b, readX(b, f.rs1), 'f32'))),
  'fmv.d.x': changing((b, f) => writeRaw(b, f.rd, readX(b, f.rs1))),
};
