/**
 * The translated blocks of a machine: found by (host offset of the code, pc, mode, extra), linked to each other within a page,
 * dropped when somebody writes to their page. Their operations lie in an arena of the RAM space that is emptied as a
 * whole when it is full.
 */
import { PAGE_CODE, type RamSpace } from '@boardwalk/core';
import type { KeptBlocks } from '../kept/blocks.ts';
import { BLOCK_HASH_BITS, BLOCK_HASH_BYTES, BLOCK_HASH_ENTRY } from '../softmmu/layout.ts';
import { blockHashIndex } from '../softmmu/tables.ts';
import { INSN_CODE_BITS, type LoweredBlock } from '../tier0/lower.ts';
import { tier0Op } from '../tier0/opcodes.ts';
import { IncomingLinks, NO_LINK } from './incoming-links.ts';
import { SECOND_PAGE_BYTES, type SecondPage } from './second-page.ts';

const PAGE = 4096;
/** Room for the entry of a region, before a block's first operation. */
export const ENTRY_BYTES = 16;
const UNLINKED = tier0Op('unlinked');
const LEAD_OUT = tier0Op('leadOut');
/** Places of blocks' ends to begin with. */
const FIRST_ENDS = 4096;
/** Room that one block can need at most. */
const BLOCK_ROOM = 256 * 1024;

/** What a block is a translation of. */
export interface BlockKey {
  /** Host offset of its first byte. */
  readonly host: number;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly mode: number;
  readonly extraLo: number;
  readonly extraHi: number;
  /** Host offset of the second page where its only instruction crosses into one, else -1. */
  readonly secondHost: number;
}

/** An instruction of a block: its place there, its pc, and what restarting it needs. */
export interface BlockInsn {
  readonly index: number;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly restart: readonly number[];
}

const NO_WORDS: readonly number[] = [];
const NO_NUMBERS: ReadonlySet<number> = new Set();

/** Whoever must hear that a block is dropped: tier 1's regions that have it. */
export interface BlockWatcher {
  kill(): void;
}

/** A translated block. There are very many: what few of them need is made when it is needed. */
export class Block implements BlockKey {
  readonly host: number;
  readonly pcLo: number;
  readonly pcHi: number;
  readonly mode: number;
  readonly extraLo: number;
  readonly extraHi: number;
  readonly secondHost: number;
  /** What the block looks for first where it has a second page. */
  readonly second: SecondPage | undefined;
  /** Bytes of guest code. */
  readonly bytes: number;
  readonly start: number;
  /** The operation that ends it. */
  readonly tail: number;
  readonly end: number;
  /** Runs of the block until tier 1 is asked to compile it. */
  readonly countdown: number;
  /** It is for every address that its code runs at: its pcs count from the start of its page, which `state.codePage` has. */
  readonly slides: boolean;
  /** Its instructions, packed (`LoweredBlock.insns`). */
  readonly insns: readonly number[];
  readonly #restarts: readonly (readonly number[])[] | undefined;
  /** Its number among those of earlier runs and those noted for later ones (`kept/`); -1 if it is none. */
  kept = -1;
  /** The first of the code cache's links that lead here. */
  incoming = NO_LINK;
  valid = true;
  /** It starts with the entry of a region, before its first operation. */
  hasEntry = false;
  /** The next block of the code cache with the same hash. */
  next: Block | undefined;
  #regions: Set<BlockWatcher> | undefined;
  #unaligned: Set<number> | undefined;
  #scattered: Set<number> | undefined;

  /** It stands for a breakpoint: it stops the program, and never becomes part of anything larger. */
  get isBreakpoint(): boolean {
    return this.insns.length === 0;
  }

  get key(): BlockKey {
    return this;
  }

  constructor(
    key: Omit<BlockKey, 'secondHost'>,
    secondHost: number,
    bytes: number,
    lowered: LoweredBlock,
    countdown: number,
    slides: boolean,
    second?: SecondPage,
  ) {
    this.slides = slides;
    this.host = key.host;
    this.pcLo = key.pcLo;
    this.pcHi = key.pcHi;
    this.mode = key.mode;
    this.extraLo = key.extraLo;
    this.extraHi = key.extraHi;
    this.secondHost = secondHost;
    this.second = second;
    this.bytes = bytes;
    this.start = lowered.start;
    this.tail = lowered.tail;
    this.countdown = countdown;
    this.end = lowered.end;
    this.insns = lowered.insns;
    this.#restarts = lowered.restarts.length > 0 ? lowered.restarts : undefined;
  }

