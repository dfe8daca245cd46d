// What a board says about its CPUs and about NUMA, and the layout of CPUs in sockets, dies, clusters, cores and threads.
import type { CpuProps, NumaRequest, NumaSupport, PossibleCpu } from '@boardwalk/core';
import { NumaTopology } from './topology.ts';

export type { PossibleCpu } from '@boardwalk/core';

/** A board, as far as NUMA goes. */
export interface NumaBoard {
  /** All places for CPUs. */
  readonly cpus: readonly PossibleCpu[];
  /** How many CPUs are there from the start. Default: all. */
  readonly presentCpus?: number;
  /**
   * The node of a CPU when the user says none for any. Default: sockets go round, see {@link nodeBySocket}.
   * @param cpus how many are there from the start
   */
  defaultNode?(cpu: PossibleCpu, nodes: number, cpus: number): number;
  /** Takes `-numa node,mem=`: pc and q35 of versions before 5.1, `virt` of Arm before 5.1 and of RISC-V. */
  readonly memSupported?: boolean;
  /** Divides the RAM evenly when no node says any, as QEMU did until 5.1. Default true. */
  readonly splitsRam?: boolean;
  /** CPUs can be plugged into places that are free. */
  readonly hotpluggableCpus?: boolean;
  /** `-machine hmat=on`. */
  readonly hmat?: boolean;
  /** Each node has a CPU by default, so there are no more nodes than CPUs. */
  readonly cpuPerNode?: boolean;
}

/** What a board says about NUMA: {@link NumaBoard}, with the places for CPUs of each machine. */
export interface BoardNumaDefinition extends Omit<NumaBoard, 'cpus' | 'presentCpus' | 'hmat'> {
  /** All places for CPUs, as many as `request.smp.maxcpus`. */
  cpus(request: NumaRequest): readonly PossibleCpu[];
}

/** For a board's `numa`: the machine can have NUMA nodes. */
export function boardNuma({ cpus, ...rules }: BoardNumaDefinition): NumaSupport {
  return {
    hotpluggableCpus: rules.hotpluggableCpus ?? false,
    memSupported: rules.memSupported ?? false,
    begin: (request) => {
      const { smp, hmat, backendSize } = request;
      return new NumaTopology({ ...rules, cpus: cpus(request), presentCpus: smp.cpus, hmat }, backendSize);
    },
  };
}

/** How CPUs are arranged. */
export interface CpuLevels {
  readonly sockets?: number;
  /** In a socket. */
  readonly dies?: number;
  /** In a die. */
  readonly clusters?: number;
  /** In a cluster. */
  readonly cores?: number;
  /** In a core. */
  readonly threads?: number;
}

/** Which ids a board's CPUs have. */
export type CpuId = keyof CpuProps;

const ALL_IDS: readonly CpuId[] = ['socketId', 'coreId', 'threadId'];

/**
 * The places for CPUs of an arrangement, threads counted first, then cores, and so on; an id counts within the level above.
 * @param ids those that the board numbers
 */
export function layOutCpus(type: string, levels: CpuLevels, ids: readonly CpuId[] = ALL_IDS): PossibleCpu[] {
  const { sockets = 1, dies = 1, clusters = 1, cores = 1, threads = 1 } = levels;
  const total = sockets * dies * clusters * cores * threads;
  return Array.from({ length: total }, (_, index) => {
    const core = Math.floor(index / threads);
    const cluster = Math.floor(core / cores);
    const die = Math.floor(cluster / clusters);
    const all: Required<CpuProps> = {
      socketId: Math.floor(die / dies),
      dieId: die % dies,
      clusterId: cluster % clusters,
      coreId: core % cores,
      threadId: index % threads,
    };
    return { index, type, props: Object.fromEntries(ids.map((id) => [id, all[id]])) };
  });
}

/** Sockets go round: 0 to node 0, 1 to node 1, and again. */
export function nodeBySocket({ index, props }: PossibleCpu, nodes: number): number {
  return (props.socketId ?? index) % nodes;
}

/** Neighbours stay together: the first CPUs to node 0, as many to each; what is over to the last. */
export function nodeByNeighbourhood({ index }: PossibleCpu, nodes: number, cpus: number): number {
  return Math.min(nodes - 1, Math.floor(index / Math.max(1, Math.floor(cpus / nodes))));
}
