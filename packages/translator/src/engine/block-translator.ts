/** Reads guest instructions at a place in RAM or ROM and translates them to one block. */
import type { RamSpace } from '@boardwalk/core';
import { codePageBits, type Frontend, type InsnContext } from '../frontend.ts';
import { IrBuilder } from '../ir/builder.ts';
import type { Node } from '../ir/nodes.ts';
import { COMMON } from '../state.ts';
import type { BlockLowering } from '../tier0/lower.ts';
import { NEVER } from '../tier1/tier1.ts';
import { Block, type BlockKey } from './code-cache.ts';

/** Answer of `secondPage`: host offset of the page after the block's, or that the fetch faults (the state says how). */
export type SecondPage = () => number;
export const FETCH_FAULT = -1;

export interface TranslateRequest {
  readonly host: number;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly mode: number;
  readonly extraLo: number;
  readonly extraHi: number;
  readonly maxInsns: number;
  /** Where the operations go. */
  readonly place: number;
  readonly secondPage: SecondPage;
  /** Runs until tier 1 is asked to compile the block. */
  readonly countdown: number;
  /** Whether the program is to stop before the instruction at a pc. */
  readonly breakpointAt?: ((pcLo: number, pcHi: number) => boolean) | undefined;
  /** Sees the IR of the block before it is lowered. */
  readonly watch?: ((ir: readonly Node[]) => void) | undefined;
}

class Reader implements InsnContext {
  pcLo = 0;
  pcHi = 0;
  mode = 0;
  extraLo = 0;
  extraHi = 0;
  length = 0;
  ended = false;
  /** The instruction goes on in the next page, and is not the first of its block. */
  overran = false;
  faulted = false;
  secondHost = -1;
  host = 0;
  first = true;
  secondPage: SecondPage = () => FETCH_FAULT;
  breakpointAt: ((pcLo: number, pcHi: number) => boolean) | undefined;
  readonly #space: RamSpace;
  readonly #big: boolean;
  readonly #pageMask: number;

  constructor(space: RamSpace, frontend: Frontend) {
    this.#space = space;
    this.#big = frontend.endian === 'big';
    this.#pageMask = 2 ** codePageBits(frontend) - 1;
  }

  fetch16(offset: number): number {
    const a = this.#byte(offset);
    const b = this.#byte(offset + 1);
    return this.#big ? (a << 8) | b : a | (b << 8);
  }

