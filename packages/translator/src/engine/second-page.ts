/**
 * The second page of a block whose only instruction goes on in it. Such a block is linked to like others, and looks itself whether the
 * page still is where it was when it was translated: the TLB for fetches says so, as the jump cache does for jumps to other pages.
 */
import { codePageBits, type Frontend } from '../frontend.ts';
import { pcOf } from '../pc.ts';
import { FETCH, TLB, TLB_ENTRIES, TLB_REGIME_BITS, TLB_TABLE_BYTES } from '../softmmu/layout.ts';

/** Halves of a 64-bit number. */
type Halves = readonly [lo: number, hi: number];

/** Bytes of the operation that looks, which comes before the block's first instruction. */
export const SECOND_PAGE_BYTES = 32;

/** What the TLB's entry of the page must hold. */
export interface SecondPage {
  /** Its place in the vCPU's area. */
  readonly entry: number;
  readonly tag: Halves;
  readonly addend: Halves;
}

/** The first address behind the page of a pc. */
export function nextPage(frontend: Frontend, pcLo: number, pcHi: number): bigint {
  const bytes = 1n << BigInt(codePageBits(frontend));
  return BigInt.asUintN(64, (pcOf(pcLo, pcHi) & -bytes) + bytes);
}

/** The second page of a block at a pc, which lies at a host offset. @param mmu the regime of its fetches */
export function secondPageAt(frontend: Frontend, pcLo: number, pcHi: number, host: number, mmu: number): SecondPage {
  const va = nextPage(frontend, pcLo, pcHi);
  const { pageBits } = frontend;
  const index = Number(BigInt.asUintN(32, va >> BigInt(pageBits))) & (TLB_ENTRIES - 1);
  const entry = TLB + mmu * 2 ** TLB_REGIME_BITS + FETCH * TLB_TABLE_BYTES + index * 16;
  return { entry, tag: halves(va & -(1n << BigInt(pageBits))), addend: halves(BigInt(host) - va) };
}

function halves(value: bigint): Halves {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
