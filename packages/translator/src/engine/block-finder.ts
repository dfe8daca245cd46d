/** Finds the blocks that a vCPU goes on with, and translates those that are not there. */
import { MEM_DECODE_ERROR, MEM_ERROR, type VcpuThread } from '@boardwalk/core';
import { printIr } from '../ir/print.ts';
import type { Slot } from '../ir/types.ts';
import { FIELD } from '../kept/image.ts';
import type { KeptCode } from '../kept/kept-code.ts';
import { type Address, pcOf } from '../pc.ts';
import { FAULTED, JUMP_CACHE, NOT_RAM } from '../softmmu/layout.ts';
import { jumpCacheIndex } from '../softmmu/tables.ts';
import { COMMON } from '../state.ts';
import { NEVER } from '../tier1/tier1.ts';
import { FETCH_FAULT, runsUntilHot } from './block-translator.ts';
import { type Block, type BlockKey, leadsTo } from './code-cache.ts';
import { type Engine, MAX_BLOCK_INSNS } from './engine.ts';
import { nextPage, type SecondPage, secondPageAt } from './second-page.ts';
import { type VcpuWords, writeSlot } from './vcpu-words.ts';

export interface BlockFinderOptions {
  readonly engine: Engine;
  readonly words: VcpuWords;
  /** Where the vCPU runs on a thread of its own. */
  readonly thread: VcpuThread | undefined;
  /** Raises the exception that the state describes. */
  readonly raise: () => void;
}

export class BlockFinder {
  readonly #engine: Engine;
  readonly #words: VcpuWords;
  readonly #thread: VcpuThread | undefined;
  readonly #raise: () => void;

  constructor(o: BlockFinderOptions) {
    this.#engine = o.engine;
    this.#words = o.words;
    this.#thread = o.thread;
    this.#raise = o.raise;
  }

