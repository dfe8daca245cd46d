import { type Machine, MemoryBlock, unplugDevice } from '@boardwalk/core';
import { describe, expect, it, vi } from 'vitest';
import { place, probe, testMachine } from '../../test/machine.ts';
import { Driver, MMIO_BASE, VERSION_1 } from '../../test/virtio-driver.ts';
import { ScsiDisk } from '../scsi/scsi-disk.ts';
import { VirtioMmio } from './virtio-mmio.ts';
import { VirtioScsi } from './virtio-scsi.ts';

const HOTPLUG = 2n;
const SENSE_BYTES = 96;
const RESPONSE_BYTES = 12 + SENSE_BYTES;
const BLOCKS = 64;

interface DiskOptions {
  readonly target?: number;
  readonly lun?: number;
  readonly serial?: string;
  readonly readonly?: boolean;
}

/** A disk whose block N is filled with N. */
function disk({ target, lun, serial, readonly = false }: DiskOptions = {}): ScsiDisk {
  const bytes = new Uint8Array(BLOCKS * 512).map((_, i) => i >> 9);
  const device = new ScsiDisk();
  device.setProperty('drive', new MemoryBlock(bytes, { readonly }));
  if (target !== undefined) device.setProperty('scsi-id', target);
  if (lun !== undefined) device.setProperty('lun', lun);
  if (serial !== undefined) device.setProperty('serial', serial);
  return device;
}

