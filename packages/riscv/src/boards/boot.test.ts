import { UserError } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { layOutBoot, placeDeviceTree, resetRom } from './boot.ts';

const RAM = 0x8000_0000;
const MiB = 2 ** 20;

/** Code that no loader takes for a format of its own. */
const raw = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0x13);

/** A flat Linux kernel's header: text offset, memory size, the RISC-V magic. */
function linuxImage(bytes: number, memory: number): Uint8Array {
  const image = new Uint8Array(bytes);
  const view = new DataView(image.buffer);
  view.setBigUint64(8, BigInt(2 * MiB), true);
  view.setBigUint64(16, BigInt(memory), true);
  image.set(new TextEncoder().encode('RSC\x05'), 56);
  return image;
}

describe('what is in memory at the start', () => {
  it('firmware, the kernel on the next 2 MiB boundary, the RAM disk above it', async () => {
    const files = { firmware: raw(0x4_0000), kernel: linuxImage(4096, 30 * MiB), initrd: raw(MiB) };
    const layout = await layOutBoot(files, RAM, 512 * MiB);
    expect(layout.start).toBe(RAM);
    expect(layout.kernelEntry).toBe(RAM + 2 * MiB);
    expect(layout.initrd).toEqual({ start: RAM + 130 * MiB, end: RAM + 131 * MiB });
    expect(layout.images.map(({ image }) => image.parts[0]?.address)).toEqual([RAM, RAM + 2 * MiB, RAM + 130 * MiB]);
  });

  it('keeps the RAM disk out of the kernel in a small RAM', async () => {
    const layout = await layOutBoot({ kernel: linuxImage(4096, 40 * MiB), initrd: raw(MiB) }, RAM, 64 * MiB);
    expect(layout.initrd?.start).toBe(RAM + 42 * MiB);
  });

  it('starts at the kernel where there is no firmware', async () => {
    expect(await layOutBoot({ kernel: raw(64) }, RAM, 128 * MiB)).toMatchObject({ start: RAM, kernelEntry: RAM });
    expect(await layOutBoot({}, RAM, 128 * MiB)).toMatchObject({ start: RAM, kernelEntry: 0 });
  });

  it.each([
    ['-kernel: the file is empty', { kernel: new Uint8Array(0) }, 128],
    ['-bios: the file is empty', { firmware: new Uint8Array(0) }, 128],
    ['-initrd: it has 2097152 bytes, RAM above the kernel has 1048576', { initrd: raw(2 * MiB) }, 2],
  ])('refuses: %s', async (message, files, ramMiB) => {
    await expect(layOutBoot(files, RAM, ramMiB * MiB)).rejects.toThrow(UserError);
    await expect(layOutBoot(files, RAM, ramMiB * MiB)).rejects.toThrow(message);
  });
});

describe('the device tree', () => {
  it('goes to the top of RAM, below 3 GiB', () => {
    expect(placeDeviceTree(8000, RAM, 128 * MiB, RAM)).toBe(0x87e0_0000);
    expect(placeDeviceTree(8000, RAM, 8192 * MiB, RAM)).toBe(0xbfe0_0000);
  });

  it('gives up the boundary, or the limit, where something is in the way', () => {
    expect(placeDeviceTree(8000, RAM, 2 * MiB, RAM + MiB)).toBe(RAM + 2 * MiB - 8000);
    expect(placeDeviceTree(8000, RAM, 2048 * MiB, RAM + 1500 * MiB)).toBe(RAM + 2046 * MiB);
    expect(() => placeDeviceTree(8000, RAM, MiB, RAM + MiB - 100)).toThrow('no room for the device tree');
  });
});

it('the reset ROM is the one of QEMU', () => {
  // `xp /16wx 0x1000` in qemu-system-riscv64 7.2 -M virt.
  const words = new Uint32Array(resetRom(0x8000_0000, 0x87e0_0000, 0).buffer).slice(0, 14);
  expect([...words].map((word) => word.toString(16))).toEqual(
    '297 2828613 f1402573 202b583 182b283 28067 80000000 0 87e00000 0 4942534f 0 2 0'.split(' '),
  );
});
