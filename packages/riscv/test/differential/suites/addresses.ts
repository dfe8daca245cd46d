import { SCRATCH, SCRATCH_SIZE } from '../layout.ts';
import type { Random } from '../random.ts';

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
