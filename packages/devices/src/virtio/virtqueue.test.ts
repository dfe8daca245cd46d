import { MemoryBlock, PipeChar } from '@boardwalk/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RAM_BASE, RAM_SIZE } from '../../test/machine.ts';
import {
  type DriverQueue,
  EVENT_IDX,
  INDIRECT_DESC,
  MMIO_BASE,
  VERSION_1,
  virtioMachine,
} from '../../test/virtio-driver.ts';
import { VirtioBlk } from './virtio-blk.ts';
import type { VirtioDevice } from './virtio-device.ts';
import { VirtioRng } from './virtio-rng.ts';
import { VirtioSerial } from './virtio-serial.ts';
import { VirtConsole } from './virtio-serial-port.ts';

const NEEDS_RESET = 0x40;
const ALL_FEATURES = VERSION_1 | EVENT_IDX | INDIRECT_DESC;

async function ready() {
  const driver = await virtioMachine(new VirtioRng());
  driver.negotiate(ALL_FEATURES);
  const queue = driver.queue(0);
  driver.start();
  return { driver, queue };
}

describe('a hostile driver', () => {
  const attacks: [string, (queue: DriverQueue) => void][] = [
    ['names a descriptor beyond the table', (q) => q.publish(8)],
    [
      'makes a chain that goes round',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE, 1, 1, 1);
        q.descriptor(q.desc, 1, RAM_BASE, 1, 1, 0);
        q.publish(0);
      },
    ],
    [
      'makes a chain that leaves the table',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE, 1, 1, 200);
        q.publish(0);
      },
    ],
    [
      'gives a buffer that is not RAM',
      (q) => {
        q.descriptor(q.desc, 0, MMIO_BASE, 4, 2, 0);
        q.publish(0);
      },
    ],
    [
      'gives a buffer that ends outside RAM',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE + RAM_SIZE - 4, 8, 2, 0);
        q.publish(0);
      },
    ],
    [
      'gives an address of 64 ones',
      (q) => {
        q.driver.as.store64(q.desc, 0xffff_ffff_ffff_fff0n);
        q.driver.as.store(q.desc + 8, 4, 0xffff_ffff);
        q.driver.as.store(q.desc + 12, 2, 2);
        q.publish(0);
      },
    ],
    [
      'describes more than 4 GiB',
      (q) => {
        for (let i = 0; i < 3; i++) q.descriptor(q.desc, i, RAM_BASE, 0xffff_ffff, 2 | (i < 2 ? 1 : 0), i + 1);
        q.publish(0);
      },
    ],
    ['has more requests than the ring', (q) => void q.driver.as.store(q.avail + 2, 2, 9)],
    [
      'puts an indirect table into another',
      (q) => {
        q.descriptor(q.desc, 0, q.desc, 128, 4, 0);
        q.publish(0);
      },
    ],
    [
      'gives an indirect descriptor a successor',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE, 16, 5, 0);
        q.publish(0);
      },
    ],
    [
      'gives an indirect table of an odd size',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE, 24, 4, 0);
        q.publish(0);
      },
    ],
    [
      'puts a readable buffer after a writable one',
      (q) => {
        q.descriptor(q.desc, 0, RAM_BASE, 4, 3, 1);
        q.descriptor(q.desc, 1, RAM_BASE, 4, 0, 0);
        q.publish(0);
      },
    ],
  ];

  it.each(attacks)('%s: the device needs a reset and says so', async (_what, attack) => {
    const { driver, queue } = await ready();
    attack(queue);
    queue.notify();
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
    expect(driver.takeInterrupts() & 2).toBe(2);
    expect(queue.takeUsed()).toEqual([]);
    // Nothing more happens until it is reset; then it works again.
    queue.notify();
    expect(queue.takeUsed()).toEqual([]);
    driver.write(0x070, 0);
    expect(driver.status).toBe(0);
  });

  it('puts a ring where there is no RAM', async () => {
    const driver = await virtioMachine(new VirtioRng());
    driver.negotiate(ALL_FEATURES);
    driver.queue(0);
    driver.write(0x044, 0);
    driver.write(0x0a0, MMIO_BASE);
    driver.write(0x044, 1);
    driver.start();
    driver.as.store(RAM_BASE + 0x9000 + 2, 2, 1);
    driver.write(0x050, 0);
    expect(driver.status & NEEDS_RESET).toBe(NEEDS_RESET);
  });
});

