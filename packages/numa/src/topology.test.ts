import { UserError } from '@boardwalk/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  buildNuma,
  type CpuId,
  type CpuLevels,
  hotpluggableCpus,
  layOutCpus,
  type NumaBoard,
  type NumaConfiguration,
  NumaTopology,
  nodeByNeighbourhood,
  numaFromJson,
  parseNuma,
} from './index.ts';

const MiB = 2 ** 20;
const TWO = ['node,memdev=m0', 'node,memdev=m1'];
const HMAT_NODES = [
  'node,memdev=m0,initiator=0',
  'node,memdev=m1,initiator=0',
  'node,nodeid=2,initiator=0',
  'cpu,node-id=0,socket-id=0',
  'cpu,node-id=0,socket-id=1',
];

/** The board that no hardware has: any arrangement of CPUs. */
function board(levels: CpuLevels, more: Partial<NumaBoard> = {}, ids?: readonly CpuId[]): NumaBoard {
  return { cpus: layOutCpus('test-cpu', levels, ids), ...more };
}

const memory = {
  ramSize: 128 * MiB,
  backendSize: (id: string) =>
    new Map(
      [
        ['m0', 64],
        ['m1', 64],
        ['ram', 128],
      ].map(([k, v]) => [k, Number(v) * MiB]),
    ).get(id),
};

const build = (b: NumaBoard, options: readonly string[]): NumaConfiguration =>
  buildNuma(b, options.map(parseNuma), memory);
const cpusOf = (b: NumaBoard, options: readonly string[]) => build(b, options).nodes.map(({ cpus }) => cpus);
const sockets = (n: number, more?: Partial<NumaBoard>): NumaBoard => board({ sockets: n }, more);

function expectRefused(b: NumaBoard, options: readonly string[], message: string): void {
  expect(() => build(b, options)).toThrow(new UserError(message));
}

