/** Regions for the next run, and those of the last one. */
import type { Block, CodeCache } from '../engine/code-cache.ts';
import type { Helper } from '../ir/helper.ts';
import { FIELD, type KeptAddress, type KeptRegion } from '../kept/image.ts';
import type { KeptCode } from '../kept/kept-code.ts';
import { type Address, addAddress, subAddress } from '../pc.ts';
import { tier0Op } from '../tier0/opcodes.ts';
import { isInside, type Place, type RegionNode } from './region.ts';
import { type Span, sameSpan } from './spans.ts';
import type { RegionParts } from './tier1.ts';

const UNLINKED = tier0Op('unlinked');

/** A region's parts, its module and what this imports. */
export interface CompiledRegion {
  readonly parts: RegionParts;
  readonly module: Uint8Array<ArrayBuffer>;
  readonly helpers: ReadonlyMap<Helper, number>;
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
  /** A helper that blocks call, by its name. */
  readonly helperNamed: (name: string) => Helper | undefined;
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

  /** Whether a block was the first of a region. */
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
    this.#o.kept.noteRegion({
      number: parts.number,
      root: place.block.kept,
      rootPage: pairOf(place.page),
      entries: entries.map(({ kept }) => kept),
      blocks: blocks.map(({ kept }) => kept),
      pages: blocks.map((block) => pairOf(pages.get(block) ?? place.page)),
      covers: [...covers].map(({ kept }) => kept),
      wanted: [...wanted.keys()].map(({ kept }) => kept),
      wantedPages: [...wanted.values()].map(({ page }) => pairOf(page)),
      nodes: parts.nodes,
      insns: parts.insns,
      longest,
      module,
      helpers: [...helpers.keys()].map(({ name }) => name),
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

  /** The region that a block was the first of, if all of it can be put back now. `undefined`: there is none; `'later'`: not yet. */
  putBack(
    place: Place,
  ): (CompiledRegion & { readonly seen: ReadonlyMap<Block, readonly Address[]> }) | 'later' | undefined {
    const region = this.#o.kept.regionOf(place.block);
    if (region === undefined) return undefined;
    if (region.constants !== this.#o.constants()) return undefined;
    const helpers = new Map<Helper, number>();
    for (const [n, name] of region.helpers.entries()) {
      const helper = this.#o.helperNamed(name);
      if (helper === undefined) return undefined;
      helpers.set(helper, n);
    }
    for (const { mmu, store, span } of region.spans) {
      if (!sameSpan(span, this.#o.spanNow(mmu, store))) return 'later';
    }
    const blocks = this.#blocks(region, place);
    if (blocks === undefined) return 'later';
    for (let i = 0; i < region.links.length; i += 2)
      this.#link(region.links[i] ?? 0, blocks.get(region.links[i + 1] ?? 0));
    const moved = movedFrom(region, place);
    const at = (id: number): Block => blocks.get(id) ?? place.block;
    const { unaligned, scattered } = region;
    for (let i = 0; i < unaligned.length; i += 2) at(unaligned[i] ?? 0).addUnaligned(unaligned[i + 1] ?? 0);
    for (let i = 0; i < scattered.length; i += 2) at(scattered[i] ?? 0).addScattered(scattered[i + 1] ?? 0);
    const wanted = region.wanted.map((id, i): [Block, Place] => {
      const block = at(id);
      return [block, { block, page: moved(block, region.wantedPages[i]) }];
    });
    const parts: RegionParts = {
      place,
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
    return { parts, module: region.module, helpers, longest: region.longest, seen };
  }

  /** All blocks of a region, put back where they are not there; undefined where one cannot be yet. */
  #blocks(region: KeptRegion, place: Place): Map<number, Block> | undefined {
    const mask = 2 ** this.#o.pageBits - 1;
    const { blocks: known } = this.#o.kept;
    const moved = movedFrom(region, place);
    const found = new Map<number, Block>([[region.root, place.block]]);
    // Where the pages of the region are: in each all blocks must be of the same memory.
    const hosts = new Map<string, number>();
    const hostOf = ({ host, pcLo }: Block): number => host - (pcLo & mask);
    hosts.set(keyOf(place.page), hostOf(place.block));
    const pages = region.blocks.map((id, i) => ({
      id,
      page: moved(known.isSliding(id) ? SLIDES : FIXED, region.pages[i]),
    }));
    for (const { id, page } of pages) {
      const block = known.active(id);
      if (block === undefined) continue;
      const key = keyOf(page);
      if ((hosts.get(key) ?? hostOf(block)) !== hostOf(block)) return undefined;
      hosts.set(key, hostOf(block));
      found.set(id, block);
    }
    for (const { id, page } of pages) {
      if (found.has(id)) continue;
      const host = hosts.get(keyOf(page)) ?? this.#o.hostOf(page);
      if (host < 0) return undefined;
      hosts.set(keyOf(page), host);
      const inPage = known.field(id, FIELD.pcLo) & mask;
      const block = this.#o.putBack(id, host + inPage, { lo: page.lo | inPage, hi: page.hi });
      if (block === undefined) return undefined;
      found.set(id, block);
    }
    return found;
  }

  /** Links a word of tier 0's to a block, if it still leads to a stub. */
  #link(word: number, block: Block | undefined): void {
    const { u32, cache } = this.#o;
    const stub = u32[word >>> 2] ?? 0;
    if (block === undefined || (u32[stub >>> 2] ?? 0) % 65536 !== UNLINKED || u32[(stub + 4) >>> 2] !== word) return;
    cache.link(stub, block);
  }
}

const SLIDES = { slides: true };
const FIXED = { slides: false };

/** Where a page of a region is that was formed elsewhere, if its block slides. */
function movedFrom(
  { rootPage }: KeptRegion,
  { page }: Place,
): (block: { readonly slides: boolean }, before: KeptAddress | undefined) => Address {
  const by = subAddress(page, addressOf(rootPage));
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
