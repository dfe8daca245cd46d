// NUMA nodes on a board: its RAM is their backends' memory, what cannot be is refused; a board that has no nodes says so.

import {
  type BwObject,
  createObjectTree,
  createRamBackend,
  KiB,
  type Machine,
  type MachineOptions,
  type MemoryBackend,
  type NumaOption,
  RamSpace,
  restoreTree,
  saveTree,
} from '@boardwalk/core';
import { onEachKind, type RamPlan, TESTED_ID } from './board-backends.ts';
import { check, checkBytesReach, checkRefused, checkSame, type Subject, type TestRunner } from './board-subject.ts';

const NEAR_ID = 'near-memory';
/** As large as both nodes. */
const WHOLE_ID = 'whole-memory';
const NODES: readonly NumaOption[] = [
  { type: 'node', memdev: NEAR_ID },
  { type: 'node', memdev: TESTED_ID },
];

/** Two nodes, and a CPU for each if the board can have two. */
function numaOptions({ board }: Subject): MachineOptions {
  return { numa: NODES, smp: { cpus: Math.max(board.minCpus ?? 1, Math.min(2, board.maxCpus)) } };
}

/** Bytes of the two nodes: together what the board has by itself. */
function nodeSizes({ backendSize }: Subject): readonly [number, number] {
  const first = Math.floor(backendSize / 2 / KiB(64)) * KiB(64);
  return [first, backendSize - first];
}

/** The nodes' backends in a tree of their own. */
function nodes(subject: Subject): { root: BwObject; space: RamSpace; backends: readonly MemoryBackend[] } {
  const root = createObjectTree();
  const space = RamSpace.create();
  const parent = root.children.get('objects');
  const [near, far] = nodeSizes(subject);
  const make = (id: string, size: number): MemoryBackend => createRamBackend(space, { id, size, parent });
  return { root, space, backends: [make(NEAR_ID, near), make(TESTED_ID, far)] };
}

function checkNodes(machine: Machine, subject: Subject, backends: readonly MemoryBackend[]): void {
  const { numa } = machine;
  check(numa !== undefined, 'the machine has no NUMA configuration');
  checkSame(
    "the nodes' sizes",
    numa.nodes.map(({ size }) => size),
    nodeSizes(subject),
  );
  const given = numa.nodes.flatMap(({ cpus }) => cpus).sort((a, b) => a - b);
  checkSame(
    'the CPUs that are on a node',
    given,
    numa.cpus.map(({ index }) => index),
  );
  checkSame('numaNodes', machine.numaNodes, 2);
  checkSame('the RAM region', [machine.ram.name, machine.ram.size], [subject.facts.ramId, subject.backendSize]);
  checkSame(
    "the machine's backends",
    machine.memoryBackends.map(({ id }) => id),
    backends.map(({ id }) => id),
  );
}

type Wrong = readonly [what: string, options: MachineOptions, text: string];

const WRONG: readonly Wrong[] = [
  ['a memory backend besides', { memoryBackend: WHOLE_ID }, 'mutually exclusive'],
  ['-mem-path besides', { memPath: '/nowhere' }, "'-mem-path' can't be used together with '-numa memdev'"],
  ['-mem-prealloc besides', { memPrealloc: true }, "'-mem-prealloc' can't be used together with '-numa memdev'"],
  ['too little memory', { numa: NODES.slice(0, 1) }, 'total memory for NUMA nodes'],
  ['a backend that is not there', { numa: [{ type: 'node', memdev: 'nobody' }] }, 'memdev=nobody is ambiguous'],
  ['a node twice', { numa: [...NODES, { type: 'node', nodeid: 0 }] }, 'Duplicate NUMA nodeid: 0'],
  ['a gap in the nodes', { numa: [...NODES, { type: 'node', nodeid: 3 }] }, 'Node ID missing: 2'],
  ['a CPU that cannot be', { numa: [...NODES, { type: 'node', cpus: [9999] }] }, 'should be smaller than maxcpus'],
  [
    'a distance below that within a node',
    { numa: [...NODES, { type: 'dist', src: 0, dst: 1, val: 9 }] },
    "shouldn't be less than 10",
  ],
];

const TWICE: readonly Wrong[] = [
  ['one backend twice', { numa: NODES.map((node) => ({ ...node, memdev: NEAR_ID })) }, "can't be used multiple times"],
];

function declare(runner: TestRunner, subject: Subject): void {
  const { it } = runner;
  const options = numaOptions(subject);
  it("has its RAM from the nodes' memory backends, in their order, and leaves them when it ends", async () => {
    const { root, space, backends } = nodes(subject);
    const machine = await subject.create({ root, space, ...options });
    try {
      checkNodes(machine, subject, backends);
      for (const backend of backends) {
        check(backend.mapped, `'${backend.id}' is not in use`);
        checkBytesReach(machine, backend);
      }
      check(
        root.children.get('objects')?.children.has(subject.facts.ramId ?? '') === false,
        'a backend was made besides',
      );
    } finally {
      await machine.dispose();
    }
    checkSame(
      'the RAM that is still allocated',
      space.blocks.map(({ name }) => name),
      backends.map(({ id }) => id),
    );
    check(!backends.some(({ mapped }) => mapped), "the nodes' backends are still in use");
  });
  it('resets, saves and restores with nodes', async () => {
    const [one, two] = [nodes(subject), nodes(subject)];
    const first = await subject.create({ root: one.root, space: one.space, ...options });
    const second = await subject.create({ root: two.root, space: two.space, ...options });
    try {
      subject.exercise(first);
      const saved = structuredClone(saveTree(first));
      restoreTree(second, saved);
      checkSame('the state after restore', saveTree(second), saved);
      first.reset('host');
      checkNodes(first, subject, one.backends);
    } finally {
      await first.dispose();
      await second.dispose();
    }
  });
  const [near, size] = nodeSizes(subject);
  // Else the sizes do not add up, which is said first.
  const twice = near === size ? TWICE : [];
  for (const [what, wrong, text] of [...WRONG, ...twice]) {
    it(`refuses nodes with ${what}`, async () => {
      const { root, space, backends } = nodes(subject);
      const parent = root.children.get('objects');
      const whole = createRamBackend(space, { id: WHOLE_ID, size: subject.backendSize, parent });
      await checkRefused(subject.create({ root, space, ...options, ...wrong }), text);
      check(![...backends, whole].some(({ mapped }) => mapped), 'a backend is in use after a refusal');
      check(!root.children.has('machine'), 'the machine is still in the object tree');
      checkSame('the RAM that is allocated', space.blocks.length, backends.length + 1);
    });
  }
  const plan: RamPlan = { size, others: { [NEAR_ID]: near }, options };
  onEachKind(runner, subject, 'runs with a node on', plan);
}

/** Declares the tests of NUMA nodes, or that there can be none. */
export function numaTests(runner: TestRunner, subject: Subject): void {
  if (subject.board.numa !== undefined) {
    declare(runner, subject);
    return;
  }
  runner.it('refuses NUMA nodes', async () => {
    const wanted = 'NUMA is not supported by this machine-type';
    await checkRefused(subject.create({ numa: [{ type: 'node' }] }), wanted);
    await checkRefused(subject.create({ numa: [{ type: 'dist', src: 0, dst: 0, val: 10 }] }), wanted);
  });
}
