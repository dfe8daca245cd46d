// The device types that a user can ask for by name (`-device TYPE`).

import { type TypeRegistry, typeOfClass } from '@boardwalk/core';
import { PcDimm } from './memory/pc-dimm.ts';
import { ScsiDevice } from './scsi/scsi-bus.ts';
import { ScsiDisk } from './scsi/scsi-disk.ts';
import { VirtioBalloon } from './virtio/virtio-balloon.ts';
import { VirtioBlk } from './virtio/virtio-blk.ts';
import { VirtioDevice } from './virtio/virtio-device.ts';
import { VirtioMem } from './virtio/virtio-mem.ts';
import { VirtioNet } from './virtio/virtio-net.ts';
import { VirtioRng } from './virtio/virtio-rng.ts';
import { VirtioScsi } from './virtio/virtio-scsi.ts';
import { VirtioSerial } from './virtio/virtio-serial.ts';
import { VirtConsole, VirtioSerialPort } from './virtio/virtio-serial-port.ts';

/** Registers memory devices, for architectures with boards that have a place for them. `virtio-device` must be registered. */
export function registerMemoryDevices(registry: TypeRegistry): void {
  registry.register(typeOfClass(PcDimm, { description: 'DIMM memory module', create: () => new PcDimm() }));
  registry.register(typeOfClass(VirtioMem, { description: 'virtio memory device', create: () => new VirtioMem() }));
}

/** Registers this package's devices. `device` must be registered; what is registered already is left alone. */
export function registerDeviceTypes(registry: TypeRegistry): void {
  const types = [
    typeOfClass(VirtioDevice, { abstract: true, description: 'base of virtio devices' }),
    typeOfClass(VirtioBlk, { description: 'virtio block device', create: () => new VirtioBlk() }),
    typeOfClass(VirtioBalloon, { description: 'virtio memory balloon', create: () => new VirtioBalloon() }),
    typeOfClass(VirtioNet, { description: 'virtio network card', create: () => new VirtioNet() }),
    typeOfClass(VirtioRng, { description: 'virtio entropy device', create: () => new VirtioRng() }),
    typeOfClass(VirtioScsi, { description: 'virtio SCSI host adapter', create: () => new VirtioScsi() }),
    typeOfClass(ScsiDevice, { abstract: true, description: 'base of SCSI devices' }),
    typeOfClass(ScsiDisk, { description: 'SCSI disk', create: () => new ScsiDisk() }),
    typeOfClass(VirtioSerial, { description: 'virtio console device with ports', create: () => new VirtioSerial() }),
    typeOfClass(VirtioSerialPort, {
      description: 'byte stream port of a virtio-serial-device',
      create: () => new VirtioSerialPort(),
    }),
    typeOfClass(VirtConsole, {
      description: 'console port of a virtio-serial-device',
      create: () => new VirtConsole(),
    }),
  ];
  for (const type of types) if (registry.get(type.name) === undefined) registry.register(type);
}
