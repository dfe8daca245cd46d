// `info qtree` and `info qom-tree`: the devices by the buses they are on, and all objects by their places.
import {
  Bus,
  type BwObject,
  Cpu,
  Device,
  devicesOf,
  isPciBus,
  isTransport,
  linkTarget,
  type Machine,
  type MemoryRegion,
  type PciBusInfo,
  type PropertySpec,
} from '@boardwalk/core';
import { hex16 } from './format.ts';
import { pciFunctionLines } from './info-pci.ts';

/** What the object is, and all below it, each level two columns further in, by name. */
export function formatObjectTree(o: BwObject, name: string, level = 0): string {
  const children = [...o.children].sort(([a], [b]) => (a < b ? -1 : 1));
  const below = children.map(([childName, child]) => formatObjectTree(child, childName, level + 1));
  return `${'  '.repeat(level)}/${name} (${o.type})\n${below.join('')}`;
}

/** The devices of a machine: those that are on no bus under the system's, the newest first. */
export function formatDeviceTree(machine: Machine | undefined): string {
  const devices = machine ? devicesOf(machine).filter((device) => !(device instanceof Cpu)) : [];
  const printer = new DeviceTreePrinter(devices);
  printer.line(0, 'bus: main-system-bus');
  printer.line(1, 'type System');
  for (const device of devices.toReversed()) if (!isInside(device)) printer.device(device, 1);
  return printer.text;
}

/** Whether it is shown below another device: on a bus, or as the bus or the backend of one. */
function isInside(device: Device): boolean {
  const { parent, parentBus } = device;
  if (parentBus !== undefined || parent === undefined) return parentBus !== undefined;
  return (device instanceof Bus && parent instanceof Device) || (isTransport(parent) && parent.backend === device);
}

class DeviceTreePrinter {
  text = '';
  readonly #devices: readonly Device[];

  constructor(devices: readonly Device[]) {
    this.#devices = devices;
  }

  line(level: number, text: string): void {
    this.text += `${'  '.repeat(level)}${text}\n`;
  }

  device(device: Device, level: number): void {
    const named = device.parent?.id === 'peripheral' ? device.id : '';
    this.line(level, `dev: ${device.type}, id "${named}"`);
    for (const [group, lines] of device.irqInputs) this.line(level + 1, `gpio-in "${group}" ${lines.length}`);
    for (const [group, lines] of device.irqOutputs) this.line(level + 1, `gpio-out "${group}" ${lines.length}`);
    for (const spec of device.properties()) this.line(level + 1, `${spec.name} = ${formatProperty(device, spec)}`);
    const place = device.parentBus;
    if (place && isPciBus(place)) this.#pciFunctions(device, place, level + 1);
    else for (const region of device.regions) this.line(level + 1, `mmio ${mappedAt(region)}/${sizeOf(region)}`);
    if (device instanceof Bus) this.#bus(device, level + 1);
    for (const child of [...device.children.values()].toReversed()) {
      if (child instanceof Bus && child.parentBus === undefined) this.#bus(child, level + 1);
    }
    if (isTransport(device)) {
      this.line(level + 1, 'bus: virtio-bus');
      this.line(level + 2, `type ${device.backendBusType}`);
      this.device(device.backend, level + 2);
    }
  }

  #pciFunctions(device: Device, bus: PciBusInfo, level: number): void {
    for (const info of bus.pciFunctions.filter((one) => one.device === device)) {
      for (const text of pciFunctionLines(info)) this.line(level, text);
    }
  }

  #bus(bus: Bus, level: number): void {
    this.line(level, `bus: ${bus.name}`);
    this.line(level + 1, `type ${bus.ownBusType}`);
    for (const device of this.#devices.toReversed()) if (device.parentBus === bus) this.device(device, level + 1);
  }
}

/** Where a region is in what contains it; all ones if it is nowhere. */
function mappedAt(region: MemoryRegion): string {
  return region.container ? hex16(BigInt(region.address)) : 'f'.repeat(16);
}

function sizeOf(region: MemoryRegion): string {
  return region.size >= 2 ** 64 ? 'f'.repeat(16) : hex16(BigInt(region.size));
}

/** Reading a property must not change anything, and an error of one must not hide the others. */
function formatProperty(device: Device, spec: PropertySpec): string {
  let value: unknown;
  try {
    value = device.getProperty(spec.name);
  } catch (error) {
    return `<${error instanceof Error ? error.message : String(error)}>`;
  }
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' || typeof value === 'bigint') return `${value} (0x${value.toString(16)})`;
  if (linkTarget(spec.type) !== undefined) return `"${(value as BwObject | undefined)?.path ?? ''}"`;
  return `"${value === undefined ? '' : String(value)}"`;
}
