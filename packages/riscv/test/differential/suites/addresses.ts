import type { Random } from '@boardwalk/testing';
import { SCRATCH, SCRATCH_SIZE } from '../layout.ts';
import type { Program } from '../program.ts';

const PAGE = 4096;

/** An address in the scratch memory: often misaligned, or close to the end of a page. */
export function scratchAddress(random: Random): number {
  const page = SCRATCH + PAGE * (1 + random.below(SCRATCH_SIZE / PAGE - 2));
  switch (random.below(4)) {
    case 0:
      return page - random.below(9);
    case 1:
      return page + random.below(PAGE);
    default:
      return page + 8 * random.below(PAGE / 8);
  }
}

/** An aligned address in the scratch memory with a page free on both sides, for a register with offsets. */
export function scratchBase(random: Random): bigint {
  return BigInt(SCRATCH + PAGE + 8 * random.below((SCRATCH_SIZE - 2 * PAGE) / 8 - 1));
}

/**
 * Eight bytes that are different each time and that trap where they are run: reserved 16-bit encodings (quadrant 0, funct3 100).
 * Shifted by a byte they are of quadrant 0 still, where there are no jumps.
 */
export function trappingBytes(random: Random): bigint {
  return (random.u64() & 0x1cfc_1cfc_1cfc_1cfcn) | 0x8000_8000_8000_8000n;
}

/** Makes the scratch memory such that whatever is run there traps at once and says where it was. */
export function fillScratch(program: Program): void {
  for (let at = SCRATCH; at < SCRATCH + SCRATCH_SIZE; at += 8) program.poke64(at, trappingBytes(program.random));
}
