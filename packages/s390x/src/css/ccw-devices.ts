/** The virtio devices that can be had on a subchannel, by the names that users know. */
import { BwObject, type ObjectClass, type PropertySpec, type TypeRegistry, typeOfClass } from '@boardwalk/core';
import { VirtioBalloon, VirtioBlk, type VirtioDevice, VirtioRng, VirtioScsi, VirtioSerial } from '@boardwalk/devices';
import { devnoProperty } from './device-id.ts';
import { VirtioCcw } from './virtio-ccw.ts';

interface CcwDeviceType {
  readonly name: string;
  readonly description: string;
  readonly create: () => VirtioDevice;
  readonly backend: ObjectClass;
}

const TYPES: readonly CcwDeviceType[] = [
  {
    name: 'virtio-blk-ccw',
    description: 'virtio block device on a subchannel',
    create: () => new VirtioBlk(),
    backend: VirtioBlk,
  },
  {
    name: 'virtio-balloon-ccw',
    description: 'virtio memory balloon on a subchannel',
    create: () => new VirtioBalloon(),
    backend: VirtioBalloon,
  },
  {
    name: 'virtio-rng-ccw',
    description: 'virtio entropy device on a subchannel',
    create: () => new VirtioRng(),
    backend: VirtioRng,
  },
  {
    name: 'virtio-scsi-ccw',
    description: 'virtio SCSI host adapter on a subchannel',
    create: () => new VirtioScsi(),
    backend: VirtioScsi,
  },
  {
    name: 'virtio-serial-ccw',
    description: 'virtio console device with ports, on a subchannel',
    create: () => new VirtioSerial(),
    backend: VirtioSerial,
  },
];

/** A disk as `-drive if=virtio` makes it. */
export function virtioBlkCcw(): VirtioCcw {
  return new VirtioCcw('virtio-blk-ccw', new VirtioBlk());
}

/** The properties of the device behind the transport, which are the transport's too. */
function backendProperties(backend: ObjectClass): PropertySpec[] {
  const own = new Set(VirtioCcw.properties.map(({ name }) => name));
  const all = new Map<string, PropertySpec>();
  const classes: ObjectClass[] = [];
  for (let type = backend; type !== BwObject; type = Object.getPrototypeOf(type) as ObjectClass) classes.unshift(type);
  for (const type of classes) for (const spec of type.properties) if (!own.has(spec.name)) all.set(spec.name, spec);
  return [...all.values()];
}

/** Registers them. `device` must be registered. */
export function registerCcwDevices(registry: TypeRegistry): void {
  registry.register(typeOfClass(VirtioCcw, { abstract: true, description: 'base of virtio devices on a subchannel' }));
  for (const { name, description, create, backend } of TYPES) {
    registry.register({
      name,
      parent: VirtioCcw.typeName,
      description,
      properties: [devnoProperty(name), ...backendProperties(backend)],
      create: () => new VirtioCcw(name, create()),
    });
  }
}