  /** Where jumps to the block lead: to its region if it has one. */
  get entry(): number {
    return this.hasEntry ? this.start - ENTRY_BYTES : this.start;
  }

  /** Where whoever has just found both of its pages enters it. */
  get found(): number {
    return this.second === undefined ? this.entry : this.start + SECOND_PAGE_BYTES;
  }

  /** Numbers of instructions whose accesses tier 1 is to take for misaligned. */
  get unaligned(): ReadonlySet<number> {
    return this.#unaligned ?? NO_NUMBERS;
  }

  addUnaligned(index: number): void {
    this.#unaligned ??= new Set();
    this.#unaligned.add(index);
  }

  /** Numbers of instructions whose accesses tier 1 is to look for in the TLB: they are often outside the span. */
  get scattered(): ReadonlySet<number> {
    return this.#scattered ?? NO_NUMBERS;
  }

  addScattered(index: number): void {
    this.#scattered ??= new Set();
    this.#scattered.add(index);
  }

  get regions(): Iterable<BlockWatcher> {
    return this.#regions ?? [];
  }

  watch(region: BlockWatcher): void {
    this.#regions ??= new Set();
    this.#regions.add(region);
  }

  unwatch(region: BlockWatcher): void {
    this.#regions?.delete(region);
  }

  /** Tells those who watch the block that it is dropped. */
  killRegions(): void {
    if (this.#regions === undefined) return;
    for (const region of [...this.#regions]) region.kill();
  }

  /** The first operation of an instruction. */
  ipOf(index: number): number {
    const packed = this.insns[index];
    if (packed === undefined) throw new Error('no such instruction');
    return this.start + (packed >>> INSN_CODE_BITS) * 16;
  }

  /** Bytes of guest code before an instruction. */
  pcOffset(index: number): number {
    const packed = this.insns[index];
    if (packed === undefined) throw new Error('no such instruction');
    return packed & ((1 << INSN_CODE_BITS) - 1);
  }

  /** What restarting an instruction needs. */
  restartOf(index: number): readonly number[] {
    return this.#restarts?.[index] ?? NO_WORDS;
  }

  /** Place of the instruction that the operation at `ip` belongs to. */
  indexAt(ip: number): number {
    let index = 0;
    for (let i = 1; i < this.insns.length; i++) if (this.ipOf(i) <= ip) index = i;
    return index;
  }

  /** The instruction that the operation at `ip` belongs to. */
  insnAt(ip: number): BlockInsn {
    const index = this.indexAt(ip);
    const low = (this.pcLo >>> 0) + this.pcOffset(index);
    const pcHi = low >= 2 ** 32 ? (this.pcHi + 1) | 0 : this.pcHi;
    return { index, pcLo: low | 0, pcHi, restart: this.restartOf(index) };
  }
}

/** Where it is known from which pages there is code. Pages are numbers of 4 KiB. */
export interface CodePages {
  /** Code of a page is to be entered: writes there are told from now on. */
  claim(page: number): void;
  /** No code of these pages is left. */
  release(pages: Iterable<number>): void;
}

function flaggedPages(space: RamSpace): CodePages {
  return {
    claim: (page) => space.raiseFlags(page * PAGE, PAGE, PAGE_CODE),
    release: (pages) => {
      for (const page of pages) space.lowerFlags(page * PAGE, PAGE, PAGE_CODE);
    },
  };
}

export class CodeCache {
  readonly #space: RamSpace;
  readonly arena: number;
  readonly #arenaEnd: number;
  readonly blockHash: number;
  /** Where the first block goes: behind those of earlier runs. */
  #first: number;
  #next: number;
  /** In the order of their places in the arena, and where each ends. */
  #blocks: Block[] = [];
  #ends = new Uint32Array(FIRST_ENDS);
  /** The first block of each hash of host offset and pc; the others follow by `next`. */
  readonly #byHash: (Block | undefined)[] = new Array<Block | undefined>(2 ** BLOCK_HASH_BITS).fill(undefined);
  #kept: KeptBlocks | undefined;
  readonly #links = new IncomingLinks();
  readonly #byPage = new Map<number, Block[]>();
  /** There are blocks that slide, or were. */
  #hasSliding = false;
  /** The page that was asked for last, and its blocks. */
  #lastPage = -1;
  #ofLastPage: Block[] = [];
  /** Raised whenever a block stops being valid: places in the arena that were remembered may be stale. */
  generation = 0;
  readonly stats = { translated: 0, kept: 0, insns: 0, invalidated: 0, flushes: 0, translateMs: 0 };
  readonly #stop: () => void;
  /** Called when everything has been dropped. */
  readonly onFlush: (() => void)[] = [];
  readonly #pages: CodePages;
  /** How far from its host offset code of a page was run first, and whether it always was. */
  readonly #addresses = new Map<number, { readonly lo: number; readonly hi: number; isOne: boolean }>();
  /** log2 of the pages that blocks stay within (`codePageBits`). */
  readonly #pageBits: number;
  /** Forget where blocks are: jump caches hold places in the arena. */
  readonly #forget: () => void;

  constructor(
    space: RamSpace,
    o: { bytes: number; pageBits: number; forget: () => void; pages?: CodePages | undefined },
  ) {
    this.#pageBits = o.pageBits;
    this.#space = space;
    this.arena = space.reserve(o.bytes);
    this.#arenaEnd = this.arena + o.bytes;
    this.#first = this.arena;
    this.#next = this.arena;
    this.blockHash = space.reserve(BLOCK_HASH_BYTES);
    this.#forget = o.forget;
    this.#pages = o.pages ?? flaggedPages(space);
    this.#stop = space.onWriteFlagged((host, length, flags) => {
      if ((flags & PAGE_CODE) !== 0) this.invalidate(host, length);
    });
  }

  /** Gives its memory back. */
  dispose(): void {
    this.#stop();
    this.#space.release(this.arena, this.arenaBytes);
    this.#space.release(this.blockHash, BLOCK_HASH_BYTES);
  }

  /** Where the next block is to be written; makes room first. */
  place(): number {
    if (this.#next + BLOCK_ROOM > this.#arenaEnd) this.flush();
    return this.#next;
  }

  /** Bytes of the arena in use. */
  get used(): number {
    return this.#next - this.arena;
  }

  get arenaBytes(): number {
    return this.#arenaEnd - this.arena;
  }

  get count(): number {
    return this.#blocks.length + (this.#kept?.activeCount ?? 0);
  }

  /** Blocks of earlier runs have their places in the arena, before anything is translated. */
  keep(kept: KeptBlocks): void {
    this.#kept = kept;
    this.#first = Math.max(this.arena, Math.ceil(kept.end / 32) * 32);
    this.#next = this.#first;
  }

  /** The block for code that runs at an address, or that for all addresses. */
  find(at: Omit<BlockKey, 'secondHost'>): Block | undefined {
    const found = this.#find(at, at.pcLo, at.pcHi, false);
    if (found !== undefined || !this.#hasSliding) return found;
    return this.#find(at, at.pcLo & (2 ** this.#pageBits - 1), 0, true);
  }

  #find(at: Omit<BlockKey, 'secondHost'>, pcLo: number, pcHi: number, slides: boolean): Block | undefined {
    for (let b = this.#byHash[blockHashIndex(at.host, pcLo)]; b !== undefined; b = b.next) {
      if (b.host !== at.host || b.pcLo !== pcLo || b.pcHi !== pcHi || b.mode !== at.mode) continue;
      if (b.slides === slides && b.extraLo === at.extraLo && b.extraHi === at.extraHi) return b;
    }
    return undefined;
  }

  /** Whether code of a page that is run at an address has been run at another one: in another process, most likely. */
  runsElsewhere(host: number, pcLo: number, pcHi: number): boolean {
    const page = Math.floor(host / PAGE);
    const lo = (pcLo - host) | 0;
    const known = this.#addresses.get(page);
    if (known === undefined) {
      this.#addresses.set(page, { lo, hi: pcHi, isOne: true });
      return false;
    }
    if (known.lo !== lo || known.hi !== pcHi) known.isOne = false;
    return !known.isOne;
  }

  /** Enters a block that was written at `place()`. */
  add(block: Block): void {
    this.#next = Math.ceil(block.end / 32) * 32;
    this.#noteEnd(this.#blocks.push(block) - 1, block.end);
    this.stats.translated++;
    this.stats.insns += block.insns.length;
    this.#enter(block);
  }

  /** Enters one of an earlier run, which was put back where it was. */
  addKept(block: Block): void {
    this.stats.kept++;
    this.#enter(block);
  }

  #enter(block: Block): void {
    if (block.slides) this.#hasSliding = true;
    const { host, pcLo, secondHost } = block.key;
    const hash = blockHashIndex(host, pcLo);
    block.next = this.#byHash[hash];
    this.#byHash[hash] = block;
    this.#enterPage(host, block);
    const last = secondHost >= 0 ? secondHost : host + block.bytes - 1;
    if (Math.floor(last / PAGE) !== Math.floor(host / PAGE)) this.#enterPage(last, block);
    if (secondHost < 0) this.enterHash(block);
  }

  #noteEnd(index: number, end: number): void {
    if (index === this.#ends.length) {
      const larger = new Uint32Array(index * 2);
      larger.set(this.#ends);
      this.#ends = larger;
    }
    this.#ends[index] = end;
  }

  /** Place of the block's entry in the table that the lookup in WebAssembly looks into, in words. */
  #hashEntry({ host, pcLo }: Block): number {
    return (this.blockHash + blockHashIndex(host, pcLo) * BLOCK_HASH_ENTRY) >>> 2;
  }

