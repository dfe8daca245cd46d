/** Semantics of comparisons and tests. Principles of Operation, SA22-7832, chapter "General Instructions". */
import { CC, type CcKind } from '../../condition.ts';
import type { Emitter, Size } from '../insn.ts';
import {
  I2,
  I2_8U,
  I2_16U,
  I2_32U,
  M16S,
  M32S,
  M32U,
  M64,
  R1,
  R1_32S,
  R1_32U,
  R1_HIGH_S,
  R1_HIGH_U,
  R2,
  R2_32S,
  R2_32U,
  R2_HIGH_S,
  R2_HIGH_U,
  relative,
  type Source,
  type Target,
  TO32,
  TO64,
} from '../operands.ts';
import { maskedBytes } from './under-mask.ts';

const compare =
  (kind: CcKind, first: Source, second: Source): Emitter =>
  (i) => {
    const [x, y] = [first(i), second(i)];
    i.setCc(kind, x, y);
  };

const compareSigned = (first: Source, second: Source): Emitter => compare(CC.signed, first, second);

const compareLogical = (first: Source, second: Source): Emitter => compare(CC.unsigned, first, second);

/** TEST UNDER MASK of 16 bits of a register. */
const testBits =
  (position: number): Emitter =>
  (i) => {
    const mask = i.b.big(BigInt(i.f.i2 & 0xffff) << BigInt(position));
    i.setCc(CC.testMaskLeft, i.b.and(R1(i), mask), mask);
  };

/** TEST UNDER MASK of a byte of storage. */
const testStorage: Emitter = (i) => {
  const mask = i.b.i64(i.f.i2 & 255);
  i.setCc(CC.testMask, i.b.and(i.load(i.address1(), i.f.b1, 1), mask), mask);
};

/** Registers whose loading there changes nothing. */
const ITSELF: ReadonlyMap<Source, Target> = new Map([
  [R2, TO64],
  [R2_32S, TO32],
]);

const loadAndTest =
  (source: Source, target: Target): Emitter =>
  (i) => {
    // A register that is loaded into itself is only tested.
    if (!(i.f.r1 === i.f.r2 && ITSELF.get(source) === target)) target(i, source(i));
    i.setCc(CC.sign, target === TO32 ? R1_32S(i) : R1(i));
  };

/** Compares storage with an immediate. */
const compareStorage =
  (size: Size, signed: boolean): Emitter =>
  (i) => {
    const x = i.load(i.address1(), i.f.b1, size, signed);
    const y = signed ? I2(i) : size === 1 ? I2_8U(i) : I2_16U(i);
    i.setCc(signed ? CC.signed : CC.unsigned, x, y);
  };

const compareUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const address = i.address2();
    const start = high ? 56 : 24;
    let [x, y] = [b.i64(0), b.i64(0)];
    const bytes = maskedBytes(i);
    if (bytes.length === 0) i.probe(address, i.f.b2, b.i32(1), false);
    for (const [n, place] of bytes.entries()) {
      x = b.or(b.shl(x, b.i64(8)), b.extract(R1(i), start - place * 8, 8));
      y = b.or(b.shl(y, b.i64(8)), i.load(i.wrap(b.add(address, b.i64(n))), i.f.b2, 1));
    }
    i.setCc(CC.unsigned, x, y);
  };

export const comparison: Readonly<Record<string, Emitter>> = {
  cr: compareSigned(R1_32S, R2_32S),
  c: compareSigned(R1_32S, M32S),
  cy: compareSigned(R1_32S, M32S),
  ch: compareSigned(R1_32S, M16S),
  chy: compareSigned(R1_32S, M16S),
  chi: compareSigned(R1_32S, I2),
  cfi: compareSigned(R1_32S, I2),
  crl: compareSigned(R1_32S, relative(4, true)),
  chrl: compareSigned(R1_32S, relative(2, true)),
  chf: compareSigned(R1_HIGH_S, M32S),
  chhr: compareSigned(R1_HIGH_S, R2_HIGH_S),
  chlr: compareSigned(R1_HIGH_S, R2_32S),
  cih: compareSigned(R1_HIGH_S, I2),
  cgr: compareSigned(R1, R2),
  cgfr: compareSigned(R1, R2_32S),
  cg: compareSigned(R1, M64),
  cgf: compareSigned(R1, M32S),
  cgh: compareSigned(R1, M16S),
  cghi: compareSigned(R1, I2),
  cgfi: compareSigned(R1, I2),
  cgrl: compareSigned(R1, relative(8, true)),
  cgfrl: compareSigned(R1, relative(4, true)),
  cghrl: compareSigned(R1, relative(2, true)),
  clr: compareLogical(R1_32U, R2_32U),
  cl: compareLogical(R1_32U, M32U),
  cly: compareLogical(R1_32U, M32U),
  clfi: compareLogical(R1_32U, I2_32U),
  clrl: compareLogical(R1_32U, relative(4, false)),
  clhrl: compareLogical(R1_32U, relative(2, false)),
  clhf: compareLogical(R1_HIGH_U, M32U),
  clhhr: compareLogical(R1_HIGH_U, R2_HIGH_U),
  clhlr: compareLogical(R1_HIGH_U, R2_32U),
  clih: compareLogical(R1_HIGH_U, I2_32U),
  clgr: compareLogical(R1, R2),
  clgfr: compareLogical(R1, R2_32U),
  clg: compareLogical(R1, M64),
  clgf: compareLogical(R1, M32U),
  clgfi: compareLogical(R1, I2_32U),
  clgrl: compareLogical(R1, relative(8, false)),
  clgfrl: compareLogical(R1, relative(4, false)),
  clghrl: compareLogical(R1, relative(2, false)),
  cli: compareStorage(1, false),
  cliy: compareStorage(1, false),
  chhsi: compareStorage(2, true),
  chsi: compareStorage(4, true),
  cghsi: compareStorage(8, true),
  clhhsi: compareStorage(2, false),
  clfhsi: compareStorage(4, false),
  clghsi: compareStorage(8, false),
  clm: compareUnderMask(false),
  clmy: compareUnderMask(false),
  clmh: compareUnderMask(true),
  tmll: testBits(0),
  tmlh: testBits(16),
  tmhl: testBits(32),
  tmhh: testBits(48),
  tm: testStorage,
  tmy: testStorage,
  ltr: loadAndTest(R2_32S, TO32),
  ltgr: loadAndTest(R2, TO64),
  ltgfr: loadAndTest(R2_32S, TO64),
  lt: loadAndTest(M32S, TO32),
  ltg: loadAndTest(M64, TO64),
  ltgf: loadAndTest(M32S, TO64),
};
