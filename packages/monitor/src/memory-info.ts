// What monitors show of memory backends and NUMA nodes, from @boardwalk/numa.
import { requireObject } from '@boardwalk/core';
import {
  type HotpluggableCpu,
  hotpluggableCpus,
  type MemdevInfo,
  memdevInfo,
  type NumaNodeInfo,
  numaInfo,
} from '@boardwalk/numa';
import type { Emulator } from './emulator.ts';

/** `query-memdev`. */
export function memdevsOf({ root }: Emulator): MemdevInfo[] {
  return memdevInfo(requireObject(root, '/objects'));
}

/** `info numa`. */
export function numaNodesOf({ machine }: Emulator): NumaNodeInfo[] {
  return machine === undefined ? [] : numaInfo(machine);
}

/** `query-hotpluggable-cpus`. @throws UserError for a machine without places for CPUs */
export function hotpluggableCpusOf({ machine, preconfig }: Emulator): HotpluggableCpu[] {
  return hotpluggableCpus(machine ?? preconfig?.numa);
}
