import type { Program, ProgramOptions } from '../program.ts';

/** A subject of comparison: makes programs of random cases. */
export interface Suite {
  readonly name: string;
  readonly options?: ProgramOptions;
  /** Cases in a quick run. */
  readonly quick: number;
  /** Fills a program with about so many cases, or as many as fit. */
  build(program: Program, cases: number): void;
}
