/** Floating-point semantics: what lies around the arithmetic (boxing, rounding modes, mstatus.FS), and samples of the arithmetic. */
import { COMMON, compileHelpers, defineHelper, IrBuilder, type Slot } from '@boardwalk/translator';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fields } from '../decode/pattern.ts';
import { FP_DIRTY, FP_OFF, FP_ON, MODE_FP_SHIFT, MODE_FRM_SHIFT, modeFp } from '../mode.ts';
import { EXTENSIONS, type Extension } from '../models.ts';
import { csr, fflags, f as fregs, x as xregs } from '../state.ts';
import type { RiscvContext } from './emitter.ts';
import { userSemantics } from './index.ts';

const extensions = new Set(Object.keys(EXTENSIONS) as Extension[]);
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const view = new DataView(memory.buffer);

const RNE = 0;
const RTZ = 1;
const RDN = 2;
const RUP = 3;
const DYN = 7;
const [NX, OF, DZ, NV] = [1, 4, 8, 16];

const BOX = 0xffff_ffff_0000_0000n;
const NAN_F32 = 0x7fc0_0000n;
const NAN_F64 = 0x7ff8_0000_0000_0000n;

function context(fp: number, frm = RNE): RiscvContext {
  const mode = 3 | (fp << MODE_FP_SHIFT) | (frm << MODE_FRM_SHIFT);
  return {
    addressOf: (offset) => [0x1000 + offset, 0],
    offsetIn: () => undefined,
    length: 4,
    word: 0x1234_5678,
    mode,
    extensions,
  };
}

function emit(b: IrBuilder, mnemonic: string, rm: number, cpu: RiscvContext): void {
  const fields: Fields = { rd: 10, rs1: 11, rs2: 12, rs3: 13, imm: 0, csr: 0, rm, aqrl: 0 };
  const emitter = userSemantics[mnemonic];
  if (!emitter) throw new Error(`no semantics for ${mnemonic}`);
  emitter(b, fields, cpu);
}

function at(slots: readonly Slot[], n: number): number {
  const slot = slots[n];
  if (!slot) throw new RangeError(`no register ${n}`);
  return slot.offset;
}

const setF = (n: number, v: bigint) => view.setBigUint64(at(fregs, n), v, true);
const getF = (n: number) => view.getBigUint64(at(fregs, n), true);
const setX = (n: number, v: bigint) => view.setBigUint64(at(xregs, n), BigInt.asUintN(64, v), true);
const getX = (n: number) => view.getBigInt64(at(xregs, n), true);
const flags = () => view.getInt32(fflags.offset, true);

/** Runs an instruction with rd = 10, rs1 = 11, rs2 = 12, rs3 = 13 in a hart whose floating point is dirty. */
function run(mnemonic: string, rm = DYN, frm = RNE): void {
  const compiled = compileHelpers(memory, [
    defineHelper('run', [], undefined, (b) => emit(b, mnemonic, rm, context(FP_DIRTY, frm))),
  ]);
  compiled.run?.(0);
}

const scratch = new DataView(new ArrayBuffer(8));
function double(value: number): bigint {
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}
function single(value: number): bigint {
  scratch.setFloat32(0, value);
  return BOX | BigInt(scratch.getUint32(0));
}

beforeEach(() => {
  new Uint8Array(memory.buffer).fill(0);
});

describe('NaN boxing', () => {
  test('a single that is not boxed is the canonical NaN to arithmetic', () => {
    setF(11, single(1) & 0xffff_ffffn);
    setF(12, single(2));
    run('fadd.s');
    expect(getF(10)).toBe(BOX | NAN_F32);
    expect(flags()).toBe(0);
  });

  test('results are boxed', () => {
    setF(11, single(1.5));
    setF(12, single(2));
    run('fmul.s');
    expect(getF(10)).toBe(single(3));
  });

  test('fmv.x.w takes the low bits as they are, sign-extended', () => {
    setF(11, 0x1234_5678_8000_0001n);
    run('fmv.x.w');
    expect(getX(10)).toBe(-0x7fff_ffffn);
  });

  test('fmv.w.x boxes', () => {
    setX(11, 0x1_3f80_0000n);
    run('fmv.w.x');
    expect(getF(10)).toBe(single(1));
  });

  test('sign injection sees an unboxed operand as the canonical NaN, of positive sign', () => {
    setF(11, single(-2));
    setF(12, 0x8000_0000n);
    run('fsgnj.s');
    expect(getF(10)).toBe(single(2));
  });
});

