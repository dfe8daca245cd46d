/**
 * Tier 1 of one machine's translator: forms regions of blocks that run often, compiles them, enters them from tier 0, and
 * drops them when code changes or room is short. docs/translator.md explains it.
 */
import type { GuestLog } from '@boardwalk/core';
import type { Block, CodeCache } from '../engine/code-cache.ts';
import { ENTRY_BYTES, leadsTo } from '../engine/code-cache.ts';
import { codePageBits } from '../frontend.ts';
import type { Helper } from '../ir/helper.ts';
import type { Node } from '../ir/nodes.ts';
import { hex64 } from '../ir/print.ts';
import type { Slot } from '../ir/types.ts';
import type { KeptCode } from '../kept/kept-code.ts';
import { type Address, addAddress, pageOfAddress, sameAddress, subAddress } from '../pc.ts';
import {
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  TLB,
  TLB_REGIME_BITS,
  TLB_SPAN_BYTES,
  TLB_SPAN_TAIL,
  TLB_SPANS,
} from '../softmmu/layout.ts';
import type { SoftMmu } from '../softmmu/softmmu.ts';
import { jumpCacheIndex } from '../softmmu/tables.ts';
import { tier0Op } from '../tier0/opcodes.ts';
import { ByteWriter } from '../wasm/bytes.ts';
import { type MemoryImport, ModuleBuilder } from '../wasm/module.ts';
import type { Marks } from './access.ts';
import { ACCESSES, analyzeBlock, type BlockCode } from './block-code.ts';
import { structureRegion } from './graph.ts';
import { type CompiledRegion, KeptRegions } from './kept-regions.ts';
import { overlaps } from './parts.ts';
import { printRegion } from './print-region.ts';
import {
  addressIn,
  formRegion,
  jumpsIndirectly,
  type Place,
  REGION_LIMITS,
  type RegionNode,
  type RegionSource,
} from './region.ts';
import {
  emitRegion,
  JUMP_COUNTDOWN,
  REGION_COUNTER_BYTES,
  REGION_EXITS,
  type RegionExit,
  SLOW_COUNTDOWN,
} from './region-code.ts';
import { type Halves, type Span, type SpanSource, sameSpan, spanKindOf, type UsedSpan } from './spans.ts';

const ENTER = tier0Op('tier1');
const NOP = tier0Op('nop');
/** A countdown that never ends. */
export const NEVER = 0x7fff_ffff;
/** Slow exits after which a region is looked at. */
const SLOW_EXITS = 400;
/** The same where the last one was a page that the TLB did not have: no compiling helps that. */
const MORE_SLOW_EXITS = SLOW_EXITS * 8;
/** Indirect jumps to where a region does not go, after which it is looked at: as many as cost what compiling it does, in all. */
const JUMP_EXITS = 300_000;
/** Times that a region is compiled again for such jumps. */
const MOST_MISSED = 4;
/** Targets that an indirect jump itself has: the last ones. */
const LAST_TARGETS = 4;
/** Targets of an indirect jump that are known at most. */
const MOST_TARGETS = 16;
/** Instructions of one region's entry that are taken for misaligned at most. */
const MOST_UNALIGNED = 8;
/** Times that a region has spans looked for anew. */
const MOST_RENEWED = 8;
/** Entries of a region that are added afterwards. */
const MOST_WANTED = 6;
/** A block in a region has to run this many times as often as another to be an entry itself. */
const COVERED = 3;
/** Part of that which a block may still have to run to become an entry with another one: so its region is compiled again once. */
const NEARLY_DUE = 0.5;
/** A branch that goes one way less often than that is well predicted. */
const RARELY = 0.1;
/** Runs of a block until its region of an earlier run is tried again, the first time, and how often it is. */
const FIRST_TRY = 50;
const MOST_TRIES = 4;
const MAX_REGIONS = 8192;
/** Blocks whose code is kept for the next region. */
const KEPT_CODE = 4000;
/** Countdowns double with each time that the code of a page has been changed, up to so often. */
const MOST_BACK_OFF = 12;

export interface Tier1Options {
  /** How often a block runs in tier 0 before it is compiled. */
  readonly threshold: number;
  /** WebAssembly bytes that are kept at most; `DEFAULT_CODE_BYTES` unless said otherwise. */
  readonly codeBytes?: number;
}

/** Their machine code takes several times as much. */
export const DEFAULT_CODE_BYTES = 32 * 2 ** 20;

/** Runs before a block is compiled, unless said otherwise. */
export const DEFAULT_THRESHOLD = 20000;

