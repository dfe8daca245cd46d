import { RngBackend } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { EVENT_IDX, INDIRECT_DESC, VERSION_1, virtioMachine } from '../../test/virtio-driver.ts';
import { VirtioRng } from './virtio-rng.ts';

async function rng(features = VERSION_1, seed?: number) {
  const device = new VirtioRng();
  if (seed !== undefined) device.setProperty('seed', seed);
  const driver = await virtioMachine(device);
  driver.negotiate(features);
  const queue = driver.queue(0);
  driver.start();
  return { device, driver, queue };
}

describe('virtio-mmio', () => {
  it('identifies itself and its device', async () => {
    const { driver } = await rng();
    expect([0, 4, 8].map((register) => driver.read(register))).toEqual([0x74726976, 2, 4]);
    driver.write(0x030, 1);
    expect(driver.read(0x034)).toBe(0);
  });

  it('refuses features that it did not offer, and a driver that does not know version 1', async () => {
    const { driver } = await rng();
    expect(driver.offered).toBe(VERSION_1 | EVENT_IDX | INDIRECT_DESC);
    expect(driver.negotiate(VERSION_1 | 1n)).toBe(false);
    expect(driver.negotiate(0n)).toBe(false);
    expect(driver.negotiate(VERSION_1)).toBe(true);
    driver.write(0x020, 0); // too late
    expect(driver.test.errors.at(-1)).toMatch(/after negotiation/);
  });

  it('takes 32-bit accesses only for its registers', async () => {
    const { driver } = await rng();
    expect(driver.test.r8(0x1000_1000)).toBe(0);
    expect(driver.test.errors.at(-1)).toMatch(/access of 1 bytes/);
  });

  it('does nothing before DRIVER_OK, then looks at its queues by itself', async () => {
    const driver = await virtioMachine(new VirtioRng());
    driver.negotiate(VERSION_1);
    const queue = driver.queue(0);
    queue.add([16]);
    queue.notify();
    expect(queue.takeUsed()).toEqual([]);
    driver.start();
    expect(queue.takeUsed()).toEqual([[0, 16]]);
  });

  it('resets by status 0', async () => {
    const { driver, queue } = await rng();
    queue.add([4]);
    queue.notify();
    expect(driver.irq.level).toBe(true);
    driver.write(0x070, 0);
    expect(driver.irq.level).toBe(false);
    expect([driver.status, driver.read(0x044), driver.read(0x060)]).toEqual([0, 0, 0]);
  });

  it('does not change a queue that is in use', async () => {
    const { driver, device } = await rng();
    const before = device.queues[0]?.descriptors;
    driver.write(0x080, 0x1234);
    driver.write(0x038, 4);
    expect([device.queues[0]?.descriptors, device.queues[0]?.size]).toEqual([before, 8]);
  });
});

