/**
 * Semantics of loads and stores between registers, storage and immediates. Principles of Operation, SA22-7832, chapter "General
 * Instructions".
 */
import type { Value } from '@boardwalk/translator';
import type { Emitter, Insn, Size } from '../insn.ts';
import {
  I2,
  M8S,
  M8U,
  M16S,
  M16U,
  M32S,
  M32U,
  M64,
  R1,
  R1_HIGH_U,
  R2,
  R2_32S,
  R2_32U,
  relative,
  type Source,
  type Target,
  TO_HIGH,
  TO32,
  TO64,
} from '../operands.ts';

/** r1 = source. */
const move =
  (source: Source, target: Target): Emitter =>
  (i) =>
    target(i, source(i));

const store =
  (size: Size, source: Source = R1): Emitter =>
  (i) =>
    i.store2(source(i), size);

const storeRelative =
  (size: Size): Emitter =>
  (i) => {
    i.alignedRelative(size);
    i.b.store(i.relativeAddress(), R1(i), { size, endian: 'big', mmu: i.instructionMmu });
  };

/** Stores an immediate. */
const storeImmediate =
  (size: Size): Emitter =>
  (i) =>
    i.store(i.address1(), i.f.b1, i.b.i64(size === 1 ? i.f.i2 & 255 : i.f.i2), size);

const reversed =
  (size: Size): Source =>
  (i) => {
    const { b } = i;
    const raw = b.bswap(i.load2(size));
    return size === 8 ? raw : b.shr(raw, b.i64(64 - size * 8));
  };

const storeReversed =
  (size: Size): Emitter =>
  (i) => {
    const { b } = i;
    const raw = b.bswap(R1(i));
    i.store2(size === 8 ? raw : b.shr(raw, b.i64(64 - size * 8)), size);
  };

/** Loads of several registers: all bytes are probed, so that a fault changes nothing. */
const loadMultiple =
  (size: 4 | 8, set: (i: Insn, n: number, v: Value) => void): Emitter =>
  (i) => {
    const { b } = i;
    const count = ((i.f.r3 - i.f.r1) & 15) + 1;
    const address = i.address2();
    const load = (n: number): Value => i.load(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, size);
    const registerOf = (n: number): number => (i.f.r1 + n) & 15;
    // A fault leaves all registers. The first and the last are in all pages there are: what lies between is there too.
    const late = new Map<number, Value>();
    const loadNow = (n: number): void => {
      const value = load(n);
      if (registerOf(n) === i.f.b2) late.set(n, value);
      else set(i, registerOf(n), value);
    };
    late.set(0, load(0));
    if (count > 1) loadNow(count - 1);
    for (let n = 1; n < count - 1; n++) loadNow(n);
    for (const [n, value] of late) set(i, registerOf(n), value);
  };

/** LMD: left halves come from the second operand, right halves from the fourth. */
const loadMultipleDisjoint: Emitter = (i) => {
  const { b } = i;
  const { r1, r3, b2, d2, b4, d4 } = i.f;
  const count = ((r3 - r1) & 15) + 1;
  const [left, right] = [i.address(b2, d2), i.address(b4, d4)];
  const values = Array.from({ length: count }, (_, n) => {
    const at = b.i64(n * 4);
    return [i.load(i.wrap(b.add(left, at)), b2, 4), i.load(i.wrap(b.add(right, at)), b4, 4)] as const;
  });
  for (const [n, [high, low]] of values.entries()) i.set64((r1 + n) & 15, b.or(b.shl(high, b.i64(32)), low));
};

const storeMultiple =
  (size: 4 | 8, get: (i: Insn, n: number) => Value): Emitter =>
  (i) => {
    const { b } = i;
    const count = ((i.f.r3 - i.f.r1) & 15) + 1;
    const address = i.address2();
    // Where the second of two pages faults, what was stored is stored again when the instruction is repeated.
    for (let n = 0; n < count; n++) {
      i.store(i.wrap(b.add(address, b.i64(n * size))), i.f.b2, get(i, (i.f.r1 + n) & 15), size);
    }
  };

const set64 = (i: Insn, n: number, v: Value): void => i.set64(n, v);

const set32 = (i: Insn, n: number, v: Value): void => i.set32(n, v);

const setHigh = (i: Insn, n: number, v: Value): void => i.setHigh(n, v);

const get64 = (i: Insn, n: number): Value => i.get64(n);

const getHigh = (i: Insn, n: number): Value => i.getHigh(n);

/** LOAD ADDRESS: in 24- and 31-bit mode the left half of the register stays. */
const loadAddress =
  (address: Source): Emitter =>
  (i) => {
    if (i.amode === 3) i.set64(i.f.r1, address(i));
    else i.set32(i.f.r1, address(i));
  };

