import { describe, expect, it } from 'vitest';
import { RamSpace } from '../memory/index.ts';
import {
  AT,
  TEAM_ALONE,
  TEAM_BYTES,
  TEAM_OWNERS,
  TEAM_WORLD,
  TELL,
  VCPU_AT,
  VCPU_ATTENTION,
  VCPU_BYTES,
  VCPU_FLUSH_ASKED,
  VCPU_RING_MOST,
  WORLD,
} from './layout.ts';
import { VcpuBlock } from './ring.ts';
import { SharedClockSource } from './shared-clock.ts';
import { VcpuThread } from './vcpu-thread.ts';
import { Words } from './words.ts';

const space = RamSpace.create({ bytes: 1 << 20, shared: true });
const exitRequest = space.reserve(65536);

describe('the ring of a vCPU', () => {
  const block = new VcpuBlock(space, space.reserve(65536), exitRequest);

  it('gives messages once, in order, and makes the vCPU leave translated code', () => {
    expect(block.tell(TELL.protect, 5)).toBe(1);
    expect(block.tell(TELL.drop, 2 ** 20)).toBe(2);
    expect(block.words.load(VCPU_ATTENTION)).toBe(1);
    expect(space.i32[exitRequest >>> 2]).toBe(1);
    const told = [
      { kind: TELL.protect, page: 5 },
      { kind: TELL.drop, page: 2 ** 20 },
    ];
    expect(block.take()).toEqual({ told, upTo: 2 });
    expect(block.take()).toEqual({ told: [], upTo: 2 });
  });

  it('says that some were lost when it is full', () => {
    for (let i = 0; i <= VCPU_RING_MOST; i++) block.tell(TELL.drop, i);
    expect(block.take().told).toBeUndefined();
    block.tell(TELL.map, 0);
    expect(block.take().told).toEqual([{ kind: TELL.map, page: 0 }]);
  });

  it('knows a thread that waits from one that works', () => {
    expect(block.isSafe).toBe(false);
    block.words.store(VCPU_AT, AT.inner);
    expect(block.isSafe).toBe(true);
  });
});

describe('a clock that threads share', () => {
  it('is the same for all, stands still when it is stopped, and never goes back', () => {
    let ms = 100;
    const at = space.reserve(65536);
    const [device, vcpu] = [0, 1].map(() => new SharedClockSource(space, at, () => ms));
    if (device === undefined || vcpu === undefined) throw new Error('two clocks');
    expect(vcpu.now()).toBe(0);
    device.start();
    ms = 102;
    expect([device.now(), vcpu.now()]).toEqual([2_000_000, 2_000_000]);
    ms = 101;
    expect(vcpu.now()).toBe(2_000_000);
    ms = 105;
    device.stop();
    ms = 200;
    expect([device.now(), vcpu.now()]).toEqual([5_000_000, 5_000_000]);
    device.set(7);
    vcpu.resync();
    expect(vcpu.now()).toBe(7);
  });
});

describe('what a thread is told in the middle of an instruction', () => {
  const team = space.reserve(TEAM_BYTES);
  const owners = space.reserve(65536);
  const states = [0, 1].map(() => space.reserve(65536));
  const all = states.map((state) => ({ block: space.reserve(VCPU_BYTES), state, exitRequest: state }));
  const words = new Words(space.i32, team);
  words.store(TEAM_OWNERS, owners);

  /** Vcpu 0, between two instructions at the end of one in which somebody did this, after it last looked whether it may work. */
  const told = (somebody: (block: VcpuBlock) => void): VcpuThread => {
    words.store(TEAM_ALONE, 0);
    words.store(TEAM_WORLD, WORLD.run);
    const [mine] = all;
    if (mine === undefined) throw new Error('two vCPUs');
    const init = { memory: space.memory, indexBits: space.indexBits, pageFlags: space.pageFlags, team, all };
    const own = { ...mine, index: 0, cpus: 2, slice: { offset: 0, bytes: 0 }, arenaBytes: 0 };
    const rest = {
      arch: '',
      description: undefined,
      code: undefined,
      tier1: undefined,
      logCategories: [],
      order: 'tso',
    } as const;
    const thread = new VcpuThread(
      { ...init, ...own, ...rest },
      () => {},
      () => 0,
    );
    thread.boundary();
    const never = (): never => {
      throw new Error('not within an instruction');
    };
    thread.serves({
      protect: () => somebody(thread.block),
      mayStoreTo: () => false,
      dropCode: never,
      dropAllCode: never,
      describe: never,
      mapChanged: never,
      flushTranslations: never,
    });
    thread.claimPage(0);
    expect(thread.words.load(VCPU_AT)).toBe(AT.work);
    return thread;
  };

  it.each<[string, (block: VcpuBlock) => void]>([
    ['another is to be alone', () => words.store(TEAM_ALONE, 2)],
    ['the machine stops', () => words.store(TEAM_WORLD, WORLD.stopped)],
    ['the memory map changes', () => words.store(TEAM_WORLD, WORLD.frozen)],
    ['code was written to', (block) => block.tell(TELL.drop, 1)],
    ['addresses mean something else', (block) => block.words.add(VCPU_FLUSH_ASKED, 1)],
  ])('is not forgotten at its end: %s', (_, does) => {
    const thread = told((block) => {
      does(block);
      block.interrupt();
    });
    expect(thread.wanted).toBe(true);
    expect(space.i32[(all[0]?.exitRequest ?? 0) >>> 2]).toBe(1);
  });

  it('is done with where it was a page to protect', () => {
    const thread = told((block) => {
      if (block.words.load(VCPU_ATTENTION) === 0) block.interrupt();
    });
    expect(thread.wanted).toBe(false);
  });
});
