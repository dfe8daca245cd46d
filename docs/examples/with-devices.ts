// A virt machine with a disk, a source of random numbers and a device from outside, made without the command line.
import { Device, Machine, MemoryBlock, MiB, TypeRegistry, typeOfClass } from '@boardwalk/core';
import { architecture, virt } from '@boardwalk/riscv';
import { scratchpad } from './scratchpad-device.js';

export async function machineWithDevices(): Promise<Machine> {
  const types = new TypeRegistry();
  types.register(typeOfClass(Device, { abstract: true }));
  architecture.registerTypes?.(types);
  types.register(scratchpad);
  return Machine.create(virt, {
    types,
    firmware: 'none',
    ramSize: MiB(64),
    drives: [{ if: 'virtio', backend: new MemoryBlock(new Uint8Array(MiB(1))) }],
    devices: [
      { driver: 'virtio-rng-device', id: 'rng0' },
      { driver: 'scratchpad', id: 'pad', properties: { addr: 0x3000_0000 } },
    ],
  });
}
