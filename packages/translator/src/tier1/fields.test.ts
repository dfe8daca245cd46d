import { describe, expect, it } from 'vitest';
import { IrBuilder, type Value } from '../ir/builder.ts';
import type { Slot } from '../ir/types.ts';
import { fieldOf } from './fields.ts';

const slot = (name: string, offset: number): Slot => ({ name, offset, ty: 'i64' });
const [x, y] = [slot('x', 4096), slot('y', 4104)];

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
