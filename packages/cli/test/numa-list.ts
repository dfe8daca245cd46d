// What clients ask of NUMA, as a table: options of a command line, and the nodes that a machine has of them. The boards are those for
// tests of NUMA, each with its CPUs as some real board has them, and virt.

import type { ArchitecturePackage, BoardDefinition } from '@boardwalk/core';
import {
  numaTest,
  numaTestClusters,
  numaTestCores,
  numaTestOld,
  numaTestPc,
  architecture as synthetic,
} from '@boardwalk/numa/testing';
import { virt } from '@boardwalk/riscv';

/** The boards for tests as the architecture of a program; its own package is not there. */
export const SYNTHETIC_ARCH = 'x86_64';
const asOwn = (board: BoardDefinition): BoardDefinition => ({ ...board, arch: SYNTHETIC_ARCH });
export const syntheticArchitecture: ArchitecturePackage = {
  ...synthetic,
  names: [SYNTHETIC_ARCH],
  boards: synthetic.boards.map(asOwn),
};

/** A machine with nodes. */
export interface NumaCase {
  readonly what: string;
  readonly board: BoardDefinition;
  /** As -smp has it. */
  readonly smp: string;
  readonly hmat?: boolean;
  /** Memory backends by id, in MiB. RAM is always 128 MiB. */
  readonly backends: Readonly<Record<string, number>>;
  /** Texts of -numa. */
  readonly numa: readonly string[];
  /** CPUs of each node. */
  readonly cpus: readonly (readonly number[])[];
  /** MiB of each node. */
  readonly sizes: readonly number[];
  readonly distances?: readonly (readonly number[])[];
  /** What query-hotpluggable-cpus shows of some CPUs. */
  readonly places?: Readonly<Record<number, Readonly<Record<string, number>>>>;
}

const RAM = { ram: 128 };
const HALVES = { m0: 64, m1: 64 };
const TWO = ['node,nodeid=0,memdev=m0', 'node,nodeid=1,memdev=m1'];
const LB = 'hmat-lb,initiator=0,hierarchy=memory';

