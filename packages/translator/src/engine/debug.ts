/**
 * Debugging of translated code. A breakpoint is a block without instructions that leaves for the engine; blocks before it
 * are cut where it stands. Watched pages have slow TLB entries; the slow path finds the access, and the instruction is
 * repeated alone, or not at all, before the machine stops. Nothing of this costs anything while nothing is set.
 */
import {
  ATTR_DEBUG,
  type CpuDebug,
  type DebugDescription,
  type DebugPoints,
  type DebugStop,
  type RamSpace,
  type StepOptions,
  UserError,
  type Watchpoint,
} from '@boardwalk/core';
import type { DebugRegisterPlace, Frontend, FrontendDebug } from '../frontend.ts';
import type { IrHelper } from '../ir/helper.ts';
import { TYPE_BYTES } from '../ir/types.ts';
import { pcOf } from '../pc.ts';
import { WATCH_BYTES, WATCH_LIMIT, WATCH_READ, WATCH_WRITE } from '../softmmu/layout.ts';
import { COMMON } from '../state.ts';
import type { Block, CodeCache } from './code-cache.ts';
import type { TranslatedCpu } from './translated-cpu.ts';

/** Ranges that architectures watch themselves, at most: further ones are not seen. */
const OWN_LIMIT = 64;

/** Virtual addresses, the last one included. */
export interface OwnRange {
  readonly first: bigint;
  readonly last: bigint;
}

const KINDS = { read: WATCH_READ, write: WATCH_WRITE, access: WATCH_READ | WATCH_WRITE } as const;

/** Breakpoints and watchpoints of the vCPUs that share an engine. */
export class EngineDebug {
  readonly #space: RamSpace;
  readonly #cache: CodeCache;
  readonly #bases: number[] = [];
  #breakpoints: ReadonlySet<bigint> = new Set();
  #watchpoints: readonly Watchpoint[] = [];
  /** Stores that a vCPU's architecture wants to hear of, by the vCPU's base. */
  readonly #own = new Map<number, OwnRange>();
  /** Host offset of the table of watched ranges; 0 until the first one. */
  #table = 0;

  constructor(space: RamSpace, cache: CodeCache) {
    this.#space = space;
    this.#cache = cache;
  }

  add(base: number): void {
    this.#bases.push(base);
    this.#writeCount(base);
  }

  get watchpoints(): readonly Watchpoint[] {
    return this.#watchpoints;
  }

  /** For the translation of blocks; undefined while there is no breakpoint. */
  get breakpointAt(): ((pcLo: number, pcHi: number) => boolean) | undefined {
    return this.#breakpoints.size === 0 ? undefined : (lo, hi) => this.isBreakpoint(lo, hi);
  }

  isBreakpoint(pcLo: number, pcHi: number): boolean {
    return this.#breakpoints.size > 0 && this.#breakpoints.has(pcOf(pcLo, pcHi));
  }

  /** Drops the blocks that lie around breakpoints that come or go. */
  setBreakpoints(wanted: ReadonlySet<bigint>): void {
    const before = this.#breakpoints;
    const changed = [...wanted].filter((pc) => !before.has(pc)).concat([...before].filter((pc) => !wanted.has(pc)));
    if (changed.length === 0) return;
    this.#breakpoints = new Set(wanted);
    // A block for several addresses cannot be cut at one of them: there are none while there are breakpoints.
    this.#cache.dropWhere((block) => block.slides || changed.some((pc) => covers(block, pc)));
  }

