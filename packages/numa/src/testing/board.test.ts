// NUMA end to end on the board for tests: options in, RAM, tables and queries out.
import {
  createObjectTree,
  createRamBackend,
  Machine,
  type MachineOptions,
  type MemoryBackend,
  MiB,
  planNuma,
  RamSpace,
  requireObject,
  UserError,
} from '@boardwalk/core';
import { afterEach, describe, expect, it } from 'vitest';
import { formatInfoMemdev, formatInfoNuma, hotpluggableCpus, memdevInfo, numaInfo, parseNuma } from '../index.ts';
import { numaTest, numaTestOld, numaTestPc, numaTestStrict, TABLES_BASE } from './index.ts';

const space = RamSpace.create({ bytes: MiB(512) });
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  expect(space.blocks.map(({ name }) => name)).toEqual([]);
});

/** A tree with backends, by id and MiB. */
function treeWith(backends: Readonly<Record<string, number>>) {
  const root = createObjectTree();
  const parent = requireObject(root, '/objects');
  const made: Record<string, MemoryBackend> = {};
  for (const [id, size] of Object.entries(backends)) {
    const backend = createRamBackend(space, { id, size: MiB(size), parent });
    made[id] = backend;
    ends.push(() => backend.dispose());
  }
  return { root, made };
}

async function make(options: MachineOptions, board = numaTest): Promise<Machine> {
  const machine = await Machine.create(board, { space, ...options });
  ends.push(() => machine.dispose());
  return machine;
}

const TWO = [parseNuma('node,memdev=m0'), parseNuma('node,memdev=m1')];

describe('RAM of a machine with nodes', () => {
  it('is a container of their backends, in the order of the nodes', async () => {
    const { root, made } = treeWith({ m0: 96, m1: 32 });
    const numa = [parseNuma('node,nodeid=1,memdev=m0'), parseNuma('node,nodeid=0,memdev=m1')];
    const machine = await make({ root, numa, smp: { cpus: 2 } });
    expect(machine.ram.name).toBe('numa-test.ram');
    expect(machine.memoryBackends.map(({ id }) => id)).toEqual(['m1', 'm0']);
    machine.addressSpace.store(MiB(32) - 4, 4, 0x1111_1111);
    machine.addressSpace.store(MiB(32), 4, 0x2222_2222);
    expect(made.m1?.region.block?.bytes.at(-1)).toBe(0x11);
    expect(made.m0?.region.block?.bytes[0]).toBe(0x22);
    expect(made.m0?.mapped).toBe(true);
  });

  it('gives the backends back when it ends, for another machine', async () => {
    const { root } = treeWith({ m0: 64, m1: 64 });
    await (await Machine.create(numaTest, { space, root, numa: TWO, smp: { cpus: 2 } })).dispose();
    const machine = await make({ root, numa: TWO, smp: { cpus: 2 } });
    expect(machine.memoryBackend).toBeUndefined();
    expect(machine.memoryBackends).toHaveLength(2);
  });

  it('of which only some have backends', async () => {
    const { root } = treeWith({ ram: 128 });
    const machine = await make({
      root,
      smp: { cpus: 8, sockets: 8 },
      numa: [parseNuma('node,memdev=ram'), { type: 'node' }],
    });
    expect(formatInfoNuma(numaInfo(machine))).toEqual([
      '2 nodes',
      'node 0 cpus: 0 2 4 6',
      'node 0 size: 128 MB',
      'node 0 plugged: 0 MB',
      'node 1 cpus: 1 3 5 7',
      'node 1 size: 0 MB',
      'node 1 plugged: 0 MB',
    ]);
  });

  it('is one backend where no node has its own: sizes are said, or even', async () => {
    const even = await make({ numa: [{ type: 'node' }, { type: 'node' }] });
    expect(numaInfo(even).map(({ size }) => size)).toEqual([MiB(64), MiB(64)]);
    expect(even.memoryBackend?.id).toBe('numa-test.ram');
    const { root } = treeWith({ m0: 128 });
    const said = [parseNuma('node,mem=96M'), parseNuma('node,mem=32M')];
    const old = await make({ root, memoryBackend: 'm0', numa: said }, numaTestOld);
    expect(numaInfo(old).map(({ size }) => size)).toEqual([MiB(96), MiB(32)]);
    expect(old.memoryBackend?.id).toBe('m0');
    expect(old.numa?.warnings).toHaveLength(2);
  });
});

it.each<[string, MachineOptions, string, typeof numaTest]>([
  ['beside memory-backend', { numa: TWO, memoryBackend: 'm0', ramSize: MiB(64) }, 'should equal RAM size', numaTest],
  [
    'beside memory-backend of the right size',
    { numa: TWO, memoryBackend: 'all' },
    "'-machine memory-backend' and '-numa memdev' properties are mutually exclusive",
    numaTest,
  ],
  [
    'beside -mem-path',
    { numa: TWO, memPath: '/x' },
    "'-mem-path' can't be used together with '-numa memdev'",
    numaTest,
  ],
  [
    'beside -mem-prealloc',
    { numa: TWO, memPrealloc: true },
    "'-mem-prealloc' can't be used together with '-numa memdev'",
    numaTest,
  ],
  ['an unknown id', { numa: [parseNuma('node,memdev=nope')] }, 'memdev=nope is ambiguous', numaTest],
  ['nodes without memory', { numa: [{ type: 'node' }] }, 'total memory for NUMA nodes (0x0) should', numaTestStrict],
  [
    'a size that does not add up',
    { numa: TWO, ramSize: MiB(64) },
    '(0x8000000) should equal RAM size (0x4000000)',
    numaTest,
  ],
  [
    'HMAT without hmat=on',
    { numa: [parseNuma('node,memdev=all,initiator=0')] },
    'is disabled, enable it with',
    numaTest,
  ],
])('refuses %s, and leaves the backends free', async (_, options, message, board) => {
  const { root, made } = treeWith({ m0: 64, m1: 64, all: 128 });
  const attempt = Machine.create(board, { space, root, ...options });
  await expect(attempt).rejects.toThrow(UserError);
  await expect(attempt).rejects.toThrow(message);
  expect(Object.values(made).map(({ mapped }) => mapped)).toEqual([false, false, false]);
  expect(root.children.has('machine')).toBe(false);
});