/** A host adapter with disks, and its guest's driver. */
async function adapter(disks: readonly ScsiDisk[]) {
  const transport = new VirtioMmio();
  const device = new VirtioScsi();
  const plug = (machine: Machine, unit: ScsiDisk) => {
    device.bus.plug(unit);
    machine.add(unit, `disk${machine.children.size}`);
  };
  const test = await testMachine((machine) => {
    place(machine, MMIO_BASE, transport);
    transport.plug(device);
    machine.add(device, 'scsi');
    for (const unit of disks) plug(machine, unit);
  });
  const driver = new Driver(test, transport, probe(transport, transport.irq), 8);
  driver.negotiate(VERSION_1 | HOTPLUG);
  const [control, events, requests] = [driver.queue(0), driver.queue(1), driver.queue(2)];
  driver.start();

  /** Sends a command to a unit, with data or room for data. */
  async function command(unit: readonly [number, number], cdb: readonly number[], data: Uint8Array | number = 0) {
    const head = new Uint8Array(51);
    head.set([1, unit[0], 0x40, unit[1]]);
    head.set(cdb, 19);
    const out = typeof data === 'number' ? [head] : [head, data];
    const room = typeof data === 'number' && data > 0 ? [RESPONSE_BYTES, data] : [RESPONSE_BYTES];
    const [response = 0, into = 0] = requests.add([...out, ...room]);
    requests.notify();
    for (let turns = 0; turns < 100 && requests.takeUsed().length === 0; turns++) await new Promise(setImmediate);
    const view = new DataView(requests.bytes(response, RESPONSE_BYTES).buffer);
    return {
      response: view.getUint8(11),
      status: view.getUint8(10),
      residual: view.getUint32(4, true),
      sense: [view.getUint8(12 + 2), view.getUint8(12 + 12)],
      data: typeof data === 'number' ? requests.bytes(into, data) : new Uint8Array(0),
    };
  }
  return { device, driver, control, events, command, machine: test.machine, plug };
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe('a virtio SCSI adapter', () => {
  it('tells which units there are, and what they are', async () => {
    const { command } = await adapter([disk({ target: 3, lun: 0 }), disk({ target: 3, lun: 7, serial: 'ABC' })]);
    const luns = await command([3, 0], [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64], 64);
    expect([luns.status, luns.residual, ...luns.data.subarray(0, 4)]).toEqual([0, 40, 0, 0, 0, 16]);
    expect([luns.data[17], luns.data[9]]).toEqual([7, 0]);
    const inquiry = await command([3, 7], [0x12, 0, 0, 0, 36, 0], 36);
    expect([inquiry.data[0], text(inquiry.data.subarray(8, 32))]).toEqual([0, 'QEMU    QEMU HARDDISK   ']);
    const serial = await command([3, 7], [0x12, 1, 0x80, 0, 36, 0], 36);
    expect([serial.data[3], text(serial.data.subarray(4, 7)), serial.residual]).toEqual([3, 'ABC', 29]);
    expect((await command([3, 1], [0x12, 0, 0, 0, 36, 0], 36)).data[0]).toBe(0x7f);
    expect(await command([3, 1], [0])).toMatchObject({ response: 0, status: 2, sense: [5, 0x25] });
    expect(await command([4, 0], [0])).toMatchObject({ response: 3 });
  });

  it('reads, writes and flushes by commands of every length', async () => {
    const { command } = await adapter([disk()]);
    const capacity = await command([0, 0], [0x25], 8);
    expect([...capacity.data]).toEqual([0, 0, 0, BLOCKS - 1, 0, 0, 2, 0]);
    const long = await command([0, 0], [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], 32);
    expect([long.data[7], long.data[10]]).toEqual([BLOCKS - 1, 2]);
    for (const cdb of [
      [0x08, 0, 0, 5, 2],
      [0x28, 0, 0, 0, 0, 5, 0, 0, 2],
      [0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2],
      [0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2],
    ]) {
      const read = await command([0, 0], cdb, 1024);
      expect([read.status, read.residual, read.data[0], read.data[1023]]).toEqual([0, 0, 5, 6]);
    }
    const block = new Uint8Array(512).fill(0xa5);
    for (const [at, cdb] of [
      [10, [0x0a, 0, 0, 10, 1]],
      [11, [0x2a, 8, 0, 0, 0, 11, 0, 0, 1]],
      [12, [0xaa, 0, 0, 0, 0, 12, 0, 0, 0, 1]],
      [13, [0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 1]],
    ] as const) {
      expect(await command([0, 0], cdb, block)).toMatchObject({ status: 0, residual: 0 });
      expect((await command([0, 0], [0x08, 0, 0, at, 1], 512)).data).toEqual(block);
    }
    expect(await command([0, 0], [0x35])).toMatchObject({ status: 0 });
  });

  it('refuses what is not on the disk, what it does not know, and writes to what is read-only', async () => {
    const { command } = await adapter([disk({ readonly: true })]);
    expect(await command([0, 0], [0x28, 0, 0, 0, 0, BLOCKS - 1, 0, 0, 2], 1024)).toMatchObject({ sense: [5, 0x21] });
    expect(await command([0, 0], [0xee])).toMatchObject({ status: 2, sense: [5, 0x20] });
    expect(await command([0, 0], [0x12, 1, 0x55, 0, 36], 36)).toMatchObject({ status: 2, sense: [5, 0x24] });
    expect(await command([0, 0], [0x0a, 0, 0, 1, 1], new Uint8Array(512))).toMatchObject({ sense: [7, 0x27] });
    const sense = await command([0, 0], [0x1a, 8, 0x3f, 0, 64], 64);
    expect([sense.data[2], sense.data[4], sense.data[6]]).toEqual([0x90, 0x08, 0x04]);
  });

  it('has no write cache where it is to have none', async () => {
    const unit = disk();
    const backend = unit.getProperty('drive') as MemoryBlock;
    const flush = vi.spyOn(backend, 'flush');
    unit.setProperty('write-cache', 'off');
    const { command } = await adapter([unit]);
    const sense = await command([0, 0], [0x1a, 8, 0x08, 0, 64], 64);
    expect([sense.data[4], sense.data[6]]).toEqual([0x08, 0]);
    expect(await command([0, 0], [0x0a, 0, 0, 1, 1], new Uint8Array(512))).toMatchObject({ status: 0 });
    expect(flush).toHaveBeenCalledOnce();
  });

  it('ends control requests, and tells of units that come and go', async () => {
    const { control, events, driver, machine, plug } = await adapter([disk({ target: 1 })]);
    const [at = 0] = control.add([new Uint8Array(24), 1]);
    control.notify();
    expect([control.takeUsed(), control.bytes(at, 1)[0]]).toEqual([[[0, 1]], 0]);
    const [event = 0] = events.add([16]);
    const added = disk({ target: 2, lun: 5 });
    plug(machine, added);
    await new Promise(setImmediate);
    expect(events.takeUsed()).toEqual([[0, 16]]);
    expect([...events.bytes(event, 16)]).toEqual([1, 0, 0, 0, 1, 2, 0x40, 5, 0, 0, 0, 0, 1, 0, 0, 0]);
    // Nobody gives a buffer in time: the next one says that something was missed.
    unplugDevice(machine, added.path);
    const [missed = 0] = events.add([16]);
    events.notify();
    expect(events.takeUsed()).toHaveLength(1);
    expect(events.bytes(missed, 4)[3]).toBe(0x80);
    expect(driver.test.errors).toEqual([]);
  });

  it('has room for each unit once', async () => {
    const { machine, device } = await adapter([disk({ target: 1, lun: 0 })]);
    const fails = (options: DiskOptions) => {
      const unit = disk(options);
      device.bus.plug(unit);
      return () => machine.add(unit, `target${options.target}lun${options.lun}`);
    };
    expect(fails({ target: 1, lun: 0 })).toThrow(/lun already used by 'disk\d'/);
    expect(fails({ target: 256 })).toThrow('bad scsi device id: 256');
    expect(fails({ lun: 16384 })).toThrow('bad scsi device lun: 16384');
  });
});

it('a disk smaller than a block is refused', async () => {
  const unit = new ScsiDisk();
  unit.setProperty('drive', new MemoryBlock(new Uint8Array(100)));
  expect(() => unit.setProperty('serial', 'x'.repeat(37))).toThrow("can't be longer than 36");
  const host = new VirtioScsi();
  host.bus.plug(unit);
  await expect(testMachine((machine) => void machine.add(unit))).rejects.toThrow('smaller than a block');
});
