/**
 * Makes one operation of several that follow each other in a block: runs and sequences (opcodes.ts). Only the number of the first
 * changes, and the low bits of a run's word at 12. All others stay as they are, and may be gone to: where an instruction is repeated,
 * and where a page of the run is not in the TLB.
 */
import { TLB_REGIME_BITS } from '../softmmu/layout.ts';
import type { CodeMemory } from './op-writer.ts';
import { RUN, RUN_OPS, SEQUENCE_OPS, TIER0_OPS, tier0Op } from './opcodes.ts';

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

/** States of the search for the longest sequence: the first operation's number, then one for each beginning of a sequence. */
const FOLLOWING: (Uint16Array | undefined)[] = [];
/** The operation that does what led to a state; 0 where none does. */
const FUSED: number[] = TIER0_OPS.map((_, op) => op);
for (const { name, parts } of SEQUENCE_OPS) {
  const [first, ...others] = parts.map(tier0Op);
  let state = first ?? 0;
  for (const op of others) {
    const following = FOLLOWING[state] ?? new Uint16Array(COUNT);
    FOLLOWING[state] = following;
    if (following[op] === 0) following[op] = FUSED.push(0) - 1;
    state = following[op] ?? 0;
  }
  FUSED[state] = tier0Op(name);
}

/** Fuses the operations from host offset `start` to the one at `tail`. */
export function fuseSequences(memory: CodeMemory, start: number, tail: number): void {
  const { u16 } = memory;
  for (let at = start; at < tail; ) {
    const op = u16[at >>> 1] ?? 0;
    const count = RUNS[op] === 0 ? 1 : runAt(memory, at, tail);
    let state = count > 1 ? (RUNS[op] ?? 0) : op;
    let next = at + (LONG[op] === 1 ? 32 : count * 16);
    let [fused, end] = [state, next];
    for (;;) {
      const following = u16[next >>> 1] ?? 0;
      state = FOLLOWING[state]?.[following] ?? 0;
      if (state === 0 || (RUNS[following] !== 0 && runAt(memory, next, tail) > 1)) break;
      next += LONG[following] === 1 ? 32 : 16;
      const whole = FUSED[state] ?? 0;
      if (whole !== 0) [fused, end] = [whole, next];
    }
    u16[at >>> 1] = fused;
    at = end;
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
