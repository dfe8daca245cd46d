/**
 * A vCPU whose instructions the translator runs. Architectures derive from it: they give the frontend, wire interrupt
 * lines to `setIrqLine`, and describe their registers. See docs/translator.md.
 */
import {
  Cpu,
  type CpuDebug,
  type DeviceState,
  type Machine,
  type ThreadedCpu,
  type TranslationInfo,
  UserError,
  VCPU_OWN,
  type VcpuThread,
  withRequester,
} from '@boardwalk/core';
import type { Frontend } from '../frontend.ts';
import type { Slot } from '../ir/types.ts';
import { cpuAreaBytes } from '../softmmu/layout.ts';
import { emptyTables } from '../softmmu/tables.ts';
import { COMMON } from '../state.ts';
import { DEFAULT_THRESHOLD, type Tier1Options } from '../tier1/tier1.ts';
import { type OwnRange, TranslatedCpuDebug } from './debug.ts';
import { Engine, type EngineOptions } from './engine.ts';
import { Execution, type Sampler } from './execution.ts';
import { joinTeam, sampleOnThread, TEAM_ENGINE_ARENA, threadSampler } from './threads.ts';
import { readSlot, VcpuWords, writeSlot } from './vcpu-words.ts';

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
      kept: keptFor(machine, known.size),
      ...arenaFor(machine, arenaBytes),
    });
    known.set(frontend, engine);
  }
  return engine;
}

/** Where code is kept from run to run. `n`: which of the machine's engines it is. */
function keptFor({ options, board }: Machine, n: number): EngineOptions['kept'] {
  const { codeStore: store, cpu } = options;
  return store && { store, machine: JSON.stringify([board.name, cpu, n]) };
}

/** A thread's code cache has the size that it was given; that of a device thread is never filled. */
function arenaFor({ team, vcpuThread }: Machine, bytes: number | undefined): { readonly arenaBytes?: number } {
  if (vcpuThread !== undefined) return { arenaBytes: vcpuThread.init.arenaBytes };
  if (team !== undefined) return { arenaBytes: TEAM_ENGINE_ARENA };
  return bytes === undefined ? {} : { arenaBytes: bytes };
}

/** A vCPU that runs translated code. The RAM space of its machine holds its state. */
export abstract class TranslatedCpu extends Cpu implements ThreadedCpu {
  readonly frontend: Frontend;
  #engine: Engine | undefined;
  #execution: Execution | undefined;
  #words: VcpuWords | undefined;
  /** Where this vCPU runs on a thread of its own, and this is it. */
  #thread: VcpuThread | undefined;
  #ownWords = 0;
  readonly #debug: TranslatedCpuDebug;
  /** `execute` never goes over its budget: for single steps. With a clock that counts instructions it never does. */
  exactBudget = false;
  #sampler: Sampler | undefined;

  constructor(index: number, frontend: Frontend) {
    super(index);
    this.frontend = frontend;
    this.#debug = new TranslatedCpuDebug(this);
  }

  /** Looks at the vCPU every so many instructions, exactly; for profiles. On a thread it begins when the vCPU next goes on. */
  get sampler(): Sampler | undefined {
    return this.#sampler;
  }

  set sampler(sampler: Sampler | undefined) {
    this.#sampler = sampler;
    if (this.machine.team !== undefined) sampleOnThread(this.machine, this.index, sampler?.every ?? 0);
  }

  override get debug(): CpuDebug {
    return this.#debug;
  }

