/**
 * Semantics of bitwise logic, of immediates within a register, and of counting bits. Principles of Operation, SA22-7832, chapter
 * "General Instructions".
 */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import type { Emitter } from '../insn.ts';
import { I2_8U, M32U, M64, R1, R1_32U, R2, R3, type Source, TO32, TO64 } from '../operands.ts';

type Logic = (b: IrBuilder, x: Value, y: Value) => Value;

export const AND: Logic = (b, x, y) => b.and(x, y);

export const OR: Logic = (b, x, y) => b.or(x, y);

export const XOR: Logic = (b, x, y) => b.xor(x, y);

const APPLY = { and: AND, or: OR, xor: XOR } as const;

/** Bitwise logic of low halves, with the condition code of a result that is zero or not. */
const logic32 = (op: Logic): ((second: Source, first?: Source) => Emitter) => {
  return (second, first = R1) =>
    (i) => {
      const { b } = i;
      TO32(i, op(b, b.wrap(first(i)), b.wrap(second(i))));
      i.setCc(CC.nonZero, R1_32U(i));
    };
};

const logic64 = (op: Logic): ((second: Source, first?: Source) => Emitter) => {
  return (second, first = R1) =>
    (i) => {
      TO64(i, op(i.b, first(i), second(i)));
      i.setCc(CC.nonZero, R1(i));
    };
};

const [and32, or32, xor32] = [logic32(AND), logic32(OR), logic32(XOR)];

const [and64, or64, xor64] = [logic64(AND), logic64(OR), logic64(XOR)];

/** Logic with an immediate of `bits` bits at a position from the right; the condition code is of these bits alone. */
const immediateLogic =
  (op: 'and' | 'or' | 'xor' | 'insert' | 'load', position: number, bits: 16 | 32): Emitter =>
  (i) => {
    const { b } = i;
    const field = BigInt.asUintN(bits, BigInt(i.f.i2)) << BigInt(position);
    const mask = ((1n << BigInt(bits)) - 1n) << BigInt(position);
    if (op === 'load') return TO64(i, b.big(field));
    const old = R1(i);
    if (position + bits <= 32 && op !== 'insert') {
      const low = (n: bigint): Value => b.i32(Number(BigInt.asIntN(32, n)));
      const word = APPLY[op](b, b.wrap(old), low(op === 'and' ? field | ~mask : field));
      i.setCc(CC.nonZero, b.extend32U(bits === 32 ? word : b.and(word, low(mask))));
      return TO32(i, word);
    }
    if (op === 'insert') return TO64(i, b.or(b.and(old, b.big(~mask)), b.big(field)));
    const result = APPLY[op](b, old, b.big(op === 'and' ? field | ~mask : field));
    i.setCc(CC.nonZero, b.and(result, b.big(mask)));
    TO64(i, result);
  };

/** NI, OI, XI: an interlocked update of a byte. */
const storageLogic =
  (op: 'and' | 'or' | 'xor'): Emitter =>
  (i) => {
    const { b } = i;
    const operand = I2_8U(i);
    const address = i.address1();
    const logical = op === 'and' ? AND : op === 'or' ? OR : XOR;
    const old = i.atomic(op, address, i.f.b1, operand, 1);
    i.setCc(CC.nonZero, logical(b, old, operand));
  };

/** POPULATION COUNT: of each byte, or with a bit of m3 (miscellaneous-instruction-extensions 3) of all. */
const populationCount: Emitter = (i) => {
  const { b } = i;
  const x = R2(i);
  if ((i.f.m3 & 8) !== 0) {
    const count = b.popcnt(x);
    i.setCc(CC.nonZero, count);
    return TO64(i, count);
  }
  const part = (v: Value, shift: number, mask: bigint): Value => b.and(b.shr(v, b.i64(shift)), b.big(mask));
  const M1 = 0x5555_5555_5555_5555n;
  const M2 = 0x3333_3333_3333_3333n;
  const M4 = 0x0f0f_0f0f_0f0f_0f0fn;
  const twos = b.add(part(x, 0, M1), part(x, 1, M1));
  const fours = b.add(part(twos, 0, M2), part(twos, 2, M2));
  const eights = b.and(b.add(fours, b.shr(fours, b.i64(4))), b.big(M4));
  i.setCc(CC.nonZero, eights);
  TO64(i, eights);
};

