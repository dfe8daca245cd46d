import { describe, expect, it } from 'vitest';
import { MemoryBlock } from './memory-block.ts';

describe('MemoryBlock', () => {
  it('reads what was written', async () => {
    const block = new MemoryBlock(8);
    await block.write(2, Uint8Array.of(1, 2, 3));
    const got = new Uint8Array(4);
    await block.read(1, got);
    expect([...got]).toEqual([0, 1, 2, 3]);
    expect(block.size).toBe(8);
  });

  it('becomes longer, with zeros, and shorter', async () => {
    const block = new MemoryBlock(Uint8Array.of(1, 2, 3));
    await block.resize(5);
    expect([...block.contents]).toEqual([1, 2, 3, 0, 0]);
    await block.resize(2);
    expect([...block.contents]).toEqual([1, 2]);
    await expect(block.read(0, new Uint8Array(3))).rejects.toThrow(RangeError);
    await expect(block.resize(2 ** 52)).rejects.toThrow('there is no memory for');
  });

  it('refuses what is outside, read-only or closed', async () => {
    const block = new MemoryBlock(Uint8Array.of(7, 8), { readonly: true });
    await expect(block.read(1, new Uint8Array(2))).rejects.toThrow(RangeError);
    await expect(block.read(-1, new Uint8Array(1))).rejects.toThrow(RangeError);
    await expect(block.write(0, Uint8Array.of(0))).rejects.toThrow(/read-only/);
    await block.close();
    await expect(block.read(0, new Uint8Array(1))).rejects.toThrow(/closed/);
  });
});
