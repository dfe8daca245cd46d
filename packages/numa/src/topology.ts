// A machine's NUMA topology: options are taken in the order in which the user says them, then completed against the board.
// Rules, defaults and texts: QEMU 7.2.
import {
  type HmatLbOption,
  type NumaConfiguration,
  type NumaCpuOption,
  type NumaNodeOption,
  type NumaOption,
  type NumaPlan,
  type PossibleCpu,
  UserError,
} from '@boardwalk/core';
import { type NumaBoard, nodeBySocket } from './board.ts';
import { DistanceMatrix } from './distance.ts';
import { HmatData } from './hmat-data.ts';
import { MAX_NODES, requireHmat } from './limits.ts';
import { checkNodeSizes, type NodeMemory } from './node-memory.ts';

export type { NumaConfiguration, NumaNode } from '@boardwalk/core';

/** The machine's memory, for {@link buildNuma}. */
export interface NumaMemory {
  /** Bytes. */
  readonly ramSize: number;
  /** Bytes of a memory backend; undefined if there is none of that id. */
  backendSize(id: string): number | undefined;
}

interface Node extends NodeMemory {
  initiator: number | undefined;
  hasCpu: boolean;
}

const CPU_IDS = [
  ['thread-id', 'threadId'],
  ['core-id', 'coreId'],
  ['cluster-id', 'clusterId'],
  ['die-id', 'dieId'],
  ['socket-id', 'socketId'],
] as const;

/** Takes the options. An option that is refused leaves nothing behind. */
export class NumaTopology implements NumaPlan {
  readonly board: NumaBoard;
  readonly #nodes = new Map<number, Node>();
  /** By CPU index; CPUs that the user did not mention have none. */
  readonly #cpuNodes = new Map<number, number>();
  readonly #distances = new DistanceMatrix();
  readonly #hmat = new HmatData();
  readonly #warnings: string[] = [];

  readonly #backendSize: NumaMemory['backendSize'];

  /** @param backendSize bytes of a memory backend; undefined if there is none of that id */
  constructor(board: NumaBoard, backendSize: NumaMemory['backendSize']) {
    this.board = board;
    this.#backendSize = backendSize;
  }

  get cpus(): readonly PossibleCpu[] {
    return this.board.cpus;
  }

  get hotpluggableCpus(): boolean {
    return this.board.hotpluggableCpus === true;
  }

  /** @throws UserError for an option that contradicts the board or the options before it */
  add(option: NumaOption): void {
    switch (option.type) {
      case 'node':
        this.#addNode(option);
        break;
      case 'cpu':
        this.#addCpu(option);
        break;
      case 'dist':
        this.#distances.set(option, (id) => this.#nodes.has(id));
        break;
      case 'hmat-lb':
        this.#addLb(option);
        break;
      case 'hmat-cache':
        requireHmat(this.board.hmat);
        this.#checkNumber('node-id', option.nodeId);
        this.#hmat.addCache(option);
        break;
    }
  }

  /** The node of a CPU by its index, if an option has said it: `query-hotpluggable-cpus` shows it under `--preconfig`. */
  nodeOf(cpu: number): number | undefined {
    return this.#cpuNodes.get(cpu);
  }

