import { describe, expect, it } from 'vitest';
import { RamSpace } from '../memory/index.ts';
import { AT, TELL, VCPU_AT, VCPU_ATTENTION, VCPU_RING_MOST } from './layout.ts';
import { VcpuBlock } from './ring.ts';
import { SharedClockSource } from './shared-clock.ts';

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
