/** A vCPU's state, word by word, as the engine in TypeScript reads and writes it. */
import type { RamSpace } from '@boardwalk/core';
import type { Slot } from '../ir/types.ts';
import type { Address } from '../pc.ts';
import { COMMON } from '../state.ts';

/** The slot at a host offset as an unsigned number of its width: 32, 64 or 128 bits. Floats as their bits. */
export function readSlot({ view }: RamSpace, at: number, slot: Slot): bigint {
  if (slot.ty === 'i32' || slot.ty === 'f32') return BigInt(view.getUint32(at, true));
  const low = view.getBigUint64(at, true);
  return slot.ty === 'v128' ? (view.getBigUint64(at + 8, true) << 64n) | low : low;
}

/** Sets the slot at a host offset, modulo its width. */
export function writeSlot({ view }: RamSpace, at: number, slot: Slot, value: bigint): void {
  if (slot.ty === 'i32' || slot.ty === 'f32') {
    view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    return;
  }
  view.setBigUint64(at, BigInt.asUintN(64, value), true);
  if (slot.ty === 'v128') view.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
}

export class VcpuWords {
  /** Host offset of the state. */
  readonly base: number;
  readonly #i32: Int32Array;
  readonly #u32: Uint32Array;

  constructor({ i32, u32 }: RamSpace, base: number) {
    this.#i32 = i32;
    this.#u32 = u32;
    this.base = base;
  }

  /** The 32 bits at a slot, or `byte` bytes behind its start. */
  get(slot: Slot, byte = 0): number {
    return this.#i32[(this.base + slot.offset + byte) >>> 2] ?? 0;
  }

  set(slot: Slot, value: number): void {
    this.#i32[(this.base + slot.offset) >>> 2] = value;
  }

  /** The halves of a 64-bit slot. */
  address(slot: Slot): Address {
    return { lo: this.get(slot), hi: this.get(slot, 4) };
  }

  setPc(lo: number, hi: number): void {
    const at = (this.base + COMMON.pc.offset) >>> 2;
    this.#i32[at] = lo;
    this.#i32[at + 1] = hi;
  }

  /** Says that code at the pc runs, which lies in a page of `bits` bits. */
  enterPage(bits: number): void {
    const at = (this.base + COMMON.codePage.offset) >>> 2;
    this.#i32[at] = this.get(COMMON.pc) & -(2 ** bits);
    this.#i32[at + 1] = this.get(COMMON.pc, 4);
  }

  /** Adds to the instructions executed, and gives their number back. */
  count(instructions: number): number {
    const at = (this.base + COMMON.insnCount.offset) >>> 2;
    const low = (this.#u32[at] ?? 0) + instructions;
    this.#u32[at] = low;
    if (low >= 2 ** 32) this.#u32[at + 1] = (this.#u32[at + 1] ?? 0) + 1;
    return instructions;
  }
}
