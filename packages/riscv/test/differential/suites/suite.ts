import type { Program } from '../program.ts';

/** A subject of comparison: makes programs of random cases. */
export interface Suite {
  readonly name: string;
  /** Control and status registers that each case sets and reads besides mstatus and fcsr. */
  readonly csrs?: readonly number[];
  /** Cases in a quick run; 0 for a suite that is always the same, and runs once. */
  readonly quick: number;
  /** Fills a program with about so many cases, or as many as fit. */
  build(program: Program, cases: number): void;
}
