/** Regions for the next run, and those of the last one. */
import type { Block, CodeCache } from '../engine/code-cache.ts';
import { FIELD, type KeptAddress, type KeptRegion } from '../kept/image.ts';
import type { KeptCode } from '../kept/kept-code.ts';
import { type Address, addAddress, subAddress } from '../pc.ts';
import { tier0Op } from '../tier0/opcodes.ts';
import { isInside, type Place, type RegionNode } from './region.ts';
import { type Span, sameSpan } from './spans.ts';
import type { RegionParts } from './tier1.ts';

const UNLINKED = tier0Op('unlinked');

/** A region's parts and its module. */
export interface CompiledRegion {
  readonly parts: RegionParts;
  readonly module: Uint8Array<ArrayBuffer>;
  /** Helpers that it imports as `h0`, `h1` and so on. */
  readonly helpers: readonly string[];
  readonly longest: number;
}

export interface KeptRegionsOptions {
  readonly kept: KeptCode;
  readonly cache: CodeCache;
  readonly u32: Uint32Array;
  /** log2 of the bytes of a page of code. */
  readonly pageBits: number;
  /** What regions compiled now take for constant. */
  readonly constants: () => string;
  readonly spanNow: (mmu: number, store: boolean) => Span | undefined;
  /** Whether there is a helper to call, by its name. */
  readonly hasHelper: (name: string) => boolean;
  readonly targetsOf: (block: Block) => readonly Address[];
  /** Host offset of a page of code as the vCPU sees it now; negative where there is none. */
  readonly hostOf: (page: Address) => number;
  /** Puts back a block for code at a host offset, and enters it in the code cache. */
  readonly putBack: (id: number, host: number, pc: Address) => Block | undefined;
}

export class KeptRegions {
  readonly #o: KeptRegionsOptions;

  constructor(o: KeptRegionsOptions) {
    this.#o = o;
  }

  /** Whether a block was an entry of a region. */
  has(block: Block): boolean {
    return this.#o.kept.regionOf(block) !== undefined;
  }

  /** Nothing is noted from now on. */
  stop(): void {
    this.#o.kept.stop();
  }

