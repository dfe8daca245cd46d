import { type DriveOptions, formatFlatViews, formatMemoryTree, MemoryBlock } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { testMachine } from '../../test/machine.ts';
import { CfiPflash, type CfiPflashOptions, readFlashImage } from './cfi-pflash.ts';

const BASE = 0x2000_0000;
const SECTOR = 0x1000;
const SIZE = 4 * SECTOR;

/** Two 16-bit chips on a 32-bit bank, as on the virt boards: every command goes to both halves. */
async function flash(backend?: MemoryBlock, options: Partial<CfiPflashOptions> = {}, drives: DriveOptions[] = []) {
  const contents = backend === undefined ? undefined : await readFlashImage(backend, SIZE);
  const device = new CfiPflash({
    name: 'flash0',
    size: SIZE,
    sectorSize: SECTOR,
    bankWidth: 4,
    deviceWidth: 2,
    writeBuffer: 32,
    ...(backend === undefined ? {} : { backend }),
    ...(contents === undefined ? {} : { contents }),
    ...options,
  });
  const test = await testMachine(
    (machine) => {
      for (const { if: type } of drives) machine.drives.claim(type, 0);
      machine.add(device);
      machine.map(BASE, device.region);
    },
    { drives },
  );
  const command = (offset: number, value: number): void => test.w32(BASE + offset, value * 0x1_0001);
  const program = (offset: number, value: number): void => {
    command(offset, 0x40);
    test.w32(BASE + offset, value);
  };
  return { ...test, device, command, program };
}