describe('what a machine with NUMA options gets', () => {
  it.each([
    [
      { sockets: 8 },
      ['node,memdev=ram', 'node'],
      [
        [0, 2, 4, 6],
        [1, 3, 5, 7],
      ],
    ],
    [
      { sockets: 2, cores: 2, threads: 2 },
      TWO,
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    ],
    [
      { cores: 8 },
      ['node,nodeid=0,memdev=ram,cpus=0-3', 'node,nodeid=1,cpus=4-7'],
      [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ],
    ],
    [
      { cores: 8 },
      ['node,memdev=ram,cpus=0-1', 'node,cpus=4-5'],
      [
        [0, 1, 2, 3, 6, 7],
        [4, 5],
      ],
    ],
    [
      { cores: 4 },
      ['node,memdev=m0,cpus=0,cpus=2', 'node,memdev=m1,cpus=1,cpus=3'],
      [
        [0, 2],
        [1, 3],
      ],
    ],
    [{ sockets: 4 }, [...TWO, 'cpu,node-id=0,socket-id=3', 'cpu,node-id=1,socket-id=1'], [[0, 2, 3], [1]]],
    [{ sockets: 2, cores: 2 }, [...TWO, 'cpu,node-id=1,socket-id=0,core-id=1,thread-id=0'], [[0, 2, 3], [1]]],
  ])('CPUs of %j with %j', (levels, options, expected) => {
    expect(cpusOf(board(levels), options)).toEqual(expected);
  });

  it('clusters, where a board numbers them', () => {
    const arm = board({ sockets: 2, clusters: 2 }, {}, ['socketId', 'clusterId', 'coreId', 'threadId']);
    const options = [...TWO, 'cpu,node-id=1,socket-id=0,cluster-id=1', 'cpu,node-id=0,cluster-id=0'];
    expect(cpusOf(arm, [...options, 'cpu,node-id=1,socket-id=1,cluster-id=1'])).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it('warns of CPUs that are on no node', () => {
    const { warnings } = build(board({ cores: 3 }), ['node,memdev=ram,cpus=0', 'node,cpus=1']);
    expect(warnings[0]).toBe('CPU(s) not present in any NUMA nodes: CPU 2 [socket-id: 0, core-id: 2, thread-id: 0]');
  });

  it('query-hotpluggable-cpus of a plan has the nodes that were said', () => {
    const plan = new NumaTopology(sockets(3, { hotpluggableCpus: true }), memory.backendSize);
    for (const option of [...TWO, 'cpu,node-id=1,socket-id=2']) plan.add(parseNuma(option));
    expect(hotpluggableCpus(plan).map(({ props }) => props)).toEqual([
      { 'node-id': 1, 'socket-id': 2, 'core-id': 0, 'thread-id': 0 },
      { 'socket-id': 1, 'core-id': 0, 'thread-id': 0 },
      { 'socket-id': 0, 'core-id': 0, 'thread-id': 0 },
    ]);
    const without = new NumaTopology(sockets(3), memory.backendSize);
    expect(() => hotpluggableCpus(without)).toThrow("The feature 'query-hotpluggable-cpus' is not enabled");
  });

  it('mem= on boards that take it; an even split on boards that do it', () => {
    const old = sockets(1, { memSupported: true });
    const sizes = (options: readonly string[]) => build(old, options).nodes.map(({ size }) => size / MiB);
    expect(sizes(['node,mem=96M', 'node,mem=32M'])).toEqual([96, 32]);
    expect(sizes(['node', 'node'])).toEqual([64, 64]);
    expect(sizes(['node', 'node', 'node'])).toEqual([40, 40, 48]);
    expect(sizes(Array<string>(5).fill('node'))).toEqual([24, 24, 24, 24, 32]);
  });

  it('neighbours are counted among the CPUs that are there', () => {
    const near = board({ cores: 4 }, { defaultNode: nodeByNeighbourhood, presentCpus: 3, cpuPerNode: true });
    expect(cpusOf(near, TWO)).toEqual([[0], [1, 2, 3]]);
    expectRefused(
      { ...near, presentCpus: 1 },
      TWO,
      'Number of NUMA nodes (2) cannot exceed the number of available CPUs (1).',
    );
  });

  it('distances hold for both directions, or are as said for each', () => {
    expect(build(sockets(2), [...TWO, 'dist,src=0,dst=1,val=21']).distances).toEqual([
      [10, 21],
      [21, 10],
    ]);
    const both = [...TWO, 'dist,src=0,dst=1,val=21', 'dist,src=1,dst=0,val=30'];
    expect(build(sockets(2), both).distances).toEqual([
      [10, 21],
      [30, 10],
    ]);
    expect(build(sockets(2), TWO).distances).toBeUndefined();
  });

  it('default assignment: each CPU is on exactly one node', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (s, c, n, near) => {
          const b = board({ sockets: s, cores: c }, near ? { defaultNode: nodeByNeighbourhood } : {});
          const { nodes, cpuNodes } = build(b, ['node,memdev=ram', ...Array<string>(n - 1).fill('node')]);
          expect(nodes.flatMap(({ cpus }) => cpus).sort((x, y) => x - y)).toEqual(b.cpus.map(({ index }) => index));
          expect(b.cpus.every(({ index }) => nodes[cpuNodes[index] ?? -1]?.cpus.includes(index))).toBe(true);
        },
      ),
    );
  });
});