  override realize(): void {
    super.realize();
    const { space } = this.machine;
    const bytes = cpuAreaBytes(this.frontend.mmuModes);
    this.#thread = this.machine.vcpuThread;
    const base = this.#thread?.init.state ?? space.reserve(bytes);
    const words = new VcpuWords(space, base);
    this.#words = words;
    if (this.#thread === undefined) emptyTables(space.u8, base, this.frontend.mmuModes);
    const engine = engineOf(this.machine, this.frontend, this.arenaBytes, this.tier1);
    this.#engine = engine;
    this.#execution = new Execution({ cpu: this, engine, words, debug: this.#debug, thread: this.#thread });
    engine.add(this.#execution);
    engine.instruments.enter(this);
    for (const [i, slot] of COMMON.constants.entries()) this.setRegister(slot, BigInt(i - 1));
    words.set(COMMON.cpuAttrs, withRequester(0, this.requesterId));
    if (this.machine.team !== undefined) this.#joinTeam();
  }

  /**
   * Watches stores into a range of virtual addresses, in every address space, for the architecture itself: each is told to
   * {@link ownRangeWritten}. One range a vCPU; undefined ends it.
   */
  protected watchStores(range: OwnRange | undefined): void {
    if (this.engine.debug.setOwn(this.base, range)) this.engine.flushTranslations();
  }

  /** @internal a store into the range of {@link watchStores} is about to happen, or to fail */
  ownRangeWritten(_first: bigint, _last: bigint): void {}

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
    if (this.#thread !== undefined) this.#sampler = threadSampler(this.#thread);
  }

  /** Answers a call that this vCPU's thread makes of the device thread ({@link CALL.service}), by its number. */
  protected serveThread(_number: number): void {}

  #joinTeam(): void {
    const description = this.threadDescription();
    if (description === undefined)
      throw new UserError(`thread=multi: CPUs of type '${this.type}' run on one thread only`);
    this.#ownWords = joinTeam(this, description, (number) => this.serveThread(number)) + VCPU_OWN * 4;
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
    // An interrupt line that moves when the machine is gone finds the space's first page, which is nobody's.
    return this.#words?.base ?? 0;
  }

  // --- registers, by their slots ---

  /** A register as an unsigned number of its width: 32, 64 or 128 bits. Floats as their bits. */
  register(slot: Slot): bigint {
    return readSlot(this.machine.space, this.base + slot.offset, slot);
  }

  /** Sets a register, modulo its width; for resets, loaders and debuggers, between slices. */
  setRegister(slot: Slot, value: bigint): void {
    this.#execution?.forgetPlace();
    writeSlot(this.machine.space, this.base + slot.offset, slot, value);
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
    this.#execution?.forgetPlace();
    this.setRegister(COMMON.counted, 0n);
    this.engine.exports.tlbFlush(this.base);
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
    const { profile } = this.engine;
    return {
      describe: () => [`CPU #${this.index}`, ...team.describeTranslation(this.index)],
      ...(profile === undefined ? {} : { profile }),
    };
  }

  // --- what the machine asks ---

  override get halted(): boolean {
    return (this.#words?.get(COMMON.halted) ?? 0) !== 0;
  }

  override set halted(halted: boolean) {
    this.#words?.set(COMMON.halted, halted ? 1 : 0);
  }

  override hasWork(): boolean {
    return !this.halted || (this.#words?.get(COMMON.pendingIrq) ?? 0) !== 0;
  }

  override requestExit(): void {
    this.#execution?.askStop();
    Atomics.store(this.machine.space.i32, (this.base + COMMON.exitRequest.offset) >>> 2, 1);
    this.machine.team?.blockOf(this.index)?.wake();
  }

  override describe(): string {
    return `pc=0x${this.pc.toString(16)} mode=0x${(this.#words?.get(COMMON.mode) ?? 0).toString(16)}`;
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
    const at = (this.base + COMMON.pendingIrq.offset) >>> 2;
    const before = level ? Atomics.or(i32, at, 1 << bit) : Atomics.and(i32, at, ~(1 << bit));
    if (((before >>> bit) & 1) === (level ? 1 : 0)) return;
    Atomics.store(i32, (this.base + COMMON.exitRequest.offset) >>> 2, 1);
    this.machine.team?.blockOf(this.index)?.wake();
  }

  /** Level of interrupt line `bit`. */
  irqLine(bit: number): boolean {
    return ((Atomics.load(this.machine.space.i32, (this.base + COMMON.pendingIrq.offset) >>> 2) >>> bit) & 1) !== 0;
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
    this.machine.space.release(this.base, cpuAreaBytes(this.frontend.mmuModes));
    this.#engine = undefined;
    this.#execution = undefined;
    this.#words = undefined;
  }

  // --- execution ---

  override execute(budget: number): number {
    if (this.#execution === undefined) throw new Error(`${this.path} is not realized`);
    return this.#execution.execute(budget);
  }

  override instructionsInSlice(): number {
    return this.#execution?.instructionsInSlice() ?? 0;
  }

  /** Waits of the last slice that ended at once: firmware polls so, with an interrupt pending that it does not take. */
  get idleWaits(): number {
    return this.#execution?.idleWaits ?? 0;
  }
}
