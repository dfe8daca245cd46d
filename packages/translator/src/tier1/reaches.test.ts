import { describe, expect, it } from 'vitest';
import { parseIr } from '../ir/parse.ts';
import type { Slot } from '../ir/types.ts';
import { reachesOf } from './reaches.ts';

const slots: Slot[] = ['sp', 'x'].map((name, n) => ({ name, offset: 4096 + n * 8, ty: 'i64' }));

/** What is known of each access of an instruction; undefined for one that is looked up alone. */
function reaches(text: string): unknown[] {
  const statements = parseIr(text, { slots });
  const found = reachesOf(statements);
  return statements.filter(({ kind }) => kind === 'load' || kind === 'store').map((access) => found.get(access));
}

const load = (n: number, offset: number, size = 8): string =>
  `%${n} = add.i64 %1, 0x${offset.toString(16)}\n%${n + 1} = load.i64.${size}.big %${n} mmu=0`;

describe('accesses of an instruction from one address', () => {
  it('are looked up together, from the first to the last byte that they count from', () => {
    const text = `%1 = get sp\n${load(2, 0x50)}\n${load(4, 0x48)}\nset x, %3\n${load(6, 0x58)}`;
    expect(reaches(text)).toEqual([[0x48, 0x58], 'looked up', 'looked up']);
  });

  it.each([
    ['of another size', `%1 = get sp\n${load(2, 0)}\n${load(4, 8, 4)}`],
    ['no multiple of the size apart', `%1 = get sp\n${load(2, 0)}\n${load(4, 4)}`],
    ['a page apart', `%1 = get sp\n${load(2, 0)}\n${load(4, 4096)}`],
    ['of other kinds', `%1 = get sp\n${load(2, 0)}\n%4 = add.i64 %1, 0x8\nstore.i64.8.big %4, %3 mmu=0`],
  ])('are looked up one by one where they are %s', (_, text) => {
    expect(reaches(text)).toEqual([undefined, undefined]);
  });
});
