/**
 * The memory map and interrupt numbers of the `virt` board. They are those of QEMU's board of that name (`info mtree` and the
 * device tree of qemu-system-riscv64 7.2), so that firmware and kernels made for it run here.
 */
import { MiB } from '@boardwalk/core';

/** Base and size in bytes. */
export interface MapEntry {
  readonly base: number;
  readonly size: number;
}

export const VIRT_MAP = {
  resetRom: { base: 0x1000, size: 0xf000 },
  test: { base: 0x10_0000, size: 0x1000 },
  rtc: { base: 0x10_1000, size: 0x1000 },
  /** With `aclint=on` MSWI and MTIMER, which lie as in the CLINT. */
  clint: { base: 0x200_0000, size: 0x1_0000 },
  /** SSWI of the ACLINT. */
  sswi: { base: 0x2f0_0000, size: 0x4000 },
  plic: { base: 0xc00_0000, size: 0x60_0000 },
  uart0: { base: 0x1000_0000, size: 0x100 },
  /** The first of the virtio slots. */
  virtio: { base: 0x1000_1000, size: 0x1000 },
  fwCfg: { base: 0x1010_0000, size: 0x18 },
  /** Two banks of half the size. */
  flash: { base: 0x2000_0000, size: MiB(64) },
  dram: { base: 0x8000_0000, size: 0 },
} as const satisfies Record<string, MapEntry>;

export const VIRTIO_SLOTS = 8;

/** Sources of the PLIC. */
export const VIRT_IRQ = {
  /** Of the first virtio slot. */
  virtio: 1,
  uart0: 10,
  rtc: 11,
} as const;
export const PLIC_SOURCES = 96;

/** Rate of mtime, Hz. */
export const TIMEBASE_FREQUENCY = 10_000_000;
/** Input clock of the UART, Hz. */
export const UART_CLOCK = 3_686_400;
export const FLASH_SECTOR_SIZE = 0x4_0000;
/** Bytes that a flash bank is wide. */
export const FLASH_BANK_WIDTH = 4;
/** Bytes that each of its chips is wide. */
export const FLASH_DEVICE_WIDTH = 2;

export const virtioSlot = (slot: number): MapEntry => ({
  base: VIRT_MAP.virtio.base + slot * VIRT_MAP.virtio.size,
  size: VIRT_MAP.virtio.size,
});
