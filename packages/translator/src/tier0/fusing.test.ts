import { describe, expect, it } from 'vitest';
import { parseIr } from '../ir/parse.ts';
import type { Slot } from '../ir/types.ts';
import { lowHalf } from './fusing.ts';

const slots: Slot[] = ['x', 'y'].map((name, n) => ({ name, offset: 4096 + n * 8, ty: 'i64' }));
const KEPT = '%1 = get x\n%2 = and.i64 %1, 0xffffffff00000000\n';

/** What the last statement puts into the low half of its slot: a constant, or what kind of value. */
function low(text: string): number | string | undefined {
  const detail = parseIr(text, { slots }).at(-1);
  if (detail?.detail.kind !== 'set') throw new Error('nothing is set');
  const value = lowHalf(detail.detail.slot, detail.args[0]);
  return value?.kind === 'const' ? value.lo : value?.kind;
}

describe('what goes to the low half of a slot, where the high one stays', () => {
  it.each([
    ['a word', `${KEPT}%3 = get y\n%4 = wrap %3\n%5 = extend32U %4\n%6 = or.i64 %2, %5\nset x, %6`, 'get'],
    ['a constant', `${KEPT}%3 = or.i64 %2, 0x7\nset x, %3`, 7],
    ['nothing', `${KEPT}set x, %2`, 0],
    ['a constant that reaches into the high half', `${KEPT}%3 = or.i64 %2, 0x100000007\nset x, %3`, undefined],
    ['what is left of another slot', `${KEPT}set y, %2`, undefined],
    ['what is used otherwise too', `${KEPT}set y, %2\nset x, %2`, undefined],
  ])('%s', (_, text, expected) => {
    expect(low(text)).toBe(expected);
  });
});
