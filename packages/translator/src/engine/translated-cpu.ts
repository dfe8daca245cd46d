/**
 * A vCPU whose instructions the translator runs. Architectures derive from it: they give the frontend, wire interrupt
 * lines to `setIrqLine`, and describe their registers. See docs/translator.md.
 */
import {
  Cpu,
  type CpuDebug,
  type DebugStop,
  type DeviceState,
  type Machine,
  MEM_DECODE_ERROR,
  MEM_ERROR,
  type ThreadedCpu,
  type TranslationInfo,
  UserError,
  VCPU_OWN,
  type VcpuThread,
  withRequester,
} from '@boardwalk/core';
import { codePageBits, type Frontend } from '../frontend.ts';
import { hex64, printIr } from '../ir/print.ts';
import type { Slot } from '../ir/types.ts';
import { pcOf } from '../pc.ts';
import { cpuAreaBytes, FAULTED, JUMP_CACHE, NOT_RAM } from '../softmmu/layout.ts';
import { jumpCacheIndex } from '../softmmu/tables.ts';
import { COMMON, EXIT } from '../state.ts';
import { DEFAULT_THRESHOLD, NEVER, type Tier1Options } from '../tier1/tier1.ts';
import { FETCH_FAULT } from './block-translator.ts';
import { type Block, leadsTo, touched } from './code-cache.ts';
import { TranslatedCpuDebug } from './debug.ts';
import { Engine, type EngineCpu, MAX_BLOCK_INSNS } from './engine.ts';
import { joinTeam, stopOnThread, TEAM_ENGINE_ARENA, threadGoes } from './threads.ts';

const engines = new WeakMap<Machine, Map<Frontend, Engine>>();

/** The engine that vCPUs of a machine with the same frontend share. */
function engineOf(
  machine: Machine,
  frontend: Frontend,
  arenaBytes: number | undefined,
  tier1: Tier1Options | undefined,
): Engine {
  let known = engines.get(machine);
  if (known === undefined) {
    known = new Map();
    engines.set(machine, known);
  }
  let engine = known.get(frontend);
  if (engine === undefined) {
    engine = new Engine({
      addressSpace: machine.addressSpace,
      frontend,
      log: machine.log,
      tier1: machine.team === undefined ? tier1 : undefined,
      thread: machine.vcpuThread,
      team: machine.team,
      ...arenaFor(machine, arenaBytes),
    });
    known.set(frontend, engine);
  }
  return engine;
}

/** What looks at a vCPU now and then. */
export interface Sampler {
  /** Instructions from one look to the next. */
  readonly every: number;
  sample(): void;
}

/** A thread's code cache has the size that it was given; that of a device thread is never filled. */
function arenaFor({ team, vcpuThread }: Machine, bytes: number | undefined): { readonly arenaBytes?: number } {
  if (vcpuThread !== undefined) return { arenaBytes: vcpuThread.init.arenaBytes };
  if (team !== undefined) return { arenaBytes: TEAM_ENGINE_ARENA };
  return bytes === undefined ? {} : { arenaBytes: bytes };
}

/** Waits for interrupts that end at once, after which the host's processor is given to others. */
const IDLE_WAITS_MOST = 4;

/** A vCPU that runs translated code. The RAM space of its machine holds its state. */
export abstract class TranslatedCpu extends Cpu implements EngineCpu, ThreadedCpu {
  readonly frontend: Frontend;
  #engine: Engine | undefined;
  #base = 0;
  /** The RAM space in words. */
  #i32: Int32Array = new Int32Array();
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
  /** Where this vCPU runs on a thread of its own, and this is it. */
  #thread: VcpuThread | undefined;
  #ownWords = 0;
  /** The block that runs now and is not in the cache. */
  #single: Block | undefined;
  /** `execute` never goes over its budget: for single steps. With a clock that counts instructions it never does. */
  exactBudget = false;
  /** Waits of the last slice that ended at once: firmware polls so, with an interrupt pending that it does not take. */
  idleWaits = 0;
  readonly #debug: TranslatedCpuDebug;
  /** Looks at the vCPU every so many instructions, exactly; for profiles. */
  sampler: Sampler | undefined;
  /** Instructions until it looks again. */
  #untilSample = 0;

