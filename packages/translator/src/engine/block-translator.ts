/** Reads guest instructions at a place in RAM or ROM and translates them to one block. */
import type { RamSpace } from '@boardwalk/core';
import { codePageBits, type Frontend, type InsnContext, type RelativeOperand } from '../frontend.ts';
import { InstrumentedBuilder } from '../instrument/builder.ts';
import type { Instruments } from '../instrument/instruments.ts';
import { type FenceNeed, IrBuilder } from '../ir/builder.ts';
import type { Node } from '../ir/nodes.ts';
import { movedBy, pcOf } from '../pc.ts';
import { COMMON } from '../state.ts';
import type { BlockLowering } from '../tier0/lower.ts';
import { type InsnPlace, PLACED_WORDS } from '../tier0/placed-insn.ts';
import { NEVER } from '../tier1/tier1.ts';
import { Block, type BlockKey } from './code-cache.ts';
import { CARRIES_ON, InsnMemo, type LeftOut, MOST_EXTENT, memoCarried, memoLength, NOTHING } from './insn-memo.ts';
import { type SecondPage, secondPageAt } from './second-page.ts';

/** Answer of `secondPage`: host offset of the page after the block's, or that the fetch faults (the state says how). */
export type SecondPageSource = () => number;
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
  /** The block is for every address that the code runs at, if its instructions allow. */
  readonly slides: boolean;
  readonly secondPage: SecondPageSource;
  /** The regime of fetches in the mode. */
  readonly fetchMmu: () => number;
  /** Runs until tier 1 is asked to compile the block. */
  readonly countdown: number;
  /** Whether the program is to stop before the instruction at a pc. */
  readonly breakpointAt?: ((pcLo: number, pcHi: number) => boolean) | undefined;
  /** Instruments have seen the first instruction: it is executed again. */
  readonly isRepeated?: boolean;
  /** Sees the IR of the block before it is lowered. */
  readonly watch?: ((ir: readonly Node[]) => void) | undefined;
}

/** Bit of a context beside what is carried: addresses count from `state.codePage`. */
const SLIDES = 16;
const NO_WORDS: readonly number[] = [];
/** Blocks of so many instructions, and by what they run less often before they are compiled: interpreting them costs so much more. */
const LONG_BLOCK = 16;
const LONG_BLOCK_SOONER = 4;

/** Runs until tier 1 is asked to compile a block of so many instructions, where short ones have `countdown`. */
export function runsUntilHot(countdown: number, insns: number): number {
  return insns >= LONG_BLOCK && countdown !== NEVER ? Math.ceil(countdown / LONG_BLOCK_SOONER) : countdown;
}

class Reader implements InsnContext {
  lo = 0;
  hi = 0;
  mode = 0;
  length = 0;
  /** The instruction looked at more than its own bytes, the mode word, and what the two below say, or changed what follows. */
  isPlaced = false;
  /** It asked for addresses. */
  isAddressed = false;
  /** It looked at what was carried to it. */
  isCarriedTo = false;
  /** It looked at its address: at another one it is to be translated anew. */
  isFixed = false;
  /** Bytes of it that were looked at. */
  extent = 0;
  #extraLo = 0;
  #extraHi = 0;
  #carried = 0;
  /** What the instruction assigned to `carried`. */
  handsOn = CARRIES_ON;
  ended = false;
  /** The instruction goes on in the next page, and is not the first of its block. */
  overran = false;
  faulted = false;
  secondHost = -1;
  host = 0;
  first = true;
  secondPage: SecondPageSource = () => FETCH_FAULT;
  breakpointAt: ((pcLo: number, pcHi: number) => boolean) | undefined;
  readonly #space: RamSpace;
  readonly #big: boolean;
  readonly #pageMask: number;
  readonly #misaligned: number;

  constructor(space: RamSpace, frontend: Frontend) {
    this.#space = space;
    this.#misaligned = (frontend.codeAlignment ?? 1) - 1;
    this.#big = frontend.endian === 'big';
    this.#pageMask = 2 ** codePageBits(frontend) - 1;
  }

