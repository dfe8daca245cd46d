import {
  type DeviceOptions,
  formatMemoryDevices,
  type MachineOptions,
  type MemoryDevice,
  MiB,
  memoryDeviceInfo,
  pluggedMemory,
  removeDevice,
  UserError,
  unplugDevice,
} from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { DEVICE_MEMORY, memoryMachine } from '../../test/memory-machine.ts';
import type { PcDimm } from './pc-dimm.ts';

const ROOM: MachineOptions = { memorySlots: 3, maxRamSize: MiB(256) };
const dimm = (properties: Record<string, unknown>, id?: string): DeviceOptions => ({
  driver: 'pc-dimm',
  properties,
  ...(id === undefined ? {} : { id }),
});

describe('a memory module', () => {
  it('is RAM at the first free address, from the start', async () => {
    const { machine, root } = await memoryMachine(
      { m0: '64M', m1: '32M' },
      { ...ROOM, devices: [dimm({ memdev: 'm0' }, 'd0'), dimm({ memdev: 'm1' })] },
    );
    machine.addressSpace.store(DEVICE_MEMORY + MiB(64) - 4, 4, 0x1234_5678);
    machine.addressSpace.store(DEVICE_MEMORY + MiB(64), 4, 0x9abc_def0);
    expect(machine.addressSpace.load(DEVICE_MEMORY + MiB(64) - 4, 4)).toBe(0x1234_5678);
    expect(machine.addressSpace.load(DEVICE_MEMORY + MiB(64), 4)).toBe(0x9abc_def0);
    expect(memoryDeviceInfo(root)).toEqual([
      {
        type: 'dimm',
        data: {
          id: 'd0',
          addr: DEVICE_MEMORY,
          size: MiB(64),
          slot: 0,
          node: 0,
          memdev: '/objects/m0',
          hotplugged: false,
          hotpluggable: true,
        },
      },
      {
        type: 'dimm',
        data: {
          addr: DEVICE_MEMORY + MiB(64),
          size: MiB(32),
          slot: 1,
          node: 0,
          memdev: '/objects/m1',
          hotplugged: false,
          hotpluggable: true,
        },
      },
    ]);
    expect([pluggedMemory(machine), pluggedMemory(machine, 0), pluggedMemory(machine, 1)]).toEqual([
      MiB(96),
      MiB(96),
      0,
    ]);
    expect(machine.deviceMemory?.end).toBe(DEVICE_MEMORY + MiB(96));
    await machine.dispose();
  });

  // The text is what QEMU 7.2 prints for `info memory-devices`.
  it('can be plugged in and taken out while the machine is there', async () => {
    const { machine, plug, backend } = await memoryMachine({ m0: '64M', m1: '32M' }, ROOM);
    const first = plug('pc-dimm', { memdev: 'm0', slot: 1, addr: DEVICE_MEMORY + MiB(2) }, 'd0') as PcDimm;
    plug('pc-dimm', { memdev: 'm1' }, 'd1');
    expect(formatMemoryDevices(memoryDeviceInfo(machine)).slice(0, 8)).toEqual([
      'Memory device [dimm]: "d0"',
      '  addr: 0x100200000',
      '  slot: 1',
      '  node: 0',
      '  size: 67108864',
      '  memdev: /objects/m0',
      '  hotplugged: true',
      '  hotpluggable: true',
    ]);
    expect(memoryDeviceInfo(machine)[1]?.data).toMatchObject({ addr: DEVICE_MEMORY + MiB(66), slot: 0 });
    expect(first.memoryBackend?.mapped).toBe(true);
    machine.addressSpace.store(DEVICE_MEMORY + MiB(2), 1, 5);
    unplugDevice(machine, 'd0');
    expect(machine.addressSpace.load(DEVICE_MEMORY + MiB(2), 1)).toBeLessThan(0);
    expect(memoryDeviceInfo(machine).map(({ data }) => data.id)).toEqual(['d1']);
    expect(backend('m2', '2M').mapped).toBe(false);
    plug('pc-dimm', { memdev: 'm2' }, 'd2');
    plug('pc-dimm', { memdev: 'm0' }, 'd0');
    expect(memoryDeviceInfo(machine).map(({ data }) => data.id)).toEqual(['d2', 'd0', 'd1']);
    expect(machine.addressSpace.load(DEVICE_MEMORY + MiB(2), 1)).toBe(5);
    await machine.dispose();
  });

  it('stays until the guest agrees, on a board that asks it', async () => {
    const asked: MemoryDevice[] = [];
    const { machine, plug } = await memoryMachine({ m0: '64M' }, ROOM, (made) => {
      made.mapDeviceMemory(DEVICE_MEMORY).requestUnplug = (device) => asked.push(device);
    });
    const device = plug('pc-dimm', { memdev: 'm0' }, 'd0');
    unplugDevice(machine, 'd0');
    expect(asked).toEqual([device]);
    expect(memoryDeviceInfo(machine)).toHaveLength(1);
    removeDevice(device);
    expect(memoryDeviceInfo(machine)).toEqual([]);
    expect(() => unplugDevice(machine, 'd0')).toThrow(new UserError("Device 'd0' not found", 'DeviceNotFound'));
    await machine.dispose();
  });

  it('is let go by the machine at its end', async () => {
    const { machine, plug, space, root } = await memoryMachine({ m0: '64M' }, ROOM);
    const device = plug('pc-dimm', { memdev: 'm0' }) as PcDimm;
    const memdev = device.memoryBackend;
    expect(memdev?.mapped).toBe(true);
    await machine.dispose();
    expect(memdev?.mapped).toBe(false);
    expect(root.children.get('machine')).toBeUndefined();
    expect(space.blocks.map(({ name }) => name)).toEqual(['m0']);
  });
});