describe('fuzzed virtqueues', () => {
  const devices: [string, () => VirtioDevice][] = [
    ['virtio-rng', () => new VirtioRng()],
    [
      'virtio-blk',
      () => {
        const device = new VirtioBlk();
        device.setProperty('drive', new MemoryBlock(65536));
        return device;
      },
    ],
    ['virtio-serial', () => new VirtioSerial()],
  ];
  /** Where rings, tables and buffers may be: inside RAM, at its edges, on registers, nowhere. */
  const address = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 0x3ff }).map((n) => RAM_BASE + n * 16) },
    { weight: 1, arbitrary: fc.constantFrom(RAM_BASE + RAM_SIZE - 8, MMIO_BASE + 0x50, 0, 2 ** 40, 2 ** 53) },
  );
  const u16 = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 9 }) }, fc.integer({ min: 0, max: 0xffff }));
  const row = fc.record({
    address,
    length: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.constantFrom(16, 32, 512, 0xffff_ffff, 0x10_0000)),
    flags: fc.integer({ min: 0, max: 7 }),
    next: u16,
  });
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('row' as const),
      table: fc.integer({ min: 0, max: 1 }),
      index: fc.integer({ min: 0, max: 7 }),
      row,
    }),
    fc.record({ kind: fc.constant('avail' as const), index: u16, head: u16 }),
    fc.record({
      kind: fc.constant('header' as const),
      type: fc.constantFrom(0, 1, 4, 8, 11, 13, 99),
      sector: fc.integer({ min: 0, max: 200 }),
      at: address,
    }),
    fc.record({ kind: fc.constant('notify' as const), queue: fc.integer({ min: 0, max: 5 }) }),
    fc.record({
      kind: fc.constant('register' as const),
      offset: fc.integer({ min: 0, max: 0x130 }),
      value: fc.oneof(address, u16),
    }),
    fc.record({ kind: fc.constant('restart' as const), avail: address, used: address, legal: fc.boolean() }),
  );

  it.each(devices)('%s never throws and never hangs', async (_name, make) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const device = make();
        const driver = await virtioMachine(device);
        if (device instanceof VirtioSerial) {
          const port = new VirtConsole();
          const line = new PipeChar();
          port.setProperty('chardev', line);
          device.bus.plug(port);
          driver.test.machine.add(port);
          line.send('input that waits');
        }
        const { as } = driver;
        let queue = { desc: RAM_BASE, avail: RAM_BASE + 0x100, used: RAM_BASE + 0x200 };
        const restart = (avail: number, used: number): void => {
          queue = { ...queue, avail, used };
          driver.negotiate(driver.offered);
          for (let index = 0; index < 4; index++) {
            const values: [number, number][] = [
              [0x030, index],
              [0x038, 8],
              [0x080, queue.desc],
              [0x084, 0],
              [0x090, avail],
              [0x094, Math.floor(avail / 2 ** 32)],
              [0x0a0, used],
              [0x0a4, Math.floor(used / 2 ** 32)],
              [0x044, 1],
            ];
            for (const [register, value] of values) driver.write(register, value);
          }
          driver.start();
        };
        restart(queue.avail, queue.used);
        for (const s of steps) {
          if (s.kind === 'row') {
            const at = queue.desc + 0x400 * s.table + 16 * s.index;
            as.store64(at, BigInt(s.row.address));
            as.store(at + 8, 4, s.row.length);
            as.store(at + 12, 2, s.row.flags);
            as.store(at + 14, 2, s.row.next);
          } else if (s.kind === 'avail') {
            as.store(queue.avail + 4, 2, s.head);
            as.store(queue.avail + 2, 2, s.index);
          } else if (s.kind === 'header') {
            as.store(s.at, 4, s.type);
            as.store(s.at + 8, 4, s.sector);
          } else if (s.kind === 'notify') driver.write(0x050, s.queue);
          else if (s.kind === 'register') as.store(MMIO_BASE + s.offset, 4, s.value);
          else restart(s.avail, s.legal ? RAM_BASE + 0x200 : s.used);
          if (s.kind === 'notify') await new Promise((resolve) => setTimeout(resolve, 0));
        }
        driver.test.clock.advance(1_000_000);
        await driver.test.machine.dispose();
      }),
      { numRuns: 150 },
    );
  });
});