/** 31 bits of the operand. */
const low31 =
  (source: Source): Source =>
  (i) =>
    i.b.zext(source(i), 31);

const withoutRight8 =
  (source: Source): Source =>
  (i) =>
    i.b.and(source(i), i.b.i64(-256));

export const moves: Readonly<Record<string, Emitter>> = {
  lr: move(R2, TO32),
  lgr: move(R2, TO64),
  lgfr: move(R2_32S, TO64),
  llgfr: move(R2_32U, TO64),
  llgtr: move(low31(R2), TO64),
  lbr: move((i) => i.b.sext(R2(i), 8), TO32),
  lhr: move((i) => i.b.sext(R2(i), 16), TO32),
  lgbr: move((i) => i.b.sext(R2(i), 8), TO64),
  lghr: move((i) => i.b.sext(R2(i), 16), TO64),
  llcr: move((i) => i.b.zext(R2(i), 8), TO32),
  llhr: move((i) => i.b.zext(R2(i), 16), TO32),
  llgcr: move((i) => i.b.zext(R2(i), 8), TO64),
  llghr: move((i) => i.b.zext(R2(i), 16), TO64),
  lhi: move(I2, TO32),
  lghi: move(I2, TO64),
  lgfi: move(I2, TO64),
  l: move(M32U, TO32),
  ly: move(M32U, TO32),
  lg: move(M64, TO64),
  lgf: move(M32S, TO64),
  llgf: move(M32U, TO64),
  llgt: move(low31(M32U), TO64),
  lh: move(M16S, TO32),
  lhy: move(M16S, TO32),
  lgh: move(M16S, TO64),
  llh: move(M16U, TO32),
  llgh: move(M16U, TO64),
  lb: move(M8S, TO32),
  lgb: move(M8S, TO64),
  llc: move(M8U, TO32),
  llgc: move(M8U, TO64),
  lzrf: move(withoutRight8(M32U), TO32),
  lzrg: move(withoutRight8(M64), TO64),
  llzrgf: move(withoutRight8(M32U), TO64),
  lbh: move(M8S, TO_HIGH),
  llch: move(M8U, TO_HIGH),
  lhh: move(M16S, TO_HIGH),
  llhh: move(M16U, TO_HIGH),
  lfh: move(M32U, TO_HIGH),
  lrl: move(relative(4, false), TO32),
  lgrl: move(relative(8, false), TO64),
  lgfrl: move(relative(4, true), TO64),
  llgfrl: move(relative(4, false), TO64),
  lhrl: move(relative(2, true), TO32),
  lghrl: move(relative(2, true), TO64),
  llhrl: move(relative(2, false), TO32),
  llghrl: move(relative(2, false), TO64),
  ic: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 8, M8U(i))),
  icy: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 8, M8U(i))),
  la: loadAddress((i) => i.address2()),
  lay: loadAddress((i) => i.address2()),
  larl: loadAddress((i) => i.relativeAddress()),
  st: store(4),
  sty: store(4),
  stg: store(8),
  sth: store(2),
  sthy: store(2),
  stc: store(1),
  stcy: store(1),
  stch: store(1, R1_HIGH_U),
  sthh: store(2, R1_HIGH_U),
  stfh: store(4, R1_HIGH_U),
  strl: storeRelative(4),
  stgrl: storeRelative(8),
  sthrl: storeRelative(2),
  mvi: storeImmediate(1),
  mviy: storeImmediate(1),
  mvhhi: storeImmediate(2),
  mvhi: storeImmediate(4),
  mvghi: storeImmediate(8),
  lrvr: (i) => i.set32(i.f.r1, i.b.shr(i.b.bswap(R2(i)), i.b.i64(32))),
  lrvgr: move((i) => i.b.bswap(R2(i)), TO64),
  lrv: move(reversed(4), TO32),
  lrvg: move(reversed(8), TO64),
  lrvh: (i) => i.set64(i.f.r1, i.b.deposit(R1(i), 0, 16, reversed(2)(i))),
  strv: storeReversed(4),
  strvg: storeReversed(8),
  strvh: storeReversed(2),
  lm: loadMultiple(4, set32),
  lmy: loadMultiple(4, set32),
  lmg: loadMultiple(8, set64),
  lmh: loadMultiple(4, setHigh),
  lmd: loadMultipleDisjoint,
  stm: storeMultiple(4, get64),
  stmy: storeMultiple(4, get64),
  stmg: storeMultiple(8, get64),
  stmh: storeMultiple(4, getHigh),
};
