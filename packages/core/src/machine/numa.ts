// The NUMA hook: what a user says of NUMA nodes, what becomes of it, and what a machine asks of the part that knows the rules
// (@boardwalk/numa). Names are those of QEMU's `-numa` and QMP's set-numa-node.

import { MemoryBackend } from '../memory/index.ts';
import { type BwObject, convertValue, type PropertySpec, UserError } from '../object/index.ts';
import type { BoardDefinition } from './board.ts';
import { type CpuModel, resolveCpuModel } from './cpu-model.ts';
import type { MachineOptions } from './options.ts';
import { resolveSmp, type SmpTopology } from './smp.ts';

/** `-numa node`: a node, with its memory and CPUs. */
export interface NumaNodeOption {
  readonly type: 'node';
  /** Default: as many as there were before. */
  readonly nodeid?: number;
  /** Indices of CPUs. */
  readonly cpus?: readonly number[];
  /** Bytes; only some boards take it. Not beside `memdev`. */
  readonly mem?: number;
  /** Id of the memory backend that is the node's memory. */
  readonly memdev?: string;
  /** The node that has the best access to this node's memory; needs HMAT. */
  readonly initiator?: number;
}

/** `-numa dist`: how far one node's memory is from another's CPUs; 10 is a node's own. */
export interface NumaDistOption {
  readonly type: 'dist';
  readonly src: number;
  readonly dst: number;
  readonly val: number;
}

/** Where a CPU sits; what a board does not number is left out. */
export interface CpuProps {
  readonly socketId?: number;
  readonly dieId?: number;
  readonly clusterId?: number;
  readonly coreId?: number;
  readonly threadId?: number;
}

/** `-numa cpu`: every CPU that has these ids belongs to the node. */
export interface NumaCpuOption extends CpuProps {
  readonly type: 'cpu';
  readonly nodeId?: number;
}

export const HIERARCHIES = ['memory', 'first-level', 'second-level', 'third-level'] as const;
export const DATA_TYPES = [
  'access-latency',
  'read-latency',
  'write-latency',
  'access-bandwidth',
  'read-bandwidth',
  'write-bandwidth',
] as const;
export const ASSOCIATIVITIES = ['none', 'direct', 'complex'] as const;
export const WRITE_POLICIES = ['none', 'write-back', 'write-through'] as const;

/** Memory itself, or a cache on its side. */
export type HmatHierarchy = (typeof HIERARCHIES)[number];
export type HmatDataType = (typeof DATA_TYPES)[number];

/** `-numa hmat-lb`: latency or bandwidth between an initiator and a target. */
export interface HmatLbOption {
  readonly type: 'hmat-lb';
  readonly initiator: number;
  readonly target: number;
  readonly hierarchy: HmatHierarchy;
  readonly dataType: HmatDataType;
  /** ns; 0: not known. */
  readonly latency?: number;
  /** Bytes per second, whole MiB; 0: not known. */
  readonly bandwidth?: number;
}

/** `-numa hmat-cache`: a cache on a node's memory side. */
export interface HmatCacheOption {
  readonly type: 'hmat-cache';
  readonly nodeId: number;
  /** Bytes. */
  readonly size: number;
  /** 1 to 3, 1 the nearest to memory's users. */
  readonly level: number;
  readonly associativity: (typeof ASSOCIATIVITIES)[number];
  readonly policy: (typeof WRITE_POLICIES)[number];
  /** Bytes of a line. */
  readonly line: number;
}

export type NumaOption = NumaNodeOption | NumaDistOption | NumaCpuOption | HmatLbOption | HmatCacheOption;

/** A place for a CPU, whether there is one or not. */
export interface PossibleCpu {
  /** Position among all of them. */
  readonly index: number;
  /** Type of the CPU that fits. */
  readonly type: string;
  readonly props: CpuProps;
}

/** A node of a complete topology. */
export interface NumaNode {
  readonly id: number;
  /** Bytes. */
  readonly size: number;
  /** Id of its memory backend. */
  readonly memdev: string | undefined;
  /** Indices of its CPUs, in order. */
  readonly cpus: readonly number[];
  /** The node with the best access to its memory, where HMAT is on and it is known. */
  readonly initiator: number | undefined;
}

/** Values of one kind for pairs of nodes. */
export interface HmatMatrix {
  readonly hierarchy: HmatHierarchy;
  readonly dataType: HmatDataType;
  readonly entries: readonly HmatEntry[];
}