/** Counts and times of tier 1, since the machine was made. */
export interface Tier1Stats {
  /** Regions there are now; those compiled, those taken from an earlier run, and those dropped so far. */
  readonly regions: number;
  readonly compiled: number;
  readonly kept: number;
  readonly dropped: number;
  /** Blocks that could not be compiled. */
  readonly refused: number;
  /** Compiled again because an instruction was left for misaligned accesses. */
  readonly reformed: number;
  readonly nodes: number;
  readonly insns: number;
  /** WebAssembly bytes. */
  readonly bytes: number;
  /** Milliseconds spent on forming and emitting, and on WebAssembly's own compiler before a region first ran. */
  readonly formMs: number;
  readonly compileMs: number;
  /** How often regions were left, by reason. */
  readonly exits: Readonly<Record<RegionExit, number>>;
}

/** A region, for profiles. */
export interface RegionInfo {
  readonly pcLo: number;
  readonly pcHi: number;
  readonly nodes: number;
  readonly bytes: number;
  readonly exits: Readonly<Record<RegionExit, number>>;
}

function noExits(): Record<RegionExit, number> {
  return { slow: 0, link: 0, jump: 0, tier0: 0, budget: 0 };
}

/** What tier 1 needs of the engine. */
export interface Tier1Engine {
  readonly cache: CodeCache;
  readonly mmu: SoftMmu;
  /** What an earlier run left, if this one is to use it. */
  readonly kept: KeptCode | undefined;
  /** Host offset of code at an address, as the vCPU running now sees it; negative where there is none. */
  hostOf(address: Address): number;
  /** Puts back a block of the earlier run for code at a host offset; undefined if another one is there, or the code is. */
  putBack(id: number, host: number, pc: Address): Block | undefined;
  readonly memory: WebAssembly.Memory;
  readonly memoryImport: MemoryImport;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  /** The table that tier 0 calls through. */
  readonly table: WebAssembly.Table;
  /** Host offset of an area that nobody else uses. */
  reserve(bytes: number): number;
  release(at: number, bytes: number): void;
  /** IR of a block, or of so many instructions at its beginning, built anew. */
  irOf(block: Block, wholes: boolean, insns?: number): readonly Node[] | undefined;
  /** A block for an address in a mode that the vCPU running now would find; undefined where it would have to translate. */
  lookup(lo: number, hi: number, mode: number): Block | undefined;
  /** The high half of a pc whose low half was seen lately. */
  highOf(lo: number, near: Block): number;
  readonly log: GuestLog;
  /** The vCPU runs on a thread. */
  readonly isThreaded: boolean;
  /** Host offsets of the vCPUs' states. */
  cpus(): Iterable<number>;
  /** Forgets the translations of every vCPU. */
  flushTranslations(): void;
  /** A helper as a function, and the same by its name, if it was one before. */
  functionOf(helper: Helper): (...args: never[]) => unknown;
  functionNamed(name: string): ((...args: never[]) => unknown) | undefined;
}

/** What is known of a region. */
export interface RegionParts {
  /** Where it was formed for. */
  readonly place: Place;
  readonly number: number;
  /** Blocks that tier 0 enters the region at, the one that it was formed for first. */
  readonly entries: readonly Block[];
  readonly wanted: ReadonlyMap<Block, Place>;
  readonly blocks: readonly Block[];
  /** The pages that its blocks had when it was formed. */
  readonly pages: ReadonlyMap<Block, Address>;
  /** Blocks that could be entries: those not only inside calls that are inlined. */
  readonly covers: ReadonlySet<Block>;
  /** Blocks with their copies, their instructions, bytes of WebAssembly. */
  readonly nodes: number;
  readonly insns: number;
  readonly bytes: number;
  /** Spans that its accesses are compared with. */
  readonly spans: readonly UsedSpan[];
  /** How many targets of each indirect jump were known when it was formed. */
  readonly targets: ReadonlyMap<Block, number>;
}

class Region {
  readonly parts: RegionParts;
  readonly #owner: Tier1;

  constructor(owner: Tier1, parts: RegionParts) {
    this.#owner = owner;
    this.parts = parts;
    for (const block of parts.blocks) block.watch(this);
  }

  get root(): Block {
    return this.parts.place.block;
  }

  /** Where it runs when one of its blocks is in a page. */
  placeWhen({ block, page }: Place): Place {
    const { place, pages } = this.parts;
    return this.placeAt(addAddress(place.page, subAddress(page, pages.get(block) ?? page)));
  }

  /** The same when its first block is there. */
  placeAt(page: Address): Place {
    return this.root.slides ? { block: this.root, page } : this.parts.place;
  }

  /** A block that could be an entry, and its page, when the region runs at a place. */
  coveredAt(block: Block, { page }: Place): Place {
    const { place, pages } = this.parts;
    const before = pages.get(block) ?? place.page;
    return { block, page: block.slides ? addAddress(before, subAddress(page, place.page)) : before };
  }