// Each text was read off qemu-system-x86_64 or -riscv64 7.2.22, with the same options.
describe('what is refused', () => {
  it.each([
    [['node,nodeid=128'], 'Max number of NUMA nodes reached: 128'],
    [['node,nodeid=0', 'node,nodeid=0'], 'Duplicate NUMA nodeid: 0'],
    [['node,memdev=m0,nodeid=0', 'node,memdev=m1,nodeid=2'], 'numa: Node ID missing: 1'],
    [['node,memdev=m0,mem=64M'], 'numa configuration should use either mem= or memdev=,mixing both is not allowed'],
    [['node,mem=64M'], 'Parameter -numa node,mem is not supported by this machine type'],
    [['node,memdev=m0', 'node'], 'total memory for NUMA nodes (0x4000000) should equal RAM size (0x8000000)'],
    [['node,memdev=nope'], 'memdev=nope is ambiguous'],
    [['node,memdev=m0', 'node,memdev=m0'], "memory backend m0 can't be used multiple times."],
    [['node,cpus=4'], 'CPU index (4) should be smaller than maxcpus (4)'],
    [['node,cpus=0-1', 'node,cpus=1-2'], 'CPU is already assigned to node-id: 0'],
    [[...TWO, 'cpu'], 'Missing mandatory node-id property'],
    [
      [...TWO, 'cpu,node-id=5,socket-id=0'],
      "Invalid node-id=5, NUMA node must be defined with -numa node,nodeid=ID before it's used with -numa cpu,node-id=ID",
    ],
    [[...TWO, 'cpu,node-id=0,socket-id=9'], 'no match found'],
    [[...TWO, 'cpu,node-id=0,socket-id=0,die-id=0'], 'die-id is not supported'],
    [[...TWO, 'cpu,node-id=0,socket-id=0,cluster-id=0'], 'cluster-id is not supported'],
    [[...TWO, 'cpu,node-id=0,socket-id=0', 'cpu,node-id=1,socket-id=0'], 'CPU is already assigned to node-id: 0'],
    [[...TWO, 'dist,src=0,dst=200,val=20'], "Parameter 'dst' expects an integer between 0 and 127"],
    [
      [...TWO, 'dist,src=0,dst=5,val=20'],
      "Source/Destination NUMA node is missing. Please use '-numa node' option to declare it first.",
    ],
    [[...TWO, 'dist,src=0,dst=1,val=9'], "NUMA distance (9) is invalid, it shouldn't be less than 10."],
    [[...TWO, 'dist,src=0,dst=0,val=20'], 'Local distance of node 0 should be 10.'],
    [
      [...TWO, 'node', 'dist,src=0,dst=1,val=20'],
      'The distance between node 0 and 2 is missing, at least one distance value between each nodes should be provided.',
    ],
    [
      [
        ...TWO,
        'node',
        ...['0,dst=1,val=20', '0,dst=2,val=20', '1,dst=2,val=20', '1,dst=0,val=30'].map((d) => `dist,src=${d}`),
      ],
      'At least one asymmetrical pair of distances is given, please provide distances for both directions of all node pairs.',
    ],
    [
      ['node,memdev=m0,initiator=0'],
      'ACPI Heterogeneous Memory Attribute Table (HMAT) is disabled, enable it with -machine hmat=on before using any of hmat specific options',
    ],
  ])('%j', (options, message) => expectRefused(sockets(4), options, message));

  it('more nodes than CPUs, where each must have one', () => {
    const message = 'Number of NUMA nodes (2) cannot exceed the number of available CPUs (1).';
    expectRefused(sockets(1, { cpuPerNode: true }), TWO, message);
  });

  const lb = 'hmat-lb,initiator=0,target=0,hierarchy=memory,data-type=access-';
  const lb1 = 'hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-';
  const cache = 'hmat-cache,node-id=0,associativity=direct,policy=write-back,line=8';
  const known = [`${lb}latency,latency=1`, `${lb}bandwidth,bandwidth=1M`];
  it.each([
    [[`${lb}latency`], "Missing 'latency' option"],
    [[`${lb}bandwidth,bandwidth=1M,latency=1`], "Invalid option 'latency' since the data type is bandwidth"],
    [
      [lb.replace('initiator=0', 'initiator=9').concat('latency,latency=1')],
      'Invalid initiator=9, it should be less than 3',
    ],
    [
      [lb.replace('initiator=0', 'initiator=2').concat('latency,latency=1')],
      "Invalid initiator=2, it isn't an initiator proximity domain",
    ],
    [[lb.replace('target=0', 'target=9').concat('latency,latency=1')], 'Invalid target=9, it should be less than 3'],
    [
      [`${lb}latency,latency=0`, `${lb}latency,latency=5`],
      'Duplicate configuration of the latency for initiator=0 and target=0',
    ],
    [
      [`${lb}latency,latency=1`, `${lb1}latency,latency=65535`],
      'Latency 65535 between initiator=0 and target=1 should not differ from previously entered min or max values on more than 65534',
    ],
    [[`${lb}bandwidth,bandwidth=1K`], 'Bandwidth 1024 between initiator=0 and target=0 should be 1MB aligned'],
    [
      [`${lb}bandwidth,bandwidth=1M`, `${lb1}bandwidth,bandwidth=65535M`],
      'Bandwidth 68718428160 between initiator=0 and target=1 should not differ from previously entered values on more than 65534',
    ],
    [
      ['hmat-cache,node-id=9,size=1K,level=1,associativity=none,policy=none,line=8'],
      'Invalid node-id=9, it should be less than 3',
    ],
    [
      [`${cache},size=10K,level=1`],
      'The latency and bandwidth information of node-id=0 should be provided before memory side cache attributes',
    ],
    [
      [...known, `${cache},size=10K,level=0`],
      'Invalid level=0, it should be larger than 0 and less than or equal to 3',
    ],
    [[...known, `${cache},size=10K,level=3`], 'Cache level=2 shall be defined first'],
    [
      [...known, `${cache},size=10K,level=1`, `${cache},size=10K,level=1`],
      'Duplicate configuration of the side cache for node-id=0 and level=1',
    ],
    [
      [...known, `${cache},size=10K,level=1`, `${cache},size=5K,level=2`],
      'Invalid size=5120, the size of level=2 should be larger than the size(10240) of level=1',
    ],
  ])('HMAT: %j', (options, message) => expectRefused(sockets(2, { hmat: true }), [...HMAT_NODES, ...options], message));

  it.each([
    [['node,memdev=m0,initiator=200'], 'The initiator id 200 expects an integer between 0 and 127'],
    [['node,memdev=m0', 'node,memdev=m1,initiator=0'], 'The initiator of CPU NUMA node 1 should be itself (got 0)'],
    [[...TWO, 'node,initiator=3', 'node'], 'The initiator of NUMA node 2 is invalid'],
    [[...TWO, 'node,initiator=5'], "NUMA node 5 is missing, use '-numa node' option to declare it first"],
  ])('initiators: %j', (options, message) => expectRefused(sockets(2, { hmat: true }), options, message));
});

