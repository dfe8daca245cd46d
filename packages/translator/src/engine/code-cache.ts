/**
 * The translated blocks of a machine: found by (host offset of the code, pc, mode, extra), linked to each other within a page,
 * dropped when somebody writes to their page. Their operations lie in an arena of the RAM space that is emptied as a
 * whole when it is full.
 */
import { PAGE_CODE, type RamSpace } from '@boardwalk/core';
import { BLOCK_HASH_BYTES, BLOCK_HASH_ENTRY } from '../softmmu/layout.ts';
import { blockHashIndex } from '../softmmu/tables.ts';
import type { InsnStart, LoweredBlock } from '../tier0/lower.ts';
import { tier0Op } from '../tier0/opcodes.ts';

const PAGE = 4096;
/** Room for the entry of a region, before a block's first operation. */
export const ENTRY_BYTES = 16;
const UNLINKED = tier0Op('unlinked');
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

export class Block {
  readonly key: BlockKey;
  /** Bytes of guest code. */
  readonly bytes: number;
  readonly start: number;
  /** The operation that ends it. */
  readonly tail: number;
  readonly end: number;
  /** Runs of the block until tier 1 is asked to compile it. */
  readonly countdown: number;
  readonly insns: readonly InsnStart[];
  /** Words of other blocks' operations that lead here, each followed by the stub that it led to before. */
  readonly incoming: number[] = [];
  valid = true;
  /** Whoever must hear that the block is dropped: tier 1's regions that have it. */
  readonly regions = new Set<{ kill(): void }>();
  /** It starts with the entry of a region, before its first operation. */
  hasEntry = false;
  /** Numbers of instructions whose accesses tier 1 is to take for misaligned. */
  readonly unaligned = new Set<number>();

  /** It stands for a breakpoint: it stops the program, and never becomes part of anything larger. */
  get isBreakpoint(): boolean {
    return this.insns.length === 0;
  }

  constructor(key: BlockKey, bytes: number, lowered: LoweredBlock, countdown: number) {
    this.key = key;
    this.bytes = bytes;
    this.start = lowered.start;
    this.tail = lowered.tail;
    this.countdown = countdown;
    this.end = lowered.end;
    this.insns = lowered.insns;
  }

  /** Where jumps to the block lead: to its region if it has one. */
  get entry(): number {
    return this.hasEntry ? this.start - ENTRY_BYTES : this.start;
  }

  /** The instruction that the operation at `ip` belongs to, and its place in the block. */
  insnAt(ip: number): { readonly insn: InsnStart; readonly index: number } {
    let index = 0;
    for (let i = 1; i < this.insns.length; i++) if ((this.insns[i]?.ip ?? Infinity) <= ip) index = i;
    const insn = this.insns[index];
    if (insn === undefined) throw new Error('a block without instructions');
    return { insn, index };
  }
}

export class CodeCache {
  readonly #space: RamSpace;
  readonly #arena: number;
  readonly #arenaEnd: number;
  readonly blockHash: number;
  #next: number;
  /** In the order of their places in the arena. */
  #blocks: Block[] = [];
  readonly #byHost = new Map<number, Block[]>();
  readonly #byPage = new Map<number, Set<Block>>();
  /** Raised whenever a block stops being valid: places in the arena that were remembered may be stale. */
  generation = 0;
  readonly stats = { translated: 0, insns: 0, invalidated: 0, flushes: 0 };
  readonly #stop: () => void;
  /** Called when everything has been dropped. */
  onFlush: (() => void) | undefined;
  /** Forget where blocks are: jump caches hold places in the arena. */
  readonly #forget: () => void;