  /** Its other wanted entries, when it runs at a place. */
  wantedAt({ page }: Place): Map<Block, Place> {
    const by = subAddress(page, this.parts.place.page);
    const moved = ({ block, page: before }: Place): Place => ({
      block,
      page: block.slides ? addAddress(before, by) : before,
    });
    return new Map([...this.parts.wanted].map(([block, place]) => [block, moved(place)]));
  }

  /** Code of one of the blocks has changed. */
  kill(): void {
    this.#owner.codeChanged(this);
  }
}

export class Tier1 {
  readonly #engine: Tier1Engine;
  readonly threshold: number;
  readonly #codeBytes: number;
  /** The code of the region that is compiled. */
  readonly #writer = new ByteWriter(65536);
  readonly #counters: number;
  readonly #slots: number[] = [];
  readonly #free: number[] = [];
  /** Those of dropped regions that the next run may put back: two of one number could not be put back together. */
  readonly #held: number[] = [];
  readonly #regions = new Map<number, Region>();
  readonly #pastExits = noExits();
  readonly #code = new Map<Block, BlockCode>();
  /** How often regions of blocks had other spans. */
  readonly #renewedTimes = new WeakMap<Block, number>();
  /** How often regions of blocks were looked at for indirect jumps that they did not have. */
  readonly #missedTimes = new WeakMap<Block, number>();
  /** Targets that indirect jumps were seen to have. */
  readonly #targets = new WeakMap<Block, readonly Address[]>();
  /** Whether branches skip the beginnings of blocks now and then. */
  readonly #erratic = new WeakMap<Block, boolean>();
  /** How often code of a page was dropped. */
  readonly #changes = new Map<number, number>();
  readonly #kept: KeptRegions | undefined;
  /** Numbers below are those of earlier runs' regions. */
  readonly #keptNumbers: number;
  /** Blocks whose regions could not be put back yet, and how often that was tried; and those whose regions cannot be. */
  readonly #putBackTries = new WeakMap<Block, number>();
  readonly #givenUp = new WeakSet<Block>();
  readonly #stats = {
    compiled: 0,
    kept: 0,
    dropped: 0,
    refused: 0,
    reformed: 0,
    nodes: 0,
    insns: 0,
    bytes: 0,
    formMs: 0,
    compileMs: 0,
  };

  constructor(engine: Tier1Engine, o: Tier1Options) {
    this.#engine = engine;
    this.threshold = o.threshold;
    this.#codeBytes = o.codeBytes ?? DEFAULT_CODE_BYTES;
    this.#counters = engine.reserve(MAX_REGIONS * REGION_COUNTER_BYTES);
    engine.cache.onFlush.push(() => {
      this.#changes.clear();
      this.#code.clear();
    });
    const { kept } = engine;
    this.#keptNumbers = kept?.image.numbers ?? 0;
    for (let n = 0; n < this.#keptNumbers; n++) this.#number();
    this.#kept =
      kept &&
      new KeptRegions({
        kept,
        cache: engine.cache,
        u32: engine.u32,
        pageBits: codePageBits(engine.mmu.frontend),
        constants: () => JSON.stringify([this.#onlyCpu(), this.#counters, this.#marks()?.marks]),
        spanNow: (mmu, store) => this.#spanNow(mmu, store),
        hasHelper: (name) => engine.functionNamed(name) !== undefined,
        targetsOf: (block) => this.#targets.get(block) ?? [],
        hostOf: (page) => engine.hostOf(page),
        putBack: (id, host, pc) => engine.putBack(id, host, pc),
      });
  }

  get stats(): Tier1Stats {
    const exits = { ...this.#pastExits };
    for (const region of this.#regions.values()) this.#addExits(exits, region);
    return { regions: this.#regions.size, ...this.#stats, exits };
  }

  /** Lets go of the regions and of its memory; nothing runs any more. */
  dispose(): void {
    this.#regions.clear();
    this.#code.clear();
    this.#engine.release(this.#counters, MAX_REGIONS * REGION_COUNTER_BYTES);
  }

  /** Regions there are, with the pc that each starts at and how often it was left, for profiles. */
  *list(): Iterable<RegionInfo> {
    for (const region of this.#regions.values()) {
      const { lo: pcLo, hi: pcHi } = addressIn(region.parts.place, region.root.pcLo, region.root.pcHi);
      const exits = noExits();
      this.#addExits(exits, region);
      yield { pcLo, pcHi, nodes: region.parts.nodes, bytes: region.parts.bytes, exits };
    }
  }

  #addExits(exits: Record<RegionExit, number>, region: Region): void {
    const at = this.#countersOf(region.parts.number) >>> 2;
    for (const [i, why] of REGION_EXITS.entries()) exits[why] += this.#engine.u32[at + i] ?? 0;
  }

  /** Runs until a block at a host offset is to be compiled: longer where code has been changing. */
  countdown(host: number): number {
    const changes = this.#changes.get(Math.floor(host / 4096)) ?? 0;
    return this.threshold * 2 ** Math.min(changes, MOST_BACK_OFF);
  }

  /** A block's countdown came to zero, when it ran in a page. */
  hot(block: Block, page: Address): void {
    this.#setCountdown(block, NEVER);
    if (!block.valid || block.hasEntry || block.second !== undefined) return;
    const place = { block, page: block.slides ? page : this.#pageOf({ lo: block.pcLo, hi: block.pcHi }) };
    if (this.#putBack(place)) return;
    const region = this.#coveredBy(block);
    if (region === undefined) this.#compile(place, new Map());
    else this.#addEntry(region, place);
  }

  #pageOf(address: Address): Address {
    return pageOfAddress(address, codePageBits(this.#engine.mmu.frontend));
  }

  /** A region that has a block, and room for an entry there. */
  #coveredBy(block: Block): Region | undefined {
    for (const region of block.regions) {
      if (region instanceof Region && region.parts.wanted.size < MOST_WANTED && region.parts.covers.has(block))
        return region;
    }
    return undefined;
  }

  /** Compiles a region again, with one more entry. */
  #addEntry(region: Region, entry: Place): void {
    const place = region.placeWhen(entry);
    const wanted = region.wantedAt(place).set(entry.block, entry);
    for (const block of region.parts.covers) {
      if (wanted.size < MOST_WANTED && this.#isNearlyDue(block)) wanted.set(block, region.coveredAt(block, place));
    }
    this.#again(region, place, wanted);
    if (!entry.block.hasEntry) this.#compile(entry, new Map());
  }

  /** Whether a block in a region will soon have run often enough to be an entry. */
  #isNearlyDue(block: Block): boolean {
    if (block.hasEntry || block.second !== undefined) return false;
    const left = this.#engine.i32[(block.tail + 28) >>> 2] ?? 0;
    return left < block.countdown * COVERED * NEARLY_DUE;
  }

  #again(region: Region, place: Place, wanted = region.wantedAt(place)): void {
    this.#stats.reformed++;
    this.#drop(region);
    this.#compile(place, wanted);
  }

  /**
   * A region was left often at `ip`: for an access, which is looked for in the TLB from now on, or, where it was and is misaligned, is
   * taken for that; for a jump; or where it is entered, as its spans are no longer so. `page`: that of its first block then; `missed`:
   * low half of the address of the access.
   */
  slow(number: number, ip: number, page: Address, missed: number): void {
    const region = this.#regions.get(number);
    const block = this.#engine.cache.blockAt(ip);
    if (region === undefined || block === undefined || !block.valid) return;
    const place = region.placeAt(page);
    if (this.#areOthers(region, place)) return;
    if (this.#left(region, JUMP_COUNTDOWN) <= 0) {
      this.#missed(region, place);
      return;
    }
    const index = block.indexAt(ip);
    const isSpanned = this.#isSpanned(region, block, index) && !block.scattered.has(index);
    const isMisaligned = !isSpanned && this.#mayMisalign(block, index, missed) && !block.unaligned.has(index);
    const isWorthIt = isSpanned || (isMisaligned && block.unaligned.size < MOST_UNALIGNED);
    this.#engine.i32[(this.#countersOf(number) + SLOW_COUNTDOWN) >>> 2] = isWorthIt ? NEVER : MORE_SLOW_EXITS;
    if (!isWorthIt) return;
    if (isSpanned) block.addScattered(index);
    else block.addUnaligned(index);
    this.#again(region, place);
  }

  /** Whether an address is no multiple of the size that an instruction accesses. */
  #mayMisalign(block: Block, index: number, address: number): boolean {
    const insn = this.#codeOf(block, this.#code, false)?.insns[index];
    if (insn === undefined) return true;
    return insn.some(({ detail: d }) => ACCESSES.has(d.kind) && 'access' in d && (address & (d.access.size - 1)) !== 0);
  }

  /** Whether an instruction's accesses are compared with spans of the region. */
  #isSpanned(region: Region, block: Block, index: number): boolean {
    const insn = this.#codeOf(block, this.#code, false)?.insns[index];
    if (insn === undefined) return region.parts.spans.length > 0;
    return insn.some((statement) => {
      const kind = spanKindOf(statement);
      return region.parts.spans.some(({ mmu, store }) => mmu === kind?.mmu && store === kind.store);
    });
  }

  #left(region: Region, countdown: number): number {
    return this.#engine.i32[(this.#countersOf(region.parts.number) + countdown) >>> 2] ?? 0;
  }

  /** Whether a region's spans are others by now: it has them looked for, or is compiled again, in the end without any. */
  #areOthers(region: Region, place: Place): boolean {
    const now = region.parts.spans.map(({ mmu, store }) => this.#spanNow(mmu, store));
    if (region.parts.spans.every(({ span }, i) => sameSpan(span, now[i]))) return false;
    const { root } = region;
    const times = (this.#renewedTimes.get(root) ?? 0) + 1;
    this.#renewedTimes.set(root, times);
    if (times <= MOST_RENEWED && now.includes(undefined)) {
      // The TLB was flushed of what is not walked to again by itself.
      this.#engine.i32[(this.#countersOf(region.parts.number) + SLOW_COUNTDOWN) >>> 2] = SLOW_EXITS;
      this.#engine.flushTranslations();
    } else this.#again(region, place);
    return true;
  }

  /** A region was left often by indirect jumps: it is compiled again, if new targets are known. */
  #missed(region: Region, place: Place): void {
    const isNews = [...region.parts.targets].some(([block, known]) => this.#targetsOf(block).length > known);
    const times = (this.#missedTimes.get(region.root) ?? 0) + 1;
    this.#missedTimes.set(region.root, times);
    if (isNews && times <= MOST_MISSED) this.#again(region, place);
    else
      this.#engine.i32[(this.#countersOf(region.parts.number) + JUMP_COUNTDOWN) >>> 2] =
        JUMP_EXITS * 2 ** Math.min(times, 12);
  }

  /** Targets that an indirect jump was seen to have. */
  #targetsOf(block: Block): readonly Address[] {
    const known = [...(this.#targets.get(block) ?? [])];
    // Until it has jumped so often a 0 among them says nothing.
    const isFilled = (this.#runsOf(block) ?? LAST_TARGETS) >= LAST_TARGETS;
    for (let i = 2; i < 2 + LAST_TARGETS; i++) {
      const lo = this.#engine.i32[(block.tail >>> 2) + i] ?? 0;
      if ((lo === 0 && !isFilled) || known.length === MOST_TARGETS || known.some((t) => t.lo === lo)) continue;
      known.push({ lo, hi: this.#engine.highOf(lo, block) });
    }
    this.#targets.set(block, known);
    return known;
  }

  /** @internal */
  codeChanged(region: Region): void {
    const page = Math.floor(region.root.key.host / 4096);
    this.#changes.set(page, (this.#changes.get(page) ?? 0) + 1);
    this.#drop(region);
  }

  #drop(region: Region): void {
    const { cache, table, u32 } = this.#engine;
    this.#regions.delete(region.parts.number);
    for (const block of region.parts.blocks) block.unwatch(region);
    const slot = this.#slots[region.parts.number];
    for (const entry of region.parts.entries) {
      if (u32[(entry.start - ENTRY_BYTES + 4) >>> 2] !== slot) continue;
      u32[(entry.start - ENTRY_BYTES) >>> 2] = NOP;
      if (entry.valid) {
        cache.setEntry(entry, false);
        this.#setCountdown(entry, this.countdown(entry.key.host));
      } else entry.hasEntry = false;
    }
    if (slot !== undefined) table.set(slot, null);
    this.#addExits(this.#pastExits, region);
    if (region.parts.number >= this.#keptNumbers)
      (this.#kept === undefined ? this.#free : this.#held).push(region.parts.number);
    this.#stats.dropped++;
    this.#stats.bytes -= region.parts.bytes;
  }

  #setCountdown(block: Block, runs: number): void {
    this.#engine.i32[(block.tail + 28) >>> 2] = runs;
  }

  #countersOf(number: number): number {
    return this.#counters + number * REGION_COUNTER_BYTES;
  }

  // --- compiling ---

  #compile(place: Place, wanted: ReadonlyMap<Block, Place>): void {
    const started = performance.now();
    const { block } = place;
    const root = this.#form(place, wanted);
    if (root === undefined) {
      this.#stats.refused++;
      return;
    }
    this.#makeRoom();
    const number = this.#number();
    // Before edges are added for loops with several entries: who comes to those nodes by way of others knows more than tier 0 does.
    const entries = root.edges.flatMap((e) => (e.kind === 'node' ? [e.node.block] : []));
    const nodes = structureRegion(root, Math.floor(REGION_LIMITS.nodes * 1.25));
    const helpers = new Map<Helper, number>();
    const { emitter, longest, spans } = emitRegion(nodes, {
      out: this.#writer.clear(),
      number,
      indexBits: this.#engine.memoryImport.indexBits,
      pageBits: this.#engine.mmu.frontend.pageBits,
      cpu: this.#onlyCpu(),
      counters: this.#countersOf(number),
      functionOf: (helper) => indexOf(helpers, helper),
      atomicHelper: (node) => this.#atomicHelper(node),
      isUnaligned: (node, insn) => node.block.unaligned.has(insn),
      spans: this.#spansOf(block),
      marks: this.#marks()?.marks,
    });
    const builder = new ModuleBuilder(this.#engine.memoryImport);
    for (const helper of helpers.keys()) {
      builder.importFunction(`h${indexOf(helpers, helper)}`, ['i32', ...helper.params], helper.result);
    }
    const index = builder.reserve();
    builder.define(index, ['i32', 'i32', 'i32'], 'i32', emitter.locals, emitter.out.view());
    builder.export('region', index);
    const { lo, hi } = addressIn(place, block.pcLo, block.pcHi);
    builder.name(index, hex64(lo, hi));
    const bytes = builder.bytes();
    this.#log(number, nodes, bytes);
    const formed = performance.now();
    const inner = nodes.slice(1);
    const targets = new Map<Block, number>();
    for (const { block: b } of inner.filter(jumpsIndirectly)) targets.set(b, this.#targets.get(b)?.length ?? 0);
    const parts: RegionParts = {
      place,
      number,
      entries,
      wanted,
      blocks: [...new Set(inner.flatMap((n) => n.blocks))],
      pages: new Map(inner.map((n) => [n.block, n.page])),
      covers: new Set(inner.filter((n) => n.callers.length === 0).map((n) => n.block)),
      nodes: inner.length,
      insns: inner.reduce((sum, n) => sum + n.insns, 0),
      bytes: bytes.length,
      spans,
      targets,
    };
    for (const helper of helpers.keys()) this.#engine.functionOf(helper);
    const region = { parts, module: bytes, helpers: [...helpers.keys()].map(({ name }) => name), longest };
    this.#kept?.note(region, inner);
    this.#enter(region);
    this.#stats.compiled++;
    this.#stats.formMs += formed - started;
    this.#stats.compileMs += performance.now() - formed;
  }

  #mayPutBack(block: Block): boolean {
    return this.#kept?.has(block) === true && !this.#givenUp.has(block);
  }

  /**
   * Puts back the region that an earlier run compiled of a block and others; false where there is none. Not all that it needs may be
   * there yet: the block is looked at again later then.
   */
  #putBack(place: Place): boolean {
    const { block } = place;
    if (this.#kept === undefined || !this.#mayPutBack(block)) return false;
    this.#makeRoom();
    const back = this.#kept.putBack(place, (number) => this.#regions.has(number));
    const tries = (this.#putBackTries.get(block) ?? 0) + 1;
    if (back === undefined || (back === 'later' && tries > MOST_TRIES)) {
      this.#givenUp.add(block);
      this.#setCountdown(block, block.countdown);
      return true;
    }
    if (back === 'later') {
      this.#putBackTries.set(block, tries);
      this.#setCountdown(block, Math.min(FIRST_TRY * 4 ** tries, block.countdown));
      return true;
    }
    const started = performance.now();
    for (const [jump, targets] of back.seen) this.#targets.set(jump, targets);
    this.#enter(back);
    this.#stats.kept++;
    this.#stats.compileMs += performance.now() - started;
    return true;
  }

  /** Forms a region; where some of its code works on vectors of which other code works on halves, all works on the vectors. */
  #form(place: Place, wanted: ReadonlyMap<Block, Place>): RegionNode | undefined {
    const others = [...wanted.values()];
    const root = formRegion(place, others, this.#source, REGION_LIMITS);
    if (root === undefined || !overlaps(root)) return root;
    const codes = new Map<Block, BlockCode>();
    const codeOf = (of: Block): BlockCode | undefined => this.#codeOf(of, codes, true);
    const headOf = (of: Block, insns: number): BlockCode | undefined => this.#headOf(of, insns, true);
    return formRegion(place, others, { ...this.#source, codeOf, headOf }, REGION_LIMITS);
  }

  /** Drops the oldest regions, a quarter of the room, where there are too many or their code is too large. */
  #makeRoom(): void {
    if (this.#regions.size < MAX_REGIONS && this.#stats.bytes < this.#codeBytes) return;
    for (const region of this.#regions.values()) {
      if (this.#regions.size <= MAX_REGIONS * 0.75 && this.#stats.bytes <= this.#codeBytes * 0.75) return;
      this.#drop(region);
    }
  }

  /** A block in a region is reached through tier 0 now and then; it is to be an entry only if that is often. */
  #coverBlock(block: Block): void {
    // One that was an entry of another region is to be that again.
    if (block.hasEntry || this.#mayPutBack(block)) return;
    const left = this.#engine.i32[(block.tail + 28) >>> 2] ?? 0;
    const wanted = block.countdown * COVERED;
    if (left < wanted) this.#setCountdown(block, wanted);
  }

  #log(number: number, nodes: readonly RegionNode[], bytes: Uint8Array): void {
    const { log } = this.#engine;
    if (log.enabled('op_opt')) log.write('op_opt', `region ${number}\n${printRegion(nodes)}`);
    if (!log.enabled('out_asm')) return;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    log.write('out_asm', `region ${number}: ${bytes.length} bytes\n${hex}`);
  }

  #instantiate({ module, helpers }: CompiledRegion): unknown {
    const env: Record<string, WebAssembly.ImportValue> = { memory: this.#engine.memory };
    for (const [n, name] of helpers.entries())
      env[`h${n}`] = this.#engine.functionNamed(name) as WebAssembly.ImportValue;
    return new WebAssembly.Instance(new WebAssembly.Module(module), { env }).exports.region;
  }

  /** A region's number: also that of its slot and of its counter. */
  #number(): number {
    if (this.#slots.length >= MAX_REGIONS / 2 && this.#held.length > 0) {
      this.#kept?.stop();
      this.#free.push(...this.#held.splice(0));
    }
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.#slots.push(this.#engine.table.grow(1)) - 1;
  }

  /** Takes a region in, and lets tier 0 enter it. */
  #enter(compiled: CompiledRegion): void {
    const { parts, longest } = compiled;
    const { entries, number } = parts;
    const region = this.#instantiate(compiled);
    const { i32, table, cache } = this.#engine;
    const slot = this.#slots[number] ?? 0;
    table.set(slot, region);
    const counters = this.#countersOf(number) >>> 2;
    i32.fill(0, counters, counters + REGION_EXITS.length);
    i32[counters + SLOW_COUNTDOWN / 4] = SLOW_EXITS;
    i32[counters + JUMP_COUNTDOWN / 4] = JUMP_EXITS;
    for (const [n, block] of entries.entries()) {
      // Another region, put back before, has it.
      if (block.hasEntry) continue;
      const at = (block.start - ENTRY_BYTES) >>> 2;
      i32[at] = ENTER;
      i32[at + 1] = slot;
      i32[at + 2] = longest;
      i32[at + 3] = n;
      cache.setEntry(block, true);
      this.#enterJumpCaches(block);
    }
    this.#regions.set(number, new Region(this, parts));
    this.#stats.nodes += parts.nodes;
    this.#stats.insns += parts.insns;
    this.#stats.bytes += parts.bytes;
    for (const block of parts.blocks) this.#coverBlock(block);
  }

  /** Host offset of the area of the vCPU, if there is but one. */
  #onlyCpu(): number | undefined {
    const [first, ...others] = this.#engine.cpus();
    return others.length === 0 ? first : undefined;
  }

  /** Another vCPU will run code: regions made for the only one are dropped. */
  cpuAdded(): void {
    for (const region of [...this.#regions.values()]) this.#drop(region);
  }

  #enterJumpCaches(block: Block): void {
    const { i32 } = this.#engine;
    const { pcLo, pcHi } = block.key;
    const entries = block.slides ? JUMP_CACHE_ENTRIES : 1;
    const first = block.slides ? 0 : jumpCacheIndex(pcLo);
    for (const base of this.#engine.cpus()) {
      for (let n = first; n < first + entries; n++) {
        const at = (base + JUMP_CACHE + n * 16) >>> 2;
        if (!block.slides && (i32[at] !== pcLo || i32[at + 1] !== pcHi)) continue;
        if (leadsTo(block, (i32[at + 3] ?? 0) >>> 0)) i32[at + 3] = block.entry;
      }
    }
  }

  #atomicHelper(node: Node): Helper {
    const d = node.detail;
    const { mmu } = this.#engine;
    if (d.kind !== 'rmw' && d.kind !== 'cas') throw new Error(`${d.kind} is no atomic access`);
    const { size, signed, endian } = d.access;
    const big = endian === 'big';
    if (size === 16) return d.kind === 'rmw' ? mmu.rmwHost128(d.op, big) : mmu.casHost128(big);
    return d.kind === 'rmw' ? mmu.rmwHost(d.op, size, signed, big) : mmu.casHost(size, signed, big);
  }

  // --- what is known of memory and of blocks ---

  #spansOf(root: Block): SpanSource {
    const isSteady = (this.#renewedTimes.get(root) ?? 0) <= MOST_RENEWED;
    return {
      spanOf: (mmu, store) => (isSteady ? this.#spanNow(mmu, store) : undefined),
      isScattered: (node, insn) => node.block.scattered.has(insn),
    };
  }

  /** Where stores in spans are marked, and how many marks there are. */
  #marks(): { readonly marks: Marks; readonly count: number } | undefined {
    const { storeMarks } = this.#engine.mmu.frontend;
    const [cpu] = this.#engine.cpus();
    if (storeMarks === undefined || cpu === undefined) return undefined;
    const { pageBits, value } = storeMarks;
    const wordOf = ({ offset }: Slot): number => this.#engine.u32[(cpu + offset) >>> 2] ?? 0;
    return { marks: { table: wordOf(storeMarks.table), pageBits, value }, count: wordOf(storeMarks.count) };
  }

  /** Whether there are marks for all that a span of stores reaches. */
  #isMarked(first: Halves, count: Halves): boolean {
    const marks = this.#marks();
    if (marks === undefined) return true;
    const numberOf = ([lo, hi]: Halves): number => (hi >>> 0) * 2 ** 32 + (lo >>> 0);
    return numberOf(first) + numberOf(count) + TLB_SPAN_TAIL <= marks.count * 2 ** marks.marks.pageBits;
  }

  /** A regime's span for loads or stores: that of the first vCPU that has one. */
  #spanNow(mmu: number, store: boolean): Span | undefined {
    const { i32 } = this.#engine;
    for (const cpu of this.#engine.cpus()) {
      const at = (cpu + TLB + mmu * 2 ** TLB_REGIME_BITS + TLB_SPANS + (store ? TLB_SPAN_BYTES : 0)) >>> 2;
      const halves = (n: number): Halves => [i32[at + n * 2] ?? 0, i32[at + n * 2 + 1] ?? 0];
      const [first, count, addend] = [halves(0), halves(1), halves(2)];
      if (count[0] === 0 && count[1] === 0) continue;
      if (!store || this.#isMarked(first, count)) return { first, count, addend };
    }
    return undefined;
  }

  readonly #source: RegionSource = {
    codeOf: (block) => this.#codeOf(block, this.#code, false),
    headOf: (block, insns) => this.#headOf(block, insns, false),
    isErratic: (block, next) => this.#isErratic(block, next),
    linked: (word) => {
      const block = this.#engine.cache.blockAt(this.#engine.u32[word >>> 2] ?? 0);
      return block?.valid && this.#engine.u32[word >>> 2] === block.entry ? block : undefined;
    },
    pageOf: (address) => this.#pageOf(address),
    blockAt: ({ block: near, page }, { lo, hi }, mode) => {
      if (!sameAddress(page, this.#pageOf({ lo, hi }))) {
        const found = this.#engine.lookup(lo, hi, mode);
        return found !== undefined && sameExtra(found, near) ? found : undefined;
      }
      const inPage = 2 ** codePageBits(this.#engine.mmu.frontend) - 1;
      const host = near.host + ((lo & inPage) - (near.pcLo & inPage));
      const { extraLo, extraHi } = near;
      return this.#usable(this.#engine.cache.find({ host, pcLo: lo, pcHi: hi, mode, extraLo, extraHi }));
    },
    targetsOf: (block) => this.#targetsOf(block),
    heat: (block) => {
      const left = this.#engine.i32[(block.tail + 28) >>> 2] ?? 0;
      return block.hasEntry || left > block.countdown || left < 0 ? block.countdown : block.countdown - left;
    },
  };

  #usable(block: Block | undefined): Block | undefined {
    return block?.valid ? block : undefined;
  }

  #headOf(block: Block, insns: number, wholes: boolean): BlockCode | undefined {
    const ir = this.#engine.irOf(block, wholes, insns);
    return ir === undefined ? undefined : analyzeBlock(ir, block.key.mode, this.#engine.isThreaded);
  }

  /** How often a block ran; undefined where that is not known any more. */
  #runsOf(block: Block): number | undefined {
    const left = this.#engine.i32[(block.tail + 28) >>> 2] ?? 0;
    if (left === NEVER) return block.countdown;
    return left > block.countdown || left < 0 ? undefined : block.countdown - left;
  }

  /** What was found is kept: counts are of runs in tier 0 only. */
  #isErratic(block: Block, next: Block): boolean {
    const found = this.#erratic.get(next);
    if (found !== undefined) return found;
    const [all, some] = [this.#runsOf(block), this.#runsOf(next)];
    const isErratic = all === undefined || some === undefined || (some > all * RARELY && some < all * (1 - RARELY));
    this.#erratic.set(next, isErratic);
    return isErratic;
  }

  #codeOf(block: Block, codes: Map<Block, BlockCode>, wholes: boolean): BlockCode | undefined {
    const known = codes.get(block);
    if (known !== undefined) return known;
    const ir = this.#engine.irOf(block, wholes);
    if (ir === undefined) return undefined;
    const code = analyzeBlock(ir, block.key.mode, this.#engine.isThreaded);
    if (codes.size >= KEPT_CODE) codes.clear();
    codes.set(block, code);
    return code;
  }
}

function indexOf(helpers: Map<Helper, number>, helper: Helper): number {
  const known = helpers.get(helper);
  if (known !== undefined) return known;
  helpers.set(helper, helpers.size);
  return helpers.size - 1;
}

/** A region is of one `extra` word: no block in it changes that. */
function sameExtra(a: Block, b: Block): boolean {
  return a.key.extraLo === b.key.extraLo && a.key.extraHi === b.key.extraHi;
}