  /** Makes the block the one that the lookup in WebAssembly finds for its code. */
  enterHash(block: Block): void {
    const { host, pcLo, pcHi, mode, extraLo, extraHi } = block.key;
    const at = this.#hashEntry(block);
    const { i32 } = this.#space;
    // One that slides is there by the opposite of its host offset.
    const flip = block.slides ? -1 : 0;
    i32[at] = pcLo;
    i32[at + 1] = pcHi;
    i32[at + 2] = host ^ flip;
    i32[at + 3] = Math.floor(host / 2 ** 32) ^ flip;
    i32[at + 4] = mode;
    i32[at + 5] = block.entry;
    i32[at + 6] = extraLo;
    i32[at + 7] = extraHi;
  }

  /** Leads the stub's word straight to a block. */
  link(stub: number, block: Block): void {
    const { u32 } = this.#space;
    const word = u32[(stub + 4) >>> 2] ?? 0;
    u32[word >>> 2] = block.entry;
    block.incoming = this.#links.add(block.incoming, word, stub);
  }

  /** Leads the stub's word to wherever its address is: the block there is for one address, and the jump for all. */
  leadOut(stub: number): void {
    this.#space.i32[stub >>> 2] = LEAD_OUT;
  }

  /** Leads all jumps to a block through its entry, or past it. */
  setEntry(block: Block, hasEntry: boolean): void {
    block.hasEntry = hasEntry;
    const { u32 } = this.#space;
    for (let link = block.incoming; link !== NO_LINK; link = this.#links.next(link)) {
      const word = this.#links.word(link) >>> 2;
      if (leadsTo(block, u32[word] ?? 0)) u32[word] = block.entry;
    }
    const at = this.#hashEntry(block);
    if (leadsTo(block, u32[at + 5] ?? 0)) u32[at + 5] = block.entry;
  }