  /** Notes a region that was just compiled, if all of its blocks are noted. */
  note({ parts, module, helpers, longest }: CompiledRegion, nodes: readonly RegionNode[]): void {
    const { place, entries, wanted, pages, blocks, covers } = parts;
    if (blocks.some((block) => block.kept < 0)) return;
    // One that was wanted may have found no room.
    const wantedIn = [...wanted].filter(([block]) => blocks.includes(block));
    this.#o.kept.noteRegion({
      number: parts.number,
      root: place.block.kept,
      rootPage: pairOf(place.page),
      entries: entries.map(({ kept }) => kept),
      blocks: blocks.map(({ kept }) => kept),
      pages: blocks.map((block) => pairOf(pages.get(block) ?? place.page)),
      covers: [...covers].map(({ kept }) => kept),
      wanted: wantedIn.map(([{ kept }]) => kept),
      wantedPages: wantedIn.map(([, { page }]) => pairOf(page)),
      nodes: parts.nodes,
      insns: parts.insns,
      longest,
      module,
      helpers,
      constants: this.#o.constants(),
      spans: parts.spans,
      targets: [...parts.targets].map(([block, known]) => ({
        block: block.kept,
        known,
        seen: this.#o.targetsOf(block).map(pairOf),
      })),
      unaligned: blocks.flatMap((block) => [...block.unaligned].flatMap((insn) => [block.kept, insn])),
      scattered: blocks.flatMap((block) => [...block.scattered].flatMap((insn) => [block.kept, insn])),
      links: linksOf(nodes),
    });
  }

  /**
   * The region that a block is an entry of, if all of it can be put back now. `undefined`: there is none; `'later'`: not yet.
   * `isThere`: whether the region of a number is there already.
   */
  putBack(
    entry: Place,
    isThere: (number: number) => boolean,
  ): (CompiledRegion & { readonly seen: ReadonlyMap<Block, readonly Address[]> }) | 'later' | undefined {
    const region = this.#o.kept.regionOf(entry.block);
    if (region === undefined || isThere(region.number) || region.constants !== this.#o.constants()) return undefined;
    if (!region.helpers.every((name) => this.#o.hasHelper(name))) return undefined;
    for (const { mmu, store, span } of region.spans) {
      if (!sameSpan(span, this.#o.spanNow(mmu, store))) return 'later';
    }
    const moved = movedFrom(region, entry);
    const blocks = this.#blocks(region, entry, moved);
    if (blocks === undefined) return 'later';
    const at = (id: number): Block => {
      const block = blocks.get(id);
      if (block === undefined) throw new Error(`block ${id} is not one of the region's`);
      return block;
    };
    const { links, unaligned, scattered } = region;
    for (let i = 0; i < links.length; i += 2) this.#link(links[i] ?? 0, at(links[i + 1] ?? 0));
    for (let i = 0; i < unaligned.length; i += 2) at(unaligned[i] ?? 0).addUnaligned(unaligned[i + 1] ?? 0);
    for (let i = 0; i < scattered.length; i += 2) at(scattered[i] ?? 0).addScattered(scattered[i + 1] ?? 0);
    const wanted = region.wanted.map((id, i): [Block, Place] => {
      const block = at(id);
      return [block, { block, page: moved(block, region.wantedPages[i]) }];
    });
    const root = at(region.root);
    const parts: RegionParts = {
      place: { block: root, page: moved(root, region.rootPage) },
      number: region.number,
      entries: region.entries.map(at),
      wanted: new Map(wanted),
      pages: new Map(region.blocks.map((id, i) => [at(id), moved(at(id), region.pages[i])])),
      blocks: region.blocks.map(at),
      covers: new Set(region.covers.map(at)),
      nodes: region.nodes,
      insns: region.insns,
      spans: region.spans,
      bytes: region.module.length,
      targets: new Map(region.targets.map(({ block, known }) => [at(block), known])),
    };
    const seen = new Map(region.targets.map(({ block, seen: list }) => [at(block), list.map(addressOf)]));
    return { parts, module: region.module, helpers: region.helpers, longest: region.longest, seen };
  }

  /** All blocks of a region, put back where they are not there; undefined where one cannot be yet. */
  #blocks(region: KeptRegion, entry: Place, moved: Mover): Map<number, Block> | undefined {
    const mask = 2 ** this.#o.pageBits - 1;
    const { blocks: known } = this.#o.kept;
    const found = new Map<number, Block>([[entry.block.kept, entry.block]]);
    // Where the pages of the region are.
    const hosts = new Map([[keyOf(entry.page), entry.block.host - (entry.block.pcLo & mask)]]);
    for (const [i, id] of region.blocks.entries()) {
      if (found.has(id)) continue;
      const page = moved(known.isSliding(id) ? SLIDES : FIXED, region.pages[i]);
      const host = hosts.get(keyOf(page)) ?? this.#o.hostOf(page);
      if (host < 0) return undefined;
      hosts.set(keyOf(page), host);
      const inPage = known.field(id, FIELD.pcLo) & mask;
      const active = known.active(id);
      if (active?.host === host + inPage) {
        found.set(id, active);
        continue;
      }
      // It was put back for the same code in other memory, which is not what runs now.
      if (active !== undefined) this.#o.cache.drop(active);
      const block = this.#o.putBack(id, host + inPage, { lo: page.lo | inPage, hi: page.hi });
      if (block === undefined) return undefined;
      found.set(id, block);
    }
    return found;
  }

  /** Links a word of tier 0's to a block, if it still leads to a stub. */
  #link(word: number, block: Block): void {
    const { u32, cache } = this.#o;
    const stub = u32[word >>> 2] ?? 0;
    if ((u32[stub >>> 2] ?? 0) % 65536 !== UNLINKED || u32[(stub + 4) >>> 2] !== word) return;
    cache.link(stub, block);
  }
}

const SLIDES = { slides: true };
const FIXED = { slides: false };

/** Where a page of a region is, if its block slides. */
type Mover = (block: { readonly slides: boolean }, before: KeptAddress | undefined) => Address;

/** The same for a region of which an entry is at a place now. */
function movedFrom({ blocks, pages, rootPage }: KeptRegion, { block: entry, page }: Place): Mover {
  const by = subAddress(page, addressOf(pages[blocks.indexOf(entry.kept)] ?? rootPage));
  return ({ slides }, before) => {
    const address = addressOf(before ?? rootPage);
    return slides ? addAddress(address, by) : address;
  };
}

/** Words of tier 0 that lead from one node's block to another's, and to what. */
function linksOf(nodes: readonly RegionNode[]): number[] {
  const links: number[] = [];
  for (const { block, edges, skipped } of nodes) {
    for (const edge of edges) {
      if (!isInside(edge) || edge.otherwise.kind !== 'word') continue;
      const to = edge.kind === 'entry' ? edge.to : edge.node;
      links.push(edge.otherwise.word, to.block.kept);
    }
    if (skipped !== undefined) links.push(block.tail + (skipped.onTaken ? 16 : 20), skipped.block.kept);
  }
  return links;
}

function pairOf({ lo, hi }: Address): KeptAddress {
  return [lo, hi];
}

function addressOf([lo, hi]: KeptAddress): Address {
  return { lo, hi };
}

function keyOf({ lo, hi }: Address): string {
  return `${hi} ${lo}`;
}
