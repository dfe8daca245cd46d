/**
 * What is in memory when a RISC-V board's harts leave reset: firmware, kernel, initial RAM disk, device tree, and the reset
 * ROM that starts the first of them.
 *
 * Register conventions (a0 hart, a1 device tree) after Linux Documentation/arch/riscv/boot.rst; `fw_dynamic_info`, to which
 * a2 points, after OpenSBI docs/firmware/fw_dynamic.md.
 */
import {
  elfImage,
  type Kernel,
  type KernelTarget,
  loadImage,
  type MemoryImage,
  MiB,
  rawImage,
  readKernel,
  UserError,
  uimageImage,
} from '@boardwalk/core';

const EM_RISCV = 243;
const IH_ARCH_RISCV = 26;

/** What a 64-bit hart runs. */
export const RISCV64_TARGET: KernelTarget = {
  name: 'riscv64',
  elfMachines: [EM_RISCV],
  bits: 64,
  endian: 'little',
  uimageArchs: [IH_ARCH_RISCV],
  linuxImage: 'riscv',
};

/** Kernels and device trees begin at such a boundary: a superpage maps them. */
const BOOT_ALIGN = MiB(2);
/** The initial RAM disk lies this far above the kernel, or half of a smaller RAM. */
const INITRD_DISTANCE = MiB(128);
/** Device trees stay below, where 32-bit firmware reaches them. */
const FDT_LIMIT = 0xc000_0000;
const PAGE = 4096;

const alignUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;
const alignDown = (n: number, unit: number): number => Math.floor(n / unit) * unit;

/** What the user gave. */
export interface BootFiles {
  readonly firmware?: Uint8Array | undefined;
  readonly kernel?: Uint8Array | undefined;
  readonly initrd?: Uint8Array | undefined;
}

/** An image and the option that it came by. */
export interface BootImage {
  readonly option: string;
  readonly image: MemoryImage;
}

/** Addresses of what has been placed, in bytes; ends are exclusive. */
export interface BootLayout {
  readonly images: readonly BootImage[];
  /** Where the hart goes from the reset ROM. */
  readonly start: number;
  /** What firmware starts next; 0 where there is no kernel. */
  readonly kernelEntry: number;
  readonly initrd: { readonly start: number; readonly end: number } | undefined;
  /** End of the highest image. */
  readonly end: number;
}

/** A user's file with the option it came by, for messages. */
function naming(option: string, error: unknown): unknown {
  return error instanceof UserError ? new UserError(`${option}: ${error.message}`) : error;
}

function imageOf(kernel: Kernel, base: number, ramBase: number): MemoryImage {
  switch (kernel.format) {
    case 'elf':
      return elfImage(kernel.elf, kernel.elf.positionIndependent ? (address) => address + BigInt(base) : undefined);
    case 'linux': {
      const { bytes, imageSize, textOffset } = kernel.image;
      const address = Math.max(base, ramBase + textOffset);
      return { parts: [{ address, bytes, size: imageSize }], entry: address };
    }
    case 'uimage':
      return uimageImage(kernel.image);
    case 'records':
      return kernel.image;
    case 'raw':
      return rawImage(kernel.bytes, base);
  }
}

const endOf = (image: MemoryImage): number => Math.max(...image.parts.map((part) => part.address + part.size));

/** Says so early where an image goes beyond the end of RAM. */
function checkFits(image: MemoryImage, ramEnd: number): MemoryImage {
  const end = endOf(image);
  if (end > ramEnd)
    throw new UserError(`it does not fit: it ends at 0x${end.toString(16)}, RAM at 0x${ramEnd.toString(16)}`);
  return image;
}

/**
 * Places firmware at the start of RAM, the kernel behind it, the RAM disk behind that. Without firmware the hart starts
 * at the kernel, in machine mode.
 * @throws UserError for a file that cannot be run here or does not fit
 */
