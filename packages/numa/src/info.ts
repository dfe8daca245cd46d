// The data behind `info numa`, `info memdev`, `query-memdev` and `query-hotpluggable-cpus`, in QEMU 7.2's shapes.
import type { MemoryBackend } from '@boardwalk/core';
import type { NumaBoard } from './board.ts';
import type { NumaConfiguration } from './topology.ts';

const BYTES_PER_MB = 2 ** 20;

/** A node, as `info numa` shows it. */
export interface NumaNodeInfo {
  readonly id: number;
  readonly cpus: readonly number[];
  /** Bytes, those that were plugged in later too. */
  readonly size: number;
  /** Bytes. */
  readonly plugged: number;
}

/**
 * The nodes with the CPUs that are there.
 * @param isPresent whether a place for a CPU has one; default all
 * @param plugged bytes of memory that were plugged into a node
 */
export function numaInfo(
  { nodes }: NumaConfiguration,
  isPresent: (cpu: number) => boolean = () => true,
  plugged: (node: number) => number = () => 0,
): NumaNodeInfo[] {
  return nodes.map(({ id, cpus, size }) => ({
    id,
    cpus: cpus.filter(isPresent),
    size: size + plugged(id),
    plugged: plugged(id),
  }));
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

/** `query-memdev`: each backend, the newest first. */
export function memdevInfo(backends: readonly MemoryBackend[]): MemdevInfo[] {
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
 * @param nodeOf the node of a place, if it has one by now: of a complete configuration, or of a topology under `--preconfig`
 */
export function hotpluggableCpus(
  board: NumaBoard,
  nodeOf: (index: number) => number | undefined = () => undefined,
): HotpluggableCpu[] {
  return board.cpus.toReversed().map(({ index, type, props, qomPath }) => {
    const all = {
      'node-id': nodeOf(index),
      'socket-id': props.socketId,
      'die-id': props.dieId,
      'cluster-id': props.clusterId,
      'core-id': props.coreId,
      'thread-id': props.threadId,
    };
    const said = Object.entries(all).filter((entry): entry is [string, number] => entry[1] !== undefined);
    const path = qomPath === undefined ? {} : { 'qom-path': qomPath };
    return { type, 'vcpus-count': 1, ...path, props: Object.fromEntries(said) };
  });
}
