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
    const result = i.call(helper, to, from, i.length1 ?? b.i32(i.f.l1 + 1), spaces(i));
    done?.(i, result);
  };

/** Lengths of operands that are a register's. */
type Word = 1 | 2 | 4 | 8;
const isWord = (bytes: number): bytes is Word => bytes === 1 || bytes === 2 || bytes === 4 || bytes === 8;

/** Operands of up to 32 bytes in pieces that registers hold; undefined where the length is not known or they are longer. */
function pieces(i: Insn): readonly { readonly at: number; readonly size: Word }[] | undefined {
  let left = i.f.l1 + 1;
  if (i.length1 !== undefined || left > 32) return undefined;
  const list: { at: number; size: Word }[] = [];
  for (let at = 0; left > 0; ) {
    const size = ([8, 4, 2, 1] as const).find((n) => n <= left) ?? 1;
    list.push({ at, size });
    at += size;
    left -= size;
  }
  return list;
}

const piece = (i: Insn, address: Value, at: number): Value => i.wrap(i.b.add(address, i.b.i64(at)));

/** The condition code is whether the result is zero. */
const nonZero = (i: Insn, result: Value): void => i.setCc(CC.nonZero, i.b.extend32U(result));

const asCc = (i: Insn, result: Value): void => i.setCcValue(result);

/** XC of an operand with itself clears it, which is what it is mostly for. */
const exclusiveOr: Emitter = (i) => {
  const { b } = i;
  const { b1, b2, d1, d2 } = i.f;
  const parts = b1 === b2 && d1 === d2 ? pieces(i) : undefined;
  if (parts === undefined) return storageToStorage(xorBytes, nonZero)(i);
  const address = i.address1();
  if (parts.length > 1) i.probe(address, b1, b.i32(i.f.l1 + 1), true);
  for (const { at, size } of parts) i.store(piece(i, address, at), b1, b.i64(0), size);
  i.setCc(CC.nonZero, b.i64(0));
};

/** Short moves are loads and stores, all loads first. Operands that overlap are copied byte by byte, by the helper. */
const move: Emitter = (i) => {
  const { b } = i;
  const { b1, b2, d1, d2 } = i.f;
  const bytes = i.f.l1 + 1;
  const parts = pieces(i);
  // How far the first operand lies behind the second, where that is known.
  const behind = b1 === b2 ? d1 - d2 : undefined;
  const overlaps = behind !== undefined && behind > 0 && behind < bytes;
  const isWhole = behind === undefined && (i.isExecuted || i.isWatched);
  if (parts === undefined || overlaps || isWhole) return storageToStorage(moveBytes)(i);
  const [to, from] = [i.address1(), i.address2()];
  if (behind === undefined && bytes > 1) {
    b.if(b.ltU(b.sub(b.sub(to, from), b.i64(1)), b.i64(bytes - 1)), () => {
      i.call(moveBytes, to, from, b.i32(bytes), spaces(i));
      b.goto(...i.nextPc());
    });
  }
  const values = parts.map(({ at, size }) => i.load(piece(i, from, at), b2, size));
  if (parts.length > 1) i.probe(to, b1, b.i32(bytes), true);
  for (const [n, { at, size }] of parts.entries()) i.store(piece(i, to, at), b1, values[n] ?? b.i64(0), size);
};

/** Operands as long as a register's are compared as unsigned numbers. */
const compare: Emitter = (i) => {
  const bytes = i.f.l1 + 1;
  if (i.length1 !== undefined || !isWord(bytes)) return storageToStorage(compareBytes, asCc)(i);
  const [first, second] = [i.address1(), i.address2()];
  i.setCc(CC.unsigned, i.load(first, i.f.b1, bytes), i.load(second, i.f.b2, bytes));
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
  clc: compare,
  tr: storageToStorage(translateBytes),
  trt: translateAndTest(false),
  trtr: translateAndTest(true),
};