it('a backend in use by another machine is refused', async () => {
  const { root, made } = treeWith({ m0: 64, m1: 64 });
  if (made.m1) made.m1.mapped = true;
  await expect(Machine.create(numaTest, { space, root, numa: TWO })).rejects.toThrow(
    "can't use already busy memdev: m1",
  );
  expect(made.m0?.mapped).toBe(false);
});

it('a board without NUMA refuses it', async () => {
  const { numa: _, ...board } = numaTest;
  await expect(Machine.create(board, { space, numa: [{ type: 'node' }] })).rejects.toThrow(
    'NUMA is not supported by this machine-type',
  );
});

describe('a plan, as --preconfig makes it', () => {
  it('takes options one by one, refuses without harm, and becomes a machine', async () => {
    const { root } = treeWith({ m0: 64, m1: 64 });
    const options = { root, smp: { cpus: 2, maxcpus: 4, sockets: 4 }, boardProps: { hmat: 'on' } };
    const plan = planNuma(numaTest, options);
    plan.add(parseNuma('node,memdev=m0'));
    expect(() => plan.add(parseNuma('node,nodeid=0,memdev=m1'))).toThrow('Duplicate NUMA nodeid: 0');
    await expect(Machine.create(numaTest, { space, ...options, numa: plan })).rejects.toThrow('should equal RAM size');
    plan.add(parseNuma('node,memdev=m1'));
    plan.add(parseNuma('cpu,node-id=1,socket-id=0'));
    plan.add(parseNuma('dist,src=0,dst=1,val=21'));
    expect(hotpluggableCpus(plan)[3]?.props).toEqual({
      'node-id': 1,
      'socket-id': 0,
      'die-id': 0,
      'cluster-id': 0,
      'core-id': 0,
      'thread-id': 0,
    });
    const machine = await make({ ...options, numa: plan });
    expect(machine.numa?.cpuNodes).toEqual([1, 0, 0, 0]);
    expect(machine.numa?.distances).toEqual([
      [10, 21],
      [21, 10],
    ]);
  });
});

describe('what monitors show', () => {
  it('query-hotpluggable-cpus: the last place first, with the CPUs that are there', async () => {
    const { root } = treeWith({ m0: 64, m1: 64 });
    const smp = { cpus: 2, maxcpus: 4, sockets: 2 };
    const machine = await make({ root, smp, numa: TWO }, numaTestPc);
    const place = (socket: number, core: number) => ({
      'node-id': socket,
      'socket-id': socket,
      'core-id': core,
      'thread-id': 0,
    });
    const cpu = { type: 'numa-test-cpu', 'vcpus-count': 1 };
    expect(hotpluggableCpus(machine)).toEqual([
      { ...cpu, props: place(1, 1) },
      { ...cpu, props: place(1, 0) },
      { ...cpu, 'qom-path': '/machine/cpu[1]', props: place(0, 1) },
      { ...cpu, 'qom-path': '/machine/cpu[0]', props: place(0, 0) },
    ]);
    expect(numaInfo(machine).map(({ cpus }) => cpus)).toEqual([[0, 1], []]);
  });

  it('query-memdev and info memdev: each backend, the newest first', async () => {
    const { root } = treeWith({ m0: 64, m1: 64 });
    await make({ root, numa: TWO, smp: { cpus: 2 } });
    const infos = memdevInfo(requireObject(root, '/objects'));
    expect(infos.map(({ id }) => id)).toEqual(['m1', 'm0']);
    expect(infos[0]).toEqual({
      id: 'm1',
      size: MiB(64),
      merge: true,
      dump: true,
      prealloc: false,
      share: false,
      reserve: true,
      'host-nodes': [],
      policy: 'default',
    });
    expect(formatInfoMemdev(infos).slice(0, 8)).toEqual([
      'memory backend: m1',
      `  size:  ${MiB(64)}`,
      '  merge: true',
      '  dump: true',
      '  prealloc: false',
      '  share: false',
      '  reserve: true',
      '  policy: default',
    ]);
  });
});

it('the guest finds SRAT, SLIT and HMAT', async () => {
  const { root } = treeWith({ m0: 64, m1: 64 });
  const numa = [
    ...TWO,
    ...['dist,src=0,dst=1,val=31', 'cpu,node-id=0,socket-id=0', 'cpu,node-id=1,socket-id=1'].map(parseNuma),
    parseNuma('hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=20'),
  ];
  const smp = { cpus: 2, sockets: 2 };
  const machine = await make({ root, numa, smp, boardProps: { hmat: true } });
  const bytes = new Uint8Array(4096);
  machine.addressSpace.readBytes(TABLES_BASE, bytes);
  const view = new DataView(bytes.buffer);
  const found: string[] = [];
  for (let at = 0; view.getUint32(at) !== 0 && found.length < 9; at += view.getUint32(at + 4, true)) {
    found.push(String.fromCharCode(...bytes.subarray(at, at + 4)));
    if (found.at(-1) === 'SLIT') expect([...bytes.subarray(at + 44, at + 48)]).toEqual([10, 31, 31, 10]);
  }
  expect(found).toEqual(['SRAT', 'SLIT', 'HMAT']);
});