export const NUMA_LIST: readonly NumaCase[] = [
  {
    what: 'sockets go round',
    board: numaTestPc,
    smp: 'cpus=8,sockets=8',
    backends: RAM,
    numa: ['node,memdev=ram', 'node'],
    cpus: [
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ],
    sizes: [128, 0],
    places: { 3: { 'node-id': 1, 'socket-id': 3, 'core-id': 0, 'thread-id': 0 } },
  },
  {
    what: 'CPUs as said',
    board: numaTestPc,
    smp: 'cpus=8',
    backends: RAM,
    numa: ['node,nodeid=0,memdev=ram,cpus=0-3', 'node,nodeid=1,cpus=4-7'],
    cpus: [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
    sizes: [128, 0],
  },
  {
    what: 'CPUs partly said',
    board: numaTestPc,
    smp: 'cpus=8',
    backends: RAM,
    numa: ['node,nodeid=0,memdev=ram,cpus=0-1', 'node,nodeid=1,cpus=4-5'],
    cpus: [
      [0, 1, 2, 3, 6, 7],
      [4, 5],
    ],
    sizes: [128, 0],
  },
  {
    what: 'CPUs by socket, core and thread, as on a PC',
    board: numaTestPc,
    smp: 'cpus=4,sockets=2,cores=1,threads=2',
    backends: HALVES,
    numa: [
      ...TWO,
      'cpu,node-id=1,socket-id=0',
      'cpu,node-id=0,socket-id=1,core-id=0,thread-id=0',
      'cpu,node-id=1,socket-id=1,core-id=0,thread-id=1',
    ],
    cpus: [[2], [0, 1, 3]],
    sizes: [64, 64],
    places: {
      2: { 'node-id': 0, 'socket-id': 1, 'core-id': 0, 'thread-id': 0 },
      3: { 'node-id': 1, 'socket-id': 1, 'core-id': 0, 'thread-id': 1 },
    },
  },
  {
    what: 'CPUs by core, as on pseries',
    board: numaTestCores,
    smp: 'cpus=4',
    backends: HALVES,
    numa: [
      ...TWO,
      'cpu,node-id=0,core-id=0',
      'cpu,node-id=0,core-id=1',
      'cpu,node-id=1,core-id=2',
      'cpu,node-id=0,core-id=3',
    ],
    cpus: [[0, 1, 3], [2]],
    sizes: [64, 64],
    places: { 2: { 'node-id': 1, 'core-id': 2 } },
  },
  {
    what: 'CPUs by socket and cluster, as on virt of Arm',
    board: numaTestClusters,
    smp: 'cpus=4,sockets=2,clusters=2',
    backends: HALVES,
    numa: [
      ...TWO,
      'cpu,node-id=0,socket-id=0,cluster-id=0',
      'cpu,node-id=1,socket-id=0,cluster-id=1',
      'cpu,node-id=1,socket-id=1',
    ],
    cpus: [[0], [1, 2, 3]],
    sizes: [64, 64],
    places: { 1: { 'node-id': 1, 'socket-id': 0, 'cluster-id': 1, 'core-id': 0, 'thread-id': 0 } },
  },
  {
    what: 'distances',
    board: numaTestPc,
    smp: 'cpus=2,sockets=2',
    backends: HALVES,
    numa: [...TWO, 'dist,src=0,dst=1,val=21', 'dist,src=1,dst=0,val=254'],
    cpus: [[0], [1]],
    sizes: [64, 64],
    distances: [
      [10, 21],
      [254, 10],
    ],
  },
  {
    what: 'latencies, bandwidths and caches',
    board: numaTest,
    smp: 'cpus=2,sockets=2',
    hmat: true,
    backends: HALVES,
    numa: [
      'node,nodeid=0,memdev=m0',
      'node,nodeid=1,memdev=m1,initiator=0',
      'cpu,node-id=0,socket-id=0',
      'cpu,node-id=0,socket-id=1',
      `${LB},target=0,data-type=access-latency,latency=1`,
      `${LB},target=1,data-type=access-latency,latency=65534`,
      `${LB},target=0,data-type=access-bandwidth,bandwidth=65534M`,
      `${LB},target=1,data-type=access-bandwidth,bandwidth=32767M`,
      'hmat-cache,node-id=0,size=10K,level=1,associativity=direct,policy=write-back,line=8',
      'hmat-cache,node-id=1,size=10K,level=1,associativity=none,policy=none,line=8',
    ],
    cpus: [[0, 1], []],
    sizes: [64, 64],
  },
  {
    what: "mem= on an old machine's version",
    board: numaTestOld,
    smp: 'cpus=2,sockets=2',
    backends: {},
    numa: ['node,mem=96M', 'node,mem=32'],
    cpus: [[0], [1]],
    sizes: [96, 32],
  },
  {
    what: 'RAM split evenly',
    board: numaTestPc,
    smp: 'cpus=2,sockets=2',
    backends: {},
    numa: ['node', 'node'],
    cpus: [[0], [1]],
    sizes: [64, 64],
  },
  {
    what: 'neighbours stay together',
    board: virt,
    smp: 'cpus=8,sockets=8',
    backends: RAM,
    numa: ['node,memdev=ram', 'node'],
    cpus: [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ],
    sizes: [128, 0],
  },
  {
    what: 'neighbours among the CPUs that are there',
    board: virt,
    smp: 'cpus=3,maxcpus=4',
    backends: HALVES,
    numa: TWO,
    cpus: [[0], [1, 2]],
    sizes: [64, 64],
  },
  {
    what: 'CPUs as said',
    board: virt,
    smp: 'cpus=8',
    backends: HALVES,
    numa: ['node,nodeid=0,memdev=m0,cpus=0-1', 'node,nodeid=1,memdev=m1,cpus=2-7'],
    cpus: [
      [0, 1],
      [2, 3, 4, 5, 6, 7],
    ],
    sizes: [64, 64],
  },
  {
    what: 'CPUs by core, and distances',
    board: virt,
    smp: 'cpus=2',
    backends: HALVES,
    numa: [...TWO, 'cpu,node-id=1,core-id=0', 'cpu,node-id=0,core-id=1', 'dist,src=0,dst=1,val=30'],
    cpus: [[1], [0]],
    sizes: [64, 64],
    distances: [
      [10, 30],
      [30, 10],
    ],
  },
  {
    what: 'as many nodes as sockets can be',
    board: virt,
    smp: 'cpus=4',
    backends: {},
    numa: ['node,mem=32M', 'node,mem=32M', 'node,mem=32M', 'node,mem=32M'],
    cpus: [[0], [1], [2], [3]],
    sizes: [32, 32, 32, 32],
  },
  {
    what: 'RAM split evenly',
    board: virt,
    smp: 'cpus=2',
    backends: {},
    numa: ['node', 'node'],
    cpus: [[0], [1]],
    sizes: [64, 64],
  },
];