  constructor(index: number, frontend: Frontend) {
    super(index);
    this.frontend = frontend;
    this.#debug = new TranslatedCpuDebug(this);
  }

  override get debug(): CpuDebug {
    return this.#debug;
  }

  override realize(): void {
    super.realize();
    const { space } = this.machine;
    const bytes = cpuAreaBytes(this.frontend.mmuModes);
    this.#thread = this.machine.vcpuThread;
    this.#base = this.#thread?.init.state ?? space.reserve(bytes);
    this.#i32 = space.i32;
    if (this.#thread === undefined) space.u8.fill(0xff, this.#base + JUMP_CACHE, this.#base + bytes);
    this.#engine = engineOf(this.machine, this.frontend, this.arenaBytes, this.tier1);
    this.#engine.add(this);
    this.#engine.instruments.enter(this);
    for (const [i, slot] of COMMON.constants.entries()) this.setRegister(slot, BigInt(i - 1));
    this.#setWord(COMMON.cpuAttrs, withRequester(0, this.requesterId));
    if (this.machine.team !== undefined) this.#joinTeam();
  }

  /** What this vCPU's thread makes it from: plain data. Undefined: the architecture's vCPUs do not run on threads. */
  protected threadDescription(): unknown {
    return undefined;
  }

  /** Host offset of the words of this vCPU's block that are the architecture's own; only where vCPUs run on threads. */
  protected get threadWords(): number {
    return this.#thread === undefined ? this.#ownWords : this.#thread.init.block + VCPU_OWN * 4;
  }

  /** @internal somebody may have changed the state while the vCPU stood still */
  resynced(): void {
    this.stateChanged();
  }

  #joinTeam(): void {
    const description = this.threadDescription();
    if (description === undefined)
      throw new UserError(`thread=multi: CPUs of type '${this.type}' run on one thread only`);
    this.#ownWords = joinTeam(this, description) + VCPU_OWN * 4;
  }

  /** Bytes of the code cache; the first vCPU of a machine decides. The engine's default if undefined. */
  protected get arenaBytes(): number | undefined {
    return undefined;
  }

  /** Requester id of its device accesses: its index unless the architecture says otherwise. */
  protected get requesterId(): number {
    return this.index;
  }

  /** How hot code is compiled; undefined if not at all. The first vCPU of a machine decides. */
  protected get tier1(): Tier1Options | undefined {
    const chosen = this.machine.options.tier1;
    return chosen === 'off' ? undefined : (chosen ?? { threshold: DEFAULT_THRESHOLD });
  }

