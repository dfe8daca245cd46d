// The memory map as text, in the shape of QEMU's `info mtree` and `info mtree -f` (version 7.2), which scripts read.

import type { AddressSpace } from './address-space.ts';
import { FlatRange, type FlatView } from './flat-view.ts';
import type { MemoryRegion } from './region.ts';
import { WHOLE_SPACE } from './types.ts';

/** What {@link formatMemoryTree} shows beyond the tree. */
export interface MemoryTreeOptions {
  /** Regions that are switched off, marked `[disabled]` (`-D`). */
  readonly disabled?: boolean;
  /** The object that each region belongs to (`-o`). */
  readonly owner?: boolean;
}

const LAST_ADDRESS = 0xffff_ffff_ffff_ffffn;

function hex(address: bigint): string {
  return address.toString(16).padStart(16, '0');
}

function interval(start: bigint, size: number): string {
  const last = size === WHOLE_SPACE ? LAST_ADDRESS : start + BigInt(size) - (size > 0 ? 1n : 0n);
  return `${hex(start)}-${hex(last > LAST_ADDRESS ? LAST_ADDRESS : last)}`;
}

function kindName(region: MemoryRegion): string {
  if (region.target) return kindName(region.target);
  if (region.romMode) return 'romd';
  if (region.kind === 'rom' || (region.kind === 'ram' && region.readonly)) return 'rom';
  return region.kind === 'ram' ? 'ram' : 'i/o';
}

function ownerOf(region: MemoryRegion): string {
  const owner = region.parent;
  if (!owner) return ' orphan';
  const kind = owner.isA('device') ? 'dev' : 'obj';
  return owner.type === 'container' ? ` parent:{obj path=${owner.path}}` : ` owner:{${kind} path=${owner.path}}`;
}

/** One run of the printer: the lines so far, and the targets of aliases, which get sections of their own. */
class TreePrinter {
  readonly lines: string[] = [];
  readonly targets = new Set<MemoryRegion>();
  readonly #options: MemoryTreeOptions;

  constructor(options: MemoryTreeOptions) {
    this.#options = options;
  }

  region(region: MemoryRegion, level: number, base: bigint): void {
    const start = base + BigInt(region.address);
    if (region.target) this.targets.add(region.target);
    if (region.enabled || this.#options.disabled)
      this.lines.push(`${'  '.repeat(level)}${this.#describe(region, start)}`);
    const parts = [...region.subregions].sort((a, b) => a.address - b.address || b.priority - a.priority);
    for (const part of parts) this.region(part, level + 1, start);
  }

  #describe(region: MemoryRegion, start: bigint): string {
    const place = `${interval(start, region.size)} (prio ${region.priority}, ${kindName(region)}): `;
    const { target } = region;
    const name = target
      ? `alias ${region.name} @${target.name} ${interval(BigInt(region.targetOffset), region.size)}`
      : region.name;
    return `${place}${name}${region.enabled ? '' : ' [disabled]'}${this.#options.owner ? ownerOf(region) : ''}`;
  }
}

function byRoot(spaces: readonly AddressSpace[]): Map<MemoryRegion, AddressSpace[]> {
  const groups = new Map<MemoryRegion, AddressSpace[]>();
  for (const as of spaces) groups.set(as.root, [...(groups.get(as.root) ?? []), as]);
  return groups;
}

/**
 * The trees of regions of address spaces: those with the same root together, then every region that an alias shows.
 *
 * @returns lines, each with its line feed, as `info mtree` prints them
 */
export function formatMemoryTree(
  spaces: AddressSpace | readonly AddressSpace[],
  options: MemoryTreeOptions = {},
): string {
  const printer = new TreePrinter(options);
  const { lines, targets } = printer;
  for (const [root, users] of byRoot([spaces].flat())) {
    for (const name of users.map((as) => as.name).sort()) lines.push(`address-space: ${name}`);
    printer.region(root, 1, 0n);
    lines.push('');
  }
  // Printing a target may bring more of them, which then come later in this very loop.
  for (const target of targets) {
    lines.push(`memory-region: ${target.name}`);
    printer.region(target, 1, 0n);
    lines.push('');
  }
  return `${lines.join('\n')}\n`;
}

/** The region that a tree amounts to, looking through aliases and containers that add nothing; undefined for an empty tree. */
function effectiveRoot(root: MemoryRegion): MemoryRegion | undefined {
  let region = root;
  while (region.enabled) {
    let next: MemoryRegion | undefined;
    if (region.target) {
      if (region.targetOffset === 0 && region.target.size <= region.size) next = region.target;
    } else if (!region.answers) {
      const parts = region.subregions.filter((part) => part.enabled);
      if (parts.length === 0) return undefined;
      const [only] = parts;
      if (only && parts.length === 1 && only.address === 0 && only.size >= region.size) next = only;
    }
    if (!next) return region;
    region = next;
  }
  return undefined;
}

function flatLine(range: FlatRange): string {
  const { region, offset } = range;
  const kind = range.readonly && region.block ? 'rom' : kindName(region);
  const size = range.end === WHOLE_SPACE && range.base === 0 ? WHOLE_SPACE : range.size;
  const place = `${interval(BigInt(range.base), size)} (prio ${region.priority}, ${kind}): ${region.name}`;
  return `  ${place}${offset === 0 ? '' : ` @${hex(BigInt(offset))}`}`;
}

/** Ranges that only the host sees apart are one for a reader. */
function joined(ranges: readonly FlatRange[]): FlatRange[] {
  const result: FlatRange[] = [];
  for (const range of ranges) {
    const last = result.at(-1);
    if (last?.showsOn(range)) {
      result[result.length - 1] = new FlatRange(last.base, range.end, last.region, last.offset, last.readonly);
    } else {
      result.push(range);
    }
  }
  return result;
}

function flatSection(
  index: number,
  users: readonly AddressSpace[],
  root: MemoryRegion | undefined,
  view: FlatView,
): string[] {
  const lines = [`FlatView #${index}`];
  for (const as of users) {
    const { target } = as.root;
    lines.push(` AS "${as.name}", root: ${as.root.name}${target ? `, alias ${target.name}` : ''}`);
  }
  lines.push(` Root memory region: ${root?.name ?? '(none)'}`);
  if (view.ranges.length === 0) lines.push('  No rendered FlatView');
  else lines.push(...joined(view.ranges).map(flatLine));
  return [...lines, ''];
}

/** The flat views of address spaces, those that show the same together, as `info mtree -f` prints them. */
export function formatFlatViews(spaces: AddressSpace | readonly AddressSpace[]): string {
  const groups = new Map<MemoryRegion | undefined, AddressSpace[]>();
  for (const as of [spaces].flat()) {
    const root = effectiveRoot(as.root);
    groups.set(root, [...(groups.get(root) ?? []), as]);
  }
  const sections = [...groups].map(([root, users], index) => {
    const view = users[0]?.flatView();
    return view ? flatSection(index, users, root, view) : [];
  });
  return `${sections.flat().join('\n')}\n`;
}
