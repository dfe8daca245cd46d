// Virtio over PCI, through the windows that a driver uses. What configuration space has is what Linux shows of QEMU 7.2's devices.
import type { AddressSpace } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { RAM_BASE, testMachine } from '../../test/machine.ts';
import { PciBus, type PciHost } from '../pci/index.ts';
import { VirtioPci } from './virtio-pci.ts';
import { VirtioRng } from './virtio-rng.ts';

const RNG = { type: 'virtio-rng-pci', transitionalId: 0x1005, classCode: 0x00ff, vectors: 2 };
const [DESC, AVAIL, USED, BUFFER] = [0, 0x1000, 0x2000, 0x3000].map((at) => RAM_BASE + at) as [
  number,
  number,
  number,
  number,
];
const QUEUE_SIZE = 8;
const CONTROL = 0x9a;
const MSIX_ENABLE = 0x8000;

async function rng(properties: Readonly<Record<string, unknown>> = {}) {
  const messages: [number, number, number][] = [];
  const host: PciHost = {
    bigEndian: false,
    pciPlugged() {},
    pciUnplugRequested: () => false,
    pciUnplugged() {},
    pciMessage: (_device, low, high, data) => messages.push([low, high, data]),
  };
  const device = new VirtioPci(RNG, new VirtioRng());
  for (const [name, value] of Object.entries(properties)) device.setProperty(name, value);
  const test = await testMachine((machine) => {
    const bus = machine.add(new PciBus(host), 'pci.0');
    bus.plug(device);
    machine.add(device, 'rng');
  });
  const as = test.machine.addressSpace;
  const window = (number: number): AddressSpace => {
    const found = device.window(number);
    if (found === undefined) throw new Error(`no window ${number}`);
    return found;
  };
  return { test, device, as, messages, window };
}

const hex = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / 16 }, (_, i) => Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex'));

/** Offers one buffer of 16 bytes in the ring of queue 0. */
function offer(as: AddressSpace, index = 1): void {
  as.store64(DESC, BigInt(BUFFER));
  as.store(DESC + 8, 4, 16);
  as.store(DESC + 12, 2, 2);
  as.store(AVAIL + 2, 2, index);
}

/** A driver of version 1.0, with vector 1 for queue 0, which sends (0x1000, 0xfe, 7). */
async function ready() {
  const guest = await rng();
  const [common, table] = [guest.window(4), guest.window(1)];
  guest.device.writeConfig(CONTROL, 2, MSIX_ENABLE);
  for (const [at, value] of [0x1000, 0xfe, 7, 0].entries()) table.store(16 + 4 * at, 4, value);
  common.store(0x14, 1, 3);
  common.store(0x08, 4, 1);
  common.store(0x0c, 4, 1);
  common.store(0x14, 1, 0x0b);
  expect(common.load(0x14, 1)).toBe(0x0b);
  common.store(0x16, 2, 0);
  common.store(0x1a, 2, 1);
  for (const [i, address] of [DESC, AVAIL, USED].entries()) common.store64(0x20 + 8 * i, BigInt(address));
  common.store(0x1c, 2, 1);
  common.store(0x14, 1, 0x0f);
  return { ...guest, common, table };
}

describe('configuration space', () => {
  it('is that of a transitional device', async () => {
    const { device } = await rng();
    expect(hex(device.config.bytes).slice(0, 11)).toEqual([
      'f41a0510000010000000ff0000000000',
      '01000000000000000000000000000000',
      '0c0000000000000000000000f41a0400',
      '00000000980000000000000000010000',
      '09001001040000000000000000100000',
      '09401003040000000010000000100000',
      '09501004040000000020000000100000',
      '09601402040000000030000000100000',
      '04000000097014050000000000000000',
      '00000000000000001184010001000000',
      '01080000000000000000000000000000',
    ]);
  });

  it('is that of a modern device where the legacy registers are not wanted', async () => {
    const { device } = await rng({ 'disable-legacy': 'on', vectors: 0 });
    expect([0x02, 0x08, 0x2e, 0x10, 0x34].map((at) => device.readConfig(at, 2))).toEqual([0x1044, 1, 0x1100, 0, 0x84]);
    expect(device.bars.map((bar) => bar?.kind)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      'memory64',
      undefined,
    ]);
  });

  it('tells the sizes of windows, and lets nothing else be changed', async () => {
    const { device } = await rng();
    const sized = [0x10, 0x14, 0x18, 0x20, 0x24].map((at) => {
      device.writeConfig(at, 4, 0xffff_ffff);
      return device.readConfig(at, 4);
    });
    expect(sized).toEqual([0xffff_ffe1, 0xffff_f000, 0, 0xffff_c00c, 0xffff_ffff]);
    device.writeConfig(0, 4, 0x1234_5678);
    device.writeConfig(4, 4, 0xffff_ffff);
    expect([device.readConfig(0, 4), device.readConfig(4, 4)]).toEqual([0x1005_1af4, 0x0010_0507]);
  });

  it('reaches the registers without their window (4.1.4.9)', async () => {
    const { device } = await rng();
    const access = (offset: number, length: number) => {
      device.writeConfig(0x88, 1, 4);
      device.writeConfig(0x8c, 4, offset);
      device.writeConfig(0x90, 4, length);
    };
    access(0x14, 1);
    device.writeConfig(0x94, 1, 3);
    expect(device.backend.status).toBe(3);
    expect(device.readConfig(0x94, 1)).toBe(3);
    access(0x18, 2);
    expect(device.readConfig(0x94, 2)).toBe(QUEUE_SIZE);
    access(0x3ffe, 4);
    device.writeConfig(0x94, 4, 1);
    expect(device.readConfig(0x94, 4)).toBe(1);
  });
});

