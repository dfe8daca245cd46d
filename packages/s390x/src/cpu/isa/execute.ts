/**
 * EXECUTE. The target instruction, changed by the register, becomes the second word of what translation takes for constant
 * (`state.extra`): the block that follows holds that instruction alone and takes it from there. The PSW's address stays that of
 * the EXECUTE until the target is complete, so that interruptions see what the manual says. `MODE_EXECUTED` of the mode word says
 * that there is a target.
 *
 *     63:16  the target's bytes, from the left, without a length: that is in the state, and one translation does for all
 *     14     the EXECUTE has 6 bytes, not 4
 *
 * Relative operands of a target count from the target's own address, which is kept in the state as `executeTarget`.
 */
import { defineHelper, type IrBuilder, type Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { fieldsOf, findEncoding } from '../decode/decoder.ts';
import { MODE_EXECUTED } from '../mode.ts';
import { common, executeLength, executeTarget } from '../state.ts';
import type { Emitter, Insn } from './insn.ts';

/** Bit of the low half of `extra`. */
export const EXTRA_LONG = 0x4000;

/** Targets whose second byte is the length of both operands, by their first. */
const WITH_LENGTH: Readonly<Record<string, number>> = { mvc: 0xd2, nc: 0xd4, clc: 0xd5, oc: 0xd6, xc: 0xd7, tr: 0xdc };

/** The bytes of a target's operands, where its length is not among what translation knows. */
export function executedLength(b: IrBuilder, mnemonic: string): Value | undefined {
  return Object.hasOwn(WITH_LENGTH, mnemonic) ? b.add(b.get(executeLength), b.i32(1)) : undefined;
}

/** (first halfword, second, third, register's byte, flags) -> the word; leaves a length in the state. */
const pack = defineHelper('s390_execute', ['i64', 'i64', 'i64', 'i64', 'i32'], 'i64', (b, h0, h1, h2, low, flags) => {
  const first = b.local('i64', b.or(h0, b.zext(low, 8)));
  const opcode = b.wrap(b.shr(h0, b.i64(8)));
  // All of them begin with the same half byte.
  const second = Object.values(WITH_LENGTH).reduce((set, code) => set | (1 << (code & 15)), 0);
  const isAmong = b.and(b.shr(b.i32(second), b.and(opcode, b.i32(15))), b.i32(1));
  b.if(b.and(b.eq(b.shr(opcode, b.i32(4)), b.i32(0xd)), isAmong), () => {
    b.set(executeLength, b.and(b.wrap(b.getLocal(first)), b.i32(255)));
    b.setLocal(first, b.and(b.getLocal(first), b.i64(0xff00)));
  });
  const left = b.or(b.shl(b.getLocal(first), b.i64(48)), b.shl(h1, b.i64(32)));
  return b.or(b.or(left, b.shl(h2, b.i64(16))), b.extend32U(flags));
});

const PAGE = 4096;

/**
 * EXECUTE RELATIVE LONG of a target in the same page: its bytes are what they were at translation, or the block ends as with any
 * EXECUTE. `semantics` has the emitters. False where it is no such target.
 */
export function executeHere(i: Insn, semantics: Readonly<Record<string, Emitter>>): boolean {
  const { b, c, f } = i;
  const at = c.inPage + f.ri;
  if (i.isExecuted || at < 0 || at + 6 > PAGE) return false;
  const words = { a: c.fetch16(f.ri), b: c.fetch16(f.ri + 2), c: c.fetch16(f.ri + 4) };
  const encoding = findEncoding(words);
  const emit = encoding === undefined ? undefined : semantics[encoding.mnemonic];
  if (encoding === undefined || emit === undefined || !Object.hasOwn(WITH_LENGTH, encoding.mnemonic)) return false;
  const address = i.relativeAddress();
  const same = (offset: number, size: 2 | 4, word: number): Value => {
    const found = b.load(b.add(address, b.i64(offset)), { size, endian: 'big', mmu: i.instructionMmu });
    return b.eq(found, b.i64(word >>> 0));
  };
  const unchanged = b.and(same(0, 4, (words.a << 16) | words.b), same(4, 2, words.c));
  b.if(b.eqz(unchanged), () => prepareExecute(i, address));
  i.f = fieldsOf(encoding, words);
  if (f.r1 !== 0) i.length1 = b.add(b.or(b.i32(i.f.l1), b.and(i.get32(f.r1), b.i32(255))), b.i32(1));
  emit(i);
  i.f = f;
  i.length1 = undefined;
  return true;
}

/** Ends the block with the target at `address` as what comes next. */
export function setExecute(i: Insn, address: Value): void {
  if (i.isExecuted) i.refuse(PGM.execute);
  prepareExecute(i, address);
  i.ended = true;
}

function prepareExecute(i: Insn, address: Value): void {
  const { b } = i;
  const half = (n: number): Value =>
    b.load(i.wrap(b.add(address, b.i64(n))), { size: 2, endian: 'big', mmu: i.instructionMmu });
  const words = [half(0), b.local('i64', b.i64(0)), b.local('i64', b.i64(0))] as const;
  const length = b.shr(words[0], b.i64(14));
  b.if(b.ne(length, b.i64(0)), () => b.setLocal(words[1], half(2)));
  b.if(b.eq(length, b.i64(3)), () => b.setLocal(words[2], half(4)));
  const register = i.f.r1 === 0 ? b.i64(0) : i.get64(i.f.r1);
  const flags = b.i32(i.length === 6 ? EXTRA_LONG : 0);
  b.set(common.extra, b.call(pack, words[0], b.getLocal(words[1]), b.getLocal(words[2]), register, flags));
  b.set(executeTarget, address);
  b.set(common.mode, b.i32(i.mode | MODE_EXECUTED));
  b.set(common.pc, b.address(...i.pcAt(0)));
  b.exitToLookup();
}