  /** Place of translated code for the pc; 0 if the fetch raised an exception. */
  enter(): number {
    const found = this.#engine.exports.lookup(this.#words.base) >>> 0;
    if (found !== 0) return found;
    const host = this.fetchHost();
    if (host === FETCH_FAULT) return 0;
    const block = this.blockFor(host, this.#words.get(COMMON.pc), this.#words.get(COMMON.pc, 4));
    return block?.found ?? 0;
  }

  /** Host offset of the instruction at the pc, or FETCH_FAULT: an exception was raised. */
  fetchHost(): number {
    const host = this.#engine.exports.fetchHost(this.#words.base);
    this.#words.set(COMMON.fault, 0);
    if (host !== FAULTED && host !== NOT_RAM) return host;
    if (host === NOT_RAM) this.#fetchError(this.#pc);
    this.#raise();
    return FETCH_FAULT;
  }

  /** The block for code at a host offset, translated if it is not there; undefined if its fetch raised an exception. */
  blockFor(host: number, pcLo: number, pcHi: number): Block | undefined {
    const { cache } = this.#engine;
    const mode = this.#words.get(COMMON.mode);
    const [extraLo, extraHi] = this.#extra();
    const key = { host, pcLo, pcHi, mode, extraLo, extraHi };
    const known = cache.find(key);
    if (known !== undefined && known.key.secondHost < 0) {
      cache.enterHash(known);
      return known;
    }
    if (known !== undefined) {
      const second = this.#secondPage(pcLo, pcHi);
      if (second === FETCH_FAULT) {
        this.#raise();
        return undefined;
      }
      if (second === known.key.secondHost) return known;
      cache.invalidate(known.key.host, 1);
    }
    if (this.#thread !== undefined) {
      cache.place();
      cache.claim(host);
    }
    const engine = this.#engine;
    const longest = engine.frontend.maxBlockInsns ?? MAX_BLOCK_INSNS;
    if (engine.debug.isBreakpoint(pcLo, pcHi)) {
      const stop = engine.blocks.translateStop(key, cache.place());
      cache.add(stop);
      return stop;
    }
    const slides = engine.slides(host, pcLo, pcHi);
    const kept = engine.keeps;
    const back = kept === undefined ? undefined : this.#fromEarlier(kept, key, slides);
    if (back === 'faulted') {
      this.#raise();
      return undefined;
    }
    if (back !== undefined) return back;
    const block = this.translate(host, pcLo, pcHi, longest, engine.countdown(host), slides);
    if (block === undefined) return undefined;
    cache.add(block);
    kept?.noteBlock(block, slides);
    return block;
  }

  /** The block that an earlier run had for code; undefined where it had none. */
  #fromEarlier(kept: KeptCode, key: Omit<BlockKey, 'secondHost'>, slides: boolean): Block | undefined | 'faulted' {
    const id = kept.find(key, slides);
    if (id < 0) return undefined;
    const { frontend, exports, cache } = this.#engine;
    let second: SecondPage | undefined;
    if (kept.blocks.hasSecond(id)) {
      const { pcLo, pcHi } = key;
      const host = this.#secondPage(pcLo, pcHi);
      if (host === FETCH_FAULT) return 'faulted';
      if (!kept.blocks.isSecond(id, host)) return undefined;
      second = secondPageAt(frontend, pcLo, pcHi, host, exports.fetchMmu(this.#words.base));
    }
    const block = kept.putBack(id, key, this.#countdown(kept, id, key.host), second);
    if (block !== undefined) cache.addKept(block);
    return block;
  }

  /** Puts back a block for code at a host offset, in the page that its pc is in, if it is that code and no other block is there. */
  putBack(id: number, host: number, { lo, hi }: Address): Block | undefined {
    const { keeps: kept, cache } = this.#engine;
    if (kept === undefined || kept.blocks.hasSecond(id) || !kept.blocks.isAt(id, host)) return undefined;
    const field = (n: number): number => kept.blocks.field(id, n);
    const extra = { extraLo: field(FIELD.extraLo), extraHi: field(FIELD.extraHi) };
    const key = { host, pcLo: lo, pcHi: hi, mode: field(FIELD.mode), ...extra };
    if (cache.find(key) !== undefined) return undefined;
    const block = kept.putBack(id, key, this.#countdown(kept, id, host), undefined);
    if (block !== undefined) cache.addKept(block);
    return block;
  }

  #countdown(kept: KeptCode, id: number, host: number): number {
    return runsUntilHot(this.#engine.countdown(host), kept.blocks.field(id, FIELD.insns));
  }

  translate(
    host: number,
    pcLo: number,
    pcHi: number,
    maxInsns: number,
    countdown = NEVER,
    slides = false,
  ): Block | undefined {
    const { blocks, cache, debug, log } = this.#engine;
    const watch = log.enabled('op') ? (ir: Parameters<typeof printIr>[0]) => log.write('op', printIr(ir)) : undefined;
    const mode = this.#words.get(COMMON.mode);
    const secondPage = (): number => this.#secondPage(pcLo, pcHi);
    const started = performance.now();
    const place = cache.place();
    const [extraLo, extraHi] = this.#extra();
    const at = { host, pcLo, pcHi, mode, extraLo, extraHi };
    const block = blocks.translate({
      ...at,
      maxInsns,
      place,
      slides,
      countdown,
      secondPage,
      fetchMmu: () => this.#engine.exports.fetchMmu(this.#words.base),
      watch,
      breakpointAt: debug.breakpointAt,
      isRepeated: this.#words.get(COMMON.storeToCode) !== 0,
    });
    cache.stats.translateMs += performance.now() - started;
    if (block === undefined) this.#raise();
    else if (log.enabled('in_asm')) this.#logCode(block, pcOf(pcLo, pcHi));
    return block;
  }

  /** Host offset of the page after that of a pc, or FETCH_FAULT with the exception in the state. */
  #secondPage(pcLo: number, pcHi: number): number {
    const { exports, frontend } = this.#engine;
    const next = nextPage(frontend, pcLo, pcHi);
    this.#setRegister(COMMON.pc, next);
    const host = exports.fetchHost(this.#words.base);
    this.#words.setPc(pcLo, pcHi);
    this.#words.set(COMMON.fault, 0);
    if (host === NOT_RAM) this.#fetchError(next);
    if (host === FAULTED || host === NOT_RAM) return FETCH_FAULT;
    if (this.#thread !== undefined) this.#engine.cache.claim(host);
    return host;
  }

  /** A block that the vCPU would find now; undefined where it would have to translate. */
  lookup(lo: number, hi: number, mode: number): Block | undefined {
    if (this.#words.get(COMMON.mode) !== mode) return undefined;
    const [pcLo, pcHi] = [this.#words.get(COMMON.pc), this.#words.get(COMMON.pc, 4)];
    this.#words.setPc(lo, hi);
    const ip = this.#engine.exports.lookup(this.#words.base) >>> 0;
    this.#words.setPc(pcLo, pcHi);
    const block = ip === 0 ? undefined : this.#engine.cache.blockAt(ip);
    return block?.valid && leadsTo(block, ip) && block.key.secondHost < 0 ? block : undefined;
  }

  /** The high half of a pc in the jump cache with this low half. */
  highOf(lo: number): number | undefined {
    const at = (this.#words.base + JUMP_CACHE + jumpCacheIndex(lo) * 16) >>> 2;
    const { i32 } = this.#engine.space;
    return i32[at] === lo ? i32[at + 1] : undefined;
  }

  /** A fetch found no memory at `state.pa`: code of devices does not run. */
  #fetchError(pc: bigint): void {
    this.#words.set(COMMON.busResult, this.#engine.isMapped(this.#words.base) ? MEM_ERROR : MEM_DECODE_ERROR);
    this.#setException(this.#engine.frontend.exceptions.busFetch, pc);
  }

  #setException(code: number, value: bigint): void {
    this.#words.set(COMMON.excCode, code);
    this.#setRegister(COMMON.excValue, value);
  }

  /** The halves of the second word of a block's key: 0 where the frontend has none. */
  #extra(): readonly [lo: number, hi: number] {
    if (this.#engine.frontend.usesExtra !== true) return [0, 0];
    return [this.#words.get(COMMON.extraLo), this.#words.get(COMMON.extraHi)];
  }

  #logCode(block: Block, start: bigint): void {
    const { frontend, space, log } = this.#engine;
    const { host } = block.key;
    const bytes = space.u8.slice(host, host + Math.max(block.bytes, 8));
    let pc = start;
    for (let at = 0; at < block.bytes; ) {
      const { text, length } = frontend.disassemble(bytes.subarray(at), pc);
      log.write('in_asm', `0x${pc.toString(16)}:  ${text}`);
      at += Math.max(length, 1);
      pc += BigInt(Math.max(length, 1));
    }
  }

  get #pc(): bigint {
    return pcOf(this.#words.get(COMMON.pc), this.#words.get(COMMON.pc, 4));
  }

  #setRegister(slot: Slot, value: bigint): void {
    writeSlot(this.#engine.space, this.#words.base + slot.offset, slot, value);
  }
}
