/** The virtio devices that can be had on a subchannel, by the names that users know. */
import { type ObjectClass, type PropertySpec, type TypeRegistry, typeOfClass } from '@boardwalk/core';
import {
  proxyProperties,
  VirtioBalloon,
  VirtioBlk,
  type VirtioDevice,
  VirtioNet,
  VirtioRng,
  VirtioScsi,
  VirtioSerial,
} from '@boardwalk/devices';
import { loadParameterProblem } from '../sclp/sclp.ts';
import { devnoProperty } from './device-id.ts';
import { VirtioCcw } from './virtio-ccw.ts';

interface CcwDeviceType {
  readonly name: string;
  readonly description: string;
  readonly create: () => VirtioDevice;
  readonly backend: ObjectClass;
  /** Properties besides those of the transport and of what is behind it. */
  readonly more?: readonly PropertySpec[];
}

/** Of devices that a machine can be loaded from. */
const LOAD_PARAMETER: PropertySpec = {
  name: 'loadparm',
  type: 'str',
  description: 'load parameter of an IPL from this device',
  default: '',
  validate: (value) => loadParameterProblem(String(value)),
};

const BLK: CcwDeviceType = {
  name: 'virtio-blk-ccw',
  description: 'virtio block device on a subchannel',
  create: () => new VirtioBlk(),
  backend: VirtioBlk,
  more: [LOAD_PARAMETER],
};

const TYPES: readonly CcwDeviceType[] = [
  BLK,
  {
    name: 'virtio-balloon-ccw',
    description: 'virtio memory balloon on a subchannel',
    create: () => new VirtioBalloon(),
    backend: VirtioBalloon,
  },
  {
    name: 'virtio-net-ccw',
    description: 'virtio network card on a subchannel',
    create: () => new VirtioNet(),
    backend: VirtioNet,
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
  return make(BLK);
}

function make({ name, create, more = [] }: CcwDeviceType): VirtioCcw {
  const device = new VirtioCcw(name, create());
  for (const spec of more) device.addProperty(spec);
  return device;
}

/** Registers them. `device` must be registered. */
export function registerCcwDevices(registry: TypeRegistry): void {
  registry.register(typeOfClass(VirtioCcw, { abstract: true, description: 'base of virtio devices on a subchannel' }));
  for (const type of TYPES) {
    const { name, description, backend, more = [] } = type;
    registry.register({
      name,
      parent: VirtioCcw.typeName,
      description,
      properties: [devnoProperty(name), ...more, ...proxyProperties(backend, VirtioCcw)],
      create: () => make(type),
    });
  }
}