export async function layOutBoot(files: BootFiles, ramBase: number, ramSize: number): Promise<BootLayout> {
  const { firmware, kernel, initrd } = files;
  const images: BootImage[] = [];
  const place = async (option: string, make: () => MemoryImage | Promise<MemoryImage>): Promise<MemoryImage> => {
    try {
      const image = checkFits(await make(), ramBase + ramSize);
      images.push({ option, image });
      return image;
    } catch (error) {
      throw naming(option, error);
    }
  };
  let start = ramBase;
  let end = ramBase;
  if (firmware !== undefined) {
    const image = await place('-bios', async () =>
      imageOf(await readKernel(firmware, RISCV64_TARGET), ramBase, ramBase),
    );
    start = image.entry ?? ramBase;
    end = Math.max(end, endOf(image));
  }
  let kernelEntry = 0;
  if (kernel !== undefined) {
    const base = alignUp(end, BOOT_ALIGN);
    const image = await place('-kernel', async () => imageOf(await readKernel(kernel, RISCV64_TARGET), base, ramBase));
    kernelEntry = image.entry ?? base;
    if (firmware === undefined) start = kernelEntry;
    end = Math.max(end, endOf(image));
  }
  let disk: BootLayout['initrd'];
  if (initrd !== undefined) {
    const lowest = Math.max(kernelEntry, ramBase) + Math.min(ramSize / 2, INITRD_DISTANCE);
    const address = alignUp(Math.max(lowest, end), PAGE);
    await place('-initrd', () => placeInitrd(initrd, address, ramBase + ramSize));
    disk = { start: address, end: address + initrd.length };
    end = disk.end;
  }
  return { images, start, kernelEntry, initrd: disk, end };
}

function placeInitrd(bytes: Uint8Array, address: number, ramEnd: number): MemoryImage {
  if (address + bytes.length > ramEnd) {
    throw new UserError(`it has ${bytes.length} bytes, RAM above the kernel has ${Math.max(0, ramEnd - address)}`);
  }
  return rawImage(bytes, address);
}

/**
 * Where the device tree goes: as high as RAM and the limit allow, on a 2 MiB boundary if it fits there.
 * @param bytes of the blob
 * @param used end of what lies in RAM
 * @throws UserError if RAM is full
 */
export function placeDeviceTree(bytes: number, ramBase: number, ramSize: number, used: number): number {
  const top = Math.min(ramBase + ramSize, Math.max(FDT_LIMIT, ramBase));
  const best = alignDown(top - bytes, BOOT_ALIGN);
  if (best >= Math.min(used, top)) return best;
  // What is placed may go beyond the limit: then the tree follows it, wherever that is.
  const after = alignUp(used, 8);
  const close = alignDown(ramBase + ramSize - bytes, 8);
  if (close < after) throw new UserError(`no room for the device tree: RAM has ${ramSize} bytes`);
  const aligned = alignDown(close, BOOT_ALIGN);
  return aligned >= after ? aligned : close;
}

/** Writes the images; to be done at each reset, for a guest may have changed them. */
export function loadBoot(target: Parameters<typeof loadImage>[0], layout: BootLayout): void {
  for (const { option, image } of layout.images) {
    try {
      loadImage(target, image);
    } catch (error) {
      throw naming(option, error);
    }
  }
}

const FW_DYNAMIC_MAGIC = 0x4942534fn;
const FW_DYNAMIC_VERSION = 2n;
const NEXT_MODE_S = 1n;

/** Offsets in the reset ROM: six instructions, then what they load. */
const ROM_START = 24;
const ROM_FDT = 32;
const ROM_INFO = 40;

/** Bytes of the reset ROM's program and data. */
export const RESET_ROM_BYTES = ROM_INFO + 6 * 8;

/** t0 is x5, a0 to a2 are x10 to x12. */
const RESET_PROGRAM = [
  0x00000297, // auipc t0, 0
  (ROM_INFO << 20) | 0x00028613, // addi a2, t0, info
  0xf1402573, // csrr a0, mhartid
  (ROM_FDT << 20) | 0x0002b583, // ld a1, fdt(t0)
  (ROM_START << 20) | 0x0002b283, // ld t0, start(t0)
  0x00028067, // jr t0
] as const;

/**
 * The reset ROM: goes to `start` with a0 the hart, a1 the device tree and a2 what OpenSBI is to start next, in supervisor mode.
 */
export function resetRom(start: number, deviceTree: number, kernelEntry: number): Uint8Array {
  const rom = new Uint8Array(RESET_ROM_BYTES);
  const view = new DataView(rom.buffer);
  for (const [i, instruction] of RESET_PROGRAM.entries()) view.setUint32(i * 4, instruction, true);
  view.setBigUint64(ROM_START, BigInt(start), true);
  view.setBigUint64(ROM_FDT, BigInt(deviceTree), true);
  const bootHart = 0n;
  const info = [FW_DYNAMIC_MAGIC, FW_DYNAMIC_VERSION, BigInt(kernelEntry), NEXT_MODE_S, 0n, bootHart];
  for (const [i, word] of info.entries()) view.setBigUint64(ROM_INFO + i * 8, word, true);
  return rom;
}
