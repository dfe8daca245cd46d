/** Semantics of Zba, Zbb and Zbs for RV64. RISC-V Unprivileged ISA, chapter "B" (Bit-Manipulation ISA-extensions 1.0.0). */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { computeFromImmediate, computeFromRegister, computeFromRegisters, type Emitter } from './emitter.ts';

const shiftAdd = (shift: number): Emitter => computeFromRegisters((b, x, y) => b.add(b.shl(x, b.i64(shift)), y));

/** Shifts the low word of rs1, zero-extended, and adds rs2. */
const shiftAddWord = (shift: number): Emitter =>
  computeFromRegisters((b, x, y) => b.add(b.shl(b.zext(x, 32), b.i64(shift)), y));

/** The bit that a register selects; its number is taken modulo 64. */
const oneBit = (b: IrBuilder, number: Value): Value => b.shl(b.i64(1), number);
const constantBit = (b: IrBuilder, number: number): Value => b.big(1n << BigInt(number));

/** Each byte becomes 0xff, or stays zero. */
function orCombine(b: IrBuilder, x: Value): Value {
  const low7 = b.big(0x7f7f_7f7f_7f7f_7f7fn);
  const carried = b.or(b.add(b.and(x, low7), low7), x);
  const top = b.and(carried, b.big(0x8080_8080_8080_8080n));
  return b.or(top, b.sub(top, b.shr(top, b.i64(7))));
}

const zba: Readonly<Record<string, Emitter>> = {
  sh1add: shiftAdd(1),
  sh2add: shiftAdd(2),
  sh3add: shiftAdd(3),
  'add.uw': shiftAddWord(0),
  'sh1add.uw': shiftAddWord(1),
  'sh2add.uw': shiftAddWord(2),
  'sh3add.uw': shiftAddWord(3),
  'slli.uw': computeFromImmediate((b, x, shamt) => b.shl(b.zext(x, 32), b.i64(shamt))),
};

const zbb: Readonly<Record<string, Emitter>> = {
  andn: computeFromRegisters((b, x, y) => b.and(x, b.not(y))),
  orn: computeFromRegisters((b, x, y) => b.or(x, b.not(y))),
  xnor: computeFromRegisters((b, x, y) => b.not(b.xor(x, y))),
  clz: computeFromRegister((b, x) => b.clz(x)),
  ctz: computeFromRegister((b, x) => b.ctz(x)),
  cpop: computeFromRegister((b, x) => b.popcnt(x)),
  clzw: computeFromRegister((b, x) => b.extend32U(b.clz(b.wrap(x)))),
  ctzw: computeFromRegister((b, x) => b.extend32U(b.ctz(b.wrap(x)))),
  cpopw: computeFromRegister((b, x) => b.extend32U(b.popcnt(b.wrap(x)))),
  min: computeFromRegisters((b, x, y) => b.select(b.ltS(x, y), x, y)),
  minu: computeFromRegisters((b, x, y) => b.select(b.ltU(x, y), x, y)),
  max: computeFromRegisters((b, x, y) => b.select(b.gtS(x, y), x, y)),
  maxu: computeFromRegisters((b, x, y) => b.select(b.gtU(x, y), x, y)),
  'sext.b': computeFromRegister((b, x) => b.sext(x, 8)),
  'sext.h': computeFromRegister((b, x) => b.sext(x, 16)),
  'zext.h': computeFromRegister((b, x) => b.zext(x, 16)),
  rol: computeFromRegisters((b, x, y) => b.rotl(x, y)),
  ror: computeFromRegisters((b, x, y) => b.rotr(x, y)),
  rori: computeFromImmediate((b, x, shamt) => b.rotr(x, b.i64(shamt))),
  rolw: computeFromRegisters((b, x, y) => b.extend32S(b.rotl(b.wrap(x), b.wrap(y)))),
  rorw: computeFromRegisters((b, x, y) => b.extend32S(b.rotr(b.wrap(x), b.wrap(y)))),
  roriw: computeFromImmediate((b, x, shamt) => b.extend32S(b.rotr(b.wrap(x), b.i32(shamt)))),
  'orc.b': computeFromRegister(orCombine),
  rev8: computeFromRegister((b, x) => b.bswap(x)),
};

const zbs: Readonly<Record<string, Emitter>> = {
  bclr: computeFromRegisters((b, x, y) => b.and(x, b.not(oneBit(b, y)))),
  bclri: computeFromImmediate((b, x, shamt) => b.and(x, b.big(~(1n << BigInt(shamt))))),
  bext: computeFromRegisters((b, x, y) => b.and(b.shr(x, y), b.i64(1))),
  bexti: computeFromImmediate((b, x, shamt) => b.extract(x, shamt, 1)),
  binv: computeFromRegisters((b, x, y) => b.xor(x, oneBit(b, y))),
  binvi: computeFromImmediate((b, x, shamt) => b.xor(x, constantBit(b, shamt))),
  bset: computeFromRegisters((b, x, y) => b.or(x, oneBit(b, y))),
  bseti: computeFromImmediate((b, x, shamt) => b.or(x, constantBit(b, shamt))),
};

export const bitmanipSemantics: Readonly<Record<string, Emitter>> = { ...zba, ...zbb, ...zbs };
