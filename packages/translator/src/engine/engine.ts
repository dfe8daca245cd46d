/**
 * The translator of one machine: the WebAssembly module of its helpers and tier 0, the code cache, the physical map.
 * All vCPUs of a machine with the same frontend share one.
 */
import {
  type AddressSpace,
  type CodeStore,
  type DeviceBus,
  type GuestLog,
  MEM_DECODE_ERROR,
  MEM_OK,
  type RamSpace,
  RemoteBus,
  type ThreadTranslator,
  type TranslationInfo,
  type VcpuTeam,
  type VcpuThread,
} from '@boardwalk/core';
import { codePageBits, type Frontend } from '../frontend.ts';
import { Instruments } from '../instrument/instruments.ts';
import { ENGINE } from '../ir/engine.ts';
import type { Helper, IrHelper } from '../ir/helper.ts';
import type { PureOp } from '../ir/ops.ts';
import { KeptCode } from '../kept/kept-code.ts';
import type { Address } from '../pc.ts';
import { IMPORTS } from '../softmmu/imports.ts';
import { createSoftMmu, type SoftMmu } from '../softmmu/softmmu.ts';
import { COMMON } from '../state.ts';
import { tier0Function } from '../tier0/interpreter.ts';
import { BlockLowering } from '../tier0/lower.ts';
import { callWrapper, pureWrapper } from '../tier0/wrappers.ts';
import { NEVER, Tier1, type Tier1Options, type Tier1Stats } from '../tier1/tier1.ts';
import type { RawFunction } from '../wasm/link.ts';
import type { MemoryImport } from '../wasm/module.ts';
import { BlockTranslator } from './block-translator.ts';
import { type Block, CodeCache } from './code-cache.ts';
import { EngineDebug } from './debug.ts';
import { HelperModules, type ModuleExports, type SharedModules } from './helper-modules.ts';
import { PhysicalMap } from './phys-map.ts';
import type { VcpuWords } from './vcpu-words.ts';

/** Most instructions of a block, unless the frontend says otherwise. */
export const MAX_BLOCK_INSNS = 64;
const ARENA_BYTES = 64 * 2 ** 20;
/** Parts of the log that tell of code when it is translated. */
const LOGS_OF_CODE = ['in_asm', 'op', 'op_opt', 'out_asm'] as const;

/** Exported functions of the module. Every one takes the host offset of a vCPU's state first. Host offsets are numbers. */
export interface EngineExports {
  run(cpu: number, ip: number, budget: number): void;
  raise(cpu: number): void;
  serviceInterrupt(cpu: number): number;
  lookup(cpu: number): number;
  fetchHost(cpu: number): number;
  fetchMmu(cpu: number): number;
  translate(cpu: number, va: bigint, access: number, mmu: number): number;
  debugAddress(cpu: number, va: bigint, mmu: number): bigint;
  tlbFlush(cpu: number): void;
  flushJumps(cpu: number): void;
  tlbProtect(cpu: number, host: number): void;
  tlbStoresTo(cpu: number, host: number): number;
}

/** What a vCPU does for the engine while its code runs. */
export interface EngineCpu {
  readonly base: number;
  /** A write hits flagged pages; true: it must not happen now, because the running block is on the page. */
  flaggedWrite(host: number, length: number): boolean;
  /** The write has happened. */
  flaggedWritten(host: number, length: number): void;
  /** A block that the vCPU would find now; undefined where it would have to translate. */
  lookup(lo: number, hi: number, mode: number): Block | undefined;
  /** Host offset of code at an address; negative where there is none. */
  hostOf(address: Address): number;
  /** Puts back a block of an earlier run. */
  putBack(id: number, host: number, pc: Address): Block | undefined;
  /** The high half of a pc in the jump cache with this low half. */
  highOf(lo: number): number | undefined;
  /** An access hits a watched range; true: it must not happen now, but alone. */
  watchHit(size: number, kinds: number): boolean;
  /** Whether the instruction of the access under way does not run alone. */
  isAmongOthers(): boolean;
  /** What lies at physical addresses has changed: code that runs must not go on by what it knows. */
  mapChanged(): void;
}

