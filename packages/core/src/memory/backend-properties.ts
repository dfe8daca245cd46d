// The properties that all memory backends have, as `-object memory-backend-ram,help` lists them.

import { type BwObject, invalidType, type PropertySpec, UserError } from '../object/index.ts';
import type { HostPlacement, MemoryBackend } from './backend.ts';
import { MEMORY_POLICIES, type MemoryPolicy } from './host-memory.ts';

/** Nodes of the host that a policy can name (QEMU's MAX_NODES). */
const MAX_NODES = 128;

/** Declares the properties. @param of checks that an object is a backend */
export function backendProperties(of: (o: BwObject) => MemoryBackend): readonly PropertySpec[] {
  const specs: readonly PropertySpec<never>[] = [
    bool(
      'dump',
      'Set to off to exclude from core dump',
      (b) => b.dump,
      (b, on) => b.setDump(on),
      true,
    ),
    {
      name: 'host-nodes',
      type: 'list',
      reportedType: 'int',
      description: 'Binds memory to the list of NUMA host nodes',
      parse: parseNodes as () => never,
      get: (o: BwObject) => of(o).hostNodes as never,
      set: (o: BwObject, nodes: readonly number[]) => {
        of(o).hostNodes = nodes;
      },
    },
    bool(
      'merge',
      'Mark memory as mergeable',
      (b) => b.merge,
      (b, on) => b.setMerge(on),
      true,
    ),
    {
      name: 'policy',
      type: 'HostMemPolicy',
      description: 'Set the NUMA policy',
      values: MEMORY_POLICIES,
      default: 'default' as never,
      get: (o: BwObject) => of(o).policy as never,
      set: (o: BwObject, policy: MemoryPolicy) => {
        of(o).policy = policy;
      },
    },
    bool(
      'prealloc',
      'Preallocate memory',
      (b) => b.prealloc,
      (b, on) => b.setPrealloc(on),
      false,
    ),
    {
      name: 'prealloc-threads',
      type: 'uint32',
      reportedType: 'int',
      description: 'Number of CPU threads to use for prealloc',
      get: (o: BwObject) => of(o).preallocThreads as never,
      set: (o: BwObject, threads: number) => {
        if (threads === 0) throw new UserError(`property 'prealloc-threads' of ${o.type} doesn't take value '0'`);
        of(o).preallocThreads = threads;
      },
    },
    bool(
      'reserve',
      'Reserve swap space (or huge pages) if applicable',
      (b) => b.reserve,
      (b, on) => b.setReserve(on),
      true,
    ),
    bool('share', 'Mark the memory as private to QEMU or shared', (b) => b.share, setShare),
    {
      name: 'size',
      type: 'size',
      reportedType: 'int',
      description: 'Size of the memory region (ex: 500M)',
      required: true,
      get: (o: BwObject) => of(o).size as never,
      set: (o: BwObject, bytes: number) => of(o).setSize(bytes),
    },
    {
      name: 'x-host-pages',
      type: 'str',
      description: 'Bytes on each node of the host (NODE:BYTES ...), as its kernel says',
      get: (o: BwObject) => asked(of(o), ({ resident }) => resident.map(({ node, bytes }) => `${node}:${bytes}`)),
    },
    {
      name: 'x-host-policy',
      type: 'str',
      description: 'NUMA policy with its nodes (POLICY:NODES), as the kernel of the host has it',
      get: (o: BwObject) => asked(of(o), ({ policy, nodes }) => [nodes.length > 0 ? `${policy}:${nodes}` : policy]),
    },
  ];
  return specs as readonly PropertySpec[];

  function bool(
    name: string,
    description: string,
    get: (b: MemoryBackend) => boolean,
    set: (b: MemoryBackend, on: boolean) => void,
    byDefault?: boolean,
  ): PropertySpec<never> {
    return {
      name,
      type: 'bool',
      description,
      ...(byDefault === undefined ? {} : { default: byDefault as never }),
      get: (o: BwObject) => get(of(o)) as never,
      set: (o: BwObject, on: boolean) => set(of(o), on),
    };
  }
}

/** What the host says of a backend, in words. */
function asked(backend: MemoryBackend, show: (placement: HostPlacement) => readonly string[]): never {
  let said: string;
  try {
    const placement = backend.placement();
    said = placement === undefined ? 'plain' : show(placement).join(' ');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    said = 'unknown';
  }
  return said as never;
}

function setShare(backend: MemoryBackend, on: boolean): void {
  backend.share = on;
}

/**
 * Reads `0`, `0-3` or several of them with commas, or a JSON list of numbers.
 * @returns the nodes in order, each once
 * @throws UserError
 */
function parseNodes(value: unknown): readonly number[] {
  const nodes = typeof value === 'string' ? value.split(',').flatMap(parseRange) : value;
  if (!Array.isArray(nodes)) throw invalidType('host-nodes', 'array');
  for (const node of nodes as unknown[]) {
    if (typeof node !== 'number' || !Number.isInteger(node)) throw invalidType('host-nodes', 'integer');
    if (node < 0 || node >= MAX_NODES) throw new UserError(`Invalid host-nodes value: ${node}`);
  }
  return [...new Set(nodes as number[])].sort((a, b) => a - b);
}

function parseRange(text: string): number[] {
  const match = /^\s*([0-9]+)(?:-([0-9]+))?\s*$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (!match || last < first || last - first >= 65536) {
    throw new UserError("Parameter 'host-nodes' expects a uint64 value or range");
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