describe('the registers of version 1', () => {
  it('set a queue up, which answers with a message', async () => {
    const { as, window, messages } = await ready();
    offer(as);
    window(4).store(0x3000, 2, 0);
    expect([as.load(USED + 2, 2), as.load(USED + 8, 4)]).toEqual([1, 16]);
    expect(messages).toEqual([[0x1000, 0xfe, 7]]);
    // The status of before messages is there as well, and reading it acknowledges.
    expect([window(4).load(0x1000, 1), window(4).load(0x1000, 1)]).toEqual([1, 0]);
  });

  it('keep a masked message until it is unmasked', async () => {
    const { device, as, window, table, messages } = await ready();
    table.store(28, 4, 1);
    offer(as);
    window(4).store(0x3000, 2, 0);
    expect([messages.length, table.load(0x800, 4)]).toEqual([0, 2]);
    device.writeConfig(CONTROL, 2, MSIX_ENABLE | 0x4000);
    table.store(28, 4, 0);
    expect(messages).toEqual([]);
    device.writeConfig(CONTROL, 2, MSIX_ENABLE);
    expect([messages.length, table.load(0x800, 4)]).toEqual([1, 0]);
  });

  it('take no vector that there is not', async () => {
    const { common } = await ready();
    common.store(0x10, 2, 2);
    common.store(0x1a, 2, 1);
    expect([common.load(0x10, 2), common.load(0x1a, 2)]).toEqual([0xffff, 1]);
    common.store(0x16, 2, 1);
    expect([0x18, 0x1a, 0x1c].map((at) => common.load(at, 2))).toEqual([0, 0xffff, 0]);
  });

  it('forget everything at status 0', async () => {
    const { common, device } = await ready();
    common.store(0x14, 1, 0);
    expect([0x1a, 0x1c].map((at) => common.load(at, 2))).toEqual([0xffff, 0]);
    expect(device.backend.driverFeatures).toBe(0n);
  });

  it('change nothing of a queue that is in use', async () => {
    const { common, test } = await ready();
    common.store(0x20, 4, 0x1234);
    common.store(0x18, 2, 4);
    expect([common.load64(0x20), common.load(0x18, 2)]).toEqual([BigInt(DESC), QUEUE_SIZE]);
    expect(test.errors).toHaveLength(2);
  });
});

it('the registers of before version 1 work too, and speak the old version', async () => {
  const { device, as, window } = await rng();
  const ports = window(0);
  expect(ports.load(0x0c, 2)).toBe(QUEUE_SIZE);
  expect(BigInt(ports.load(0, 4)) >> 32n).toBe(0n);
  ports.store(0x04, 4, 0);
  ports.store(0x12, 1, 3);
  ports.store(0x0e, 2, 0);
  ports.store(0x08, 4, RAM_BASE / 4096);
  expect(ports.load(0x08, 4)).toBe(RAM_BASE / 4096);
  const { descriptors, driver, device: used } = device.backend.queues[0] ?? { descriptors: 0, driver: 0, device: 0 };
  expect([descriptors, driver, used]).toEqual([RAM_BASE, RAM_BASE + 16 * QUEUE_SIZE, RAM_BASE + 0x1000]);
  as.store64(descriptors, BigInt(BUFFER));
  as.store(descriptors + 8, 4, 16);
  as.store(descriptors + 12, 2, 2);
  as.store(driver + 2, 2, 1);
  ports.store(0x10, 2, 0);
  expect(as.load(used + 2, 2)).toBe(1);
  expect([ports.load(0x13, 1), ports.load(0x13, 1)]).toEqual([1, 0]);
  // With messages their vectors lie in front of configuration.
  device.writeConfig(CONTROL, 2, MSIX_ENABLE);
  ports.store(0x14, 2, 1);
  expect([ports.load(0x14, 2), device.configVector]).toEqual([1, 1]);
  // The other registers mean the other version.
  expect(window(4).load(0x00, 4)).toBe(0);
  window(4).store(0x00, 4, 1);
  expect(window(4).load(0x04, 4)).toBe(1);
});

describe('with iommu_platform', () => {
  const PLATFORM = { iommu_platform: true, 'disable-legacy': 'on' };

  it('is refused to a device that drivers of before VIRTIO 1.0 can use', async () => {
    await expect(rng({ iommu_platform: true })).rejects.toThrow(
      'VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional device',
    );
  });

  it('is used only by drivers that know of the tables', async () => {
    const { window } = await rng(PLATFORM);
    const common = window(4);
    const negotiate = (word1: number): number => {
      common.store(0x14, 1, 0);
      common.store(0x14, 1, 3);
      common.store(0x08, 4, 1);
      common.store(0x0c, 4, word1);
      common.store(0x14, 1, 11);
      return common.load(0x14, 1);
    };
    common.store(0, 4, 1);
    expect(common.load(4, 4)).toBe(3);
    expect([negotiate(1), negotiate(3)]).toEqual([3, 11]);
  });
});
