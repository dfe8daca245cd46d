// The data behind `info numa`, `info memdev`, `query-memdev` and `query-hotpluggable-cpus`, in QEMU 7.2's shapes.
import {
  type BwObject,
  Machine,
  MemoryBackend,
  type NumaConfiguration,
  type NumaPlan,
  type PossibleCpu,
  pluggedMemory,
  UserError,
} from '@boardwalk/core';

const BYTES_PER_MB = 2 ** 20;

/** A node, as `info numa` shows it. */
export interface NumaNodeInfo {
  readonly id: number;
  /** Indices of the CPUs that are there. */
  readonly cpus: readonly number[];
  /** Bytes, those that were plugged in later too. */
  readonly size: number;
  /** Bytes. */
  readonly plugged: number;
}

/** The nodes of a machine, with the CPUs and memory that are there. Empty for a machine without nodes. */
export function numaInfo(machine: Machine): NumaNodeInfo[] {
  const present = new Set(machine.cpus.map(({ index }) => index));
  return (machine.numa?.nodes ?? []).map(({ id, cpus, size }) => {
    const plugged = pluggedMemory(machine, id);
    return { id, cpus: cpus.filter((cpu) => present.has(cpu)), size: size + plugged, plugged };
  });
}

/** The lines of `info numa`. */
export function formatInfoNuma(nodes: readonly NumaNodeInfo[]): string[] {
  const mb = (bytes: number): string => `${Math.floor(bytes / BYTES_PER_MB)} MB`;
  return [
    `${nodes.length} nodes`,
    ...nodes.flatMap(({ id, cpus, size, plugged }) => [
      `node ${id} cpus:${cpus.map((cpu) => ` ${cpu}`).join('')}`,
      `node ${id} size: ${mb(size)}`,
      `node ${id} plugged: ${mb(plugged)}`,
    ]),
  ];
}

/** An answer of `query-memdev`. */
export interface MemdevInfo {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly merge: boolean;
  readonly dump: boolean;
  readonly prealloc: boolean;
  readonly share: boolean;
  readonly reserve: boolean;
  readonly 'host-nodes': readonly number[];
  readonly policy: string;
}

/**
 * `query-memdev`: each backend, the newest first.
 * @param objects the container of the user's objects, `/objects`
 */
export function memdevInfo(objects: BwObject): MemdevInfo[] {
  const backends = [...objects.children.values()].filter((o) => o instanceof MemoryBackend);
  return backends.toReversed().map(({ id, size, merge, dump, prealloc, share, reserve, policy, hostNodes }) => ({
    id,
    size,
    merge,
    dump,
    prealloc,
    share,
    reserve,
    'host-nodes': hostNodes,
    policy,
  }));
}

/** The lines of `info memdev`. */
export function formatInfoMemdev(backends: readonly MemdevInfo[]): string[] {
  return backends.flatMap((backend) => [
    `memory backend: ${backend.id}`,
    `  size:  ${backend.size}`,
    ...(['merge', 'dump', 'prealloc', 'share', 'reserve'] as const).map((name) => `  ${name}: ${backend[name]}`),
    `  policy: ${backend.policy}`,
    `  host nodes: ${backend['host-nodes'].join(' ')}`,
  ]);
}

/** An answer of `query-hotpluggable-cpus`. */
export interface HotpluggableCpu {
  readonly type: string;
  readonly 'vcpus-count': 1;
  readonly 'qom-path'?: string;
  readonly props: Readonly<Record<string, number>>;
}

/**
 * `query-hotpluggable-cpus`: the last place first.
 * @param source a machine, or under `--preconfig` the plan of one: nodes are those that the user has said so far
 * @throws UserError for a machine without places that CPUs could be plugged into
 */
export function hotpluggableCpus(source: Machine | NumaPlan | undefined): HotpluggableCpu[] {
  const machine = source instanceof Machine ? source : undefined;
  const numa: NumaConfiguration | NumaPlan | undefined = source instanceof Machine ? source.numa : source;
  const places = numa?.cpus ?? machine?.possibleCpus ?? [];
  if (!(numa?.hotpluggableCpus ?? places.length > 0)) {
    throw new UserError("The feature 'query-hotpluggable-cpus' is not enabled");
  }
  const nodeOf = (index: number) => (numa && 'nodeOf' in numa ? numa.nodeOf(index) : numa?.cpuNodes[index]);
  return places.toReversed().map((place) => {
    const cpu = machine?.cpus.find((other) => other.index === place.index);
    const path = cpu === undefined ? {} : { 'qom-path': cpu.path };
    return { type: place.type, 'vcpus-count': 1, ...path, props: cpuPropsOf(place, nodeOf(place.index)) };
  });
}

/** Where a place for a CPU is, as QMP says it; what a board does not number is left out. @param node its node, if it has one */
export function cpuPropsOf({ props }: PossibleCpu, node: number | undefined): Record<string, number> {
  const all = {
    'node-id': node,
    'socket-id': props.socketId,
    'die-id': props.dieId,
    'cluster-id': props.clusterId,
    'core-id': props.coreId,
    'thread-id': props.threadId,
  };
  return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== undefined));
}

/** The lines of `info hotpluggable-cpus`. */
export function formatHotpluggableCpus(cpus: readonly HotpluggableCpu[]): string[] {
  return [
    'Hotpluggable CPUs:',
    ...cpus.flatMap(({ type, props, ...cpu }) => [
      `  type: "${type}"`,
      `  vcpus_count: "${cpu['vcpus-count']}"`,
      ...(cpu['qom-path'] === undefined ? [] : [`  qom_path: "${cpu['qom-path']}"`]),
      '  CPUInstance Properties:',
      ...Object.entries(props).map(([name, value]) => `    ${name}: "${value}"`),
    ]),
  ];
}