  /** Gives whether anything changed: then the TLBs say the wrong thing. @throws UserError for more than the table holds */
  setWatchpoints(wanted: readonly Watchpoint[]): boolean {
    if (sameWatchpoints(wanted, this.#watchpoints)) return false;
    if (wanted.length > WATCH_LIMIT) throw new UserError(`more than ${WATCH_LIMIT} watchpoints`);
    this.#watchpoints = [...wanted];
    this.#writeTable();
    return true;
  }

  /** The stores that a vCPU's architecture watches; gives whether anything changed, as {@link setWatchpoints}. */
  setOwn(base: number, range: OwnRange | undefined): boolean {
    const before = this.#own.get(base);
    if (before?.first === range?.first && before?.last === range?.last) return false;
    if (range === undefined) this.#own.delete(base);
    else if (this.#own.size < OWN_LIMIT || before !== undefined) this.#own.set(base, range);
    this.#writeTable();
    return true;
  }

  /** Whether a vCPU's architecture watches an access. */
  isOwn(base: number, first: bigint, last: bigint, kinds: number): boolean {
    const range = this.#own.get(base);
    return range !== undefined && (kinds & WATCH_WRITE) !== 0 && range.first <= last && first <= range.last;
  }

  /** One table serves all vCPUs: whose range it is that an access hits is looked up then. */
  #writeTable(): void {
    if (this.#table === 0) this.#table = this.#space.reserve((WATCH_LIMIT + OWN_LIMIT) * WATCH_BYTES);
    const watched = this.#watchpoints.map(({ address, length, kind }) => ({
      first: address,
      last: address + length - 1n,
      kinds: KINDS[kind],
    }));
    const own = [...this.#own.values()].map((range) => ({ ...range, kinds: WATCH_WRITE }));
    const { view } = this.#space;
    for (const [i, { first, last, kinds }] of [...watched, ...own].entries()) {
      const at = this.#table + i * WATCH_BYTES;
      view.setBigUint64(at, BigInt.asUintN(64, first), true);
      view.setBigUint64(at + 8, BigInt.asUintN(64, last), true);
      view.setUint32(at + 16, kinds, true);
    }
    for (const base of this.#bases) this.#writeCount(base);
  }

  #writeCount(base: number): void {
    this.#space.i32[(base + COMMON.watchTable.offset) >>> 2] = this.#table;
    this.#space.i32[(base + COMMON.watchCount.offset) >>> 2] = this.#watchpoints.length + this.#own.size;
  }
}

/** Whether a pc lies in a block, or just behind it: a breakpoint there may have cut it. */
function covers({ key, bytes }: Block, pc: bigint): boolean {
  const at = BigInt.asUintN(64, pc - pcOf(key.pcLo, key.pcHi));
  return at <= BigInt(bytes);
}

function sameWatchpoints(a: readonly Watchpoint[], b: readonly Watchpoint[]): boolean {
  return (
    a.length === b.length &&
    a.every((w, i) => w.address === b[i]?.address && w.length === b[i]?.length && w.kind === b[i]?.kind)
  );
}

/** What debuggers see of a frontend that does not say: the fields of its state, pc first. */
function describeFields(frontend: Frontend): FrontendDebug {
  const slots = [COMMON.pc, ...frontend.state.fields.map((field) => field.slot)];
  const registers = slots.map((slot, number) => ({ name: slot.name, bits: TYPE_BYTES[slot.ty] * 8, number }));
  const features = [{ name: `org.boardwalk.${frontend.name}`, registers }];
  return {
    description: { architecture: frontend.name, endian: frontend.endian, features },
    place: (number) => (slots[number] === undefined ? undefined : { slot: slots[number] }),
    dataMmus: () => Array.from({ length: frontend.mmuModes }, (_, mmu) => mmu),
  };
}

/** The debugger's side of one vCPU. */
export class TranslatedCpuDebug implements CpuDebug {
  readonly #cpu: TranslatedCpu;
  #frontendDebug: FrontendDebug | undefined;
  readonly #compiled = new Map<IrHelper, (cpu: number, ...args: (number | bigint)[]) => unknown>();
  #step: StepOptions | undefined;
  #hit: DebugStop | undefined;

  constructor(cpu: TranslatedCpu) {
    this.#cpu = cpu;
  }

  get step(): StepOptions | undefined {
    return this.#step;
  }

  /** A CPU that waits for an interrupt goes on: a step is one instruction, whatever was before. */
  set step(step: StepOptions | undefined) {
    this.#step = step;
    if (step !== undefined) this.#cpu.halted = false;
  }

  get #frontend(): FrontendDebug {
    this.#frontendDebug ??= this.#cpu.frontend.debug ?? describeFields(this.#cpu.frontend);
    return this.#frontendDebug;
  }

  get description(): DebugDescription {
    return this.#frontend.description;
  }

  get pc(): bigint {
    return this.#cpu.pc;
  }

  set pc(value: bigint) {
    this.#cpu.pc = value;
  }

  get instructions(): bigint {
    return this.#cpu.instructionCount;
  }

