// What monitors show of memory backends and NUMA nodes, from @boardwalk/numa.
import { MemoryBackend, UserError } from '@boardwalk/core';
import { type HotpluggableCpu, type MemdevInfo, memdevInfo, type NumaNodeInfo } from '@boardwalk/numa';
import type { Emulator } from './emulator.ts';

/** `query-memdev`. */
export function memdevsOf({ root }: Emulator): MemdevInfo[] {
  const objects = [...(root.children.get('objects')?.children.values() ?? [])];
  return memdevInfo(objects.filter((o) => o instanceof MemoryBackend));
}

/** `info numa`. */
export function numaNodesOf(_emulator: Emulator): NumaNodeInfo[] {
  return [];
}

/** `query-hotpluggable-cpus`. @throws UserError for a machine without places for CPUs */
export function hotpluggableCpusOf(_emulator: Emulator): HotpluggableCpu[] {
  throw new UserError("The feature 'query-hotpluggable-cpus' is not enabled");
}
