/** The virtual address whose halves are given, unsigned. */
export function pcOf(lo: number, hi: number): bigint {
  return BigInt.asUintN(64, (BigInt(hi) << 32n) | BigInt(lo >>> 0));
}

/** Halves of an address, of 32 bits each. */
export interface Address {
  readonly lo: number;
  readonly hi: number;
}

export const ZERO_ADDRESS: Address = { lo: 0, hi: 0 };

/** The sum of two addresses, modulo 2^64. */
export function addAddress(a: Address, b: Address): Address {
  const low = (a.lo >>> 0) + (b.lo >>> 0);
  return { lo: low | 0, hi: (a.hi + b.hi + (low >= 2 ** 32 ? 1 : 0)) | 0 };
}

/** Halves of the address `offset` bytes behind the one whose halves are given, modulo 2^64. */
export function movedBy(lo: number, hi: number, offset: number): readonly [lo: number, hi: number] {
  const low = (lo >>> 0) + offset;
  return [low | 0, (hi + Math.floor(low / 2 ** 32)) | 0];
}

/** The difference of two addresses, modulo 2^64. */
export function subAddress(a: Address, b: Address): Address {
  return { lo: (a.lo - b.lo) | 0, hi: (a.hi - b.hi - (a.lo >>> 0 < b.lo >>> 0 ? 1 : 0)) | 0 };
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.lo === b.lo && a.hi === b.hi;
}

/** The page of an address; `bits`: log2 of its bytes. */
export function pageOfAddress({ lo, hi }: Address, bits: number): Address {
  return { lo: lo & -(2 ** bits), hi };
}