describe('sign injection', () => {
  test.each([
    ['fsgnj.d', -0.5],
    ['fsgnjn.d', 0.5],
    ['fsgnjx.d', -0.5],
  ])('%s', (mnemonic, result) => {
    setF(11, double(0.5));
    setF(12, double(-3));
    run(mnemonic);
    expect(getF(10)).toBe(double(result));
  });
});

describe('arithmetic', () => {
  test.each([
    ['fmadd.d', 2 * 3 + 5],
    ['fmsub.d', 2 * 3 - 5],
    ['fnmsub.d', -(2 * 3) + 5],
    ['fnmadd.d', -(2 * 3) - 5],
  ])('%s', (mnemonic, result) => {
    setF(11, double(2));
    setF(12, double(3));
    setF(13, double(5));
    run(mnemonic);
    expect(getF(10)).toBe(double(result));
  });

  test.each([
    ['fadd.d', 1.25 + 0.5],
    ['fsub.d', 1.25 - 0.5],
    ['fmul.d', 1.25 * 0.5],
    ['fdiv.d', 1.25 / 0.5],
    ['fmin.d', 0.5],
    ['fmax.d', 1.25],
  ])('%s', (mnemonic, result) => {
    setF(11, double(1.25));
    setF(12, double(0.5));
    run(mnemonic);
    expect(getF(10)).toBe(double(result));
    expect(flags()).toBe(0);
  });

  test('flags accrue', () => {
    setF(11, double(1));
    run('fdiv.d');
    expect(getF(10)).toBe(double(Number.POSITIVE_INFINITY));
    expect(flags()).toBe(DZ);
    setF(12, double(3));
    run('fdiv.d');
    expect(flags()).toBe(DZ | NX);
    setF(11, double(-1));
    run('fsqrt.d');
    expect(getF(10)).toBe(NAN_F64);
    expect(flags()).toBe(DZ | NX | NV);
  });

  test.each([
    [RNE, 1 / 3],
    [RUP, 1 / 3 + 2 ** -54],
    [RTZ, 1 / 3],
    [RDN, 1 / 3],
  ])('rounding mode %i, in the instruction or in frm', (rm, result) => {
    setF(11, double(1));
    setF(12, double(3));
    run('fdiv.d', rm);
    expect(getF(10)).toBe(double(result));
    setF(10, 0n);
    run('fdiv.d', DYN, rm);
    expect(getF(10)).toBe(double(result));
  });

  test.each([
    ['feq.d', 0n, 0],
    ['flt.d', 0n, NV],
    ['fle.d', 0n, NV],
  ])('%s with a quiet NaN', (mnemonic, result, raised) => {
    setX(10, 5n);
    setF(11, NAN_F64);
    setF(12, double(1));
    run(mnemonic);
    expect(getX(10)).toBe(result);
    expect(flags()).toBe(raised);
  });

  test('fclass tells a negative zero', () => {
    setF(11, single(-0));
    run('fclass.s');
    expect(getX(10)).toBe(8n);
  });
});

