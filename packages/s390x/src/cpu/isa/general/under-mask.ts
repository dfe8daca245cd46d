/**
 * Semantics of loads and stores of the bytes that a mask selects. Principles of Operation, SA22-7832, chapter "General Instructions".
 */
import { CC } from '../../condition.ts';
import type { Emitter, Insn } from '../insn.ts';
import { R1, TO64 } from '../operands.ts';

/** Masks of 4 bits over 4 bytes of a register: ICM, STCM, CLM. `high`: bytes 0 to 3, else 4 to 7. */
export function maskedBytes(i: Insn): readonly number[] {
  return [0, 1, 2, 3].filter((n) => (i.f.m3 & (8 >> n)) !== 0);
}

const insertUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const bytes = maskedBytes(i);
    const address = i.address2();
    const start = high ? 56 : 24;
    if (bytes.length === 0) {
      i.probe(address, i.f.b2, b.i32(1), false);
      return i.setCcValue(b.i32(0));
    }
    if (bytes.length > 1) i.probe(address, i.f.b2, b.i32(bytes.length), false);
    let register = R1(i);
    let all = b.i64(0);
    for (const [n, place] of bytes.entries()) {
      const byte = i.load(i.wrap(b.add(address, b.i64(n))), i.f.b2, 1);
      register = b.deposit(register, start - place * 8, 8, byte);
      all = b.or(b.shl(all, b.i64(8)), byte);
    }
    TO64(i, register);
    // Zero 0, leftmost bit one 1, else 2: as the sign of what was inserted.
    i.setCc(CC.sign, b.sext(all, bytes.length * 8));
  };

const storeUnderMask =
  (high: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const bytes = maskedBytes(i);
    const address = i.address2();
    const start = high ? 56 : 24;
    if (bytes.length > 1) i.probe(address, i.f.b2, b.i32(bytes.length), true);
    for (const [n, place] of bytes.entries()) {
      const byte = b.shr(R1(i), b.i64(start - place * 8));
      i.store(i.wrap(b.add(address, b.i64(n))), i.f.b2, byte, 1);
    }
  };

export const underMask: Readonly<Record<string, Emitter>> = {
  icm: insertUnderMask(false),
  icmy: insertUnderMask(false),
  icmh: insertUnderMask(true),
  stcm: storeUnderMask(false),
  stcmy: storeUnderMask(false),
  stcmh: storeUnderMask(true),
};