  /** The translator of this vCPU's machine. */
  get engine(): Engine {
    if (this.#engine === undefined) throw new Error(`${this.path} is not realized`);
    return this.#engine;
  }

  /** Host offset of the state. */
  get base(): number {
    return this.#base;
  }

  // --- registers, by their slots ---

  /** A register as an unsigned number of its width: 32, 64 or 128 bits. Floats as their bits. */
  register(slot: Slot): bigint {
    const { view } = this.machine.space;
    const at = this.#base + slot.offset;
    if (slot.ty === 'i32' || slot.ty === 'f32') return BigInt(view.getUint32(at, true));
    const low = view.getBigUint64(at, true);
    return slot.ty === 'v128' ? (view.getBigUint64(at + 8, true) << 64n) | low : low;
  }

  /** Sets a register, modulo its width; for resets, loaders and debuggers, between slices. */
  setRegister(slot: Slot, value: bigint): void {
    const { view } = this.machine.space;
    const at = this.#base + slot.offset;
    this.#resume = 0;
    if (slot.ty === 'i32' || slot.ty === 'f32') {
      view.setUint32(at, Number(BigInt.asUintN(32, value)), true);
      return;
    }
    view.setBigUint64(at, BigInt.asUintN(64, value), true);
    if (slot.ty === 'v128') view.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
  }

  get pc(): bigint {
    return this.register(COMMON.pc);
  }

  /** Sets where execution goes on; for resets, loaders and debuggers, between slices. */
  set pc(value: bigint) {
    this.setRegister(COMMON.pc, value);
  }

  /** Forgets what was derived from state that somebody outside has changed: translations, the place to go on at. */
  stateChanged(): void {
    this.#resume = 0;
    this.setRegister(COMMON.counted, 0n);
    this.engine.exports.tlbFlush(this.#base);
  }

  /** Instructions executed since reset. */
  get instructionCount(): bigint {
    return this.register(COMMON.insnCount);
  }

  // --- what a monitor asks ---

  override get disassemble() {
    return (bytes: Uint8Array, pc: bigint) => this.frontend.disassemble(bytes, pc);
  }

  /**
   * Return addresses of the calls that the pc is in, the nearest first, as far as the frontend can tell.
   * @param same whether two addresses are known to lie in one function
   */
  callers(same: (a: bigint, b: bigint) => boolean): Iterable<bigint> {
    return this.#debug.callers(same);
  }

  override get translation(): TranslationInfo {
    const { team } = this.machine;
    if (team === undefined) return this.engine;
    return { describe: () => [`CPU #${this.index}`, ...team.describeTranslation(this.index)] };
  }

  // --- what the machine asks ---

  override get halted(): boolean {
    return this.#word(COMMON.halted) !== 0;
  }

  override set halted(halted: boolean) {
    this.#setWord(COMMON.halted, halted ? 1 : 0);
  }

  override hasWork(): boolean {
    return !this.halted || this.#word(COMMON.pendingIrq) !== 0;
  }

  override requestExit(): void {
    this.#stopAsked = true;
    Atomics.store(this.machine.space.i32, (this.#base + COMMON.exitRequest.offset) >>> 2, 1);
    this.machine.team?.blockOf(this.index)?.wake();
  }

  override instructionsInSlice(): number {
    const { u32 } = this.machine.space;
    const since = (slot: Slot): number => ((u32[(this.#base + slot.offset) >>> 2] ?? 0) - this.#sliceStart) | 0;
    const executed = since(COMMON.insnCount) + (this.#isInCode ? this.#executedInRun() : 0);
    // Exact where translated code has told its count: that is of now, or older than what is known of whole blocks.
    return Math.max(executed, since(COMMON.counted));
  }

  override describe(): string {
    return `pc=0x${this.pc.toString(16)} mode=0x${this.#word(COMMON.mode).toString(16)}`;
  }

  /** Every register as `name=value` in hexadecimal, a line of eight each: what `-d cpu` shows. */
  describeRegisters(): string {
    const texts = [COMMON.pc, ...this.frontend.state.fields.map((f) => f.slot)].map(
      (slot) => `${slot.name}=${this.register(slot).toString(16)}`,
    );
    const lines: string[] = [];
    for (let i = 0; i < texts.length; i += 8) lines.push(texts.slice(i, i + 8).join(' '));
    return `cpu ${this.index}:\n${lines.join('\n')}`;
  }

  /** Sets interrupt line `bit` of `pendingIrq`; the frontend decides what it means. */
  setIrqLine(bit: number, level: boolean): void {
    const { i32 } = this.machine.space;
    const at = (this.#base + COMMON.pendingIrq.offset) >>> 2;
    const before = level ? Atomics.or(i32, at, 1 << bit) : Atomics.and(i32, at, ~(1 << bit));
    if (((before >>> bit) & 1) === (level ? 1 : 0)) return;
    Atomics.store(i32, (this.#base + COMMON.exitRequest.offset) >>> 2, 1);
    this.machine.team?.blockOf(this.index)?.wake();
  }

  override resetHold(): void {
    super.resetHold();
    for (const { slot, reset } of this.frontend.state.fields) this.setRegister(slot, reset);
    this.setRegister(COMMON.insnCount, 0n);
    this.setRegister(COMMON.extra, 0n);
    this.halted = false;
    this.stateChanged();
  }

  override save(): DeviceState {
    const state = super.save();
    const registers: Record<string, bigint> = {};
    for (const slot of this.#savedSlots()) registers[slot.name] = this.register(slot);
    return { ...state, fields: { ...state.fields, ...registers } };
  }

  override restore(state: DeviceState): void {
    for (const slot of this.#savedSlots()) {
      const value = state.fields[slot.name];
      if (typeof value !== 'bigint') throw new Error(`${this.path}: saved state lacks ${slot.name}`);
    }
    super.restore(state);
    for (const slot of this.#savedSlots()) this.setRegister(slot, state.fields[slot.name] as bigint);
    this.stateChanged();
  }

  #savedSlots(): Slot[] {
    const { pc, mode, extra, pendingIrq, halted, insnCount } = COMMON;
    const second = this.frontend.usesExtra === true ? [extra] : [];
    return [pc, mode, ...second, pendingIrq, halted, insnCount, ...this.frontend.state.fields.map((f) => f.slot)];
  }

  override dispose(): void {
    super.dispose();
    if (this.#engine === undefined) return;
    this.#engine.dispose();
    this.machine.space.release(this.#base, cpuAreaBytes(this.frontend.mmuModes));
    this.#engine = undefined;
    // An interrupt line that still moves finds the space's first page, which is nobody's.
    this.#base = 0;
  }

  // --- execution ---

  override execute(budget: number): number {
    this.#sliceStart = this.#word(COMMON.insnCount);
    this.#stopAsked = false;
    const { step } = this.#debug;
    if (step !== undefined) return this.#stepOne(step.noIrq === true);
    return this.sampler === undefined ? this.#execute(budget) : this.#executeSampled(this.sampler, budget);
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
    const { exports, cache, log } = this.engine;
    const base = this.#base;
    const counted = this.machine.clock.source.instructionsFor(1) !== undefined;
    const exact = this.exactBudget || counted || this.sampler !== undefined;
    let left = budget;
    this.#raised = 0;
    this.idleWaits = 0;
    this.#setWord(COMMON.exactIo, counted ? 1 : 0);
    this.#setWord(COMMON.traceRaises, log.enabled('int') ? 1 : 0);
    do {
      if (this.#thread === undefined) this.#setWord(COMMON.exitRequest, 0);
      else if (threadGoes(this.#thread, base)) break;
      const waited = this.#thread !== undefined && this.halted;
      if (exports.serviceInterrupt(base) !== 0) {
        this.#resume = 0;
        if (log.enabled('int')) log.write('int', `cpu ${this.index}: interrupt, ${this.describe()}`);
      }
      if (this.halted) break;
      if (waited && ++this.idleWaits === IDLE_WAITS_MOST) break;
      const ip = this.#resume !== 0 && this.#resumeGeneration === cache.generation ? this.#resume : this.#enter();
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
    this.#setWord(COMMON.exitRequest, 0);
    this.#resume = 0;
    this.#setWord(COMMON.traceRaises, this.engine.log.enabled('int') ? 1 : 0);
    const interrupted = !noIrq && this.engine.exports.serviceInterrupt(this.#base) !== 0;
    const executed = interrupted ? 0 : this.#runAlone(1);
    this.#takeYield();
    this.#stopped({ reason: 'step' });
    return executed;
  }

  /** Stops the machine for a debugger. An access of watched memory is worth more than the end of a step. */
  #stopped(stop: DebugStop): void {
    this.#stopAsked = true;
    const why = this.#debug.takeHit() ?? stop;
    if (this.#thread === undefined) this.machine.debugStop(this, why);
    else stopOnThread(this.#thread, why, this.engine.debug.watchpoints);
  }

  /** Whether the guest gave up the rest of its slice. */
  #takeYield(): boolean {
    if (this.#word(COMMON.yielded) === 0) return false;
    this.#setWord(COMMON.yielded, 0);
    return true;
  }

  /** Runs translated code and deals with why it stopped; gives the instructions executed. */
  #run(ip: number, budget: number): number {
    const executed = this.#enterCode(ip, budget) + this.#afterRun();
    if (this.#word(COMMON.hotIp) !== 0 || this.#word(COMMON.slowIp) !== 0) this.#serveTier1();
    return executed;
  }

  /** Runs translated code: at most `limit` instructions. */
  #runExactly(ip: number, limit: number): number {
    const { cache, log } = this.engine;
    const longest = this.frontend.maxBlockInsns ?? MAX_BLOCK_INSNS;
    if (limit > longest && !log.enabled('exec') && !log.enabled('cpu')) return this.#run(ip, limit - longest);
    const block = cache.blockAt(ip);
    if (block !== undefined && leadsTo(block, ip) && block.insns.length <= limit) return this.#run(ip, 0);
    return this.#runAlone(this.frontend.preciseCodeWrites === true ? 1 : limit);
  }

  /** Enters translated code until it stops; gives the instructions of whole blocks that were executed. */
  #enterCode(ip: number, budget: number): number {
    this.#setWord(COMMON.budgetReturned, 0);
    this.#setWord(COMMON.raised, 0);
    this.#setWord(COMMON.runBudget, budget);
    this.#mapChanged = false;
    this.#setWord(COMMON.budget, budget);
    this.#isInCode = true;
    try {
      this.engine.exports.run(this.#base, ip, budget);
    } finally {
      this.#isInCode = false;
    }
    this.#raised += this.#word(COMMON.raised);
    return this.#count(this.#executedInRun());
  }

  /** Instructions of whole blocks since translated code was entered: exact where it calls out. */
  #executedInRun(): number {
    const left = this.#word(COMMON.budget) + this.#word(COMMON.budgetReturned) + this.#word(COMMON.raised);
    return this.#word(COMMON.runBudget) - left;
  }

  /** Deals with an exit of translated code; gives the instructions of an unfinished block that were executed. */
  #afterRun(): number {
    const ip = this.#word(COMMON.exitIp) >>> 0;
    this.#resume = 0;
    switch (this.#word(COMMON.exitReason)) {
      case EXIT.unlinked:
        this.#linkStub(ip);
        return 0;
      case EXIT.budget:
        this.#pauseAt(ip);
        return 0;
      case EXIT.exception: {
        const index = this.#count(this.#restoreInsn(ip));
        this.#raise();
        return index;
      }
      case EXIT.codeWrite: {
        const index = this.#count(this.#restoreInsn(ip));
        const early = this.#debug.takeHit();
        if (early !== undefined) {
          this.#stopped(early);
          return index;
        }
        this.#setWord(COMMON.storeToCode, 1);
        try {
          return index + this.#runAlone(1);
        } finally {
          this.#setWord(COMMON.storeToCode, 0);
          const hit = this.#debug.takeHit();
          if (hit !== undefined) this.#stopped(hit);
        }
      }
      case EXIT.debug: {
        const key = this.engine.cache.blockAt(ip)?.key;
        if (key !== undefined) this.#setPc(key.pcLo, key.pcHi);
        this.#stopped({ reason: 'breakpoint' });
        return 0;
      }
      default:
        return 0;
    }
  }

  /** Tier 0 and regions left word of what runs often, or is slow: not before an exception has been raised. */
  #serveTier1(): void {
    const [hotIp, slowIp] = [this.#word(COMMON.hotIp) >>> 0, this.#word(COMMON.slowIp) >>> 0];
    this.#setWord(COMMON.hotIp, 0);
    this.#setWord(COMMON.slowIp, 0);
    this.engine.serveTier1(this, hotIp, slowIp, this.#word(COMMON.slowRegion));
  }

  #raise(): void {
    const { exports, log } = this.engine;
    this.#raised++;
    if (log.enabled('int')) {
      const value = this.register(COMMON.excValue).toString(16);
      log.write(
        'int',
        `cpu ${this.index}: exception ${this.#word(COMMON.excCode)} value 0x${value}, ${this.describe()}`,
      );
    }
    exports.raise(this.#base);
  }

  /** Puts pc and restart words of the instruction around `ip` into the state; gives its place in the block. */
  #restoreInsn(ip: number): number {
    const block = this.engine.cache.blockAt(ip) ?? this.#single;
    if (block === undefined) throw new Error(`no block at ${ip}`);
    const insn = block.insnAt(ip);
    this.#setPc(insn.pcLo, insn.pcHi);
    for (const [i, slot] of (this.frontend.restartSlots ?? []).entries()) this.#setWord(slot, insn.restart[i] ?? 0);
    return insn.index;
  }

  /** The budget ended before the block or stub at `ip`. */
  #pauseAt(ip: number): void {
    const { cache, space } = this.engine;
    const block = cache.blockAt(ip);
    if (block !== undefined && leadsTo(block, ip)) {
      this.#setPc(block.key.pcLo, block.key.pcHi);
      if (!block.valid) return;
    } else {
      const at = (ip + 8) >>> 2;
      this.#setPc(space.i32[at] ?? 0, space.i32[at + 1] ?? 0);
      if (block === undefined) return;
    }
    if (this.#mapChanged) return;
    this.#resume = ip;
    this.#resumeGeneration = cache.generation;
  }

  /** The stub at `ip` leads to a block in the same page that is not linked yet. */
  #linkStub(ip: number): void {
    const { cache, space } = this.engine;
    const at = (ip + 8) >>> 2;
    const [pcLo, pcHi] = [space.i32[at] ?? 0, space.i32[at + 1] ?? 0];
    this.#setPc(pcLo, pcHi);
    const from = cache.blockAt(ip);
    if (from === undefined || !from.valid || this.#mapChanged) return;
    const generation = cache.generation;
    const host = from.key.host + (pcLo - from.key.pcLo);
    const block = this.#blockFor(host, pcLo, pcHi);
    if (block === undefined) return;
    if (cache.generation === generation && block.key.secondHost < 0) cache.link(ip, block);
    this.#resume = block.entry;
    this.#resumeGeneration = cache.generation;
  }

  /** Place of translated code for the pc; 0 if the fetch raised an exception. */
  #enter(): number {
    const found = this.engine.exports.lookup(this.#base) >>> 0;
    if (found !== 0) return found;
    const host = this.#fetchHost();
    if (host === FETCH_FAULT) return 0;
    const block = this.#blockFor(host, this.#word(COMMON.pc), this.#word(COMMON.pc, 4));
    return block?.entry ?? 0;
  }

  /** Host offset of the instruction at the pc, or FETCH_FAULT: an exception was raised. */
  #fetchHost(): number {
    const host = this.engine.exports.fetchHost(this.#base);
    this.#setWord(COMMON.fault, 0);
    if (host !== FAULTED && host !== NOT_RAM) return host;
    if (host === NOT_RAM) this.#fetchError(this.pc);
    this.#raise();
    return FETCH_FAULT;
  }

  /** The block for code at a host offset, translated if it is not there; undefined if its fetch raised an exception. */
  #blockFor(host: number, pcLo: number, pcHi: number): Block | undefined {
    const { cache } = this.engine;
    const mode = this.#word(COMMON.mode);
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
    const longest = this.frontend.maxBlockInsns ?? MAX_BLOCK_INSNS;
    const block = this.engine.debug.isBreakpoint(pcLo, pcHi)
      ? this.engine.blocks.translateStop(key, cache.place())
      : this.#translate(host, pcLo, pcHi, longest, this.engine.countdown(host));
    if (block !== undefined) cache.add(block);
    return block;
  }

  #translate(host: number, pcLo: number, pcHi: number, maxInsns: number, countdown = NEVER): Block | undefined {
    const { blocks, cache, debug, log } = this.engine;
    const watch = log.enabled('op') ? (ir: Parameters<typeof printIr>[0]) => log.write('op', printIr(ir)) : undefined;
    const mode = this.#word(COMMON.mode);
    const secondPage = (): number => this.#secondPage(pcLo, pcHi);
    const started = performance.now();
    const place = cache.place();
    const [extraLo, extraHi] = this.#extra();
    const at = { host, pcLo, pcHi, mode, extraLo, extraHi };
    const block = blocks.translate({
      ...at,
      maxInsns,
      place,
      countdown,
      secondPage,
      watch,
      breakpointAt: debug.breakpointAt,
      isRepeated: this.#word(COMMON.storeToCode) !== 0,
    });
    cache.stats.translateMs += performance.now() - started;
    if (block === undefined) this.#raise();
    else if (log.enabled('in_asm')) this.#logCode(block);
    return block;
  }

  /** Host offset of the page after that of a pc, or FETCH_FAULT with the exception in the state. */
  #secondPage(pcLo: number, pcHi: number): number {
    const { exports, frontend } = this.engine;
    const pageBytes = 2 ** codePageBits(frontend);
    const pc = pcOf(pcLo, pcHi);
    const next = BigInt.asUintN(64, (pc & ~BigInt(pageBytes - 1)) + BigInt(pageBytes));
    this.setRegister(COMMON.pc, next);
    const host = exports.fetchHost(this.#base);
    this.#setPc(pcLo, pcHi);
    this.#setWord(COMMON.fault, 0);
    if (host === NOT_RAM) this.#fetchError(next);
    if (host === FAULTED || host === NOT_RAM) return FETCH_FAULT;
    if (this.#thread !== undefined) this.engine.cache.claim(host);
    return host;
  }

  /** Runs at most `maxInsns` instructions at the pc, as a block that is not kept; gives those executed. */
  #runAlone(maxInsns: number): number {
    const host = this.#fetchHost();
    if (host === FETCH_FAULT) return 0;
    const block = this.#translate(host, this.#word(COMMON.pc), this.#word(COMMON.pc, 4), maxInsns);
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
    const { u32 } = this.engine.space;
    const used = this.#enterCode(block.start, 0);
    const ip = this.#word(COMMON.exitIp) >>> 0;
    const reason = this.#word(COMMON.exitReason);
    if ((reason === EXIT.unlinked || reason === EXIT.budget) && ip >= block.start && ip < block.end) {
      const at = (ip + 8) >>> 2;
      this.#resume = 0;
      this.#setPc(u32[at] ?? 0, u32[at + 1] ?? 0);
      return used;
    }
    return used + this.#afterRun();
  }

  /** @internal */
  lookup(lo: number, hi: number, mode: number): Block | undefined {
    if (this.#word(COMMON.mode) !== mode) return undefined;
    const [pcLo, pcHi] = [this.#word(COMMON.pc), this.#word(COMMON.pc, 4)];
    this.#setPc(lo, hi);
    const ip = this.engine.exports.lookup(this.#base) >>> 0;
    this.#setPc(pcLo, pcHi);
    const block = ip === 0 ? undefined : this.engine.cache.blockAt(ip);
    return block?.valid && leadsTo(block, ip) && block.key.secondHost < 0 ? block : undefined;
  }

  /** @internal */
  highOf(lo: number): number | undefined {
    const at = (this.#base + JUMP_CACHE + jumpCacheIndex(lo) * 16) >>> 2;
    const { i32 } = this.machine.space;
    return i32[at] === lo ? i32[at + 1] : undefined;
  }

  /** @internal */
  mapChanged(): void {
    this.#resume = 0;
    this.#mapChanged = true;
    this.#setWord(COMMON.exitRequest, 1);
  }

  /** @internal */
  flaggedWrite(host: number, length: number): boolean {
    const { cache, space } = this.engine;
    if (this.frontend.preciseCodeWrites === true && this.#word(COMMON.storeToCode) === 0) {
      const running = cache.blockAt(this.#word(COMMON.exitIp) >>> 0);
      if (running !== undefined && touched(running, host, host + length)) return true;
    }
    // Other threads must not hear of a write before it has happened.
    if (this.#thread === undefined) space.noteWrite(host, length);
    return false;
  }

  /** @internal */
  flaggedWritten(host: number, length: number): void {
    this.engine.space.noteWrite(host, length);
    this.#thread?.wrote(host, length);
  }

  /** @internal */
  isMidBlock(): boolean {
    const ip = this.#word(COMMON.exitIp) >>> 0;
    const block = this.engine.cache.blockAt(ip) ?? this.#single;
    return block === undefined || block.indexAt(ip) > 0;
  }

  /** @internal */
  watchHit(size: number, kinds: number): boolean {
    return this.#debug.accessed(this.register(COMMON.watchVa), size, kinds, this.#word(COMMON.storeToCode) !== 0);
  }

  /** A fetch found no memory at `state.pa`: code of devices does not run. */
  #fetchError(pc: bigint): void {
    this.#setWord(COMMON.busResult, this.engine.isMapped(this.#base) ? MEM_ERROR : MEM_DECODE_ERROR);
    this.#setException(this.frontend.exceptions.busFetch, pc);
  }

  #setException(code: number, value: bigint): void {
    this.#setWord(COMMON.excCode, code);
    this.setRegister(COMMON.excValue, value);
  }

  #setPc(lo: number, hi: number): void {
    const at = (this.#base + COMMON.pc.offset) >>> 2;
    this.#i32[at] = lo;
    this.#i32[at + 1] = hi;
  }

  /** The halves of the second word of a block's key: 0 where the frontend has none. */
  #extra(): readonly [lo: number, hi: number] {
    if (this.frontend.usesExtra !== true) return [0, 0];
    return [this.#word(COMMON.extraLo), this.#word(COMMON.extraHi)];
  }

  #word(slot: Slot, byte = 0): number {
    return this.#i32[(this.#base + slot.offset + byte) >>> 2] ?? 0;
  }

  #setWord(slot: Slot, value: number): void {
    this.#i32[(this.#base + slot.offset) >>> 2] = value;
  }

  /** Adds to the instructions executed, and gives their number back. */
  #count(instructions: number): number {
    const { u32 } = this.machine.space;
    const at = (this.#base + COMMON.insnCount.offset) >>> 2;
    const low = (u32[at] ?? 0) + instructions;
    u32[at] = low;
    if (low >= 2 ** 32) u32[at + 1] = (u32[at + 1] ?? 0) + 1;
    return instructions;
  }

  #logEntry(ip: number): void {
    const { cache, log } = this.engine;
    const block = cache.blockAt(ip);
    const pc = block === undefined ? '?' : hex64(block.key.pcLo, block.key.pcHi);
    log.write('exec', `cpu ${this.index}: block at 0x${pc}`);
    if (log.enabled('cpu')) log.write('cpu', this.describeRegisters());
  }

  #logCode(block: Block): void {
    const { frontend, space, log } = this.engine;
    const { host, pcLo, pcHi } = block.key;
    const bytes = space.u8.slice(host, host + Math.max(block.bytes, 8));
    let pc = pcOf(pcLo, pcHi);
    for (let at = 0; at < block.bytes; ) {
      const { text, length } = frontend.disassemble(bytes.subarray(at), pc);
      log.write('in_asm', `0x${pc.toString(16)}:  ${text}`);
      at += Math.max(length, 1);
      pc += BigInt(Math.max(length, 1));
    }
  }
}