/** One pair's value: ns, or bytes per second. */
export interface HmatEntry {
  readonly initiator: number;
  readonly target: number;
  readonly value: number;
}

/** A complete topology; without nodes if the user said nothing. */
export interface NumaConfiguration {
  /** In order of their ids: 0, 1 ... */
  readonly nodes: readonly NumaNode[];
  /** Rows are sources; undefined if the user said no distance. */
  readonly distances: readonly (readonly number[])[] | undefined;
  /** All places for CPUs. */
  readonly cpus: readonly PossibleCpu[];
  /** CPUs can be plugged into these places, so that a client may ask for them. */
  readonly hotpluggableCpus: boolean;
  /** The node of each possible CPU, by its index; empty without nodes. */
  readonly cpuNodes: readonly number[];
  readonly hmat: { readonly matrices: readonly HmatMatrix[]; readonly caches: readonly HmatCacheOption[] } | undefined;
  /** What the user should change some day. */
  readonly warnings: readonly string[];
}

/** What a topology is made for. */
export interface NumaRequest {
  readonly board: BoardDefinition;
  readonly smp: SmpTopology;
  readonly cpuModel: CpuModel;
  /** Whether `-machine hmat=on` was given. */
  readonly hmat: boolean;
  /** Bytes of a memory backend; undefined if there is none of that id. */
  backendSize(id: string): number | undefined;
}

/** A topology that options are added to. */
export interface NumaPlan {
  readonly cpus: readonly PossibleCpu[];
  readonly hotpluggableCpus: boolean;
  /** The node of a CPU by its index, if an option has said it. */
  nodeOf(cpu: number): number | undefined;
  /** @throws UserError for an option that contradicts the board or earlier options; nothing of it stays then */
  add(option: NumaOption): void;
  /**
   * Checks the whole, and fills in what was not said. More can be added afterwards.
   * @param ramSize bytes of the machine's RAM
   * @throws UserError
   */
  complete(ramSize: number): NumaConfiguration;
}

/** What a board that can have NUMA nodes gives the machine; made by `boardNuma` of @boardwalk/numa. */
export interface NumaSupport {
  /** As in `query-machines`: CPUs have places that a client may ask for. */
  readonly hotpluggableCpus: boolean;
  /** Takes `-numa node,mem=`. */
  readonly memSupported: boolean;
  begin(request: NumaRequest): NumaPlan;
}

/** The property that machines with NUMA have (`-machine hmat=on`). */
export const hmatProperty: PropertySpec<boolean> = {
  name: 'hmat',
  type: 'bool',
  default: false,
  description: 'Set on/off to enable/disable ACPI Heterogeneous Memory Attribute Table (HMAT)',
};

/**
 * Begins the topology of a machine that is not made yet: with `--preconfig` options come one by one, and the plan is then given as
 * {@link MachineOptions.numa}. Memory backends are looked up under `options.root`.
 * @throws UserError for a board without NUMA, or CPUs that it cannot have
 */
export function planNuma(
  board: BoardDefinition,
  options: Pick<MachineOptions, 'smp' | 'cpu' | 'boardProps' | 'root'>,
): NumaPlan {
  if (board.numa === undefined) throw new UserError('NUMA is not supported by this machine-type');
  const hmat = options.boardProps?.[hmatProperty.name] ?? false;
  const objects = options.root?.children.get('objects');
  return board.numa.begin({
    board,
    smp: resolveSmp(options.smp ?? {}, board),
    cpuModel: resolveCpuModel(options.cpu, board),
    hmat: convertValue(hmatProperty as PropertySpec, hmat, true) === true,
    backendSize: (id) => backendOf(objects, id)?.size,
  });
}

/** The memory backend of an id. */
export function backendOf(objects: BwObject | undefined, id: string): MemoryBackend | undefined {
  const object = objects?.children.get(id);
  return object instanceof MemoryBackend ? object : undefined;
}

/** The NUMA nodes of a machine; undefined for a board that knows of none. @throws UserError */
export function completeNuma(
  board: BoardDefinition,
  options: MachineOptions,
  root: BwObject,
  ramSize: number,
): NumaConfiguration | undefined {
  const { numa = [] } = options;
  if ('complete' in numa) return numa.complete(ramSize);
  if (board.numa === undefined && numa.length === 0) return undefined;
  const plan = planNuma(board, { ...options, root });
  for (const option of numa) plan.add(option);
  return plan.complete(ramSize);
}
