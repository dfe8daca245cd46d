/**
 * Semantics of the instructions that work on up to 256 bytes of storage: moves, comparisons, logic, translation. Principles of
 * Operation, SA22-7832, chapter "General Instructions".
 */
import type { IrHelper, Value } from '@boardwalk/translator';
import { CC } from '../../condition.ts';
import {
  andBytes,
  compareBytes,
  moveBytes,
  moveInverse,
  moveNumerics,
  moveRightToLeft,
  moveZones,
  orBytes,
  translateBytes,
  translateTest,
  twoSpaces,
  xorBytes,
} from '../../memory.ts';
import type { Emitter, Insn } from '../insn.ts';

const spaces = (i: Insn): Value => twoSpaces(i.b, i.space(i.f.b1), i.space(i.f.b2));

/** Calls a helper of (first, second, bytes, spaces) for an instruction with a length in its second byte. */
const storageToStorage =
  (helper: IrHelper, done?: (i: Insn, result: Value) => void): Emitter =>
  (i) => {
    const { b } = i;
    const [to, from] = [i.address1(), i.address2()];
    const result = i.call(helper, to, from, b.i32(i.f.l1 + 1), spaces(i));
    done?.(i, result);
  };

/** The condition code is whether the result is zero. */
const nonZero = (i: Insn, result: Value): void => i.setCc(CC.nonZero, i.b.extend32U(result));

const asCc = (i: Insn, result: Value): void => i.setCcValue(result);

/** XC of an operand with itself clears it, which is what it is mostly for. */
const exclusiveOr: Emitter = (i) => storageToStorage(xorBytes, nonZero)(i);

/** Short moves within one register's reach are loads and stores: lengths of 1, 2, 4 and 8. */
const move: Emitter = (i) => {
  const { b } = i;
  const bytes = i.f.l1 + 1;
  const [to, from] = [i.address1(), i.address2()];
  if (bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8) {
    // Operands that overlap are copied byte by byte: what lies less than the length behind its source.
    if (bytes === 1) return i.store(to, i.f.b1, i.load(from, i.f.b2, 1), 1);
    b.if(
      b.ltU(b.sub(b.sub(to, from), b.i64(1)), b.i64(bytes - 1)),
      () => void i.call(moveBytes, to, from, b.i32(bytes), spaces(i)),
      () => i.store(to, i.f.b1, i.load(from, i.f.b2, bytes), bytes),
    );
    return;
  }
  i.call(moveBytes, to, from, b.i32(bytes), spaces(i));
};

/** Puts an address in a register, whose bits that an address does not have stay. */
export function insertAddress(i: Insn, n: number, address: Value): void {
  if (i.amode === 3) i.set64(n, address);
  else i.set64(n, i.b.deposit(i.get64(n), 0, i.amode === 1 ? 31 : 24, address));
}

const translateAndTest =
  (backwards: boolean): Emitter =>
  (i) => {
    const { b } = i;
    const [first, table] = [i.address1(), i.address2()];
    const bytes = i.f.l1 + 1;
    const both = b.or(spaces(i), b.i32(backwards ? 0x100 : 0));
    const found = b.local('i64', i.call(translateTest, first, table, b.i32(bytes), both));
    const hit = b.ltS(b.getLocal(found), b.i64(0));
    const at = b.extract(b.getLocal(found), 8, 8);
    const last = b.eq(at, b.i64(bytes - 1));
    b.if(hit, () => {
      const place = i.wrap(backwards ? b.sub(first, at) : b.add(first, at));
      insertAddress(i, 1, place);
      i.set64(2, b.deposit(i.get64(2), 0, 8, b.getLocal(found)));
    });
    i.setCcValue(b.select(hit, b.add(b.i32(1), last), b.i32(0)));
  };

export const byteSemantics: Readonly<Record<string, Emitter>> = {
  mvc: move,
  mvcin: storageToStorage(moveInverse),
  mvcrl: (i) => {
    const { b } = i;
    const bytes = b.add(b.and(i.get32(0), b.i32(255)), b.i32(1));
    i.call(moveRightToLeft, i.address1(), i.address2(), bytes, spaces(i));
  },
  mvn: storageToStorage(moveNumerics),
  mvz: storageToStorage(moveZones),
  nc: storageToStorage(andBytes, nonZero),
  oc: storageToStorage(orBytes, nonZero),
  xc: exclusiveOr,
  clc: storageToStorage(compareBytes, asCc),
  tr: storageToStorage(translateBytes),
  trt: translateAndTest(false),
  trtr: translateAndTest(true),
};
