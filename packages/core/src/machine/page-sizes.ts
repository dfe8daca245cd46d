// The sizes of the host's pages behind a guest's RAM: what a machine may promise its guest, and what devices must keep to.

import { MemoryBackend } from '../memory/index.ts';
import type { BwObject } from '../object/index.ts';

/** Bytes of a page where no backend says more. */
const HOST_PAGE = 4096;

function pageSizesInUse(root: BwObject): number[] {
  const backends = [...(root.children.get('objects')?.children.values() ?? [])].filter(
    (o): o is MemoryBackend => o instanceof MemoryBackend && o.mapped,
  );
  return backends.map(({ pageSize }) => pageSize);
}

/**
 * Bytes of the smallest page behind any RAM in use: main RAM, nodes' RAM, memory devices. A guest can be told of huge pages of its own
 * only up to this size.
 * @param root the object tree
 */
export function smallestRamPage(root: BwObject): number {
  const sizes = pageSizesInUse(root);
  return sizes.length === 0 ? HOST_PAGE : Math.min(...sizes);
}

/** Bytes of the largest page behind any RAM in use: memory cannot be given back in smaller pieces everywhere. */
export function largestRamPage(root: BwObject): number {
  return Math.max(HOST_PAGE, ...pageSizesInUse(root));
}