  /** The block whose operations lie around `ip`. */
  blockAt(ip: number): Block | undefined {
    if (ip < this.#first && ip >= this.arena) return this.#kept?.blockAt(ip);
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ends[middle] ?? 0) > ip) high = middle;
      else low = middle + 1;
    }
    const block = this.#blocks[low];
    return block !== undefined && block.start - ENTRY_BYTES <= ip ? block : undefined;
  }

  /** Drops the blocks that a write touches. A page whose blocks are all gone is like any other again. */
  invalidate(host: number, length: number): void {
    const end = host + length;
    let dropped = false;
    for (let page = Math.floor(host / PAGE); page * PAGE < end; page++) {
      const blocks = this.#byPage.get(page);
      if (blocks === undefined) continue;
      let kept = 0;
      for (const block of blocks) {
        if (touched(block, host, end)) {
          this.#drop(block);
          dropped = true;
        } else blocks[kept++] = block;
      }
      blocks.length = kept;
      if (kept === 0) this.#leavePage(page);
    }
    if (dropped) this.#forget();
  }

  /** Makes writes to the page of a host offset known, before code is read there. After `place()`, which may let go of it. */
  claim(host: number): void {
    const page = Math.floor(host / PAGE);
    this.#blocksOf(page);
  }

  /** Drops all blocks of the pages in a range, which somebody else has let go of in this cache's name. */
  dropPages(host: number, length: number): void {
    for (let page = Math.floor(host / PAGE); page * PAGE < host + length; page++) {
      for (const block of this.#byPage.get(page) ?? []) this.#drop(block);
      this.#byPage.delete(page);
      this.#addresses.delete(page);
      this.#lastPage = -1;
    }
    this.#forget();
  }

  /** Drops the blocks that a test picks: what they stand for has changed, though their code has not. */
  dropWhere(picks: (block: Block) => boolean): void {
    for (const block of [...this.#all()].filter((b) => b.valid && picks(b))) this.#dropAlone(block);
    this.#forget();
  }

  /** Drops a block. */
  drop(block: Block): void {
    this.#dropAlone(block);
    this.#forget();
  }

  #dropAlone(block: Block): void {
    const { host, secondHost } = block.key;
    this.#removeFrom(host, block);
    this.#removeFrom(secondHost >= 0 ? secondHost : host + block.bytes - 1, block);
    this.#drop(block);
  }

  /** Drops everything. */
  flush(): void {
    this.stats.flushes++;
    this.generation++;
    for (const block of this.#all()) {
      block.valid = false;
      block.killRegions();
    }
    this.#pages.release(this.#byPage.keys());
    this.#blocks = [];
    this.#kept?.clear();
    this.#byHash.fill(undefined);
    this.#links.clear();
    this.#byPage.clear();
    this.#addresses.clear();
    this.#lastPage = -1;
    this.#next = this.#first;
    this.#space.u8.fill(0, this.blockHash, this.blockHash + BLOCK_HASH_BYTES);
    this.#forget();
    for (const tell of this.onFlush) tell();
  }

  *#all(): Iterable<Block> {
    yield* this.#blocks;
    if (this.#kept !== undefined) yield* this.#kept.all();
  }

  #enterPage(host: number, block: Block): void {
    this.#blocksOf(Math.floor(host / PAGE)).push(block);
  }

  /** The blocks of a page, which is claimed where it has none. */
  #blocksOf(page: number): Block[] {
    if (page === this.#lastPage) return this.#ofLastPage;
    let blocks = this.#byPage.get(page);
    if (blocks === undefined) {
      blocks = [];
      this.#byPage.set(page, blocks);
      this.#pages.claim(page);
    }
    this.#lastPage = page;
    this.#ofLastPage = blocks;
    return blocks;
  }

  #removeFrom(host: number, block: Block): void {
    const page = Math.floor(host / PAGE);
    const blocks = this.#byPage.get(page);
    const at = blocks?.indexOf(block) ?? -1;
    if (at >= 0) blocks?.splice(at, 1);
    if (blocks?.length === 0) this.#leavePage(page);
  }

  /** A page has no blocks any more. */
  #leavePage(page: number): void {
    this.#byPage.delete(page);
    this.#addresses.delete(page);
    this.#lastPage = -1;
    this.#pages.release([page]);
  }

  #leaveHash(block: Block): void {
    const hash = blockHashIndex(block.host, block.pcLo);
    const first = this.#byHash[hash];
    if (first === block) {
      this.#byHash[hash] = block.next;
      return;
    }
    for (let b = first; b !== undefined; b = b.next) if (b.next === block) b.next = block.next;
  }

  #drop(block: Block): void {
    if (!block.valid) return;
    block.valid = false;
    block.killRegions();
    this.generation++;
    this.stats.invalidated++;
    this.#leaveHash(block);
    const { u32 } = this.#space;
    const at = this.#hashEntry(block);
    if (leadsTo(block, u32[at + 5] ?? 0)) u32[at + 5] = u32[at + 3] = u32[at + 2] = 0;
    for (let link = block.incoming; link !== NO_LINK; link = this.#links.next(link)) {
      const [word, stub] = [this.#links.word(link), this.#links.stub(link)];
      if (leadsTo(block, u32[word >>> 2] ?? 0) && (u32[stub >>> 2] ?? 0) % 65536 === UNLINKED) u32[word >>> 2] = stub;
    }
    this.#links.drop(block.incoming);
    block.incoming = NO_LINK;
  }
}

/** Whether a jump to `ip` starts the block. */
export function leadsTo(block: Block, ip: number): boolean {
  return ip === block.start || ip === block.start - ENTRY_BYTES;
}

/** Whether a write up to `end` changes a block's code. One that lies on two pages counts as the whole of both. */
export function touched(block: Block, host: number, end: number): boolean {
  const { key, bytes } = block;
  return key.secondHost >= 0 || (key.host < end && host < key.host + bytes);
}
