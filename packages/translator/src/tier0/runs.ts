/**
 * Makes runs (opcodes.ts) of the accesses of a block that follow each other. Only the number of the first changes, and the low bits of
 * its word at 12. All others stay as they are, and may be gone to: where an instruction is repeated, and where a page of the run is not
 * in the TLB.
 */
import { TLB_REGIME_BITS } from '../softmmu/layout.ts';
import type { CodeMemory } from './op-writer.ts';
import { RUN, RUN_OPS, TIER0_OPS, tier0Op } from './opcodes.ts';

const COUNT = TIER0_OPS.length;
/** Operations of 32 bytes. */
const LONG = new Uint8Array(COUNT);
const LONG_OPS = /^(br\.|branch$|goto|lookup$|raise|halt$|secondPage$)/;
for (const [number, name] of TIER0_OPS.entries()) if (LONG_OPS.test(name)) LONG[number] = 1;

/** The run that begins with an access, 0 where it is none. */
const RUNS = new Uint16Array(COUNT);
const IS_LOAD = new Uint8Array(COUNT);
for (const { name, of } of RUN_OPS) {
  RUNS[tier0Op(of.name)] = tier0Op(name);
  IS_LOAD[tier0Op(of.name)] = of.store ? 0 : 1;
}

/** Makes runs of the operations from host offset `start` to the one at `tail`. */
export function makeRuns(memory: CodeMemory, start: number, tail: number): void {
  const { u16 } = memory;
  for (let at = start; at < tail; ) {
    const op = u16[at >>> 1] ?? 0;
    const run = RUNS[op] ?? 0;
    const count = run === 0 ? 1 : runAt(memory, at, tail);
    if (count > 1) u16[at >>> 1] = run;
    at += LONG[op] === 1 ? 32 : count * 16;
  }
}

/** How many accesses the run at `at` has. Writes that, and how far they go, into the first. */
function runAt({ u16, i32 }: CodeMemory, at: number, tail: number): number {
  const op = u16[at >>> 1] ?? 0;
  const base = u16[(at >>> 1) + 2];
  const regime = i32[(at >>> 2) + 3] ?? 0;
  const first = i32[(at >>> 2) + 2] ?? 0;
  let [count, below, above] = [1, 0, 0];
  for (let next = at + 16; next < tail && count < RUN.mostCount; next += 16) {
    // What was loaded into the base makes others of the addresses that follow.
    if (IS_LOAD[op] === 1 && u16[(next >>> 1) - 7] === base) break;
    if (u16[next >>> 1] !== op || u16[(next >>> 1) + 2] !== base || i32[(next >>> 2) + 3] !== regime) break;
    const distance = (i32[(next >>> 2) + 2] ?? 0) - first;
    const units = distance >> RUN.unitBits;
    if (units << RUN.unitBits !== distance || Math.abs(units) > RUN.mostReach) break;
    below = Math.max(below, -units);
    above = Math.max(above, units);
    count++;
  }
  if (count > 1)
    i32[(at >>> 2) + 3] = (regime & -(2 ** TLB_REGIME_BITS)) | count | (below << RUN.below) | (above << RUN.above);
  return count;
}
