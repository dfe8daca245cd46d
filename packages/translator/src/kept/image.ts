/**
 * What one run of a machine leaves for the next that starts like it: the blocks that it translated and the regions that it compiled,
 * each where it was in the code cache. It is plain data, which may be cloned.
 */
import type { Span } from '../tier1/spans.ts';

/** Words of a block in `KeptImage.blocks`. */
export const BLOCK_WORDS = 18;

/** Which of its words is what. */
export const FIELD = {
  pcLo: 0,
  pcHi: 1,
  mode: 2,
  extraLo: 3,
  extraHi: 4,
  /** Host offset of the second page of one that has two, else -1 in both. */
  secondLo: 5,
  secondHi: 6,
  /** Host offsets: the first operation, that which ends the block, the end. */
  start: 7,
  tail: 8,
  end: 9,
  /** The block's beginning in the other lists. */
  codeAt: 10,
  insnsAt: 11,
  insns: 12,
  bytesAt: 13,
  bytes: 14,
  /** `KIND_MASK`: what addresses it is for; above it: starts since it was last used. */
  kind: 15,
  /** Host offset of the code: that of another run may be another, but where it is the same this is the block that regions are of. */
  hostLo: 16,
  hostHi: 17,
} as const;

/** It is for its address. */
export const FIXED = 0;
/** It is for all addresses. */
export const SLIDING = 1;
/** It was to be for all addresses, and cannot. */
export const STUCK = 2;
export const KIND_MASK = 3;
export const AGE_SHIFT = 2;

/** An address's halves. */
export type KeptAddress = readonly [lo: number, hi: number];

/** A region. Blocks are numbers of those of the image. */
export interface KeptRegion {
  /** Number of its counters, whose place its code has. */
  readonly number: number;
  readonly root: number;
  readonly rootPage: KeptAddress;
  /** Blocks that tier 0 enters it at, the first before the others. */
  readonly entries: readonly number[];
  /** All of its blocks, and the pages that they were in. */
  readonly blocks: readonly number[];
  readonly pages: readonly KeptAddress[];
  /** Blocks that could be entries. */
  readonly covers: readonly number[];
  /** Entries that were added afterwards. */
  readonly wanted: readonly number[];
  readonly wantedPages: readonly KeptAddress[];
  /** Blocks with their copies, their instructions, and instructions on the longest way. */
  readonly nodes: number;
  readonly insns: number;
  readonly longest: number;
  /** Its module, and the helpers that this imports as `h0`, `h1` ... */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly helpers: readonly string[];
  /** What its code takes for constant: the only vCPU's area, where its counters are, where stores are marked; and spans. */
  readonly constants: string;
  readonly spans: readonly { readonly mmu: number; readonly store: boolean; readonly span: Span }[];
  /** Targets of its indirect jumps, and how many of them were known when it was formed. */
  readonly targets: readonly {
    readonly block: number;
    readonly known: number;
    readonly seen: readonly KeptAddress[];
  }[];
  /** Instructions whose accesses it takes for misaligned, and those that look into the TLB: block, number of the instruction, each. */
  readonly unaligned: readonly number[];
  readonly scattered: readonly number[];
  /** Words of tier 0 that lead from one of its blocks to another: host offset, block. */
  readonly links: readonly number[];
}

export interface KeptImage {
  /** Blocks, in the order of their places: `BLOCK_WORDS` words each. */
  readonly blocks: Int32Array;
  /** Their operations, that in front of the first included. */
  readonly code: Int32Array;
  /** Their instructions, packed (`LoweredBlock.insns`), and as many restart words of each as the frontend has slots. */
  readonly insns: Int32Array;
  readonly restarts: Int32Array;
  /** The guest code that they are of. */
  readonly bytes: Uint8Array;
  /** What the places in the table of functions are for that blocks call: names of wrappers, '' for others. */
  readonly wrappers: readonly string[];
  /** Numbers that regions have, one more than the highest. */
  readonly numbers: number;
  readonly regions: readonly KeptRegion[];
}