  readRegister(number: number): bigint | undefined {
    const place = this.#frontend.place(number);
    if (place === undefined) return undefined;
    if ('slot' in place) return place.fixed === true ? 0n : this.#cpu.register(place.slot);
    return BigInt.asUintN(64, BigInt(this.#call(place.read) as bigint | number));
  }

  writeRegister(number: number, value: bigint): boolean {
    const place = this.#frontend.place(number);
    if (place === undefined) return false;
    this.#write(place, value);
    this.#cpu.stateChanged();
    return true;
  }

  #write(place: DebugRegisterPlace, value: bigint): void {
    if (!('slot' in place)) {
      if (place.write !== undefined) this.#call(place.write, BigInt.asIntN(64, value));
    } else if (place.fixed !== true) this.#cpu.setRegister(place.slot, value);
  }

  #call(helper: IrHelper, ...args: bigint[]): unknown {
    let compiled = this.#compiled.get(helper);
    if (compiled === undefined) {
      compiled = this.#cpu.engine.compile(helper);
      this.#compiled.set(helper, compiled);
    }
    return compiled(this.#cpu.base, ...args);
  }

  physicalAddress(address: bigint): number | undefined {
    const { engine, base } = this.#cpu;
    for (const mmu of this.#frontend.dataMmus(Number(this.#cpu.register(COMMON.mode)))) {
      const pa = engine.exports.debugAddress(base, BigInt.asIntN(64, address), mmu);
      if (pa >= 0n && pa < 2n ** 52n) return Number(pa);
    }
    return undefined;
  }

  readMemory(address: bigint, into: Uint8Array): boolean {
    return this.#pieces(address, into.length, (pa, from, to) => {
      const { addressSpace } = this.#cpu.machine;
      return addressSpace.readBytes(pa, into.subarray(from, to), ATTR_DEBUG) >= 0;
    });
  }

  writeMemory(address: bigint, bytes: Uint8Array): boolean {
    return this.#pieces(address, bytes.length, (pa, from, to) => {
      const { addressSpace } = this.#cpu.machine;
      return addressSpace.writeBytes(pa, bytes.subarray(from, to), ATTR_DEBUG) >= 0;
    });
  }

  /** Does something for each piece of a virtual range that lies in one page. */
  #pieces(address: bigint, length: number, piece: (pa: number, from: number, to: number) => boolean): boolean {
    const pageBytes = 2 ** this.#cpu.frontend.pageBits;
    for (let at = 0; at < length; ) {
      const va = BigInt.asUintN(64, address + BigInt(at));
      const pa = this.physicalAddress(va);
      if (pa === undefined) return false;
      const bytes = Math.min(length - at, pageBytes - Number(va % BigInt(pageBytes)));
      if (!piece(pa, at, at + bytes)) return false;
      at += bytes;
    }
    return true;
  }

  /** See `TranslatedCpu.callers`. */
  callers(same: (a: bigint, b: bigint) => boolean): Iterable<bigint> {
    const bytes = new DataView(new ArrayBuffer(8));
    const little = this.description.endian === 'little';
    const load = (address: bigint, size: 4 | 8): bigint | undefined => {
      if (!this.readMemory(address, new Uint8Array(bytes.buffer, 0, size))) return undefined;
      return size === 8 ? bytes.getBigUint64(0, little) : BigInt(bytes.getUint32(0, little));
    };
    const register = (number: number): bigint => this.readRegister(number) ?? 0n;
    return this.#frontend.callers?.({ pc: this.pc, register, load, same }) ?? [];
  }

  setPoints(points: DebugPoints): void {
    const { engine, machine } = this.#cpu;
    machine.team?.setPoints(points);
    engine.debug.setBreakpoints(points.breakpoints);
    if (engine.debug.setWatchpoints(points.watchpoints)) engine.flushTranslations();
  }

  /**
   * An access of watched memory. True: it must not happen now. Where the machine stops before it, it is remembered at once;
   * else when its instruction runs alone.
   */
  accessed(address: bigint, size: number, kinds: number, alone: boolean): boolean {
    const { debug } = this.#cpu.engine;
    const last = address + BigInt(size) - 1n;
    if (debug.isOwn(this.#cpu.base, address, last, kinds)) this.#cpu.ownRangeWritten(address, last);
    const watchpoint = debug.watchpoints.find(
      (w) => w.address <= last && address < w.address + w.length && (KINDS[w.kind] & kinds) !== 0,
    );
    if (watchpoint === undefined) return false;
    const before = this.description.watchStopsBefore === true;
    if (!before && !alone && this.#step === undefined) return true;
    this.#hit ??= { reason: 'watchpoint', watchpoint };
    return before;
  }

  /** The access of watched memory that stops the machine, once. */
  takeHit(): DebugStop | undefined {
    const hit = this.#hit;
    this.#hit = undefined;
    return hit;
  }
}
