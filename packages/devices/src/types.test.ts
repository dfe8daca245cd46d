import { Device, MemoryBlock, PipeChar, TypeRegistry, typeOfClass } from '@boardwalk/core';
import { describe, expect, it } from 'vitest';
import { place, testMachine } from '../test/machine.ts';
import { registerDeviceTypes } from './types.ts';
import { plugVirtioDrives, VirtioBlk, VirtioMmio } from './virtio/index.ts';

function registry(): TypeRegistry {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  registerDeviceTypes(types);
  return types;
}

const board = (transports: VirtioMmio[]) => (machine: Parameters<Parameters<typeof testMachine>[0]>[0]) => {
  for (const [i, transport] of transports.entries()) place(machine, 0x1000_1000 + 0x1000 * i, transport);
};

describe('device types', () => {
  it('are listed with descriptions and properties', () => {
    const types = registry();
    expect(types.list({ implements: 'device' }).map((type) => type.name)).toEqual([
      'virtio-blk-device',
      'virtio-balloon-device',
      'virtio-net-device',
      'virtio-rng-device',
      'virtio-scsi-device',
      'scsi-hd',
      'virtio-serial-device',
      'virtserialport',
      'virtconsole',
    ]);
    for (const type of types.list({ implements: 'device' })) expect(type.description).toBeTruthy();
    expect(types.properties('virtio-blk-device').map((p) => p.name)).toContain('drive');
    expect(types.properties('virtconsole').map((p) => p.name)).toEqual(['chardev', 'nr', 'name']);
  });

  it('can be asked for by name, in the order of the transports', async () => {
    const transports = [new VirtioMmio(), new VirtioMmio(), new VirtioMmio()];
    const line = new PipeChar();
    await testMachine(board(transports), {
      types: registry(),
      drives: [{ id: 'd0', if: 'none', backend: new MemoryBlock(512) }],
      devices: [
        { driver: 'virtio-rng-device', properties: { seed: '7' } },
        { driver: 'virtio-blk-device', id: 'disk', properties: { drive: 'd0', serial: 'x1' } },
        { driver: 'virtio-serial-device' },
        { driver: 'virtconsole', properties: { chardev: line } },
      ],
    });
    expect(transports.map((t) => t.device?.type)).toEqual([
      'virtio-rng-device',
      'virtio-blk-device',
      'virtio-serial-device',
    ]);
    expect(transports[1]?.device?.path).toBe('/machine/peripheral/disk');
  });

  it.each([
    [{ driver: 'virtio-blk-device' }, 'drive property not set'],
    [
      { driver: 'virtio-blk-device', properties: { drive: 'no' } },
      "Property 'virtio-blk-device.drive' can't find value 'no'",
    ],
    [
      { driver: 'virtio-blk-device', properties: { drive: 'd0', logical_block_size: '700' } },
      /700 bytes is not a power/,
    ],
    [{ driver: 'virtconsole' }, "No 'virtio-serial-bus' bus found for device 'virtconsole'"],
    [{ driver: 'virtio-rng-device', properties: { nonsense: '1' } }, /nonsense/],
  ])('refuse %j', async (device, message) => {
    const options = {
      types: registry(),
      drives: [{ id: 'd0', if: 'none' as const, backend: new MemoryBlock(512) }],
      devices: [device],
    };
    await expect(testMachine(board([new VirtioMmio()]), options)).rejects.toThrow(message);
  });
});

describe('buses of user devices', () => {
  it('are called after their devices, or numbered', async () => {
    const disk = (id: string, bus: string) => ({ driver: 'scsi-hd', id, bus, properties: { drive: id } });
    const { machine } = await testMachine(board([1, 2, 3, 4].map(() => new VirtioMmio())), {
      types: registry(),
      drives: ['a', 'b', 'c'].map((id) => ({ id, if: 'none' as const, backend: new MemoryBlock(512) })),
      devices: [
        { driver: 'virtio-scsi-device' },
        { driver: 'virtio-scsi-device', id: 'host' },
        { driver: 'virtio-scsi-device' },
        { driver: 'virtio-serial-device', id: 'ports' },
        { driver: 'virtserialport', bus: 'ports.0' },
        disk('a', 'host.0'),
        disk('b', 'scsi.0'),
        disk('c', 'scsi.1'),
      ],
    });
    const busOf = (id: string) => machine.children.get('peripheral')?.children.get(id) as Device;
    expect(['a', 'b', 'c'].map((id) => busOf(id).parentBus?.name)).toEqual(['host.0', 'scsi.0', 'scsi.1']);
  });
});

describe('drives of the virtio interface', () => {
  const drives = (count: number) =>
    Array.from({ length: count }, () => ({ if: 'virtio' as const, backend: new MemoryBlock(512) }));

  it('get a block device each, and leave the other transports free', async () => {
    const transports = [new VirtioMmio(), new VirtioMmio(), new VirtioMmio()];
    const build = board(transports);
    await testMachine(
      (machine) => {
        build(machine);
        plugVirtioDrives(machine, transports);
      },
      { drives: drives(2), types: registry(), devices: [{ driver: 'virtio-rng-device' }] },
    );
    expect(transports.map((t) => t.device instanceof VirtioBlk)).toEqual([true, true, false]);
    expect(transports[2]?.device?.type).toBe('virtio-rng-device');
  });

  it('are refused when there are more than transports', async () => {
    const transports = [new VirtioMmio()];
    const build = board(transports);
    const made = testMachine(
      (machine) => {
        build(machine);
        plugVirtioDrives(machine, transports);
      },
      { drives: drives(2) },
    );
    await expect(made).rejects.toThrow("No 'virtio-bus' bus has room for drive virtio1");
  });
});
