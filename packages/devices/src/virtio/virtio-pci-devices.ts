// The virtio devices that can be had on a PCI bus, by the names that users know. Ids: VIRTIO 1.2, section 4.1.2.1.

import { type ObjectClass, type TypeRegistry, typeOfClass } from '@boardwalk/core';
import { PciDevice } from '../pci/pci-device.ts';
import { proxyProperties } from './proxy.ts';
import { VirtioBlk } from './virtio-blk.ts';
import type { VirtioDevice } from './virtio-device.ts';
import { VirtioNet } from './virtio-net.ts';
import { VirtioPci, type VirtioPciKind } from './virtio-pci.ts';
import { VirtioRng } from './virtio-rng.ts';
import { VirtioScsi } from './virtio-scsi.ts';
import { VirtioSerial } from './virtio-serial.ts';

interface PciDeviceType extends VirtioPciKind {
  readonly description: string;
  readonly create: () => VirtioDevice;
  readonly backend: ObjectClass;
}

const TYPES: readonly PciDeviceType[] = [
  {
    type: 'virtio-blk-pci',
    description: 'virtio block device on PCI',
    transitionalId: 0x1001,
    classCode: 0x0100,
    vectors: 2,
    create: () => new VirtioBlk(),
    backend: VirtioBlk,
  },
  {
    type: 'virtio-net-pci',
    description: 'virtio network card on PCI',
    transitionalId: 0x1000,
    classCode: 0x0200,
    vectors: 4,
    create: () => new VirtioNet(),
    backend: VirtioNet,
  },
  {
    type: 'virtio-rng-pci',
    description: 'virtio entropy device on PCI',
    transitionalId: 0x1005,
    classCode: 0x00ff,
    vectors: 2,
    create: () => new VirtioRng(),
    backend: VirtioRng,
  },
  {
    type: 'virtio-scsi-pci',
    description: 'virtio SCSI host adapter on PCI',
    transitionalId: 0x1004,
    classCode: 0x0100,
    vectors: 4,
    create: () => new VirtioScsi(),
    backend: VirtioScsi,
  },
  {
    type: 'virtio-serial-pci',
    description: 'virtio console device with ports, on PCI',
    transitionalId: 0x1003,
    classCode: 0x0780,
    vectors: 2,
    create: () => new VirtioSerial(),
    backend: VirtioSerial,
  },
];

/** Registers them. `device` must be registered. */
export function registerPciDevices(registry: TypeRegistry): void {
  registry.register(typeOfClass(PciDevice, { abstract: true, description: 'base of PCI devices' }));
  registry.register(typeOfClass(VirtioPci, { abstract: true, description: 'base of virtio devices on PCI' }));
  for (const kind of TYPES) {
    const { type, description, backend, create } = kind;
    registry.register({
      name: type,
      parent: VirtioPci.typeName,
      description,
      properties: proxyProperties(backend, VirtioPci),
      create: () => new VirtioPci(kind, create()),
    });
  }
}
