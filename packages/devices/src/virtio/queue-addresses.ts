// Addresses of a queue's three areas, as a driver writes them: in halves, in any order.

import { toAddress } from './guest-memory.ts';
import type { VirtQueue } from './virtqueue.ts';

/** The areas, in the order in which the halves lie. */
const AREAS = ['descriptors', 'driver', 'device'] as const;

export type QueueArea = (typeof AREAS)[number];

/** Halves: state of a transport. */
export const QUEUE_HALVES = 2 * AREAS.length;

/** The halves of a queue's addresses as they are now. */
export function loadHalves(halves: Uint32Array, queue: VirtQueue | undefined): void {
  for (const [i, area] of AREAS.entries()) {
    const address = queue?.[area] ?? 0;
    const isAddress = address !== Number.POSITIVE_INFINITY;
    halves[2 * i] = isAddress ? address % 2 ** 32 : 0;
    halves[2 * i + 1] = isAddress ? Math.floor(address / 2 ** 32) : 0;
  }
}

/** A half of an area's address. */
export function halfOf(halves: Uint32Array, area: QueueArea, half: 0 | 1): number {
  return halves[2 * AREAS.indexOf(area) + half] ?? 0;
}

/** Sets a half, and with it the queue's address. */
export function setHalf(halves: Uint32Array, queue: VirtQueue, area: QueueArea, half: 0 | 1, value: number): void {
  halves[2 * AREAS.indexOf(area) + half] = value;
  queue[area] = toAddress(halfOf(halves, area, 0), halfOf(halves, area, 1));
}