describe('virtio-rng', () => {
  it('fills buffers with random bytes and interrupts', async () => {
    const { driver, queue } = await rng();
    const [first = 0] = queue.add([64]);
    const [second = 0] = queue.add([64]);
    queue.notify();
    expect(queue.takeUsed().map(([, length]) => length)).toEqual([64, 64]);
    expect(queue.bytes(first, 64)).not.toEqual(queue.bytes(second, 64));
    expect(driver.takeInterrupts()).toBe(1);
    expect(driver.irq).toEqual({ level: false, rises: 1 });
  });

  it('gives the same sequence for the same seed, across a snapshot too', async () => {
    const one = await rng(VERSION_1, 42);
    const other = await rng(VERSION_1, 42);
    const take = ({ queue }: typeof one): Uint8Array => {
      const [address = 0] = queue.add([10]);
      queue.notify();
      return queue.bytes(address, 10);
    };
    const first = take(one);
    expect(take(other)).toEqual(first);
    const state = structuredClone(one.device.save());
    const second = take(one);
    expect(second).not.toEqual(first);
    one.device.restore({ ...state, fields: { ...state.fields, queues: one.device.save().fields.queues ?? [] } });
    expect(take(one)).toEqual(second);
  });

  it('gives so many bytes in a period at most, and the rest in the next ones', async () => {
    const device = new VirtioRng();
    device.setProperty('max-bytes', 10);
    device.setProperty('period', 5);
    const driver = await virtioMachine(device);
    driver.negotiate(VERSION_1);
    const queue = driver.queue(0);
    driver.start();
    for (const length of [4, 4, 4, 4]) queue.add([length]);
    queue.notify();
    const lengths = () => queue.takeUsed().map(([, length]) => length);
    expect(lengths()).toEqual([4, 4, 2]);
    driver.test.clock.advance(4_999_999);
    queue.notify();
    expect(lengths()).toEqual([]);
    const state = structuredClone(device.save());
    driver.test.clock.advance(1);
    expect(lengths()).toEqual([4]);
    // The period begins with the first request in it.
    driver.test.clock.advance(100_000_000);
    for (const length of [8, 8]) queue.add([length]);
    queue.notify();
    expect(lengths()).toEqual([8, 2]);
    expect(state.fields).toMatchObject({ given: 10n, periodEnd: 5_000_000n });
  });

  it('waits for a source that has nothing yet', async () => {
    class Slow extends RngBackend {
      ready: number[] = [];
      take(_machine: unknown, into: Uint8Array): number {
        const now = this.ready.splice(0, into.length);
        into.set(now);
        return now.length;
      }
    }
    const [device, source] = [new VirtioRng(), new Slow()];
    device.setProperty('rng', source);
    const driver = await virtioMachine(device);
    driver.negotiate(VERSION_1);
    const queue = driver.queue(0);
    driver.start();
    const [place = 0] = queue.add([4]);
    queue.notify();
    expect([queue.takeUsed(), source.canBeDeleted()]).toEqual([[], false]);
    source.ready = [7, 8, 9];
    driver.test.clock.advance(10_000_000);
    expect([queue.takeUsed(), [...queue.bytes(place, 4)]]).toEqual([[[0, 3]], [7, 8, 9, 0]]);
    device.dispose();
    expect(source.canBeDeleted()).toBe(true);
  });

  it('gives at most 64 KiB to one request', async () => {
    const { queue } = await rng();
    queue.descriptor(queue.desc, 0, 0x8008_0000, 0x7_0000, 2, 0);
    queue.publish(0);
    queue.notify();
    expect(queue.takeUsed()).toEqual([[0, 65536]]);
  });

  it('follows indirect descriptors when that is negotiated', async () => {
    const { queue } = await rng(VERSION_1 | INDIRECT_DESC);
    queue.add([8, 8], { indirect: true });
    queue.notify();
    expect(queue.takeUsed()).toEqual([[0, 16]]);
  });

  it('keeps to the event index', async () => {
    const { driver, queue } = await rng(VERSION_1 | EVENT_IDX);
    const usedEvent = (value: number): void => void driver.as.store(queue.avail + 4 + 2 * driver.size, 2, value);
    const availEvent = (): number => driver.as.load(queue.used + 4 + 8 * driver.size, 2);
    usedEvent(1); // interrupt after the second one
    queue.add([1]);
    queue.notify();
    expect([driver.irq.level, availEvent()]).toEqual([false, 1]);
    queue.add([1]);
    queue.notify();
    expect([driver.irq.level, availEvent()]).toEqual([true, 2]);
  });

  it('does not interrupt a driver that asks for none', async () => {
    const { driver, queue } = await rng();
    driver.as.store(queue.avail, 2, 1);
    queue.add([1]);
    queue.notify();
    expect(queue.takeUsed()).toHaveLength(1);
    expect(driver.irq.level).toBe(false);
  });

  it('works as a legacy device', async () => {
    const driver = await virtioMachine(new VirtioRng(), { mmio: { forceLegacy: true } });
    expect(driver.read(4)).toBe(1);
    driver.write(0x070, 3);
    driver.write(0x028, 4096);
    driver.write(0x030, 0);
    driver.write(0x038, 8);
    driver.write(0x03c, 4096);
    driver.write(0x040, 0x80010);
    expect(driver.read(0x040)).toBe(0x80010);
    driver.write(0x070, 7);
    const base = 0x8001_0000;
    driver.as.store64(base, 0x8002_0000n);
    driver.as.store(base + 8, 4, 32);
    driver.as.store(base + 12, 2, 2);
    driver.as.store(base + 128 + 2, 2, 1);
    driver.write(0x050, 0);
    expect(driver.as.load(base + 4096 + 2, 2)).toBe(1);
    expect(driver.as.load(base + 4096 + 8, 4)).toBe(32);
  });
});