/** What a translator has done. */
export interface EngineStats {
  /** Blocks in the code cache now, and bytes of it in use. */
  readonly blocks: number;
  readonly codeBytes: number;
  /** Blocks taken from an earlier run. */
  readonly kept: number;
  /** Blocks translated, their guest instructions, blocks dropped because their code changed, times all were dropped. */
  readonly translated: number;
  readonly insns: number;
  readonly invalidated: number;
  readonly flushes: number;
  /** Milliseconds spent on translating blocks, for the code cache or to run once. */
  readonly translateMs: number;
  /** Modules of helpers linked here, and not by another run or the device thread. */
  readonly linked: number;
  /** Undefined where tier 1 is off. */
  readonly tier1: Tier1Stats | undefined;
}

export interface EngineOptions {
  readonly addressSpace: AddressSpace;
  readonly frontend: Frontend;
  readonly log: GuestLog;
  /** The compiler of what runs often; `undefined`: the interpreter runs everything. */
  readonly tier1?: Tier1Options | undefined;
  /** Bytes of the code cache; 64 MiB unless said otherwise. */
  readonly arenaBytes?: number;
  /** Where translated code is kept from run to run, and a text that says of what machine it is. Of vCPUs on threads only modules of helpers are. */
  readonly kept?: { readonly store: CodeStore; readonly machine: string } | undefined;
  /** The engine runs its vCPU on a thread. */
  readonly thread?: VcpuThread | undefined;
  /** Other threads run the vCPUs; the engine only answers debuggers and keeps the physical map. */
  readonly team?: VcpuTeam | undefined;
}

/** The translator that vCPUs of one machine with one frontend share. Made by the first of them. */
export class Engine implements ThreadTranslator {
  readonly frontend: Frontend;
  readonly space: RamSpace;
  readonly log: GuestLog;
  readonly exports: EngineExports;
  readonly cache: CodeCache;
  readonly blocks: BlockTranslator;
  /** Undefined on a vCPU's thread: the device thread keeps it. */
  readonly physMap: PhysicalMap | undefined;
  readonly tier1: Tier1 | undefined;
  /** What an earlier run left, and this one leaves. */
  readonly kept: KeptCode | undefined;
  readonly debug: EngineDebug;
  /** What looks at guest code while it executes. */
  readonly instruments: Instruments;
  /** What samples the vCPUs, where something does. */
  profile: TranslationInfo | undefined;
  readonly #bus: DeviceBus;
  readonly #cpus = new Map<number, EngineCpu>();
  readonly #table: WebAssembly.Table;
  readonly #wrappers = new Map<Helper | PureOp, number>();
  readonly #stop: () => void;
  #disposed = false;
  readonly #modules: HelperModules;
  /** What the places in the table are for that blocks call, and those where a function is. */
  readonly #wrapperNames: string[] = [];
  readonly #hasFunction = new Set<number>();
  readonly #mmu: SoftMmu;
  readonly #store: CodeStore | undefined;

  /** Threads execute. */
  readonly #isOfTeam: boolean;
  /** Where the vCPU runs on a thread. */
  readonly #thread: VcpuThread | undefined;

