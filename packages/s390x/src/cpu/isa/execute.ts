/**
 * EXECUTE. The target instruction, changed by the register, becomes the second word of what translation takes for constant
 * (`state.extra`): the block that follows holds that instruction alone and takes it from there. The PSW's address stays that of
 * the EXECUTE until the target is complete, so that interruptions see what the manual says. `MODE_EXECUTED` of the mode word says
 * that there is a target.
 *
 *     63:16  the target's bytes, from the left
 *     14     the EXECUTE has 6 bytes, not 4
 *
 * Relative operands of a target count from the target's own address, which is kept in the state as `executeTarget`.
 */
import { defineHelper, type Value } from '@boardwalk/translator';
import { PGM } from '../bits.ts';
import { MODE_EXECUTED } from '../mode.ts';
import { common, executeTarget } from '../state.ts';
import type { Insn } from './insn.ts';

/** Bit of the low half of `extra`. */
export const EXTRA_LONG = 0x4000;

/** (first halfword, second, third, register's byte, flags) -> the word. */
const pack = defineHelper('s390_execute', ['i64', 'i64', 'i64', 'i64', 'i32'], 'i64', (b, h0, h1, h2, low, flags) => {
  const first = b.or(h0, b.zext(low, 8));
  const left = b.or(b.shl(first, b.i64(48)), b.shl(h1, b.i64(32)));
  return b.or(b.or(left, b.shl(h2, b.i64(16))), b.extend32U(flags));
});

/** Ends the block with the target at `address` as what comes next. */
export function setExecute(i: Insn, address: Value): void {
  const { b } = i;
  if (i.isExecuted) i.refuse(PGM.execute);
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
  b.set(common.pc, b.i64x(i.pcLo, i.pcHi));
  b.exitToLookup();
  i.ended = true;
}
