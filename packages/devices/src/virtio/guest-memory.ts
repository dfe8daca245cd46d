// Guest memory as a bus master sees it: plain RAM only, every access checked.
// A device that could be aimed at another device's registers (or its own) would let a guest recurse into the emulator, so DMA stops at RAM.

import { ADDRESS_LIMIT, type AddressSpace } from '@boardwalk/core';

/** The guest asked a device for something that its specification forbids. Caught where the device was entered, never seen outside. */
export class GuestFault extends Error {
  override readonly name = 'GuestFault';
}

/** Swaps the bytes of a halfword, of a word. */
const swap16 = (value: number): number => ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
const swap32 = (value: number): number => ((swap16(value) << 16) | swap16(value >>> 16)) >>> 0;

/**
 * Where a device's address leads, by the guest's tables: a physical address, right as far as the end of its page of 4 KiB; undefined
 * where the device may not go.
 */
export type DmaTranslation = (address: number, forWrite: boolean) => number | undefined;

const DMA_PAGE = 4096;

/** Checked access to RAM, little-endian if nothing else is said. Every method throws {@link GuestFault} unless the whole range is RAM. */
export class GuestMemory {
  readonly #as: AddressSpace;
  readonly #translate: DmaTranslation | undefined;
  /** Numbers are big-endian. */
  bigEndian = false;

  /** @param translate what a device's addresses go through; without it they are physical */
  constructor(as: AddressSpace, translate?: DmaTranslation) {
    this.#as = as;
    this.#translate = translate;
  }

  u16(address: number): number {
    const value = this.#loaded(address, this.#as.load(this.#ram(address, 2, false), 2));
    return this.bigEndian ? swap16(value) : value;
  }

  u32(address: number): number {
    const value = this.#loaded(address, this.#as.load(this.#ram(address, 4, false), 4));
    return this.bigEndian ? swap32(value) : value;
  }

  /** A 64-bit address field; what lies beyond the physical addresses comes out as Infinity, which no access accepts. */
  address(at: number): number {
    const [first, second] = [this.u32(at), this.u32(at + 4)];
    return this.bigEndian ? toAddress(second, first) : toAddress(first, second);
  }

  setU16(address: number, value: number): void {
    this.#stored(address, this.#as.store(this.#ram(address, 2, true), 2, this.bigEndian ? swap16(value) : value));
  }

  setU32(address: number, value: number): void {
    this.#stored(address, this.#as.store(this.#ram(address, 4, true), 4, this.bigEndian ? swap32(value) : value));
  }

  read(address: number, dst: Uint8Array): void {
    this.#pieces(address, dst.length, (at, from, to) => {
      this.#stored(address, this.#as.readBytes(this.#ram(at, to - from, false), dst.subarray(from, to)));
    });
  }

  write(address: number, src: Uint8Array): void {
    this.#pieces(address, src.length, (at, from, to) => {
      this.#stored(address, this.#as.writeBytes(this.#ram(at, to - from, true), src.subarray(from, to)));
    });
  }

  /** Whether all of a range is RAM (or, for reading, ROM). */
  isRam(address: number, length: number, forWrite: boolean): boolean {
    if (!(address >= 0 && address + length <= ADDRESS_LIMIT)) return false;
    if (this.#as.hostOffset(address, length, forWrite) >= 0) return true;
    // Blocks of RAM may adjoin in the guest's addresses and be apart in the host's.
    const view = this.#as.flatView();
    for (let at = address; at < address + length; ) {
      const range = view.find(at);
      if (range === undefined || (forWrite ? range.writeHost : range.host) < 0) return false;
      at = range.end;
    }
    return true;
  }

  /** A transfer, in pieces that are each within a page where pages may lie apart. */
  #pieces(address: number, length: number, piece: (at: number, from: number, to: number) => void): void {
    for (let from = 0; from < length; ) {
      const left = this.#translate === undefined ? length : DMA_PAGE - ((address + from) % DMA_PAGE);
      const to = Math.min(length, from + left);
      piece(address + from, from, to);
      from = to;
    }
  }

  #physical(address: number, length: number, forWrite: boolean): number {
    if (this.#translate === undefined) return address;
    const isWithin = (address % DMA_PAGE) + length <= DMA_PAGE;
    const physical = isWithin ? this.#translate(address, forWrite) : undefined;
    if (physical === undefined) throw new GuestFault(`0x${address.toString(16)} is not mapped for the device`);
    return physical;
  }

  #ram(dmaAddress: number, length: number, forWrite: boolean): number {
    const address = this.#physical(dmaAddress, length, forWrite);
    if (!this.isRam(address, length, forWrite)) {
      throw new GuestFault(`${length} bytes at 0x${address.toString(16)} are not RAM`);
    }
    return address;
  }

  #loaded(address: number, value: number): number {
    this.#stored(address, value);
    return value;
  }

  #stored(address: number, result: number): void {
    if (result < 0) throw new GuestFault(`bus error at 0x${address.toString(16)}`);
  }
}

/** Joins the halves of a 64-bit address; Infinity when it is no physical address. */
export function toAddress(low: number, high: number): number {
  const address = high * 2 ** 32 + low;
  return address < ADDRESS_LIMIT ? address : Infinity;
}
