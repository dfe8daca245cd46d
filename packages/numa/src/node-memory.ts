// The nodes' shares of the RAM.
import { MiB, UserError } from '@boardwalk/core';

/** What the user said of a node's memory. */
export interface NodeMemory {
  readonly id: number;
  /** Bytes; undefined if nothing was said. */
  readonly size: number | undefined;
  readonly memdev: string | undefined;
}

/** The borders between even shares lie at multiples of it. */
const SHARE_UNIT = MiB(8);

/**
 * Bytes of each node.
 * @param split nodes that say nothing share the RAM evenly
 * @param warnings gets what the user should change
 * @throws UserError if a backend is used twice, or the sizes do not add up to the RAM
 */
export function checkNodeSizes(
  nodes: readonly NodeMemory[],
  ramSize: number,
  split: boolean,
  warnings: string[],
): number[] {
  if (nodes.length === 0) return [];
  if (split && nodes.every(({ size }) => size === undefined)) {
    warnings.push('Default splitting of RAM between nodes is deprecated, use -numa node,memdev instead');
    return splitEvenly(nodes.length, ramSize);
  }
  const sizes = nodes.map(({ size = 0 }) => size);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== ramSize) {
    throw new UserError(`total memory for NUMA nodes (${hex(total)}) should equal RAM size (${hex(ramSize)})`);
  }
  const used = new Set<string>();
  for (const { memdev } of nodes) {
    if (memdev === undefined) continue;
    if (used.has(memdev)) throw new UserError(`memory backend ${memdev} can't be used multiple times.`);
    used.add(memdev);
  }
  return sizes;
}

function splitEvenly(nodes: number, ramSize: number): number[] {
  const border = (i: number): number =>
    i === nodes ? ramSize : Math.floor((i * ramSize) / nodes / SHARE_UNIT) * SHARE_UNIT;
  return Array.from({ length: nodes }, (_, id) => border(id + 1) - border(id));
}

const hex = (n: number): string => `0x${n.toString(16)}`;
