import { describe, expect, it } from 'vitest';
import { CARRIES_ON, InsnMemo, memoCarried, memoLength } from './insn-memo.ts';

const ops = (first: number, count: number): Int32Array => Int32Array.from({ length: count * 4 }, (_, i) => first + i);

function keep(memo: InsnMemo, bytes: readonly number[], extent: number, mode: number, words: Int32Array): void {
  const u8 = Uint8Array.from(bytes);
  memo.add({ u8, host: 0, extent, length: Math.min(extent, 6), mode }, words, 0, words.length);
}

function found(memo: InsnMemo, bytes: readonly number[], mode: number, room = 4096): number[] | undefined {
  const entry = memo.find(Uint8Array.from([9, ...bytes]), 1, room, mode);
  if (entry < 0) return undefined;
  const at = memo.place(entry);
  return [memoLength(entry), ...memo.words.subarray(at, at + memo.count(entry))];
}

describe('instructions that were translated before', () => {
  it('are found by the bytes that decoding looked at, and no others', () => {
    const memo = new InsnMemo();
    keep(memo, [1, 2], 2, 0, ops(100, 1));
    keep(memo, [3, 4, 5, 0x86], 4, 0, ops(200, 2));
    keep(memo, [3, 4, 5, 0x87, 7, 8], 6, 0, ops(300, 0));
    expect(found(memo, [1, 2, 0xff, 0xff], 0)).toEqual([2, 100, 101, 102, 103]);
    expect(found(memo, [3, 4, 5, 0x86, 0xff, 0xff], 0)?.[0]).toBe(4);
    expect(found(memo, [3, 4, 5, 0x86], 0)).toHaveLength(9);
    expect(found(memo, [3, 4, 5, 0x87, 7, 8], 0)).toEqual([6]);
    expect(found(memo, [3, 4, 5, 0x87, 7, 9], 0)).toBeUndefined();
    expect(found(memo, [3, 4, 6, 0x86], 0)).toBeUndefined();
  });

  it('belong to one mode word', () => {
    const memo = new InsnMemo();
    keep(memo, [1, 2], 2, 0, ops(100, 1));
    keep(memo, [1, 2], 2, 7, ops(700, 1));
    expect(found(memo, [1, 2], 7)?.[1]).toBe(700);
    expect(found(memo, [1, 2], 0)?.[1]).toBe(100);
    expect(found(memo, [1, 2], 1)).toBeUndefined();
  });

  it('are not found where they would go on in the next page', () => {
    const memo = new InsnMemo();
    keep(memo, [3, 4, 5, 6], 4, 0, ops(200, 1));
    expect(found(memo, [3, 4, 5, 6], 0, 4)).toBeDefined();
    expect(found(memo, [3, 4, 5, 6], 0, 2)).toBeUndefined();
  });

  it('are not kept if decoding looked further', () => {
    const memo = new InsnMemo();
    keep(memo, [3, 4, 5, 6, 7, 8, 9, 10], 8, 0, ops(200, 1));
    expect(found(memo, [3, 4, 5, 6, 7, 8, 9, 10], 0)).toBeUndefined();
  });

  it('say what they hand on to the next instruction', () => {
    const memo = new InsnMemo();
    const u8 = Uint8Array.from([1, 2, 3, 4]);
    memo.add({ u8, host: 0, extent: 2, length: 2, mode: 0, carried: 14 }, ops(100, 1), 0, 4);
    memo.add({ u8, host: 2, extent: 2, length: 6, mode: 0 }, ops(200, 1), 0, 4);
    const [first, second] = [memo.find(u8, 0, 4, 0), memo.find(u8, 2, 2, 0)];
    expect([memoCarried(first), memoLength(first)]).toEqual([14, 2]);
    expect([memoCarried(second), memoLength(second)]).toEqual([CARRIES_ON, 6]);
  });

  it('are all forgotten when there are too many, and kept again', () => {
    const memo = new InsnMemo(16);
    for (let n = 0; n < 40; n++) {
      keep(memo, [n, 0], 2, 0, ops(n * 1000, 3));
      expect(found(memo, [n, 0], 0)?.[12]).toBe(n * 1000 + 11);
    }
    expect(found(memo, [0, 0], 0)).toBeUndefined();
  });

  it('may be of a form: bits of theirs are left out', () => {
    const memo = new InsnMemo();
    const leftOut = { first: 0xffff_00f0 | 0, rest: 0xff };
    const add = (bytes: readonly number[], words: Int32Array): void =>
      memo.add({ u8: Uint8Array.from(bytes), host: 0, extent: 6, length: 6, mode: 0, leftOut }, words, 0, words.length);
    add([0x12, 2, 3, 4, 5, 6], ops(100, 1));
    const find = (...bytes: number[]): number => memo.find(Uint8Array.from(bytes), 0, 6, 0, 0, leftOut);
    expect(find(0x32, 2, 9, 9, 9, 6)).toBeGreaterThan(0);
    expect(find(0x13, 2, 3, 4, 5, 6)).toBe(-1);
    expect(find(0x12, 3, 3, 4, 5, 6)).toBe(-1);
    expect(find(0x12, 2, 3, 4, 5, 7)).toBe(-1);
  });

  it('belong to what they were translated for, and have words behind their operations', () => {
    const memo = new InsnMemo();
    const u8 = Uint8Array.from([1, 2]);
    const add = (context: number, first: number): void =>
      memo.add({ u8, host: 0, extent: 2, length: 2, mode: 0, context }, ops(first, 1), 0, 4, ops(first + 4, 2));
    add(0, 100);
    add(31, 200);
    expect(memo.find(u8, 0, 2, 0, 1)).toBe(-1);
    const entry = memo.find(u8, 0, 2, 0, 31);
    const at = memo.place(entry);
    expect([...memo.words.subarray(at, at + memo.count(entry))]).toEqual([...ops(200, 3)]);
    expect(memo.words[memo.place(memo.find(u8, 0, 2, 0))]).toBe(100);
  });
});