/** FIND LEFTMOST ONE: its number, and the operand without it. */
const findLeftmostOne: Emitter = (i) => {
  const { b } = i;
  i.evenOdd(i.f.r1);
  const x = R2(i);
  const place = b.clz(x);
  const found = b.ne(x, b.i64(0));
  const rest = b.and(x, b.not(b.shr(b.big(1n << 63n), place)));
  i.setCcValue(b.shl(found, b.i32(1)));
  i.set64(i.f.r1, place);
  i.set64(i.f.r1 + 1, b.select(found, rest, b.i64(0)));
};

const not =
  (op: Logic): Logic =>
  (b, x, y) =>
    b.not(op(b, x, y));

const withComplement =
  (op: Logic): Logic =>
  (b, x, y) =>
    op(b, x, b.not(y));

export const logicInstructions: Readonly<Record<string, Emitter>> = {
  nr: and32(R2),
  n: and32(M32U),
  ny: and32(M32U),
  nrk: and32(R3, R2),
  or: or32(R2),
  o: or32(M32U),
  oy: or32(M32U),
  ork: or32(R3, R2),
  xr: xor32(R2),
  x: xor32(M32U),
  xy: xor32(M32U),
  xrk: xor32(R3, R2),
  ngr: and64(R2),
  ng: and64(M64),
  ngrk: and64(R3, R2),
  ogr: or64(R2),
  og: or64(M64),
  ogrk: or64(R3, R2),
  xgr: xor64(R2),
  xg: xor64(M64),
  xgrk: xor64(R3, R2),
  ncrk: logic32(withComplement(AND))(R3, R2),
  ncgrk: logic64(withComplement(AND))(R3, R2),
  ocrk: logic32(withComplement(OR))(R3, R2),
  ocgrk: logic64(withComplement(OR))(R3, R2),
  nnrk: logic32(not(AND))(R3, R2),
  nngrk: logic64(not(AND))(R3, R2),
  nork: logic32(not(OR))(R3, R2),
  nogrk: logic64(not(OR))(R3, R2),
  nxrk: logic32(not(XOR))(R3, R2),
  nxgrk: logic64(not(XOR))(R3, R2),
  ni: storageLogic('and'),
  niy: storageLogic('and'),
  oi: storageLogic('or'),
  oiy: storageLogic('or'),
  xi: storageLogic('xor'),
  xiy: storageLogic('xor'),
  nihh: immediateLogic('and', 48, 16),
  nihl: immediateLogic('and', 32, 16),
  nilh: immediateLogic('and', 16, 16),
  nill: immediateLogic('and', 0, 16),
  oihh: immediateLogic('or', 48, 16),
  oihl: immediateLogic('or', 32, 16),
  oilh: immediateLogic('or', 16, 16),
  oill: immediateLogic('or', 0, 16),
  iihh: immediateLogic('insert', 48, 16),
  iihl: immediateLogic('insert', 32, 16),
  iilh: immediateLogic('insert', 16, 16),
  iill: immediateLogic('insert', 0, 16),
  llihh: immediateLogic('load', 48, 16),
  llihl: immediateLogic('load', 32, 16),
  llilh: immediateLogic('load', 16, 16),
  llill: immediateLogic('load', 0, 16),
  nihf: immediateLogic('and', 32, 32),
  nilf: immediateLogic('and', 0, 32),
  oihf: immediateLogic('or', 32, 32),
  oilf: immediateLogic('or', 0, 32),
  xihf: immediateLogic('xor', 32, 32),
  xilf: immediateLogic('xor', 0, 32),
  iihf: immediateLogic('insert', 32, 32),
  iilf: immediateLogic('insert', 0, 32),
  llihf: immediateLogic('load', 32, 32),
  llilf: immediateLogic('load', 0, 32),
  popcnt: populationCount,
  flogr: findLeftmostOne,
};
