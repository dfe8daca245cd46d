/** Keeps translated code for the next machine of a test, copied as a file would. */
import type { CodeStore } from '@boardwalk/core';

export class CodeInMemory implements CodeStore {
  readonly #codes = new Map<string, unknown>();
  /** How often something was saved. */
  saves = 0;

  load(shape: string): unknown {
    return structuredClone(this.#codes.get(shape));
  }

  save(shape: string, code: unknown): void {
    this.saves++;
    this.#codes.set(shape, structuredClone(code));
  }
}