  fetch32(offset: number): number {
    const a = this.fetch16(offset);
    const b = this.fetch16(offset + 2);
    return (this.#big ? (a << 16) | b : a | (b << 16)) >>> 0;
  }

  #byte(offset: number): number {
    const inPage = (this.pcLo & this.#pageMask) + offset;
    if (inPage <= this.#pageMask) return this.#space.u8[this.host + offset] ?? 0;
    if (!this.first) {
      this.overran = true;
      return 0;
    }
    if (this.secondHost < 0 && !this.faulted) {
      this.secondHost = this.secondPage();
      this.faulted = this.secondHost === FETCH_FAULT;
    }
    return this.faulted ? 0 : (this.#space.u8[this.secondHost + inPage - this.#pageMask - 1] ?? 0);
  }
}

/** What the translation of an instruction takes for constant. */
interface Constants {
  readonly mode: number;
  readonly extraLo: number;
  readonly extraHi: number;
}

export class BlockTranslator {
  readonly #frontend: Frontend;
  readonly #lowering: BlockLowering;
  readonly #builder = new IrBuilder();
  readonly #reader: Reader;

  constructor(space: RamSpace, frontend: Frontend, lowering: BlockLowering) {
    this.#frontend = frontend;
    this.#lowering = lowering;
    this.#reader = new Reader(space, frontend);
  }

  /** The IR of a block translated before; undefined if the same block cannot be had again. */
  irOf(block: Block, maxInsns: number): Node[] | undefined {
    const { key } = block;
    if (key.secondHost >= 0) return undefined;
    if (block.isBreakpoint) return undefined;
    this.#start({ ...key, secondPage: () => FETCH_FAULT });
    // A breakpoint may have cut it, and may be gone.
    const statements = this.#statements(Math.min(maxInsns, block.insns.length));
    if (this.#reader.host - key.host !== block.bytes) return undefined;
    return statements;
  }

  /** The block, or undefined where its first instruction cannot be fetched whole. */
  translate(request: TranslateRequest): Block | undefined {
    const reader = this.#reader;
    this.#start(request);
    const statements = this.#statements(request.maxInsns);
    if (statements === undefined) return undefined;
    request.watch?.(statements);
    const lowered = this.#lowering.lower(statements, request.place, request.countdown);
    const { host, pcLo, pcHi, mode, extraLo, extraHi } = request;
    const key = { host, pcLo, pcHi, mode, extraLo, extraHi, secondHost: reader.secondHost };
    return new Block(key, reader.host - host, lowered, request.countdown);
  }

  #start(
    at: Pick<
      TranslateRequest,
      'host' | 'pcLo' | 'pcHi' | 'mode' | 'extraLo' | 'extraHi' | 'secondPage' | 'breakpointAt'
    >,
  ): void {
    const reader = this.#reader;
    reader.pcLo = at.pcLo;
    reader.pcHi = at.pcHi;
    reader.mode = at.mode;
    reader.extraLo = at.extraLo;
    reader.extraHi = at.extraHi;
    reader.host = at.host;
    reader.secondPage = at.secondPage;
    reader.breakpointAt = at.breakpointAt;
    reader.secondHost = -1;
    reader.faulted = false;
    reader.first = true;
  }

  /** The block that stands for a breakpoint: no instruction, a stop. */
  translateStop(key: Omit<BlockKey, 'secondHost'>, place: number): Block {
    return new Block({ ...key, secondHost: -1 }, 1, this.#lowering.lowerStop(place), NEVER);
  }

  #statements(maxInsns: number): Node[] | undefined {
    const reader = this.#reader;
    const statements: Node[] = [];
    const pageMask = 2 ** codePageBits(this.#frontend) - 1;
    const start: Constants = { mode: reader.mode, extraLo: reader.extraLo, extraHi: reader.extraHi };
    for (let count = 0; ; count++) {
      if (count === maxInsns || (count > 0 && (reader.pcLo & pageMask) === 0)) return this.#endAt(statements, start);
      if (count > 0 && reader.breakpointAt?.(reader.pcLo, reader.pcHi)) return this.#endAt(statements, start);
      const { mode, extraLo, extraHi } = reader;
      const insn = this.#instruction();
      if (reader.faulted) return undefined;
      if (reader.overran) {
        reader.mode = mode;
        reader.extraLo = extraLo;
        reader.extraHi = extraHi;
        return this.#endAt(statements, start);
      }
      for (const node of insn) statements.push(node);
      this.#advance();
      if (reader.ended) return statements;
      if (reader.secondHost >= 0) return this.#endAt(statements, start);
      reader.first = false;
    }
  }

  #instruction(): Node[] {
    const reader = this.#reader;
    reader.length = 0;
    reader.ended = false;
    reader.overran = false;
    const restart = this.#frontend.restartWords?.(reader) ?? [];
    this.#builder.insnStart(reader.pcLo, reader.pcHi, restart);
    this.#frontend.translateInsn(this.#builder, reader);
    return this.#builder.finish();
  }

  #advance(): void {
    const reader = this.#reader;
    const low = (reader.pcLo >>> 0) + reader.length;
    reader.pcLo = low | 0;
    if (low >= 2 ** 32) reader.pcHi = (reader.pcHi + 1) | 0;
    reader.host += reader.length;
  }

  /** The block goes on at the reader's pc, in its mode, which is not what it started with where an instruction says so. */
  #endAt(statements: Node[], start: Constants): Node[] {
    const { mode, extraLo, extraHi } = this.#reader;
    if (mode !== start.mode) this.#builder.set(COMMON.mode, this.#builder.i32(mode));
    if (extraLo !== start.extraLo || extraHi !== start.extraHi) {
      this.#builder.set(COMMON.extra, this.#builder.i64x(extraLo, extraHi));
    }
    this.#builder.goto(this.#reader.pcLo, this.#reader.pcHi);
    for (const node of this.#builder.finish()) statements.push(node);
    return statements;
  }
}
