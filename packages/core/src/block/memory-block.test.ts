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

  it('refuses what is outside, read-only or closed', async () => {
    const block = new MemoryBlock(Uint8Array.of(7, 8), { readonly: true });
    await expect(block.read(1, new Uint8Array(2))).rejects.toThrow(RangeError);
    await expect(block.read(-1, new Uint8Array(1))).rejects.toThrow(RangeError);
    await expect(block.write(0, Uint8Array.of(0))).rejects.toThrow(/read-only/);
    await block.close();
    await expect(block.read(0, new Uint8Array(1))).rejects.toThrow(/closed/);
  });
});
