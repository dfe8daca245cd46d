// Real memory mappings of the host, where the command line asks for something that needs them.

import { type BwObject, type HostMemory, MemoryBackend, type NoHostMemory } from '@boardwalk/core';
import { openHostMemory } from '@boardwalk/host-node';
import type { CommandLine } from '../options/command-line.ts';

/** The host's mappings; undefined where plain memory will do, which spares loading the native library. */
export async function hostMemoryFor(line: CommandLine): Promise<HostMemory | NoHostMemory | undefined> {
  const asked =
    line.has('mem-path') ||
    line.has('mem-prealloc') ||
    line.all('object').some((text) => text.includes('memory-backend-'));
  return asked ? openHostMemory() : undefined;
}

/** Ends the user's objects, after a failure without what was made for them. */
export function endObjects(root: BwObject, end: 'dispose' | 'abandon'): void {
  for (const object of [...(root.children.get('objects')?.children.values() ?? [])]) {
    object.remove();
    if (object instanceof MemoryBackend) object[end]();
    else object.dispose();
  }
}
