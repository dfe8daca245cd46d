/** Semantics of shifts and rotations. Principles of Operation, SA22-7832, chapter "General Instructions". */
import type { IrBuilder, Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import type { Emitter, Insn } from '../insn.ts';
import { overflow, R1, R2, R3, signCode, TO32, TO64 } from '../operands.ts';

/** Shift amount: the low six bits of the second operand's address, not an address of storage. */
function amount(i: Insn): Value {
  const known = knownAmount(i);
  return known === undefined ? i.b.and(i.address(i.f.b2, i.f.d2), i.b.i64(63)) : i.b.i64(known);
}

/** The amount where no register has a part in it. */
const knownAmount = ({ f }: Insn): number | undefined => (f.b2 === 0 ? f.d2 & 63 : undefined);

type Shift = 'shl' | 'shr' | 'sar';

/** Shifts of 32 bits: a shift by 32 to 63 leaves nothing, or signs. */
const shift32 =
  (op: Shift, from: (i: Insn) => number): Emitter =>
  (i) => {
    const { b } = i;
    const n = from(i);
    const count = knownAmount(i);
    if (count !== undefined && (count < 32 || op === 'sar')) {
      const word = b[op](i.get32(n), b.i32(Math.min(count, 31)));
      if (op === 'sar') i.setCc(CC.sign, b.extend32S(word));
      return TO32(i, word);
    }
    const x = op === 'sar' ? i.get32s(n) : i.get32u(n);
    const result = b[op](x, amount(i));
    if (op === 'sar') i.setCc(CC.sign, b.sext(result, 32));
    TO32(i, result);
  };

const shift64 =
  (op: Shift): Emitter =>
  (i) => {
    const result = i.b[op](R3(i), amount(i));
    if (op === 'sar') i.setCc(CC.sign, result);
    TO64(i, result);
  };

/** Whether a signed left shift loses or changes a bit that is unlike the sign; `x` is sign-extended from `bits`. */
function shiftOverflows(b: IrBuilder, x: Value, count: Value, bits: 32 | 64): Value {
  const unlike = b.xor(x, b.sar(x, b.i64(63)));
  const most = b.i64(bits - 1);
  const within = bits === 64 ? count : b.select(b.ltU(count, most), count, most);
  const lost = b.ne(b.shr(unlike, b.sub(most, within)), b.i64(0));
  // Beyond the width, the zeros that came in from the right are lost too: unlike a negative sign.
  return bits === 64 ? lost : b.or(lost, b.and(b.gtU(count, most), b.ltS(x, b.i64(0))));
}

/** SHIFT LEFT SINGLE: the sign stays, and is what overflow is told by. */
function shiftLeftArithmetic(i: Insn, x: Value, count: Value, bits: 32 | 64): { result: Value; lost: Value } {
  const { b } = i;
  const sign = 1n << BigInt(bits - 1);
  const shifted = b.and(b.shl(x, count), b.big(sign - 1n));
  const result = b.sext(b.or(shifted, b.and(x, b.big(sign))), bits);
  const lost = shiftOverflows(b, x, count, bits);
  const cc = signCode(b, result);
  i.setCcValue(b.select(lost, b.i32(3), cc));
  return { result, lost };
}

const shiftLeftSigned =
  (bits: 32 | 64, from: (i: Insn) => number): Emitter =>
  (i) => {
    const x = bits === 64 ? i.get64(from(i)) : i.get32s(from(i));
    const { result, lost } = shiftLeftArithmetic(i, x, amount(i), bits);
    (bits === 64 ? TO64 : TO32)(i, result);
    overflow(i, lost);
  };

/** Shifts of the 64 bits in the low words of a pair. */
const shiftPair =
  (op: Shift | 'sla'): Emitter =>
  (i) => {
    const { b } = i;
    i.evenOdd(i.f.r1);
    const x = i.getPair32(i.f.r1);
    const count = amount(i);
    if (op === 'sla') {
      const { result, lost } = shiftLeftArithmetic(i, x, count, 64);
      i.setPair32(i.f.r1, result);
      return overflow(i, lost);
    }
    const result = b[op](x, count);
    if (op === 'sar') i.setCc(CC.sign, result);
    i.setPair32(i.f.r1, result);
  };

/** The bits that rotate-then instructions select: from `first` to `last`, around the end where that is before. */
function selectedBits(first: number, last: number): bigint {
  const from = (1n << BigInt(64 - first)) - 1n;
  const to = ~((1n << BigInt(63 - last)) - 1n) & 0xffff_ffff_ffff_ffffn;
  return first <= last ? from & to : from | to;
}

/** RISBG and RISBGN. */
const rotateInsert =
  (setsCc: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const mask = selectedBits(i.f.i3 & 63, i.f.i4 & 63);
    const rotated = b.and(b.rotl(R2(i), b.i64(i.f.i5 & 63)), b.big(mask));
    const zero = (i.f.i4 & 0x80) !== 0;
    const result = zero ? rotated : b.or(b.and(R1(i), b.big(~mask)), rotated);
    TO64(i, result);
    if (setsCc) i.setCc(CC.sign, result);
  };

/** RISBHG and RISBLG: the same within one half; the other stays. */
const rotateInsertHalf =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const half = high ? 0xffff_ffff_0000_0000n : 0xffff_ffffn;
    const offset = high ? 0 : 32;
    const mask = selectedBits((i.f.i3 & 31) + offset, (i.f.i4 & 31) + offset) & half;
    const rotated = b.and(b.rotl(R2(i), b.i64(i.f.i5 & 63)), b.big(mask));
    const keep = (i.f.i4 & 0x80) !== 0 ? ~half : ~mask;
    TO64(i, b.or(b.and(R1(i), b.big(keep)), rotated));
  };