  get isAligned(): boolean {
    return (this.lo & this.#misaligned) === 0;
  }

  get pcLo(): number {
    this.isPlaced = true;
    this.isFixed = true;
    return this.lo;
  }

  get pcHi(): number {
    this.isPlaced = true;
    this.isFixed = true;
    return this.hi;
  }

  get inPage(): number {
    this.isPlaced = true;
    return this.lo & this.#pageMask;
  }

  addressOf(offset: number): readonly [lo: number, hi: number] {
    this.isAddressed = true;
    return movedBy(this.lo, this.hi, offset);
  }

  get extraLo(): number {
    this.isPlaced = true;
    return this.#extraLo;
  }

  set extraLo(value: number) {
    this.isPlaced = true;
    this.#extraLo = value;
  }

  get extraHi(): number {
    this.isPlaced = true;
    return this.#extraHi;
  }

  set extraHi(value: number) {
    this.isPlaced = true;
    this.#extraHi = value;
  }

  get carried(): number {
    this.isCarriedTo = true;
    return this.#carried;
  }

  /** The same, for the engine. */
  get known(): number {
    return this.#carried;
  }

  set carried(value: number) {
    if (value < 0 || value >= CARRIES_ON) throw new RangeError(`${value} cannot be carried`);
    this.#carried = value;
    this.handsOn = value;
  }

  /** Bytes from here to the end of the page. */
  get room(): number {
    return this.#pageMask + 1 - (this.lo & this.#pageMask);
  }

  fetch16(offset: number): number {
    if (offset + 2 > this.extent) this.extent = offset + 2;
    if (offset < 0) this.isPlaced = true;
    const inPage = (this.lo & this.#pageMask) + offset;
    const isWithin = inPage < this.#pageMask;
    const a = isWithin ? (this.#space.u8[this.host + offset] ?? 0) : this.#byte(offset);
    const b = isWithin ? (this.#space.u8[this.host + offset + 1] ?? 0) : this.#byte(offset + 1);
    return this.#big ? (a << 8) | b : a | (b << 8);
  }

  fetch32(offset: number): number {
    const a = this.fetch16(offset);
    const b = this.fetch16(offset + 2);
    return (this.#big ? (a << 16) | b : a | (b << 16)) >>> 0;
  }

  #byte(offset: number): number {
    const inPage = (this.lo & this.#pageMask) + offset;
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
  readonly #plain = new IrBuilder();
  readonly #instrumented: InstrumentedBuilder;
  readonly #instruments: Instruments;
  #builder: IrBuilder = this.#plain;
  readonly #reader: Reader;
  readonly #space: RamSpace;
  readonly #memo = new InsnMemo();
  /** Of instructions that depend on addresses of code or on what is carried to them, and of those that end blocks. */
  readonly #placedMemo = new InsnMemo();
  readonly #place: InsnPlace = { pcLo: 0, pcHi: 0, relative: undefined };
  readonly #relative: RelativeOperand = { first: 0, rest: 0, offset: 0 };
  readonly #pageMask: number;
  /** What is translated now, and its second page as far as that is known. */
  #request: TranslateRequest | undefined;
  #second: SecondPage | undefined;
  #start: Constants = { mode: 0, extraLo: 0, extraHi: 0 };

  constructor(space: RamSpace, frontend: Frontend, lowering: BlockLowering, instruments: Instruments) {
    this.#space = space;
    this.#instruments = instruments;
    this.#instrumented = new InstrumentedBuilder(instruments);
    this.#frontend = frontend;
    this.#lowering = lowering;
    this.#reader = new Reader(space, frontend);
    this.#pageMask = 2 ** codePageBits(frontend) - 1;
  }

  /** Says what fences of the guest have to do. */
  orderAccesses(fences: FenceNeed): void {
    for (const builder of [this.#plain, this.#instrumented]) builder.fences = fences;
  }

  /**
   * The IR of a block translated before, or of its first `maxInsns` instructions, with a jump to what follows; undefined if the
   * same block cannot be had again. `wholes` as in `ValueBuilder`.
   */
  irOf(block: Block, maxInsns: number, wholes: boolean): Node[] | undefined {
    const { key } = block;
    if (block.isBreakpoint) return undefined;
    this.#begin(key, () => key.secondHost, undefined);
    // A breakpoint may have cut it, and may be gone.
    const ir: Node[] = [];
    this.#plain.wholes = wholes;
    this.#plain.slides = block.slides;
    try {
      if (!this.#read(Math.min(maxInsns, block.insns.length), (list) => append(ir, list), false)) return undefined;
    } finally {
      this.#plain.wholes = false;
      this.#plain.slides = false;
    }
    const isWhole = maxInsns >= block.insns.length;
    if (isWhole && this.#reader.host - key.host !== block.bytes) return undefined;
    return ir;
  }

  /** The block, or undefined where its first instruction cannot be fetched whole. */
  translate(request: TranslateRequest): Block | undefined {
    if (!request.slides) return this.#translate(request, false);
    this.#plain.slides = true;
    try {
      const inPage = { ...request, pcLo: request.pcLo & this.#pageMask, pcHi: 0 };
      const block = this.#translate(inPage, true);
      if (block !== undefined || this.#reader.faulted) return block;
    } finally {
      this.#plain.slides = false;
    }
    return this.#translate(request, false);
  }

  /** The same; undefined also where a block that slides cannot be made. */
  #translate(request: TranslateRequest, slides: boolean): Block | undefined {
    const { place, countdown, watch } = request;
    const lowering = this.#lowering;
    this.#begin(request, request.secondPage, request.breakpointAt);
    lowering.begin(place, countdown, slides);
    this.#request = request;
    this.#second = undefined;
    if (this.#instruments.isEmpty && watch === undefined) {
      if (!this.#read(request.maxInsns, this.#lower, true)) return undefined;
    } else {
      const ir: Node[] = [];
      const take = (list: readonly Node[]): void => append(ir, list);
      const isRead = this.#instruments.isEmpty
        ? this.#read(request.maxInsns, take, false)
        : this.#readInstrumented(request, take);
      if (!isRead) return undefined;
      watch?.(ir);
      this.#open();
      lowering.addBlock(ir);
    }
    const { host, secondHost } = this.#reader;
    const lowered = lowering.finish();
    const runs = runsUntilHot(countdown, lowered.insns.length);
    if (runs !== countdown) lowering.setCountdown(runs);
    return new Block(request, secondHost, host - request.host, lowered, runs, slides, this.#second);
  }

  /** Lowers the statements of an instruction as they come. */
  readonly #lower = (statements: readonly Node[]): void => {
    this.#open();
    this.#lowering.add(statements);
  };

  /** Opens a block that goes on in a second page with a look at where that is. */
  #open(): void {
    const { secondHost } = this.#reader;
    const request = this.#request;
    if (secondHost < 0 || this.#second !== undefined || request === undefined) return;
    const { pcLo, pcHi } = request;
    this.#second = secondPageAt(this.#frontend, pcLo, pcHi, secondHost, request.fetchMmu());
    this.#lowering.lookAt(this.#second, pcLo, pcHi);
  }

  /** The statements of a block with what instruments have put into it. */
  #readInstrumented(request: TranslateRequest, take: (statements: readonly Node[]) => void): boolean {
    const { isRepeated, pcLo, pcHi } = request;
    const instruments = this.#instruments;
    const builder = this.#instrumented;
    const reader = this.#reader;
    let isFirst = true;
    this.#builder = builder;
    builder.pc = pcOf(pcLo, pcHi);
    try {
      return this.#read(
        request.maxInsns,
        (list) => {
          // What comes behind the last instruction has no marker.
          if (list[0]?.detail.kind === 'insn' && !(isFirst && isRepeated === true)) {
            const bytes = this.#space.u8.slice(reader.host, reader.host + reader.length);
            const disassemble = (): string => this.#frontend.disassemble(bytes, place.pc).text;
            const place = { pc: builder.pc, mode: reader.mode, bytes, disassemble };
            instruments.emit(this.#plain, place, isFirst);
            take(this.#plain.finish());
          }
          take(list);
          isFirst = false;
          builder.pc = BigInt.asUintN(64, builder.pc + BigInt(reader.length));
        },
        false,
      );
    } finally {
      this.#builder = this.#plain;
    }
  }

  #begin(
    at: Omit<BlockKey, 'secondHost'>,
    secondPage: SecondPageSource,
    breakpointAt: ((pcLo: number, pcHi: number) => boolean) | undefined,
  ): void {
    const reader = this.#reader;
    const { mode, extraLo, extraHi } = at;
    reader.lo = at.pcLo;
    reader.hi = at.pcHi;
    reader.mode = mode;
    reader.extraLo = extraLo;
    reader.extraHi = extraHi;
    reader.host = at.host;
    reader.secondPage = secondPage;
    reader.breakpointAt = breakpointAt;
    reader.secondHost = -1;
    reader.faulted = false;
    reader.first = true;
    reader.carried = 0;
    this.#start = { mode, extraLo, extraHi };
  }

  /** The block that stands for a breakpoint: no instruction, a stop. */
  translateStop(key: Omit<BlockKey, 'secondHost'>, place: number): Block {
    return new Block(key, -1, 1, this.#lowering.lowerStop(place), NEVER, false);
  }

  /** Gives the statements of a block, an instruction at a time; false where the first cannot be fetched. */
  #read(maxInsns: number, take: (statements: readonly Node[]) => void, isLowered: boolean): boolean {
    const reader = this.#reader;
    for (let count = 0; ; count++) {
      if (this.#isFull(count, maxInsns)) return this.#endAt(take);
      if (isLowered && this.#repeat()) {
        if (reader.ended) return true;
        continue;
      }
      const { mode, extraLo, extraHi, known } = reader;
      const insn = this.#instruction();
      if (reader.faulted) return false;
      const isStuck = this.#plain.slides && (reader.isFixed || reader.secondHost >= 0);
      if (isStuck && count === 0) return false;
      if (reader.overran || isStuck) {
        reader.mode = mode;
        reader.extraLo = extraLo;
        reader.extraHi = extraHi;
        return this.#endAt(take);
      }
      take(insn);
      if (isLowered && !reader.isPlaced && reader.mode === mode) this.#remember(known);
      this.#advance();
      if (reader.ended) return true;
      if (reader.secondHost >= 0) return this.#endAt(take);
      reader.first = false;
    }
  }

  /** Whether the block ends before its next instruction, of which it has `count` already. */
  #isFull(count: number, maxInsns: number): boolean {
    const { lo, hi, breakpointAt } = this.#reader;
    if (count === 0) return false;
    return count >= maxInsns || (lo & this.#pageMask) === 0 || breakpointAt?.(lo, hi) === true;
  }

  /** Copies the operations of an instruction that was translated before. */
  #repeat(): boolean {
    const reader = this.#reader;
    if (!reader.isAligned) return false;
    reader.ended = false;
    const memo = this.#memo;
    const found = memo.find(this.#space.u8, reader.host, reader.room, reader.mode);
    if (found < 0) return this.#repeatPlaced();
    const { lo, hi } = reader;
    this.#lowering.repeat(lo, hi, this.#restartWords(), memo.words, memo.place(found), memo.count(found));
    this.#repeated(found);
    return true;
  }

  /** Copies those of one that depends on where it stands by addresses, and on what is carried to it. */
  #repeatPlaced(): boolean {
    const reader = this.#reader;
    const memo = this.#placedMemo;
    const { room, host, mode } = reader;
    // Looking for a relative operand must not go on into the next page.
    if (room < MOST_EXTENT) return false;
    const leftOut = this.#relativeOperand();
    const { u8 } = this.#space;
    let found = memo.find(u8, host, room, mode, this.#context(CARRIES_ON), leftOut);
    if (found < 0) found = memo.find(u8, host, room, mode, this.#context(reader.known), leftOut);
    if (found < 0) return false;
    const { words } = memo;
    const count = memo.count(found) - PLACED_WORDS;
    reader.ended = this.#lowering.repeatPlaced(this.#place, this.#restartWords(), words, memo.place(found), count);
    this.#repeated(found);
    return true;
  }

  #repeated(found: number): void {
    const reader = this.#reader;
    reader.length = memoLength(found);
    const carried = memoCarried(found);
    if (carried !== CARRIES_ON) reader.carried = carried;
    this.#advance();
    reader.first = false;
  }

  /** Keeps the operations of the instruction lowered last, if they can be repeated. `carried`: what was carried to it. */
  #remember(carried: number): void {
    const reader = this.#reader;
    const { host, extent, length, mode, handsOn, secondHost, isAligned } = reader;
    if (secondHost >= 0 || !isAligned) return;
    const { u8 } = this.#space;
    const insn = { u8, host, extent, length, mode, carried: handsOn };
    if (!reader.ended && !reader.isAddressed && !reader.isCarriedTo) {
      this.#lowering.takeInsn((from, at, words) => this.#memo.add(insn, from, at, words));
      return;
    }
    const leftOut = reader.room < MOST_EXTENT ? undefined : this.#relativeOperand();
    // Where both are the same distance, an address does not tell which it is.
    if (leftOut === undefined || this.#place.relative === length) return;
    const context = this.#context(reader.isCarriedTo ? carried : CARRIES_ON);
    this.#lowering.takePlaced(this.#place, this.#builder.addresses, (from, at, words, placed) =>
      this.#placedMemo.add({ ...insn, context, leftOut }, from, at, words, placed),
    );
  }

  /** What an instruction that asks for addresses was translated for, beside the mode. */
  #context(carried: number): number {
    return carried | (this.#plain.slides ? SLIDES : 0);
  }

  /** Where the reader is, with the relative operand there, whose bits are given. */
  #relativeOperand(): LeftOut {
    const place = this.#place;
    const operand = this.#relative;
    place.pcLo = this.#reader.lo;
    place.pcHi = this.#reader.hi;
    const hasOne = this.#frontend.relativeOperand?.(this.#reader, operand) === true;
    place.relative = hasOne ? operand.offset : undefined;
    return hasOne ? operand : NOTHING;
  }

  #restartWords(): readonly number[] {
    return this.#frontend.restartWords?.(this.#reader) ?? NO_WORDS;
  }

  #instruction(): Node[] {
    const reader = this.#reader;
    reader.length = 0;
    reader.ended = false;
    reader.overran = false;
    reader.extent = 0;
    reader.handsOn = CARRIES_ON;
    reader.isFixed = false;
    this.#builder.insnStart(reader.lo, reader.hi, this.#restartWords());
    reader.isPlaced = false;
    reader.isAddressed = false;
    reader.isCarriedTo = false;
    this.#frontend.translateInsn(this.#builder, reader);
    return this.#builder.finish();
  }

  #advance(): void {
    const reader = this.#reader;
    const low = (reader.lo >>> 0) + reader.length;
    reader.lo = low | 0;
    if (low >= 2 ** 32) reader.hi = (reader.hi + 1) | 0;
    reader.host += reader.length;
  }

  /** The block goes on at the reader's pc, in its mode, which is not what it started with where an instruction says so. */
  #endAt(take: (statements: readonly Node[]) => void): boolean {
    const { lo, hi, mode, extraLo, extraHi } = this.#reader;
    const start = this.#start;
    if (mode !== start.mode) this.#builder.set(COMMON.mode, this.#builder.i32(mode));
    if (extraLo !== start.extraLo || extraHi !== start.extraHi) {
      this.#builder.set(COMMON.extra, this.#builder.i64x(extraLo, extraHi));
    }
    this.#builder.goto(lo, hi);
    take(this.#builder.finish());
    return true;
  }
}

function append(list: Node[], more: readonly Node[]): void {
  for (const node of more) list.push(node);
}
