/** Runs operations of the library over arrays of operands, inside WebAssembly. */
import type { Value } from '../../src/ir/builder.ts';
import { defineHelper, type IrHelper } from '../../src/ir/helper.ts';
import { createSoftFloat, type SoftFloatOptions } from '../../src/softfloat/index.ts';
import { StateLayout } from '../../src/state.ts';
import { compileHelpers } from '../../src/wasm/link.ts';
import type { Operation } from './operations.ts';

export interface Case {
  readonly operands: readonly bigint[];
  readonly rm: number;
  /** The flags slot before; the flags raised since then are told apart from them by {@link Batch.run}. */
  readonly before: number;
}

export interface CaseResult {
  readonly bits: bigint;
  /** The flags slot after. */
  readonly flags: number;
}

const STATE_AT = 0;
const RECORDS_AT = 65536;
/** Up to six words of operands, the result, its right half if it has one, flags before and after, rm. */
const RECORD = { bytes: 80, result: 48, low: 56, before: 64, after: 68, rm: 72 } as const;
const PAGES = 512;
const CAPACITY = Math.floor(((PAGES - 1) * 65536) / RECORD.bytes);

/** The options of RISC-V, but for the slot. */
export const RISCV: Omit<SoftFloatOptions, 'flags'> = { defaultNan: true, tininess: 'after' };

export class Batch {
  readonly #memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  readonly #functions: ReturnType<typeof compileHelpers>;

  constructor(operations: readonly Operation[], options: Omit<SoftFloatOptions, 'flags'> = RISCV) {
    const state = new StateLayout();
    const flags = state.field('flags', 'i32');
    const low = state.field('low', 'i64');
    const addend = [state.field('addendHigh', 'i64'), state.field('addendLow', 'i64')] as const;
    const library = createSoftFloat({ flags, ...options });
    const driver = (o: Operation): IrHelper => {
      const helper = o.helper(library, low, addend);
      return defineHelper(`run ${o.name}`, ['i32'], undefined, (b, end) => {
        const at = b.local('i32', b.i32(RECORDS_AT));
        b.loop((breakIf) => {
          const here = b.getLocal(at);
          breakIf(b.geU(here, end));
          const word = (offset: number, size: 4 | 8): Value =>
            b.hostLoad(b.add(here, b.i32(offset)), { size, ty: size === 4 ? 'i32' : 'i64' });
          b.set(flags, word(RECORD.before, 4));
          const args = helper.params.map((ty, i) => (ty === 'i32' ? word(RECORD.rm, 4) : word(8 * i, 8)));
          const result = b.call(helper, ...args);
          const wide = helper.result === 'i32' ? b.extend32U(result) : result;
          b.hostStore(b.add(here, b.i32(RECORD.result)), wide, { size: 8 });
          b.hostStore(b.add(here, b.i32(RECORD.low)), b.get(low), { size: 8 });
          b.hostStore(b.add(here, b.i32(RECORD.after)), b.get(flags), { size: 4 });
          b.setLocal(at, b.add(here, b.i32(RECORD.bytes)));
        });
      });
    };
    this.#functions = compileHelpers(this.#memory, operations.map(driver));
  }

  /** Any number of cases, in order. */
  run(o: Operation, cases: readonly Case[]): CaseResult[] {
    const results: CaseResult[] = [];
    for (let start = 0; start < cases.length; start += CAPACITY) {
      this.#runPart(o, cases.slice(start, start + CAPACITY), results);
    }
    return results;
  }

  #runPart(o: Operation, cases: readonly Case[], results: CaseResult[]): void {
    this.#write(o, cases);
    this.#call(o, cases.length);
    const view = new DataView(this.#memory.buffer, RECORDS_AT);
    for (let at = 0; at < cases.length * RECORD.bytes; at += RECORD.bytes) {
      const word = view.getBigUint64(at + RECORD.result, true);
      const bits = o.result === 'f128' ? (word << 64n) | view.getBigUint64(at + RECORD.low, true) : word;
      results.push({ bits, flags: view.getInt32(at + RECORD.after, true) });
    }
  }

  #write(o: Operation, cases: readonly Case[]): void {
    const view = new DataView(this.#memory.buffer, RECORDS_AT);
    for (const [i, { operands, rm, before }] of cases.entries()) {
      const at = i * RECORD.bytes;
      const words = operands.flatMap((operand, k) =>
        o.operands[k] === 'f128' ? [operand >> 64n, operand] : [operand],
      );
      for (const [k, word] of words.entries()) view.setBigUint64(at + 8 * k, BigInt.asUintN(64, word), true);
      view.setInt32(at + RECORD.before, before, true);
      view.setInt32(at + RECORD.rm, rm, true);
    }
  }

  #call(o: Operation, count: number): void {
    const run = this.#functions[`run ${o.name}`];
    if (run === undefined) throw new Error(`${o.name} is not in this batch`);
    run(STATE_AT, RECORDS_AT + count * RECORD.bytes);
  }

  /** Writes the cases, at most {@link CAPACITY}, and gives what runs them all, any number of times. */
  prepare(o: Operation, cases: readonly Case[]): () => void {
    this.#write(o, cases);
    return () => this.#call(o, cases.length);
  }
}