/** RNSBG, ROSBG, RXSBG; with the test bit the register stays. */
const rotateLogic =
  (op: 'and' | 'or' | 'xor'): Emitter =>
  (i) => {
    const { b } = i;
    const mask = selectedBits(i.f.i3 & 63, i.f.i4 & 63);
    const rotated = b.rotl(R2(i), b.i64(i.f.i5 & 63));
    const old = R1(i);
    const result = op === 'and' ? b.and(old, b.or(rotated, b.big(~mask))) : b[op](old, b.and(rotated, b.big(mask)));
    i.setCc(CC.nonZero, b.and(result, b.big(mask)));
    if ((i.f.i3 & 0x80) === 0) TO64(i, result);
  };

const r1Of = (i: Insn): number => i.f.r1;

const r3Of = (i: Insn): number => i.f.r3;

export const shifts: Readonly<Record<string, Emitter>> = {
  sll: shift32('shl', r1Of),
  srl: shift32('shr', r1Of),
  sra: shift32('sar', r1Of),
  sla: shiftLeftSigned(32, r1Of),
  sllk: shift32('shl', r3Of),
  srlk: shift32('shr', r3Of),
  srak: shift32('sar', r3Of),
  slak: shiftLeftSigned(32, r3Of),
  sllg: shift64('shl'),
  srlg: shift64('shr'),
  srag: shift64('sar'),
  slag: shiftLeftSigned(64, r3Of),
  sldl: shiftPair('shl'),
  srdl: shiftPair('shr'),
  srda: shiftPair('sar'),
  slda: shiftPair('sla'),
  rll: (i) => i.set32(i.f.r1, i.b.rotl(i.get32(i.f.r3), i.b.wrap(amount(i)))),
  rllg: (i) => i.set64(i.f.r1, i.b.rotl(R3(i), amount(i))),
  risbg: rotateInsert(true),
  risbgn: rotateInsert(false),
  risbhg: rotateInsertHalf(true),
  risblg: rotateInsertHalf(false),
  rnsbg: rotateLogic('and'),
  rosbg: rotateLogic('or'),
  rxsbg: rotateLogic('xor'),
};