// The texts are those of QEMU 7.2 (pc-dimm on q35), where the same lines were tried.
describe('a memory module that does not fit', () => {
  const BACKENDS = { m0: '64M', m1: '64M', m2: '64M', odd: '63M', large: '512M' };
  it.each<[readonly DeviceOptions[], string, MachineOptions?]>([
    [[dimm({})], "'memdev' property must be set"],
    [[dimm({ memdev: 'zz' })], "Device 'zz' not found"],
    [[dimm({ memdev: 'm0' })], "no slots where allocated, please specify the 'slots' option", {}],
    [
      [dimm({ memdev: 'm0' })],
      "no slots where allocated, please specify the 'slots' option",
      { maxRamSize: MiB(256), memorySlots: 0 },
    ],
    [
      [dimm({ memdev: 'm0' }), dimm({ memdev: 'm1' }), dimm({ memdev: 'm2' })],
      'no free slots available',
      { ...ROOM, memorySlots: 2 },
    ],
    [
      [dimm({ memdev: 'm0' }), dimm({ memdev: 'm1' }), dimm({ memdev: 'm2' })],
      'not enough space, currently 0x8000000 in use of total space for memory devices 0x8000000',
    ],
    [[dimm({ memdev: 'large' })], 'not enough space, currently 0x0 in use of total space for memory devices 0x8000000'],
    [[dimm({ memdev: 'm0' }), dimm({ memdev: 'm0' })], "can't use already busy memdev: m0"],
    [[dimm({ memdev: 'ram' })], "can't use already busy memdev: ram"],
    [[dimm({ memdev: 'm0', addr: 0x1_0000_1000 })], 'address must be aligned to 0x200000 bytes'],
    [[dimm({ memdev: 'odd' })], 'backend memory size must be multiple of 0x200000'],
    [
      [dimm({ memdev: 'm0', addr: 0x1_0000_0000 }, 'd0'), dimm({ memdev: 'm1', addr: 0x1_0200_0000 })],
      "address range conflicts with memory device id='d0'",
    ],
    [
      [dimm({ memdev: 'm0' }), dimm({ memdev: 'm1', addr: 0x1_0200_0000 })],
      "address range conflicts with memory device id='(unnamed)'",
    ],
    [
      [dimm({ memdev: 'm0', addr: 0x2_0000_0000 })],
      "can't add memory device [0x200000000:0x4000000], usable range for memory devices [0x100000000:0xc8000000]",
    ],
    [[dimm({ memdev: 'm0', slot: 3 })], 'invalid slot number 3, valid range is [0-2]'],
    [[dimm({ memdev: 'm0', slot: -2 })], 'invalid slot number -2, valid range is [0-2]'],
    [[dimm({ memdev: 'm0', slot: 1 }), dimm({ memdev: 'm1', slot: 1 })], 'slot 1 is busy'],
    [[dimm({ memdev: 'm0', node: 1 })], "'DIMM property node has value 1' which exceeds the number of numa nodes: 1"],
  ])('%o: %s', async (devices, message, options = ROOM) => {
    await expect(memoryMachine(BACKENDS, { ...options, devices })).rejects.toMatchObject({
      name: 'UserError',
      message: `-device pc-dimm: ${message}`,
    });
    const { machine, plug, root } = await memoryMachine(BACKENDS, options);
    const before = machine.deviceMemory?.used;
    let said = '';
    for (const { driver, properties = {}, id } of devices) {
      try {
        plug(driver, properties, id);
      } catch (error) {
        said = String(error);
      }
    }
    expect(said).toBe(`UserError: ${message}`);
    expect(machine.deviceMemory?.used).toBe((before ?? 0) + (devices.length - 1) * MiB(64));
    const names = [...(root.children.get('objects')?.children ?? [])];
    expect(names.filter(([, o]) => (o as { mapped?: boolean }).mapped === true)).toHaveLength(devices.length);
    await machine.dispose();
  });

  it('because the board has no place for any', async () => {
    const devices = [dimm({ memdev: 'm0' })];
    await expect(memoryMachine({ m0: '64M' }, { devices }, () => {})).rejects.toThrow(
      '-device pc-dimm: memory devices (e.g. for memory hotplug) are not supported by the machine',
    );
  });
});
