// The nodes' shares of the RAM.
import { MiB, UserError } from '@boardwalk/core';

/** What the user said of a node's memory. */
export interface NodeMemory {
  readonly id: number;
  /** Bytes. */
  readonly mem: number | undefined;
  readonly memdev: string | undefined;
}

/** The machine's memory. */
interface Memory {
  readonly ramSize: number;
  backendSize(id: string): number | undefined;
}

/** Shares are whole blocks of this size; the last node takes what is over. */
const SHARE_UNIT = MiB(8);

/**
 * Bytes of each node.
 * @param split nodes that say nothing share the RAM evenly
 * @throws UserError if a backend is missing or used twice, or the sizes do not add up to the RAM
 */
export function checkNodeSizes(nodes: readonly NodeMemory[], memory: Memory, split: boolean): number[] {
  if (nodes.length === 0) return [];
  const { ramSize } = memory;
  const used = new Set<string>();
  for (const { memdev } of nodes) {
    if (memdev === undefined) continue;
    if (used.has(memdev)) throw new UserError(`memory backend ${memdev} can't be used multiple times.`);
    used.add(memdev);
  }
  if (split && nodes.every(({ mem, memdev }) => mem === undefined && memdev === undefined)) {
    return splitEvenly(nodes.length, ramSize);
  }
  const sizes = nodes.map(({ mem, memdev }) => {
    if (memdev === undefined) return mem ?? 0;
    const size = memory.backendSize(memdev);
    if (size === undefined) throw new UserError(`memdev=${memdev} is ambiguous`);
    return size;
  });
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== ramSize) {
    throw new UserError(`total memory for NUMA nodes (${hex(total)}) should equal RAM size (${hex(ramSize)})`);
  }
  return sizes;
}

function splitEvenly(nodes: number, ramSize: number): number[] {
  const share = Math.floor(ramSize / nodes / SHARE_UNIT) * SHARE_UNIT;
  return Array.from({ length: nodes }, (_, id) => (id === nodes - 1 ? ramSize - share * (nodes - 1) : share));
}

const hex = (n: number): string => `0x${n.toString(16)}`;
