/** Runs a vCPU's translated code: enters it, and deals with why it was left. */
import type { DebugStop, VcpuThread } from '@boardwalk/core';
import { codePageBits } from '../frontend.ts';
import type { Slot } from '../ir/types.ts';
import { type Address, addAddress, pcOf } from '../pc.ts';
import { COMMON, EXIT } from '../state.ts';
import { BlockFinder } from './block-finder.ts';
import { FETCH_FAULT } from './block-translator.ts';
import { type Block, leadsTo, touched } from './code-cache.ts';
import type { TranslatedCpuDebug } from './debug.ts';
import { type Engine, type EngineCpu, MAX_BLOCK_INSNS } from './engine.ts';
import { stopOnThread, threadGoes } from './threads.ts';
import type { TranslatedCpu } from './translated-cpu.ts';
import type { VcpuWords } from './vcpu-words.ts';

/** What looks at a vCPU now and then. */
export interface Sampler {
  /** Instructions from one look to the next. */
  readonly every: number;
  sample(): void;
}

/** Waits for interrupts that end at once, after which the host's processor is given to others. */
const IDLE_WAITS_MOST = 4;

export interface ExecutionOptions {
  readonly cpu: TranslatedCpu;
  readonly engine: Engine;
  readonly words: VcpuWords;
  readonly debug: TranslatedCpuDebug;
  /** Where the vCPU runs on a thread of its own, and this is it. */
  readonly thread: VcpuThread | undefined;
}

export class Execution implements EngineCpu {
  readonly #cpu: TranslatedCpu;
  readonly #engine: Engine;
  readonly #words: VcpuWords;
  readonly #debug: TranslatedCpuDebug;
  readonly #thread: VcpuThread | undefined;
  readonly #finder: BlockFinder;
  /** Place in the code cache to go on at, or 0: valid while the cache's generation is `#resumeGeneration`. */
  #resume = 0;
  #resumeGeneration = 0;
  #stopAsked = false;
  /** What physical addresses mean changed while code ran: where it would go on must be looked up again. */
  #mapChanged = false;
  /** Exceptions raised in the slice: they take from its budget what instructions that trapped did not. */
  #raised = 0;
  /** Low half of the instructions executed when the slice began. */
  #sliceStart = 0;
  #isInCode = false;
  /** The block that runs now and is not in the cache. */
  #single: Block | undefined;
  /** Waits of the last slice that ended at once: firmware polls so, with an interrupt pending that it does not take. */
  idleWaits = 0;
  /** Instructions until the sampler looks again. */
  #untilSample = 0;

  constructor(o: ExecutionOptions) {
    this.#cpu = o.cpu;
    this.#engine = o.engine;
    this.#words = o.words;
    this.#debug = o.debug;
    this.#thread = o.thread;
    const { engine, words, thread } = o;
    this.#finder = new BlockFinder({ engine, words, thread, raise: () => this.#raise() });
  }

  get base(): number {
    return this.#words.base;
  }

  /** The state is another one: where it goes on is looked up. */
  forgetPlace(): void {
    this.#resume = 0;
  }

  /** The slice is to end soon. */
  askStop(): void {
    this.#stopAsked = true;
  }

  lookup(lo: number, hi: number, mode: number): Block | undefined {
    return this.#finder.lookup(lo, hi, mode);
  }

  hostOf({ lo, hi }: Address): number {
    const { exports } = this.#engine;
    const pa = exports.debugAddress(this.base, BigInt.asIntN(64, pcOf(lo, hi)), exports.fetchMmu(this.base));
    return pa < 0n || pa >= 2n ** 52n ? -1 : this.#cpu.machine.addressSpace.hostOffset(Number(pa), 1, false);
  }

  putBack(id: number, host: number, pc: Address): Block | undefined {
    return this.#finder.putBack(id, host, pc);
  }

  highOf(lo: number): number | undefined {
    return this.#finder.highOf(lo);
  }

