/** What is asked of the high halves of slots, and the fields that are taken out of low halves. */
import { describe, expect, it } from 'vitest';
import { IrBuilder, type Value } from '../ir/builder.ts';
import type { Slot } from '../ir/types.ts';
import { fieldOf } from './fields.ts';
import { wholeReads } from './whole-reads.ts';

const slot = (name: string, offset: number): Slot => ({ name, offset, ty: 'i64' });
const [x, y, z] = [slot('x', 4096), slot('y', 4104), slot('z', 4112)];

/** Names of the slots whose high half an instruction reads. */
function read(emit: (b: IrBuilder) => void): string[] {
  const b = new IrBuilder();
  emit(b);
  return [...wholeReads([b.finish()], [])].map((slot) => slot.name);
}

/** Sets the low half of a slot. */
function setLow(b: IrBuilder, word: Value): void {
  b.set(z, b.or(b.and(b.get(z), b.i64x(0, -1)), b.extend32U(word)));
}

describe('the high half of a slot', () => {
  const access = { size: 4, endian: 'big', mmu: 0 } as const;
  it.each<[string, (b: IrBuilder) => void, string[]]>([
    ['arithmetic of words', (b) => setLow(b, b.add(b.wrap(b.get(x)), b.wrap(b.get(y)))), []],
    ['words of 64-bit arithmetic', (b) => setLow(b, b.wrap(b.xor(b.get(x), b.add(b.get(y), b.get(x))))), []],
    ['sign and zero extension', (b) => b.set(z, b.add(b.sext(b.get(x), 32), b.zext(b.get(y), 32))), []],
    ['a field of the low half', (b) => b.set(z, b.extract(b.get(x), 4, 9)), []],
    ['a field that goes beyond it', (b) => b.set(z, b.extract(b.get(x), 28, 9)), ['x']],
    ['a shift to the right', (b) => setLow(b, b.wrap(b.shr(b.get(x), b.i64(3)))), ['x']],
    ['a copy', (b) => b.set(z, b.get(x)), ['x']],
    ['arithmetic of 64 bits', (b) => b.set(z, b.add(b.get(x), b.get(y))), ['y', 'x']],
    ['a comparison', (b) => b.if(b.eq(b.get(x), b.i64(0)), () => b.set(z, b.zext(b.get(y), 32))), ['x']],
    ['a store of a word', (b) => b.store(b.get(x), b.get(y), access), ['x']],
    ['a store of both', (b) => b.store(b.get(x), b.get(y), { ...access, size: 8 }), ['y', 'x']],
  ])('%s', (_, emit, slots) => {
    expect(read(emit)).toEqual(slots);
  });
});

describe('a field', () => {
  const b = new IrBuilder();
  const of = (shifted: Value, mask: number) => fieldOf(b.and(shifted, b.i64(mask)));
  it('is where a shift or a rotation put it, if it comes from the low half', () => {
    const value = b.get(x);
    expect(of(b.shr(value, b.i64(4)), 0xff)).toEqual({ value, right: 4, mask: 0xff });
    expect(of(b.rotl(value, b.i64(63)), 0x7fff_ffff)).toEqual({ value, right: 1, mask: 0x7fff_ffff });
    expect(of(b.rotl(value, b.i64(3)), 0xffff_fff8)).toEqual({ value, right: -3, mask: -8 });
    expect(of(b.shr(value, b.i64(4)), 0x1fff_ffff)).toBeUndefined();
    expect(of(b.rotl(value, b.i64(3)), 0xf)).toBeUndefined();
    expect(of(b.rotl(value, b.i64(40)), 0xf)).toEqual({ value, right: 24, mask: 0xf });
    expect(of(b.rotl(value, b.i64(32)), 0xf)).toBeUndefined();
  });

  it('is none of a value that is used otherwise too', () => {
    const shifted = b.shr(b.get(x), b.i64(4));
    b.set(y, shifted);
    expect(of(shifted, 0xff)).toBeUndefined();
  });
});