describe('CFI flash 0001', () => {
  it('is memory in read-array mode, erased where its image ends', async () => {
    const image = new MemoryBlock(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    const { machine, r32 } = await flash(image);
    expect([r32(BASE), r32(BASE + 4), r32(BASE + 8)]).toEqual([0x04030201, 0x08070605, 0xffffffff]);
    expect(machine.addressSpace.hostOffset(BASE, SIZE, false)).toBeGreaterThanOrEqual(0);
    expect(machine.addressSpace.hostOffset(BASE, 4, true)).toBe(-1);
  });

  it('is erased at first, for CPUs, DMA and the eye, without memory of its own', async () => {
    const { machine, device, r32 } = await flash();
    const { addressSpace, space } = machine;
    const own = device.region.block;
    expect([r32(BASE), r32(BASE + SECTOR - 4), r32(BASE + SIZE - 4)]).toEqual([0xffffffff, 0xffffffff, 0xffffffff]);
    const bytes = new Uint8Array(SIZE);
    expect(addressSpace.readBytes(BASE, bytes)).toBe(0);
    expect(bytes.every((byte) => byte === 0xff)).toBe(true);
    // What the translator fetches from.
    const host = addressSpace.hostOffset(BASE + 2 * SECTOR, 4, false);
    expect(space.u32[host / 4]).toBe(0xffffffff);
    expect(own?.bytes.every((byte) => byte === 0)).toBe(true);
    expect(formatFlatViews(addressSpace)).toContain('  0000000020000000-0000000020003fff (prio 0, romd): flash0\n');
    expect(formatMemoryTree(addressSpace)).toContain('0000000020000000-0000000020003fff (prio 0, romd): flash0\n');
  });

  it('has memory of its own from the first program on, erased but for what was programmed', async () => {
    const { machine, command, program, r32 } = await flash();
    const seen: number[] = [];
    machine.addressSpace.addListener({ commit: (view) => seen.push(view.ranges.length) });
    command(SECTOR, 0x20);
    command(SECTOR, 0xd0);
    program(2 * SECTOR, 0x1234_5678);
    command(0, 0xff);
    expect([r32(BASE), r32(BASE + 2 * SECTOR), r32(BASE + SIZE - 4)]).toEqual([0xffffffff, 0x1234_5678, 0xffffffff]);
    expect(machine.addressSpace.hostOffset(BASE, SIZE, false)).toBeGreaterThanOrEqual(0);
    expect(seen.length).toBeGreaterThan(1);
  });

  it('takes what a loader writes', async () => {
    const { machine, r32 } = await flash();
    machine.addressSpace.writeRom(BASE + SECTOR, Uint8Array.of(1, 2, 3, 4));
    expect([r32(BASE), r32(BASE + SECTOR), r32(BASE + SECTOR + 4)]).toEqual([0xffffffff, 0x04030201, 0xffffffff]);
  });

  it('refuses an image that is larger than the bank', async () => {
    await expect(flash(new MemoryBlock(SIZE + 1))).rejects.toThrow(/device requires 16384 bytes/);
  });

  it('shows status after a program command and ready at once; programming only clears bits', async () => {
    const { command, program, r32 } = await flash();
    program(8, 0xffff_00f0);
    expect(r32(BASE)).toBe(0x0080_0080);
    program(8, 0x0fff_ffff);
    command(0, 0xff);
    expect(r32(BASE + 8)).toBe(0x0fff_00f0);
  });

  it('erases a block when that is confirmed', async () => {
    const { command, program, r32 } = await flash();
    program(SECTOR, 0);
    program(2 * SECTOR, 0);
    command(SECTOR + 8, 0x20);
    command(SECTOR + 8, 0xd0);
    expect(r32(BASE)).toBe(0x0080_0080);
    command(0, 0xff);
    expect([r32(BASE + SECTOR), r32(BASE + 2 * SECTOR)]).toEqual([0xffff_ffff, 0]);
  });

  it('reports a broken sequence until the status is cleared', async () => {
    const { command, r32 } = await flash();
    command(0, 0x20);
    command(0, 0x40);
    expect(r32(BASE)).toBe(0x00b0_00b0);
    command(0, 0x50);
    expect(r32(BASE)).toBe(0x0080_0080);
  });

  it('programs a buffer', async () => {
    const { command, r32, w32 } = await flash();
    command(0x100, 0xe8);
    expect(r32(BASE + 0x100)).toBe(0x0080_0080);
    command(0x100, 3);
    for (let i = 0; i < 4; i++) w32(BASE + 0x100 + 4 * i, 0x1111_1111 * (i + 1));
    command(0x100, 0xd0);
    command(0, 0xff);
    expect([0, 1, 2, 3, 4].map((i) => r32(BASE + 0x100 + 4 * i))).toEqual([
      0x1111_1111, 0x2222_2222, 0x3333_3333, 0x4444_4444, 0xffff_ffff,
    ]);
  });

  it('refuses a buffer that is too long, or that leaves its block', async () => {
    const { command, r32, w32 } = await flash();
    command(0, 0xe8);
    command(0, 16);
    expect(r32(BASE)).toBe(0x00b0_00b0);
    command(0, 0x50);
    command(0, 0xe8);
    command(0, 1);
    w32(BASE, 0);
    w32(BASE + 0x800, 0);
    expect(r32(BASE)).toBe(0x00b0_00b0);
    command(0, 0xff);
    expect(r32(BASE)).toBe(0xffff_ffff);
  });

  it('answers the CFI query and its identity on both halves', async () => {
    const { command, r32 } = await flash();
    command(0x55 * 4, 0x98);
    const query = (word: number): number => r32(BASE + 4 * word);
    expect([0x10, 0x11, 0x12].map((w) => String.fromCharCode(query(w) & 0xffff)).join('')).toBe('QRY');
    expect(query(0x10)).toBe(0x0051_0051);
    expect(query(0x13) & 0xff).toBe(1);
    expect(1 << (query(0x27) & 0xff)).toBe(SIZE / 2);
    expect([(query(0x2d) & 0xff) + 1, (query(0x2f) & 0xff) * 256]).toEqual([4, SECTOR / 2]);
    command(0, 0x90);
    expect([query(0), query(1)]).toEqual([0x0089_0089, 0x0018_0018]);
  });

  it('locks blocks', async () => {
    const { command, program, r32 } = await flash();
    command(0, 0x60);
    command(0, 0x01);
    program(0, 0);
    expect(r32(BASE)).toBe(0x0092_0092);
    command(0, 0x50);
    command(0, 0x60);
    command(0, 0xd0);
    program(0, 0);
    command(0, 0xff);
    expect(r32(BASE)).toBe(0);
  });

  it('writes what was programmed to its backend, and nothing beyond its end', async () => {
    const block = new MemoryBlock(2 * SECTOR);
    block.contents.fill(0xff);
    const { device, command, program } = await flash(block);
    program(4, 0x1234_5678);
    program(3 * SECTOR, 0);
    command(SECTOR, 0x20);
    command(SECTOR, 0xd0);
    await device.flushed();
    expect([...block.contents.subarray(4, 8)]).toEqual([0x78, 0x56, 0x34, 0x12]);
  });

  it('has everything at the backend before the machine lets go of it', async () => {
    const block = new MemoryBlock(new Uint8Array(SIZE).fill(0xff));
    const write = block.write.bind(block);
    block.write = async (offset, src) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await write(offset, src);
    };
    const { machine, program } = await flash(block, {}, [{ if: 'pflash', backend: block }]);
    program(8, 0x0102_0304);
    await machine.dispose();
    expect([...block.contents.subarray(8, 12)]).toEqual([4, 3, 2, 1]);
  });

  it('keeps the contents of a read-only backend', async () => {
    const { command, program, r32 } = await flash(new MemoryBlock(new Uint8Array(SIZE).fill(0x5a), { readonly: true }));
    program(0, 0);
    expect(r32(BASE) & 0x10).toBe(0x10);
    command(0, 0x60);
    command(0, 0xd0);
    program(0, 0);
    command(0, 0xff);
    expect(r32(BASE)).toBe(0x5a5a_5a5a);
  });

  it('goes back to read-array mode at a reset', async () => {
    const { machine, command, r32 } = await flash();
    command(0, 0x70);
    machine.reset();
    expect(r32(BASE)).toBe(0xffff_ffff);
  });

  it('works as one 8-bit chip', async () => {
    const { r8, w8 } = await flash(undefined, { bankWidth: 1, deviceWidth: 1 });
    w8(BASE, 0x10);
    w8(BASE + 1, 0xa5);
    w8(BASE, 0xff);
    expect(r8(BASE + 1)).toBe(0xa5);
  });
});