  /**
   * Checks the whole, and fills in what was not said. More can be added afterwards.
   * @param ramSize bytes
   * @throws UserError
   */
  complete(ramSize: number): NumaConfiguration {
    const count = this.#nodes.size;
    const { board } = this;
    const ids = [...this.#nodes.keys()];
    for (let id = Math.max(-1, ...ids); id >= 0; id--) {
      if (!this.#nodes.has(id)) throw new UserError(`numa: Node ID missing: ${id}`);
    }
    const { presentCpus = board.cpus.length } = board;
    if (board.cpuPerNode === true && count > presentCpus) {
      throw new UserError(
        `Number of NUMA nodes (${count}) cannot exceed the number of available CPUs (${presentCpus}).`,
      );
    }
    const nodes = [...this.#nodes.values()].sort((a, b) => a.id - b.id).map((node) => ({ ...node }));
    const warnings = [...this.#warnings];
    const sizes = checkNodeSizes(nodes, ramSize, board.splitsRam !== false, warnings);
    const distances = this.#distances.complete(count);
    const cpuNodes = count === 0 ? [] : this.#completeCpus(nodes, warnings);
    this.#checkInitiators(nodes);
    return {
      nodes: nodes.map(({ memdev, initiator }, id) => ({
        id,
        size: sizes[id] ?? 0,
        memdev,
        initiator,
        cpus: cpuNodes.flatMap((node, index) => (node === id ? [index] : [])),
      })),
      distances,
      cpus: board.cpus,
      hotpluggableCpus: this.hotpluggableCpus,
      cpuNodes,
      hmat: board.hmat === true && count > 0 ? { matrices: this.#hmat.matrices, caches: this.#hmat.caches } : undefined,
      warnings,
    };
  }

  #addNode({ nodeid: id = this.#nodes.size, cpus = [], mem, memdev, initiator }: NumaNodeOption): void {
    if (id >= MAX_NODES) throw new UserError(`Max number of NUMA nodes reached: ${id}`);
    if (this.#nodes.has(id)) throw new UserError(`Duplicate NUMA nodeid: ${id}`);
    if (initiator !== undefined) {
      requireHmat(this.board.hmat);
      if (initiator >= MAX_NODES) {
        throw new UserError(`The initiator id ${initiator} expects an integer between 0 and ${MAX_NODES - 1}`);
      }
    }
    const total = this.board.cpus.length;
    for (const index of cpus) {
      if (index >= total) throw new UserError(`CPU index (${index}) should be smaller than maxcpus (${total})`);
    }
    this.#checkUnassigned(cpus, id);
    this.#checkMemory(mem, memdev);
    const node: Node = { id, size: this.#sizeOf(mem, memdev), memdev, initiator, hasCpu: false };
    if (cpus.length > 0) this.#giveCpu(node);
    this.#nodes.set(id, node);
    for (const index of cpus) this.#cpuNodes.set(index, id);
    if (mem !== undefined) {
      this.#warnings.push('Parameter -numa node,mem is deprecated, use -numa node,memdev instead');
    }
  }

  #checkMemory(mem: number | undefined, memdev: string | undefined): void {
    const others = [...this.#nodes.values()];
    const anyMem = mem !== undefined || others.some((node) => node.size !== undefined && node.memdev === undefined);
    const anyMemdev = memdev !== undefined || others.some((node) => node.memdev !== undefined);
    if (anyMem && anyMemdev && (mem !== undefined || memdev !== undefined)) {
      throw new UserError('numa configuration should use either mem= or memdev=,mixing both is not allowed');
    }
    if (mem !== undefined && this.board.memSupported !== true) {
      throw new UserError('Parameter -numa node,mem is not supported by this machine type');
    }
  }

  #sizeOf(mem: number | undefined, memdev: string | undefined): number | undefined {
    if (memdev === undefined) return mem;
    const size = this.#backendSize(memdev);
    if (size === undefined) throw new UserError(`memdev=${memdev} is ambiguous`);
    return size;
  }

  #checkUnassigned(cpus: readonly number[], id: number): void {
    for (const index of cpus) {
      const owner = this.#cpuNodes.get(index);
      if (owner !== undefined && owner !== id) throw new UserError(`CPU is already assigned to node-id: ${owner}`);
    }
  }

  #addCpu(option: NumaCpuOption): void {
    const { nodeId } = option;
    if (nodeId === undefined) throw new UserError('Missing mandatory node-id property');
    const node = this.#nodes.get(nodeId);
    if (node === undefined) {
      throw new UserError(
        `Invalid node-id=${nodeId}, NUMA node must be defined with -numa node,nodeid=ID before it's used with -numa cpu,node-id=ID`,
      );
    }
    for (const [name, id] of CPU_IDS) {
      if (option[id] !== undefined && !this.board.cpus.some((cpu) => cpu.props[id] !== undefined)) {
        throw new UserError(`${name} is not supported`);
      }
    }
    const matching = this.board.cpus.filter(({ props }) =>
      CPU_IDS.every(([, id]) => option[id] === undefined || option[id] === props[id]),
    );
    if (matching.length === 0) throw new UserError('no match found');
    const indices = matching.map((cpu) => cpu.index);
    this.#checkUnassigned(indices, nodeId);
    this.#giveCpu(node);
    for (const index of indices) this.#cpuNodes.set(index, nodeId);
  }

  /** With HMAT, a node that has CPUs is its own initiator. */
  #giveCpu(node: Node): void {
    if (this.board.hmat === true && node.initiator !== undefined && node.initiator !== node.id) {
      throw new UserError(`The initiator of CPU NUMA node ${node.id} should be itself (got ${node.initiator})`);
    }
    node.hasCpu = true;
    if (this.board.hmat === true) node.initiator = node.id;
  }

  /** Ids that cannot be anything, whichever nodes there will be. @param largest the first that still can */
  #checkNumber(what: string, id: number, largest = this.#nodes.size - 1): void {
    if (id <= largest) return;
    throw new UserError(`Invalid ${what}=${id}, it should be less than ${this.#nodes.size}`);
  }

  #addLb(option: HmatLbOption): void {
    requireHmat(this.board.hmat);
    const { size } = this.#nodes;
    this.#checkNumber('initiator', option.initiator, size);
    this.#checkNumber('target', option.target, size);
    if (this.#nodes.get(option.initiator)?.hasCpu !== true) {
      throw new UserError(`Invalid initiator=${option.initiator}, it isn't an initiator proximity domain`);
    }
    if (!this.#nodes.has(option.target)) {
      throw new UserError(`The target=${option.target} should point to an existing node`);
    }
    this.#hmat.addLb(option);
  }