  /** Instructions executed since the slice began: exact where translated code has told its count. */
  instructionsInSlice(): number {
    const { u32 } = this.#engine.space;
    const since = (slot: Slot): number => ((u32[(this.base + slot.offset) >>> 2] ?? 0) - this.#sliceStart) | 0;
    const executed = since(COMMON.insnCount) + (this.#isInCode ? this.#executedInRun() : 0);
    // Exact where translated code has told its count: that is of now, or older than what is known of whole blocks.
    return Math.max(executed, since(COMMON.counted));
  }

  /** Runs the vCPU for at most so many instructions, give or take a block; gives how many it executed. */
  execute(budget: number): number {
    this.#sliceStart = this.#words.get(COMMON.insnCount);
    this.#stopAsked = false;
    const { step } = this.#debug;
    if (step !== undefined) return this.#stepOne(step.noIrq === true);
    return this.#cpu.sampler === undefined ? this.#execute(budget) : this.#executeSampled(this.#cpu.sampler, budget);
  }

  #executeSampled(sampler: Sampler, budget: number): number {
    let executed = 0;
    let piece: number;
    let now: number;
    do {
      if (this.#untilSample <= 0) this.#untilSample = sampler.every;
      piece = Math.min(budget - executed, this.#untilSample);
      now = this.#execute(piece);
      executed += now;
      this.#untilSample -= now;
      if (this.#untilSample <= 0) sampler.sample();
    } while (now === piece && executed < budget && !this.#stopAsked);
    return executed;
  }

  #execute(budget: number): number {
    const { exports, cache, log } = this.#engine;
    const base = this.#words.base;
    const counted = this.#cpu.machine.clock.source.instructionsFor(1) !== undefined;
    const exact = this.#cpu.exactBudget || counted || this.#cpu.sampler !== undefined;
    let left = budget;
    this.#raised = 0;
    this.idleWaits = 0;
    this.#words.set(COMMON.exactIo, counted ? 1 : 0);
    this.#words.set(COMMON.traceRaises, log.enabled('int') ? 1 : 0);
    do {
      if (this.#thread === undefined) this.#words.set(COMMON.exitRequest, 0);
      else if (threadGoes(this.#thread, base)) break;
      const waited = this.#thread !== undefined && this.#cpu.halted;
      if (exports.serviceInterrupt(base) !== 0) {
        this.#resume = 0;
        if (log.enabled('int')) log.write('int', `cpu ${this.#cpu.index}: interrupt, ${this.#cpu.describe()}`);
      }
      if (this.#cpu.halted) break;
      if (waited && ++this.idleWaits === IDLE_WAITS_MOST) break;
      const ip =
        this.#resume !== 0 && this.#resumeGeneration === cache.generation ? this.#resume : this.#finder.enter();
      if (ip === 0) continue;
      // Translating may have waited for other threads, and heard of changes.
      if (this.#thread?.wanted === true) break;
      const blockByBlock = log.enabled('exec') || log.enabled('cpu');
      if (blockByBlock) this.#logEntry(ip);
      if (exact) left -= this.#runExactly(ip, left);
      else left -= this.#run(ip, blockByBlock ? 0 : left);
    } while (left > this.#raised && !this.#stopAsked && !this.#takeYield());
    return budget - left;
  }

  /** Executes exactly one instruction, or takes the interrupt or exception instead of it, and stops. */
  #stepOne(noIrq: boolean): number {
    this.#raised = 0;
    this.#words.set(COMMON.exitRequest, 0);
    this.#resume = 0;
    this.#words.set(COMMON.traceRaises, this.#engine.log.enabled('int') ? 1 : 0);
    const interrupted = !noIrq && this.#engine.exports.serviceInterrupt(this.#words.base) !== 0;
    const executed = interrupted ? 0 : this.#runAlone(1);
    this.#takeYield();
    this.#stopped({ reason: 'step' });
    return executed;
  }

  /** Stops the machine for a debugger. An access of watched memory is worth more than the end of a step. */
  #stopped(stop: DebugStop): void {
    this.#stopAsked = true;
    const why = this.#debug.takeHit() ?? stop;
    if (this.#thread === undefined) this.#cpu.machine.debugStop(this.#cpu, why);
    else stopOnThread(this.#thread, why, this.#engine.debug.watchpoints);
  }

  /** Whether the guest gave up the rest of its slice. */
  #takeYield(): boolean {
    if (this.#words.get(COMMON.yielded) === 0) return false;
    this.#words.set(COMMON.yielded, 0);
    return true;
  }

  /** Runs translated code and deals with why it stopped; gives the instructions executed. */
  #run(ip: number, budget: number): number {
    const executed = this.#enterCode(ip, budget) + this.#afterRun();
    if (this.#words.get(COMMON.hotIp) !== 0 || this.#words.get(COMMON.slowIp) !== 0) this.#serveTier1();
    return executed;
  }

  /** Runs translated code: at most `limit` instructions. */
  #runExactly(ip: number, limit: number): number {
    const { cache, log } = this.#engine;
    const longest = this.#engine.frontend.maxBlockInsns ?? MAX_BLOCK_INSNS;
    if (limit > longest && !log.enabled('exec') && !log.enabled('cpu')) return this.#run(ip, limit - longest);
    const block = cache.blockAt(ip);
    if (block !== undefined && leadsTo(block, ip) && block.insns.length <= limit) return this.#run(ip, 0);
    return this.#runAlone(this.#engine.frontend.preciseCodeWrites === true ? 1 : limit);
  }

  /** Enters translated code until it stops; gives the instructions of whole blocks that were executed. */
  #enterCode(ip: number, budget: number): number {
    this.#words.set(COMMON.budgetReturned, 0);
    this.#words.set(COMMON.raised, 0);
    this.#words.set(COMMON.runBudget, budget);
    this.#mapChanged = false;
    this.#words.set(COMMON.budget, budget);
    this.#words.enterPage(codePageBits(this.#engine.frontend));
    this.#isInCode = true;
    try {
      this.#engine.exports.run(this.#words.base, ip, budget);
    } finally {
      this.#isInCode = false;
    }
    this.#raised += this.#words.get(COMMON.raised);
    return this.#words.count(this.#executedInRun());
  }

  /** Instructions of whole blocks since translated code was entered: exact where it calls out. */
  #executedInRun(): number {
    const left =
      this.#words.get(COMMON.budget) + this.#words.get(COMMON.budgetReturned) + this.#words.get(COMMON.raised);
    return this.#words.get(COMMON.runBudget) - left;
  }

  /** Deals with an exit of translated code; gives the instructions of an unfinished block that were executed. */
  #afterRun(): number {
    const ip = this.#words.get(COMMON.exitIp) >>> 0;
    this.#resume = 0;
    switch (this.#words.get(COMMON.exitReason)) {
      case EXIT.unlinked:
        this.#linkStub(ip);
        return 0;
      case EXIT.budget:
        this.#pauseAt(ip);
        return 0;
      case EXIT.exception: {
        const index = this.#words.count(this.#restoreInsn(ip));
        this.#raise();
        return index;
      }
      case EXIT.codeWrite: {
        const index = this.#words.count(this.#restoreInsn(ip));
        const early = this.#debug.takeHit();
        if (early !== undefined) {
          this.#stopped(early);
          return index;
        }
        this.#words.set(COMMON.storeToCode, 1);
        try {
          return index + this.#runAlone(1);
        } finally {
          this.#words.set(COMMON.storeToCode, 0);
          const hit = this.#debug.takeHit();
          if (hit !== undefined) this.#stopped(hit);
        }
      }
      case EXIT.debug: {
        const block = this.#engine.cache.blockAt(ip);
        if (block !== undefined) this.#setPc(block, block.pcLo, block.pcHi);
        this.#stopped({ reason: 'breakpoint' });
        return 0;
      }
      default:
        return 0;
    }
  }

  /** Tier 0 and regions left word of what runs often, or is slow: not before an exception has been raised. */
  #serveTier1(): void {
    this.#engine.serveTier1(this, this.#words);
  }

  #raise(): void {
    const { exports, log } = this.#engine;
    this.#raised++;
    if (log.enabled('int')) {
      const value = this.#cpu.register(COMMON.excValue).toString(16);
      log.write(
        'int',
        `cpu ${this.#cpu.index}: exception ${this.#words.get(COMMON.excCode)} value 0x${value}, ${this.#cpu.describe()}`,
      );
    }
    exports.raise(this.#words.base);
  }

  /** Puts pc and restart words of the instruction around `ip` into the state; gives its place in the block. */
  #restoreInsn(ip: number): number {
    const block = this.#engine.cache.blockAt(ip) ?? this.#single;
    if (block === undefined) throw new Error(`no block at ${ip}`);
    const insn = block.insnAt(ip);
    this.#setPc(block, insn.pcLo, insn.pcHi);
    for (const [i, slot] of (this.#engine.frontend.restartSlots ?? []).entries())
      this.#words.set(slot, insn.restart[i] ?? 0);
    return insn.index;
  }

  /** Sets the pc to one of a block's. */
  #setPc(block: Block | undefined, lo: number, hi: number): void {
    const pc = block?.slides === true ? addAddress({ lo, hi }, this.#words.address(COMMON.codePage)) : { lo, hi };
    this.#words.setPc(pc.lo, pc.hi);
  }

  /** The budget ended before the block or stub at `ip`. */
  #pauseAt(ip: number): void {
    const { cache, space } = this.#engine;
    const block = cache.blockAt(ip);
    if (block !== undefined && leadsTo(block, ip)) {
      this.#setPc(block, block.pcLo, block.pcHi);
      if (!block.valid) return;
    } else {
      const at = (ip + 8) >>> 2;
      this.#setPc(block, space.i32[at] ?? 0, space.i32[at + 1] ?? 0);
      // The address of a stub of a block that slides counts from the page that has been left now.
      if (block === undefined || block.slides) return;
    }
    if (this.#mapChanged) return;
    this.#resume = ip;
    this.#resumeGeneration = cache.generation;
  }

  /** The stub at `ip` leads to a block in the same page that is not linked yet. */
  #linkStub(ip: number): void {
    const { cache, space } = this.#engine;
    const at = (ip + 8) >>> 2;
    const [pcLo, pcHi] = [space.i32[at] ?? 0, space.i32[at + 1] ?? 0];
    const from = cache.blockAt(ip);
    this.#setPc(from, pcLo, pcHi);
    if (from === undefined || !from.valid || this.#mapChanged) return;
    const generation = cache.generation;
    const host = from.key.host + (pcLo - from.key.pcLo);
    const pc = this.#words.address(COMMON.pc);
    const block = this.#finder.blockFor(host, pc.lo, pc.hi);
    if (block === undefined) return;
    if (cache.generation === generation) {
      if (from.slides && !block.slides) cache.leadOut(ip);
      else cache.link(ip, block);
    }
    this.#resume = block.entry;
    this.#resumeGeneration = cache.generation;
  }

  /** Runs at most `maxInsns` instructions at the pc, as a block that is not kept; gives those executed. */
  #runAlone(maxInsns: number): number {
    this.#resume = 0;
    const host = this.#finder.fetchHost();
    if (host === FETCH_FAULT) return 0;
    const block = this.#finder.translate(host, this.#words.get(COMMON.pc), this.#words.get(COMMON.pc, 4), maxInsns);
    if (block === undefined) return 0;
    this.#single = block;
    try {
      return this.#runBlock(block);
    } finally {
      this.#single = undefined;
    }
  }

  /** Runs a block that is not in the cache, once. */
  #runBlock(block: Block): number {
    const { u32 } = this.#engine.space;
    const used = this.#enterCode(block.found, 0);
    const ip = this.#words.get(COMMON.exitIp) >>> 0;
    const reason = this.#words.get(COMMON.exitReason);
    if ((reason === EXIT.unlinked || reason === EXIT.budget) && ip >= block.start && ip < block.end) {
      const at = (ip + 8) >>> 2;
      this.#resume = 0;
      this.#words.setPc(u32[at] ?? 0, u32[at + 1] ?? 0);
      return used;
    }
    return used + this.#afterRun();
  }

  mapChanged(): void {
    this.#resume = 0;
    this.#mapChanged = true;
    this.#words.set(COMMON.exitRequest, 1);
  }

  flaggedWrite(host: number, length: number): boolean {
    const { cache, space } = this.#engine;
    if (this.#engine.frontend.preciseCodeWrites === true && this.#words.get(COMMON.storeToCode) === 0) {
      const running = cache.blockAt(this.#words.get(COMMON.exitIp) >>> 0);
      if (running !== undefined && touched(running, host, host + length)) return true;
    }
    // Other threads must not hear of a write before it has happened.
    if (this.#thread === undefined) space.noteWrite(host, length);
    return false;
  }

  flaggedWritten(host: number, length: number): void {
    this.#engine.space.noteWrite(host, length);
    this.#thread?.wrote(host, length);
  }

  isAmongOthers(): boolean {
    return this.#single?.insns.length !== 1;
  }

  watchHit(size: number, kinds: number): boolean {
    return this.#debug.accessed(
      this.#cpu.register(COMMON.watchVa),
      size,
      kinds,
      this.#words.get(COMMON.storeToCode) !== 0,
    );
  }

  #logEntry(ip: number): void {
    const { cache, log } = this.#engine;
    const block = cache.blockAt(ip);
    const pc = block === undefined ? '?' : this.#cpu.pc.toString(16);
    log.write('exec', `cpu ${this.#cpu.index}: block at 0x${pc}`);
    if (log.enabled('cpu')) log.write('cpu', this.#cpu.describeRegisters());
  }
}
