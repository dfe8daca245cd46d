// A machine with a place for memory devices, as QEMU's q35 has it: device memory from 4 GiB on. No board of ours has one yet.

import {
  createObjectTree,
  Device,
  type DeviceOptions,
  defineBoard,
  GiB,
  Machine,
  type MachineOptions,
  type MemoryBackend,
  MiB,
  plugDevice,
  RamSpace,
  registerMemoryBackends,
  requireObject,
  TypeRegistry,
  typeOfClass,
} from '@boardwalk/core';
import { registerDeviceTypes, registerMemoryDevices } from '../src/types.ts';
import { RAM_BASE } from './machine.ts';

export const DEVICE_MEMORY = GiB(4);

/** Makes such a machine, with backends by id and size. */
export async function memoryMachine(
  backends: Readonly<Record<string, number | string>>,
  options: MachineOptions = {},
  build: (machine: Machine) => void = (machine) => void machine.mapDeviceMemory(DEVICE_MEMORY),
) {
  const space = RamSpace.create({ bytes: GiB(2), shared: false });
  const types = new TypeRegistry();
  registerMemoryBackends(types, space);
  types.register(typeOfClass(Device, { abstract: true }));
  registerDeviceTypes(types);
  registerMemoryDevices(types);
  const root = createObjectTree();
  const place = { parent: requireObject(root, '/objects') };
  const backend = (id: string, size: number | string) =>
    types.create('memory-backend-ram', { size }, { ...place, id }) as MemoryBackend;
  for (const [id, size] of Object.entries(backends)) backend(id, size);
  const board = defineBoard({
    name: 'sockets',
    description: 'for tests',
    arch: 'test',
    defaultCpu: 'none',
    maxCpus: 1,
    defaultRamId: 'ram',
    defaultRamSize: MiB(128),
    maxMemorySlots: 256,
    build(machine) {
      machine.map(RAM_BASE, machine.ram);
      build(machine);
    },
  });
  const machine = await Machine.create(board, { accel: 'qtest', space, types, root, ...options });
  const plug = (driver: string, properties: Record<string, unknown>, id?: string) =>
    plugDevice(machine, { driver, properties, ...(id === undefined ? {} : { id }) } satisfies DeviceOptions);
  return { machine, space, root, backend, plug };
}