  constructor(o: EngineOptions) {
    const { addressSpace, frontend } = o;
    this.frontend = frontend;
    this.space = addressSpace.space;
    this.log = o.log;
    const { thread, team } = o;
    this.#thread = thread;
    this.#isOfTeam = team !== undefined;
    this.#bus = thread === undefined ? addressSpace : new RemoteBus(thread);
    const forget = (): void => {
      for (const base of this.#cpus.keys()) this.exports.flushJumps(base);
    };
    const pages = thread && {
      claim: (page: number) => thread.claimPage(page),
      release: (released: Iterable<number>) => thread.releasePages(released),
    };
    this.cache = new CodeCache(this.space, {
      bytes: o.arenaBytes ?? ARENA_BYTES,
      pageBits: codePageBits(frontend),
      forget,
      pages,
    });
    const { pageFlags } = this.space;
    const isThreaded = thread !== undefined || team !== undefined;
    const mmu = createSoftMmu(frontend, { pageFlags, isThreaded });
    this.#mmu = mmu;
    const bind = new Map<Helper, IrHelper>([
      [ENGINE.ramHost, mmu.ramHost],
      [ENGINE.tlbFlush, mmu.flushAll],
      [ENGINE.tlbFlushSpace, mmu.flushSpace],
      [ENGINE.tlbFlushRegime, mmu.flushRegime],
      [ENGINE.tlbFlushPage, mmu.flushPage],
      [ENGINE.translate, mmu.translate],
      [ENGINE.probe, mmu.probe],
      [ENGINE.load, mmu.slowLoad],
      [ENGINE.store, mmu.slowStore],
      [ENGINE.alone, mmu.alone],
    ]);
    this.#table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 });
    const shape = JSON.stringify([frontend.name, frontend.helpers?.variant, this.#memoryImport, pageFlags, isThreaded]);
    const store = frontend.helpers && o.kept?.store;
    this.#modules = new HelperModules({
      memory: this.#memoryImport,
      bind,
      imports: this.#imports(),
      shape,
      tsHelpers: frontend.helpers?.ts ?? [],
      linked: frontend.helpers && (thread?.init.code ?? store?.load(shape, 'program')),
    });
    this.#store = store;
    const { raise, serviceInterrupt } = frontend;
    this.exports = this.#modules.exports('engine', {
      exports: [mmu.lookup, mmu.debugAddress, mmu.flushAll, mmu.flushJumps, mmu.protectPage, mmu.storesTo],
      named: {
        raise,
        serviceInterrupt,
        fetchHost: mmu.fetchHostNumber,
        fetchMmu: mmu.fetchMmu,
        translate: mmu.translateNumber,
      },
      raw: [tier0Function(mmu, raise)],
      helpers: [mmu.slowLoad, mmu.slowStore, mmu.slowLoad128, mmu.slowStore128],
      importTable: true,
    }) as unknown as EngineExports;
    const memory = { u16: new Uint16Array(this.space.memory.buffer), i32: this.space.i32 };
    const lowering = new BlockLowering({
      memory,
      mmu,
      wrapperOf: (helper) => this.#wrapperOf(helper),
      pureWrapperOf: (op) => this.#pureWrapperOf(op),
    });
    this.instruments = new Instruments(this.space, () => this.cache.flush());
    if (team !== undefined)
      this.instruments.refusal = 'instruments see nothing of vCPUs on threads: thread=single is needed';
    this.cache.onFlush.push(() => this.instruments.forget());
    this.blocks = new BlockTranslator(this.space, frontend, lowering, this.instruments);
    this.kept = store === undefined || isThreaded ? undefined : this.#openKept(store, o.kept?.machine);
    this.tier1 = o.tier1 === undefined ? undefined : this.#makeTier1(o.tier1);
    if (thread !== undefined) this.blocks.orderAccesses(thread.order === 'tso' ? 'storeLoad' : 'all');
    const around = (change: () => void): void => {
      if (team === undefined) change();
      else team.freeze(change);
    };
    const mapChanged = (): void => {
      this.mapChanged();
      team?.tellMapChanged();
    };
    this.physMap = thread === undefined ? new PhysicalMap(addressSpace, mapChanged, around) : undefined;
    thread?.serves(this);
    this.debug = new EngineDebug(this.space, this.cache);
    this.#stop = this.space.onFlagsRaised((host, length) => {
      around(() => this.protect(host, length));
    });
  }

  /** Takes in a vCPU whose area is at `cpu.base`. */
  add(cpu: EngineCpu): void {
    this.tier1?.cpuAdded();
    this.#cpus.set(cpu.base, cpu);
    this.#writeMap(cpu.base);
    if (!this.#isOfTeam) this.space.i32[(cpu.base + COMMON.blockHash.offset) >>> 2] = this.cache.blockHash;
    this.debug.add(cpu.base);
    this.exports.tlbFlush(cpu.base);
  }

  /** Counts and times since the machine was made. */
  get stats(): EngineStats {
    const { stats, count, used } = this.cache;
    return { ...stats, blocks: count, codeBytes: used, linked: this.#modules.linked, tier1: this.tier1?.stats };
  }

  /** Counts since the machine was made, in lines. */
  describe(): readonly string[] {
    const { translated, kept, insns, invalidated, flushes, translateMs } = this.cache.stats;
    const average = translated === 0 ? '0' : (insns / translated).toFixed(1);
    const lines = [
      'Translation (tier 0):',
      `blocks translated   ${translated}`,
      `blocks kept         ${kept}`,
      `guest instructions  ${insns}`,
      `instructions/block  ${average}`,
      `blocks invalidated  ${invalidated}`,
      `cache flushes       ${flushes}`,
      `helper modules      ${this.#modules.linked}`,
      `time to translate   ${translateMs.toFixed(1)} ms`,
    ];
    const stats = this.tier1?.stats;
    if (!stats) return [...lines, '', 'WebAssembly (tier 1): off'];
    return [
      ...lines,
      '',
      'WebAssembly (tier 1):',
      `regions             ${stats.regions}`,
      `regions compiled    ${stats.compiled}`,
      `regions kept        ${stats.kept}`,
      `regions dropped     ${stats.dropped}`,
      `regions reformed    ${stats.reformed}`,
      `blocks refused      ${stats.refused}`,
      `guest instructions  ${stats.insns}`,
      `code size           ${stats.bytes}`,
      `time to form        ${stats.formMs.toFixed(1)} ms`,
      `time to compile     ${stats.compileMs.toFixed(1)} ms`,
      ...Object.entries(stats.exits).map(([why, count]) => `left for ${why.padEnd(11)}${count}`),
    ];
  }

  /** Lets go of the machine and its memory. Each vCPU calls it; no vCPU executes any more. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#keep();
    this.#stop();
    this.physMap?.dispose();
    this.tier1?.dispose();
    this.instruments.dispose();
    this.cache.dispose();
  }

  /** Leaves code for other runs. */
  #keep(): void {
    const { linked, shared } = this.#modules;
    if (linked > 0) this.#store?.save(shared.shape, shared, 'program');
    this.kept?.save(this.#wrapperNames.map((name) => (shared.modules.has(name) ? name : '')));
  }

  /** Makes stores to the pages of a range slow. */
  protect(host: number, length: number): void {
    for (let at = host; at < host + length; at += 4096) {
      for (const base of this.#cpus.keys()) this.exports.tlbProtect(base, at);
    }
  }

  mayStoreTo(cpu: number, host: number): boolean {
    return this.exports.tlbStoresTo(cpu, host) !== 0;
  }

  dropCode(host: number, length: number): void {
    this.cache.dropPages(host, length);
  }

  dropAllCode(): void {
    this.cache.flush();
  }

  /** Physical addresses mean something else: translations of addresses are forgotten. */
  mapChanged(): void {
    for (const cpu of this.#cpus.values()) {
      this.#writeMap(cpu.base);
      this.exports.tlbFlush(cpu.base);
      cpu.mapChanged();
    }
  }

  #writeMap(base: number): void {
    if (this.physMap === undefined) return;
    this.space.i32[(base + COMMON.physMap.offset) >>> 2] = this.physMap.offset;
    this.space.i32[(base + COMMON.physCount.offset) >>> 2] = this.physMap.count;
  }

  /** A helper for calls from outside translated code: (cpu, ...arguments). */
  compile(helper: IrHelper): (cpu: number, ...args: (number | bigint)[]) => unknown {
    return this.#modules.functionOf(helper) as (cpu: number, ...args: (number | bigint)[]) => unknown;
  }

  /** Modules of helpers for the engines of vCPUs on threads. */
  get code(): SharedModules {
    return this.#modules.shared;
  }

  /** Forgets the translations of every vCPU. */
  flushTranslations(): void {
    for (const base of this.#cpus.keys()) this.exports.tlbFlush(base);
  }

  /** Place in the table of the function that tier 0 calls for a helper; compiles the helper when first asked for. */
  #wrapperOf(helper: Helper): number {
    return this.#wrappers.get(helper) ?? this.#wrap(helper, callWrapper(helper), [helper]);
  }

  /** The same for a pure operation that tier 0 calls. */
  #pureWrapperOf(op: PureOp): number {
    return this.#wrappers.get(op) ?? this.#wrap(op, pureWrapper(op), []);
  }

  #wrap(what: Helper | PureOp, wrapper: RawFunction, helpers: readonly Helper[]): number {
    const kept = this.kept?.image.wrappers.indexOf(wrapper.name) ?? -1;
    const place = kept >= 0 ? kept : this.#table.grow(1);
    const exports = this.#modules.exports(wrapper.name, { exports: [], raw: [wrapper], helpers });
    if (!this.#hasFunction.has(place)) this.#setFunction(place, wrapper.name, exports);
    this.#wrappers.set(what, place);
    return place;
  }

  #setFunction(place: number, name: string, exports: ModuleExports): void {
    this.#table.set(place, exports[name] ?? null);
    this.#hasFunction.add(place);
    for (let n = this.#wrapperNames.length; n < place; n++) this.#wrapperNames.push('');
    this.#wrapperNames[place] = name;
  }

  /** Has the function at a place that blocks of an earlier run call. */
  #putBackFunction(place: number): void {
    const name = this.#wrapperNames[place];
    if (name === undefined || this.#hasFunction.has(place)) return;
    this.#setFunction(place, name, this.#modules.exportsOf(name));
  }

  #openKept(store: CodeStore, machine: string | undefined): KeptCode {
    const { space, cache, frontend } = this;
    const { size, indexBits, pageFlags, u8, i32 } = space;
    const kept = new KeptCode({
      store,
      // Operations and regions have these as constants.
      shape: JSON.stringify([machine, size, indexBits, pageFlags, cache.arena, cache.blockHash, cache.arenaBytes]),
      memory: { u8, i32 },
      cache,
      pageBits: codePageBits(frontend),
      restartWords: frontend.restartSlots?.length ?? 0,
      hasModule: (name) => this.#modules.has(name),
      needFunction: (place) => this.#putBackFunction(place),
    });
    const { wrappers } = kept.image;
    if (wrappers.length > 0) this.#table.grow(wrappers.length);
    this.#wrapperNames.push(...wrappers);
    return kept;
  }

  /** Whether translation takes part in what is kept from run to run now. */
  get keeps(): KeptCode | undefined {
    if (!this.instruments.isEmpty || this.debug.breakpointAt !== undefined) return undefined;
    return LOGS_OF_CODE.some((category) => this.log.enabled(category)) ? undefined : this.kept;
  }

  #makeTier1(options: Tier1Options): Tier1 {
    const { cache, space, blocks } = this;
    const { memory, i32, u32 } = space;
    const longest = this.frontend.maxBlockInsns ?? MAX_BLOCK_INSNS;
    return new Tier1(
      {
        cache,
        mmu: this.#mmu,
        kept: this.kept,
        hostOf: (address) => this.#running?.hostOf(address) ?? -1,
        putBack: (id, host, pc) => this.#running?.putBack(id, host, pc),
        memory,
        memoryImport: this.#memoryImport,
        i32,
        u32,
        table: this.#table,
        reserve: (bytes) => space.reserve(bytes),
        release: (at, bytes) => space.release(at, bytes),
        irOf: (block, wholes, insns = longest) => blocks.irOf(block, insns, wholes),
        lookup: (lo, hi, mode) => this.#running?.lookup(lo, hi, mode),
        highOf: (lo, near) => this.#running?.highOf(lo) ?? near.key.pcHi,
        cpus: () => this.#cpus.keys(),
        flushTranslations: () => this.flushTranslations(),
        log: this.log,
        isThreaded: this.#thread !== undefined,
        functionOf: (helper) => this.#modules.functionOf(helper),
        functionNamed: (name) => this.#modules.functionNamed(name),
      },
      options,
    );
  }

  /** The vCPU that asks tier 1 for something now. */
  #running: EngineCpu | undefined;

  /** Looks at what tier 0 and regions left in a vCPU's words for tier 1. */
  serveTier1(cpu: EngineCpu, words: VcpuWords): void {
    const { tier1, cache } = this;
    const [hotIp, slowIp] = [words.get(COMMON.hotIp) >>> 0, words.get(COMMON.slowIp) >>> 0];
    words.set(COMMON.hotIp, 0);
    words.set(COMMON.slowIp, 0);
    this.#running = cpu;
    if (slowIp !== 0) {
      const missed = words.get(COMMON.missedAddress);
      tier1?.slow(words.get(COMMON.slowRegion), slowIp, words.address(COMMON.slowPage), missed);
    }
    const block = hotIp === 0 ? undefined : cache.blockAt(hotIp);
    if (block !== undefined) tier1?.hot(block, words.address(COMMON.hotPage));
    this.#running = undefined;
  }

  /** Whether code that is translated now, to run at an address, is to be for others too: it has run at another one. */
  slides(host: number, pcLo: number, pcHi: number): boolean {
    const isShared = this.cache.runsElsewhere(host, pcLo, pcHi) || this.slidesAlways;
    return isShared && this.instruments.isEmpty && this.debug.breakpointAt === undefined;
  }

  /** All code is taken for code that runs at several addresses: for tests. */
  slidesAlways = false;

  /** Runs of the block at a host offset until tier 1 is asked to compile it. */
  countdown(host: number): number {
    // What is instrumented is interpreted.
    return this.instruments.isEmpty ? (this.tier1?.countdown(host) ?? NEVER) : NEVER;
  }

  get #memoryImport(): MemoryImport {
    const { size, shared, indexBits } = this.space;
    return { pages: size / 65536, shared, indexBits };
  }

  /** What modules of helpers may import. */
  #imports(): Record<string, WebAssembly.ImportValue> {
    return {
      memory: this.space.memory,
      table: this.#table,
      [IMPORTS.ioLoad.name]: (cpu: number, size: number) => this.#ioLoad(cpu >>> 0, size),
      [IMPORTS.ioStore.name]: (cpu: number, size: number) => this.#ioStore(cpu >>> 0, size),
      [IMPORTS.ioProbe.name]: (cpu: number, bytes: number, size: number, access: number) =>
        this.#ioProbe(cpu >>> 0, bytes, size, access),
      [IMPORTS.flaggedWrite.name]: (cpu: number, host: number, length: number) =>
        this.#cpus.get(cpu >>> 0)?.flaggedWrite(host, length) === true ? 1 : 0,
      [IMPORTS.flaggedWritten.name]: (cpu: number, host: number, length: number) =>
        this.#cpus.get(cpu >>> 0)?.flaggedWritten(host, length),
      [IMPORTS.alone.name]: (_cpu: number, begins: number) =>
        begins !== 0 ? this.#thread?.alone() : this.#thread?.together(),
      [IMPORTS.isAmongOthers.name]: (cpu: number) => (this.#cpus.get(cpu >>> 0)?.isAmongOthers() === false ? 0 : 1),
      [IMPORTS.watchHit.name]: (cpu: number, access: number) =>
        this.#cpus.get(cpu >>> 0)?.watchHit(access >>> 2, access & 3) === true ? 1 : 0,
    };
  }

  /** Physical address of a device access, or -1 above what a bus has. */
  #pa(cpu: number): number {
    const at = (cpu + COMMON.pa.offset) >>> 2;
    const high = this.space.u32[at + 1] ?? 0;
    return high >= 2 ** 20 ? -1 : high * 2 ** 32 + (this.space.u32[at] ?? 0);
  }

  /** Whether anything is at a vCPU's `state.pa`: memory or a device. */
  isMapped(cpu: number): boolean {
    return this.#ioProbe(cpu, 1, 0, 0) === MEM_OK;
  }

  #ioProbe(cpu: number, bytes: number, size: number, access: number): number {
    const pa = this.#pa(cpu);
    if (pa < 0) return MEM_DECODE_ERROR;
    return this.#bus.probe(pa, bytes, { size, write: access === 1, attrs: this.#attrs(cpu) });
  }

  #attrs(cpu: number): number {
    return this.space.i32[(cpu + COMMON.ioAttrs.offset) >>> 2] ?? 0;
  }

  #ioLoad(cpu: number, size: number): number {
    const pa = this.#pa(cpu);
    if (pa < 0) return MEM_DECODE_ERROR;
    const attrs = this.#attrs(cpu);
    const { i32 } = this.space;
    const at = (cpu + COMMON.ioLo.offset) >>> 2;
    if (size === 8) {
      const result = this.#bus.loadPair(pa, attrs);
      if (result < 0) return result;
      i32[at] = this.#bus.lo;
      i32[at + 1] = this.#bus.hi;
      return 0;
    }
    const value = this.#bus.load(pa, size as 1 | 2 | 4, attrs);
    if (value < 0) return value;
    i32[at] = value;
    i32[at + 1] = 0;
    return 0;
  }

  #ioStore(cpu: number, size: number): number {
    const pa = this.#pa(cpu);
    if (pa < 0) return MEM_DECODE_ERROR;
    const attrs = this.#attrs(cpu);
    const at = (cpu + COMMON.ioLo.offset) >>> 2;
    const lo = this.space.u32[at] ?? 0;
    if (size === 8) return this.#bus.storePair(pa, lo, this.space.u32[at + 1] ?? 0, attrs);
    const value = size === 4 ? lo : size === 2 ? lo & 0xffff : lo & 0xff;
    return this.#bus.store(pa, size as 1 | 2 | 4, value, attrs);
  }
}