  constructor(space: RamSpace, o: { bytes: number; forget: () => void }) {
    this.#space = space;
    this.#arena = space.reserve(o.bytes);
    this.#arenaEnd = this.#arena + o.bytes;
    this.#next = this.#arena;
    this.blockHash = space.reserve(BLOCK_HASH_BYTES);
    this.#forget = o.forget;
    this.#stop = space.onWriteFlagged((host, length, flags) => {
      if ((flags & PAGE_CODE) !== 0) this.invalidate(host, length);
    });
  }

  /** Gives its memory back. */
  dispose(): void {
    this.#stop();
    this.#space.release(this.#arena, this.#arenaEnd - this.#arena);
    this.#space.release(this.blockHash, BLOCK_HASH_BYTES);
  }

  /** Where the next block is to be written; makes room first. */
  place(): number {
    if (this.#next + BLOCK_ROOM > this.#arenaEnd) this.flush();
    return this.#next;
  }

  /** Bytes of the arena in use. */
  get used(): number {
    return this.#next - this.#arena;
  }

  get count(): number {
    return this.#blocks.length;
  }

  find(at: Omit<BlockKey, 'secondHost'>): Block | undefined {
    for (const block of this.#byHost.get(at.host) ?? []) {
      const k = block.key;
      if (k.pcLo !== at.pcLo || k.pcHi !== at.pcHi || k.mode !== at.mode) continue;
      if (k.extraLo === at.extraLo && k.extraHi === at.extraHi) return block;
    }
    return undefined;
  }

  /** Enters a block that was written at `place()`. */
  add(block: Block): void {
    this.#next = Math.ceil(block.end / 32) * 32;
    this.#blocks.push(block);
    this.stats.translated++;
    this.stats.insns += block.insns.length;
    const { host, secondHost } = block.key;
    const list = this.#byHost.get(host);
    if (list === undefined) this.#byHost.set(host, [block]);
    else list.push(block);
    this.#enterPage(host, block);
    this.#enterPage(secondHost >= 0 ? secondHost : host + block.bytes - 1, block);
    if (secondHost < 0) this.enterHash(block);
  }

  /** Makes the block the one that the lookup in WebAssembly finds for its code. */
  enterHash(block: Block): void {
    const { host, pcLo, pcHi, mode, extraLo, extraHi } = block.key;
    const at = (this.blockHash + blockHashIndex(host) * BLOCK_HASH_ENTRY) >>> 2;
    const { i32 } = this.#space;
    i32[at] = pcLo;
    i32[at + 1] = pcHi;
    i32[at + 2] = host;
    i32[at + 3] = Math.floor(host / 2 ** 32);
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
    block.incoming.push(word, stub);
  }

  /** Leads all jumps to a block through its entry, or past it. */
  setEntry(block: Block, hasEntry: boolean): void {
    block.hasEntry = hasEntry;
    const { u32 } = this.#space;
    for (let i = 0; i + 1 < block.incoming.length; i += 2) {
      const word = (block.incoming[i] ?? 0) >>> 2;
      if (leadsTo(block, u32[word] ?? 0)) u32[word] = block.entry;
    }
    const at = (this.blockHash + blockHashIndex(block.key.host) * BLOCK_HASH_ENTRY) >>> 2;
    if (leadsTo(block, u32[at + 5] ?? 0)) u32[at + 5] = block.entry;
  }

  /** The block whose operations lie around `ip`. */
  blockAt(ip: number): Block | undefined {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#blocks[middle]?.end ?? 0) > ip) high = middle;
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
      for (const block of blocks) {
        if (!touched(block, host, end)) continue;
        blocks.delete(block);
        this.#drop(block);
        dropped = true;
      }
      if (blocks.size > 0) continue;
      this.#byPage.delete(page);
      this.#space.lowerFlags(page * PAGE, PAGE, PAGE_CODE);
    }
    if (dropped) this.#forget();
  }

  /** Drops the blocks that a test picks: what they stand for has changed, though their code has not. */
  dropWhere(picks: (block: Block) => boolean): void {
    for (const block of this.#blocks.filter((b) => b.valid && picks(b))) {
      const { host, secondHost } = block.key;
      this.#leavePage(host, block);
      this.#leavePage(secondHost >= 0 ? secondHost : host + block.bytes - 1, block);
      this.#drop(block);
    }
    this.#forget();
  }

  /** Drops everything. */
  flush(): void {
    this.stats.flushes++;
    this.generation++;
    for (const block of this.#blocks) {
      block.valid = false;
      for (const region of [...block.regions]) region.kill();
    }
    for (const page of this.#byPage.keys()) this.#space.lowerFlags(page * PAGE, PAGE, PAGE_CODE);
    this.#blocks = [];
    this.#byHost.clear();
    this.#byPage.clear();
    this.#next = this.#arena;
    this.#space.u8.fill(0, this.blockHash, this.blockHash + BLOCK_HASH_BYTES);
    this.#forget();
    this.onFlush?.();
  }

  #enterPage(host: number, block: Block): void {
    const page = Math.floor(host / PAGE);
    const set = this.#byPage.get(page);
    if (set !== undefined) {
      set.add(block);
      return;
    }
    this.#byPage.set(page, new Set([block]));
    this.#space.raiseFlags(page * PAGE, PAGE, PAGE_CODE);
  }

  #leavePage(host: number, block: Block): void {
    const page = Math.floor(host / PAGE);
    const blocks = this.#byPage.get(page);
    blocks?.delete(block);
    if (blocks?.size !== 0) return;
    this.#byPage.delete(page);
    this.#space.lowerFlags(page * PAGE, PAGE, PAGE_CODE);
  }

  #drop(block: Block): void {
    if (!block.valid) return;
    block.valid = false;
    for (const region of [...block.regions]) region.kill();
    this.generation++;
    this.stats.invalidated++;
    const { host } = block.key;
    const rest = this.#byHost.get(host)?.filter((b) => b !== block) ?? [];
    if (rest.length > 0) this.#byHost.set(host, rest);
    else this.#byHost.delete(host);
    const { u32 } = this.#space;
    const at = (this.blockHash + blockHashIndex(host) * BLOCK_HASH_ENTRY) >>> 2;
    if (leadsTo(block, u32[at + 5] ?? 0)) u32[at + 5] = u32[at + 3] = u32[at + 2] = 0;
    for (let i = 0; i + 1 < block.incoming.length; i += 2) {
      const [word, stub] = [block.incoming[i] ?? 0, block.incoming[i + 1] ?? 0];
      if (leadsTo(block, u32[word >>> 2] ?? 0) && (u32[stub >>> 2] ?? 0) % 65536 === UNLINKED) u32[word >>> 2] = stub;
    }
    block.incoming.length = 0;
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
