import {
  type BoardDefinition,
  Cpu,
  Device,
  defineBoard,
  KiB,
  type Machine,
  MemoryRegion,
  MiB,
  noneBoard,
  type StateField,
} from '@boardwalk/core';
import { boardNuma, layOutCpus } from '@boardwalk/numa';
import { describe, expect, it } from 'vitest';
import { type BoardFacts, boardConformance, type TestRunner } from './board-conformance.ts';

/** A latch of 32 bits, and one that a reset clears only if it is told to. */
class Latch extends Device {
  static override readonly typeName: string = 'latch';
  static override readonly state: readonly StateField[] = [{ name: 'value', type: 'u32', reset: 0 }];
  value = 0;
  readonly #forgetful: boolean;
  readonly region = this.addRegion(
    MemoryRegion.io('latch', 0x1000, {
      read: () => this.value,
      write: (_offset, _size, value) => {
        this.value = value;
      },
    }),
  );

  constructor(forgetful: boolean) {
    super();
    this.#forgetful = forgetful;
  }

  override resetHold(): void {
    const { value } = this;
    super.resetHold();
    if (this.#forgetful) this.value = value;
  }
}

function board(build: (machine: Machine) => void, more: Partial<BoardDefinition> = {}): BoardDefinition {
  return defineBoard({
    name: 'latches',
    description: 'a board for tests',
    arch: 'test',
    defaultCpu: 'none',
    maxCpus: 1,
    defaultRamId: 'latches.ram',
    defaultRamSize: MiB(1),
    validRamSizes: [MiB(1), MiB(2)],
    build,
    ...more,
  });
}

function withLatch(latch: () => Latch): (machine: Machine) => void {
  return (machine) => {
    machine.map(0, machine.ram);
    machine.map(0x1000_0000, machine.add(latch(), 'latch').region);
  };
}

/** Runs the suite over a board, but for its slow tests on the host's memory, and gives names and errors of the tests that fail. */
async function failures(
  subject: BoardDefinition,
  facts?: BoardFacts,
  wanted = /^(?!runs (on|with a node on) memory-backend)/,
): Promise<Record<string, string>> {
  const tests = new Map<string, () => Promise<void> | void>();
  const runner: TestRunner = { describe: (_name, body) => body(), it: (name, body) => tests.set(name, body) };
  boardConformance(subject, { ...runner, ...(facts && { facts }) });
  const failed: Record<string, string> = {};
  for (const [name, body] of tests) {
    if (!wanted.test(name)) continue;
    try {
      await body();
    } catch (error) {
      failed[name] = String(error);
    }
  }
  return failed;
}

boardConformance(board(withLatch(() => new Latch(false))), {
  describe,
  it,
  facts: {
    ramId: 'latches.ram',
    defaultRamSize: MiB(1),
    accepts: [MiB(2)],
    refuses: [{ bytes: KiB(512), text: 'Invalid RAM size, should be 1 MiB or 2 MiB' }],
  },
});
boardConformance(noneBoard('test'), { describe, it, facts: { ramId: 'ram', defaultRamSize: 0, accepts: [MiB(3)] } });
/** A board that can have nodes. */
const withNodes = (build: (machine: Machine) => void): BoardDefinition =>
  board(build, {
    name: 'latches-with-nodes',
    maxCpus: 4,
    numa: boardNuma({ cpus: ({ smp }) => layOutCpus('none', { cores: smp.maxcpus }) }),
  });
boardConformance(withNodes(withLatch(() => new Latch(false))), { describe, it });

describe('the conformance suite', () => {
  it('finds a board whose RAM is not that of the table', async () => {
    const failed = await failures(board(withLatch(() => new Latch(false))), {
      ramId: 'ram',
      defaultRamSize: MiB(4),
      refuses: [{ bytes: MiB(2), text: 'Invalid' }],
    });
    expect(Object.keys(failed)).toEqual(
      expect.arrayContaining([
        'has the RAM id and the default size that it should',
        'takes 4 MiB of RAM',
        'refuses 2 MiB of RAM',
      ]),
    );
  });

  it('finds a device that does not reset', async () => {
    const failed = await failures(board(withLatch(() => new Latch(true))));
    expect(Object.keys(failed)).toEqual(['is after a reset as a fresh machine is']);
    expect(Object.values(failed)[0]).toMatch(/\/machine\/latch\.fields\.value: \d+, expected 0/);
  });

  it('finds a device that does not restore', async () => {
    class Half extends Latch {
      override restore(): void {}
    }
    expect(Object.keys(await failures(board(withLatch(() => new Half(false)))))).toEqual([
      'saves and restores every device',
    ]);
  });

  it('finds a board with RAM of its own making', async () => {
    const own = board((machine) => {
      const { space, ramSize } = machine;
      machine.map(0, MemoryRegion.ram('latches.ram', space.allocateRam('latches.ram', ramSize)));
      machine.map(0x1000_0000, machine.add(new Latch(false), 'latch').region);
    });
    const failed = await failures(own);
    expect(failed['has the RAM id and the default size that it should']).toMatch('the CPUs see no RAM');
    expect(Object.keys(failed).join()).toMatch("takes a memory backend of the user's as RAM");
    const onFile = await failures(own, undefined, /^runs on memory-backend-file,share=on/);
    expect(Object.values(onFile).join()).toMatch("the machine's RAM is not the backend's");
  });

  it("finds a board that has only the first node's memory", async () => {
    const half = withNodes((machine) => {
      const size = machine.memoryBackends[0]?.size ?? 0;
      machine.map(0, MemoryRegion.alias('low', machine.ram, 0, size));
      machine.map(0x1000_0000, machine.add(new Latch(false), 'latch').region);
    });
    const failed = await failures(half);
    expect(Object.keys(failed)).toEqual([
      "has its RAM from the nodes' memory backends, in their order, and leaves them when it ends",
    ]);
    const onFile = await failures(half, undefined, /^runs with a node on memory-backend-file,share=on/);
    expect(Object.values(onFile).join()).toMatch("the machine's RAM is not the backend's");
  });

  it('wants a program for CPUs that it knows none for', async () => {
    class Idle extends Cpu {
      static override readonly typeName: string = 'idle-cpu';
      halted = true;
      execute = (): number => 0;
      requestExit(): void {}
      describe = (): string => 'idle';
    }
    const lazy = board((machine) => {
      machine.map(0, machine.ram);
      machine.add(new Idle(0), 'cpu');
    });
    const failed = await failures(lazy, undefined, /^runs on memory-backend-ram,/);
    expect(Object.values(failed).join()).toMatch('there is no program for test');
  });

  it('finds a board that changes a size instead of refusing it', async () => {
    const failed = await failures(
      board(
        withLatch(() => new Latch(false)),
        { validRamSizes: [MiB(1), MiB(2), MiB(8)] },
      ),
      { ramId: 'latches.ram', defaultRamSize: MiB(1), refuses: [{ bytes: MiB(8), text: 'Invalid RAM size' }] },
    );
    expect(Object.keys(failed)).toEqual(['refuses 8 MiB of RAM']);
  });
});