describe('conversion', () => {
  test.each([
    ['fcvt.w.d', -2.5, RTZ, -2n, NX],
    ['fcvt.w.d', 1e10, RTZ, 0x7fff_ffffn, NV],
    ['fcvt.wu.d', 4e9, RTZ, BigInt(4e9) - (1n << 32n), 0],
    ['fcvt.wu.d', -1, RTZ, 0n, NV],
    ['fcvt.wu.d', Number.NaN, RTZ, -1n, NV],
    ['fcvt.l.d', -(2 ** 63), RTZ, -(2n ** 63n), 0],
    ['fcvt.lu.d', 2 ** 63, RTZ, -(2n ** 63n), 0],
    ['fcvt.l.d', 2.5, RNE, 2n, NX],
    ['fcvt.l.d', 2.5, RUP, 3n, NX],
  ])('%s of %d, rm %i', (mnemonic, value, rm, result, raised) => {
    setF(11, double(value));
    run(mnemonic, rm);
    expect(getX(10)).toBe(result);
    expect(flags()).toBe(raised);
  });

  test.each([
    ['fcvt.d.w', -1n, double(-1)],
    ['fcvt.d.w', 0x1_0000_0002n, double(2)],
    ['fcvt.d.wu', -1n, double(0xffff_ffff)],
    ['fcvt.d.l', -(2n ** 63n), double(-(2 ** 63))],
    ['fcvt.d.lu', -1n, double(2 ** 64)],
    ['fcvt.s.l', -3n, single(-3)],
  ])('%s of %d', (mnemonic, value, result) => {
    setX(11, value);
    run(mnemonic);
    expect(getF(10)).toBe(result);
  });

  test('between the formats', () => {
    setF(11, double(1e300));
    run('fcvt.s.d');
    expect(getF(10)).toBe(single(Number.POSITIVE_INFINITY));
    expect(flags()).toBe(OF | NX);
    setF(11, single(0.1));
    run('fcvt.d.s');
    expect(getF(10)).toBe(double(Math.fround(0.1)));
  });
});

describe('where floating point is not allowed', () => {
  const statements = (mnemonic: string, rm: number, cpu: RiscvContext) => {
    const b = new IrBuilder();
    emit(b, mnemonic, rm, cpu);
    return b.finish();
  };
  const isIllegal = (mnemonic: string, rm: number, cpu: RiscvContext) => {
    const list = statements(mnemonic, rm, cpu);
    const [code, tval] = list[0]?.args ?? [];
    return (
      list.length === 1 && list[0]?.kind === 'raise' && code?.lo === 2 && tval?.lo === 0x1234_5678 && tval.hi === 0
    );
  };

  test.each(Object.keys(userSemantics).filter((name) => /^f(?!ence)/.test(name)))(
    '%s is illegal with mstatus.FS off',
    (name) => {
      expect(isIllegal(name, RNE, context(FP_OFF))).toBe(true);
      expect(isIllegal(name, RNE, context(FP_ON))).toBe(false);
    },
  );

  test('reserved rounding modes are illegal, in the instruction and in frm', () => {
    for (const rm of [5, 6]) expect(isIllegal('fadd.d', rm, context(FP_DIRTY))).toBe(true);
    for (const frm of [5, 6, 7]) expect(isIllegal('fcvt.d.w', DYN, context(FP_DIRTY, frm))).toBe(true);
    expect(isIllegal('fadd.d', RNE, context(FP_DIRTY, 7))).toBe(false);
    expect(isIllegal('fmin.d', 0, context(FP_DIRTY, 7))).toBe(false);
  });

  test('the first change dirties mstatus.FS and the mode word, and ends the block at the next instruction', () => {
    const list = statements('fmv.d.x', RNE, context(FP_ON));
    const values = new Map(list.flatMap((n) => (n.detail.kind === 'set' ? [[n.detail.slot, n.args[0]] as const] : [])));
    expect(values.has(csr.mstatus)).toBe(true);
    expect(modeFp(values.get(COMMON.mode)?.lo ?? 0)).toBe(FP_DIRTY);
    expect(values.get(COMMON.pc)?.lo).toBe(0x1004);
    expect(list.at(-1)?.kind).toBe('lookup');
  });

  test('later changes and mere reads do not', () => {
    for (const list of [statements('fmv.d.x', RNE, context(FP_DIRTY)), statements('fsd', RNE, context(FP_ON))]) {
      expect(
        list.some((n) => n.detail.kind === 'lookup' || (n.detail.kind === 'set' && n.detail.slot === csr.mstatus)),
      ).toBe(false);
    }
  });
});