  /** CPUs of nobody: by the board's rule if the user mentioned none at all, else to node 0. */
  #completeCpus(nodes: readonly Node[], warnings: string[]): number[] {
    const { cpus, defaultNode = nodeBySocket, presentCpus = cpus.length } = this.board;
    const byDefault = this.#cpuNodes.size === 0;
    const missing = cpus.filter(({ index }) => !this.#cpuNodes.has(index));
    if (!byDefault && missing.length > 0) {
      warnings.push(
        `CPU(s) not present in any NUMA nodes: ${missing.map(describeCpu).join(', ')}`,
        'All CPU(s) up to maxcpus should be described in NUMA config, ability to start up with partial NUMA mappings is obsoleted and will be removed in future',
      );
    }
    return cpus.map((cpu) => {
      const id = this.#cpuNodes.get(cpu.index) ?? (byDefault ? defaultNode(cpu, nodes.length, presentCpus) : 0);
      const node = nodes[id];
      if (node === undefined) throw new Error(`the board puts CPU ${cpu.index} on node ${id}, which there is not`);
      this.#giveCpu(node);
      return id;
    });
  }

  #checkInitiators(nodes: readonly Node[]): void {
    for (const { id, initiator } of nodes) {
      if (initiator === undefined) continue;
      const target = nodes[initiator];
      if (target === undefined) {
        throw new UserError(`NUMA node ${initiator} is missing, use '-numa node' option to declare it first`);
      }
      if (!target.hasCpu) throw new UserError(`The initiator of NUMA node ${id} is invalid`);
    }
  }
}

function describeCpu({ index, props }: PossibleCpu): string {
  const ids = [...CPU_IDS]
    .reverse()
    .flatMap(([name, id]) => (props[id] === undefined ? [] : [`${name}: ${props[id]}`]));
  return `CPU ${index} [${ids.join(', ')}]`;
}

/** Takes all options and completes them. @throws UserError */
export function buildNuma(board: NumaBoard, options: readonly NumaOption[], memory: NumaMemory): NumaConfiguration {
  const topology = new NumaTopology(board, (id) => memory.backendSize(id));
  for (const option of options) topology.add(option);
  return topology.complete(memory.ramSize);
}
