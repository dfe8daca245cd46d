import { balloonOf, UserError } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { RAM_BASE, RAM_SIZE, testMachine } from '../../test/machine.ts';
import { VERSION_1, virtioMachine } from '../../test/virtio-driver.ts';
import { VirtioBalloon } from './virtio-balloon.ts';

const PAGE = 4096;
const CONFIG = 0x100;

async function balloon() {
  const device = new VirtioBalloon();
  const driver = await virtioMachine(device);
  driver.negotiate(VERSION_1);
  const [inflate, deflate] = [driver.queue(0), driver.queue(1)];
  driver.start();
  return { device, driver, inflate, deflate, machine: driver.test.machine };
}

function pfns(...addresses: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * addresses.length);
  for (const [i, address] of addresses.entries()) new DataView(bytes.buffer).setUint32(4 * i, address / PAGE, true);
  return bytes;
}

describe('a balloon', () => {
  it('asks the guest for pages, and learns how many it did without', async () => {
    const { driver, machine } = await balloon();
    const told: number[] = [];
    machine.on('balloon', ({ actual }) => told.push(actual));
    balloonOf(machine).setGuestMemory(RAM_SIZE - 3 * PAGE);
    expect(driver.takeInterrupts()).toBe(2);
    expect(driver.read(CONFIG)).toBe(3);
    driver.write(CONFIG + 4, 3);
    expect(balloonOf(machine).guestMemory).toBe(RAM_SIZE - 3 * PAGE);
    expect(told).toEqual([RAM_SIZE - 3 * PAGE]);
    machine.reset();
    expect([driver.read(CONFIG), driver.read(CONFIG + 4)]).toEqual([3, 0]);
  });

  it('makes pages that are given up zero, and leaves those that are taken back alone', async () => {
    const { driver, inflate, deflate } = await balloon();
    const [first, second] = [RAM_BASE + 0x80_000, RAM_BASE + 0x90_000];
    for (const page of [first, first + PAGE, second]) driver.test.w32(page + 8, 0x1234_5678);
    inflate.add([pfns(first, second)]);
    inflate.notify();
    deflate.add([pfns(first)]);
    deflate.notify();
    expect(inflate.takeUsed()).toEqual([[0, 0]]);
    expect(deflate.takeUsed()).toEqual([[0, 0]]);
    expect([first, first + PAGE, second].map((page) => driver.test.r32(page + 8))).toEqual([0, 0x1234_5678, 0]);
  });

  it('takes no page that is not RAM', async () => {
    const { driver, inflate } = await balloon();
    inflate.add([pfns(0x1000_1000, 0xffff_f000)]);
    inflate.notify();
    expect(inflate.takeUsed()).toEqual([[0, 0]]);
    expect(driver.test.errors.filter((text) => /is no RAM/.test(text))).toHaveLength(2);
  });

  it('is one of a kind, and asked for only where it is', async () => {
    const { machine } = await balloon();
    const second = new VirtioBalloon();
    second.plugInto({ legacy: false, interruptStatusChanged: () => {} });
    expect(() => machine.add(second, 'second')).toThrow('Only one balloon device is supported');
    const { machine: without } = await testMachine(() => {});
    expect(() => balloonOf(without)).toThrow(UserError);
  });
});
