import { describe, expect, it } from 'vitest';
import { parseIr } from '../ir/parse.ts';
import type { Slot } from '../ir/types.ts';
import { splitAddress } from './access.ts';

const slots: Slot[] = [{ name: 'sp', offset: 4096, ty: 'i64' }];

/** Kind of the base of the address that a text ends with, and the bytes that an access adds. */
function split(text: string): string {
  const address = parseIr(text, { slots }).at(-1);
  if (address === undefined) throw new Error('no address');
  const [base, offset] = splitAddress(address);
  return `${base.kind} + ${offset}`;
}

describe('an address', () => {
  it.each([
    ['get sp', 'get + 0'],
    ['%2 = add.i64 %1, 0x10', 'get + 16'],
    ['%2 = add.i64 %1, 0x7fff', 'get + 32767'],
    // Guest memory might lie lower than so much.
    ['%2 = add.i64 %1, 0x8000', 'pure + 0'],
    ['%2 = add.i64 %1, 0xfffffffffffffff0', 'pure + 0'],
    ['%2 = add.i64 %1, %1', 'pure + 0'],
    ['%2 = sub.i64 %1, 0x10', 'pure + 0'],
  ])('%s is %s', (line, expected) => {
    expect(split(line.startsWith('get') ? `%1 = ${line}` : `%1 = get sp\n${line}`)).toBe(expected);
  });

  it('is as many bytes from a register as all of its constants together', () => {
    const text = (more: string): string => `%1 = get sp\n%2 = add.i64 %1, 0x4000\n%3 = add.i64 %2, ${more}`;
    expect(split(text('0x3fff'))).toBe('get + 32767');
    expect(split(text('0x4000'))).toBe('pure + 16384');
  });
});