describe('how options are read', () => {
  it.each([
    ['foo', "Parameter 'type' does not accept value 'foo'"],
    ['nodeid=0', "Parameter 'type' is missing"],
    ['node,foo=1', "Invalid parameter 'foo'"],
    ['node,nodeid=x', "Parameter 'nodeid' expects a uint64 value"],
    ['node,nodeid=-1', "Parameter 'nodeid' expects a uint64 value"],
    ['cpu,node-id=0,core-id=0-1', "Parameter 'core-id' expects an int64 value"],
    ['node,nodeid=70000', "Parameter 'nodeid' expects uint16_t"],
    ['node,cpus=9-3', "Parameter 'cpus' expects a uint64 value or range"],
    ['node,mem=x', "Parameter 'mem' expects a size value"],
    ['dist,src=0', "Parameter 'dst' is missing"],
    ['dist,src=0,dst=1,val=256', "Parameter 'val' expects uint8_t"],
    ['hmat-lb,initiator=0,target=0,hierarchy=foo', "Parameter 'hierarchy' does not accept value 'foo'"],
  ])('%s is refused', (text, message) => expect(() => parseNuma(text)).toThrow(new UserError(message)));

  it("a node's memory is in MiB where no unit is said, and in bytes in JSON", () => {
    const bytes = ['node,mem=64', 'node,mem=0x40', 'node,mem=64M', 'node,mem=64K'].map((text) => parseNuma(text));
    expect(bytes.map((option) => option.type === 'node' && option.mem)).toEqual([
      64 * MiB,
      64 * MiB,
      64 * MiB,
      64 * 1024,
    ]);
    expect(numaFromJson({ type: 'node', mem: 64 })).toMatchObject({ mem: 64 });
  });

  it('an option and JSON are the same', () => {
    const option = { type: 'node', nodeid: 0, cpus: [0, 1, 2, 3], memdev: 'm0' };
    expect(parseNuma('node,nodeid=0,cpus=0-3,memdev=m0')).toEqual(option);
    expect(numaFromJson(option)).toEqual(option);
    expect(() => numaFromJson({ type: 'node', bla: 0 })).toThrow("Parameter 'bla' is unexpected");
  });

  it('what is refused leaves nothing behind: a client of --preconfig goes on', () => {
    const topology = new NumaTopology(sockets(2), memory.backendSize);
    topology.add({ type: 'node', memdev: 'ram' });
    expect(() => topology.add({ type: 'node', nodeid: 1, cpus: [0, 9] })).toThrow('CPU index (9)');
    topology.add({ type: 'node', nodeid: 1, cpus: [1] });
    topology.add({ type: 'cpu', nodeId: 0, socketId: 0 });
    expect(topology.complete(memory.ramSize).nodes.map(({ cpus }) => cpus)).toEqual([[0], [1]]);
  });
});
