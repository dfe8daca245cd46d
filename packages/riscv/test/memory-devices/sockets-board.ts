// The virt board with what it has no place for: memory devices from 4 GiB on, and a controller that tells the guest of modules.

import {
  type BoardDefinition,
  Device,
  GiB,
  type Machine,
  type MemoryDevice,
  MemoryRegion,
  removeDevice,
} from '@boardwalk/core';
import { RegisterTable } from '@boardwalk/devices/registers';
import { virt } from '../../src/boards/virt.ts';
import { Plic } from '../../src/soc/plic.ts';

export const DEVICE_MEMORY = GiB(4);
const CONTROLLER = 0x1020_0000;
const CONTROLLER_IRQ = 32;

const ADDED = 1;
const REMOVAL_WANTED = 2;
const EJECT = 2;

/** What the guest is told, one thing at a time. */
class ModuleController extends Device {
  static override readonly typeName: string = 'module-controller';
  readonly irq = this.addOutput();
  readonly region = this.addRegion(MemoryRegion.io('module-controller', 0x1000, REGISTERS.ops32(this)));
  readonly #news: { readonly event: number; readonly module: MemoryDevice }[] = [];

  tell(event: number, module: MemoryDevice): void {
    this.#news.push({ event, module });
    this.irq.set(true);
  }

  get event(): number {
    return this.#news[0]?.event ?? 0;
  }

  get base(): number {
    return this.#news[0]?.module.memoryAddress ?? 0;
  }

  get size(): number {
    return this.#news[0]?.module.memoryRegion.size ?? 0;
  }

  answer(value: number): void {
    const news = this.#news.shift();
    if (news !== undefined && value === EJECT) removeDevice(news.module);
    if (this.#news.length === 0) this.irq.set(false);
  }
}

const REGISTERS = new RegisterTable<ModuleController>([
  { offset: 0x00, name: 'BASE', read: (o) => o.base % 2 ** 32 },
  { offset: 0x04, name: 'BASE_HIGH', read: (o) => o.base / 2 ** 32 },
  { offset: 0x08, name: 'SIZE', read: (o) => o.size % 2 ** 32 },
  { offset: 0x0c, name: 'SIZE_HIGH', read: (o) => o.size / 2 ** 32 },
  { offset: 0x10, name: 'EVENT', read: (o) => o.event },
  { offset: 0x14, name: 'ANSWER', write: (o, value) => o.answer(value) },
]);

function addModules(machine: Machine): void {
  const memory = machine.mapDeviceMemory(DEVICE_MEMORY);
  const controller = machine.add(new ModuleController(), 'modules');
  machine.map(CONTROLLER, controller.region);
  const plic = machine.children.get('plic');
  if (plic instanceof Plic) controller.irq.connect(plic.input(CONTROLLER_IRQ));
  memory.devicePlugged = (device) => {
    if (device.memorySlot !== undefined) controller.tell(ADDED, device);
  };
  memory.requestUnplug = (device) => controller.tell(REMOVAL_WANTED, device);
}

export const socketsBoard: BoardDefinition = {
  ...virt,
  name: 'virt-sockets',
  description: 'for tests',
  maxMemorySlots: 4,
  build: async (machine) => {
    await virt.build(machine);
    addModules(machine);
  },
};
