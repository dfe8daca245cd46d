// Virtio over MMIO, version 2, and version 1 ("legacy") on request.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 4.2.2 (register layout) and 4.2.4 (legacy interface).

import {
  Bus,
  type Device,
  MemoryRegion,
  type PropertySpec,
  type RegionOps,
  type StateField,
  UserError,
} from '@boardwalk/core';
import { guestError, RegisterTable } from '../registers.ts';
import { loadHalves, QUEUE_HALVES, type QueueArea, setHalf } from './queue-addresses.ts';
import { VirtioDevice, type VirtioTransport } from './virtio-device.ts';
import type { VirtQueue } from './virtqueue.ts';

const MAGIC = 0x74726976;
/** "QEMU": drivers ignore the number, some programs show it. */
const VENDOR = 0x554d4551;
const CONFIG = 0x100;

/** The transport's region size in bytes. */
export const VIRTIO_MMIO_SIZE = 0x200;

const NOT_READY_REGISTERS = 'a queue that is in use cannot be changed';

const COMMON = [
  { offset: 0x000, name: 'MagicValue', read: () => MAGIC },
  { offset: 0x004, name: 'Version', read: (t: VirtioMmio) => (t.legacy ? 1 : 2) },
  { offset: 0x008, name: 'DeviceID', read: (t: VirtioMmio) => t.device?.deviceId ?? 0 },
  { offset: 0x00c, name: 'VendorID', read: (t: VirtioMmio) => (t.device === undefined ? 0 : VENDOR) },
  { offset: 0x010, name: 'DeviceFeatures', read: (t: VirtioMmio) => t.readDeviceFeatures() },
  { offset: 0x014, name: 'DeviceFeaturesSel', write: (t: VirtioMmio, v: number) => t.selectDeviceFeatures(v) },
  { offset: 0x020, name: 'DriverFeatures', write: (t: VirtioMmio, v: number) => t.writeDriverFeatures(v) },
  { offset: 0x024, name: 'DriverFeaturesSel', write: (t: VirtioMmio, v: number) => t.selectDriverFeatures(v) },
  { offset: 0x030, name: 'QueueSel', write: (t: VirtioMmio, v: number) => t.selectQueue(v) },
  { offset: 0x034, name: 'QueueNumMax', read: (t: VirtioMmio) => t.queue?.maxSize ?? 0 },
  { offset: 0x038, name: 'QueueNum', write: (t: VirtioMmio, v: number) => t.writeQueueSize(v) },
  { offset: 0x050, name: 'QueueNotify', write: (t: VirtioMmio, v: number) => t.device?.notify(v) },
  { offset: 0x060, name: 'InterruptStatus', read: (t: VirtioMmio) => t.device?.interruptStatus ?? 0 },
  { offset: 0x064, name: 'InterruptACK', write: (t: VirtioMmio, v: number) => t.device?.acknowledge(v) },
  {
    offset: 0x070,
    name: 'Status',
    read: (t: VirtioMmio) => t.device?.status ?? 0,
    write: (t: VirtioMmio, v: number) => t.device?.setStatus(v & 0xff),
  },
] as const;

const MODERN_REGISTERS = new RegisterTable<VirtioMmio>([
  ...COMMON,
  { offset: 0x044, name: 'QueueReady', read: (t) => (t.queue?.ready ? 1 : 0), write: (t, v) => t.writeQueueReady(v) },
  { offset: 0x080, name: 'QueueDescLow', write: (t, v) => t.writeAddress('descriptors', 0, v) },
  { offset: 0x084, name: 'QueueDescHigh', write: (t, v) => t.writeAddress('descriptors', 1, v) },
  { offset: 0x090, name: 'QueueDriverLow', write: (t, v) => t.writeAddress('driver', 0, v) },
  { offset: 0x094, name: 'QueueDriverHigh', write: (t, v) => t.writeAddress('driver', 1, v) },
  { offset: 0x0a0, name: 'QueueDeviceLow', write: (t, v) => t.writeAddress('device', 0, v) },
  { offset: 0x0a4, name: 'QueueDeviceHigh', write: (t, v) => t.writeAddress('device', 1, v) },
  // No device here has shared memory regions: length and base read as all ones.
  { offset: 0x0ac, name: 'SHMSel', write: () => {} },
  ...['SHMLenLow', 'SHMLenHigh', 'SHMBaseLow', 'SHMBaseHigh'].map((name, i) => ({
    offset: 0x0b0 + 4 * i,
    name,
    read: () => 0xffffffff,
  })),
  { offset: 0x0fc, name: 'ConfigGeneration', read: (t) => t.device?.configGeneration ?? 0 },
]);

const LEGACY_REGISTERS = new RegisterTable<VirtioMmio>([
  ...COMMON,
  { offset: 0x028, name: 'GuestPageSize', write: (t, v) => t.writeGuestPageSize(v) },
  { offset: 0x03c, name: 'QueueAlign', write: (t, v) => t.writeQueueAlign(v) },
  { offset: 0x040, name: 'QueuePFN', read: (t) => t.readQueuePfn(), write: (t, v) => t.writeQueuePfn(v) },
]);

/** How a {@link VirtioMmio} is made. */
export interface VirtioMmioOptions {
  /** Speak version 1, for old drivers; little-endian guests only. */
  readonly forceLegacy?: boolean;
}

/** A place for one virtio device, with a register block and an interrupt. */
export class VirtioMmio extends Bus implements VirtioTransport {
  static override readonly typeName: string = 'virtio-mmio';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'force-legacy',
      type: 'bool',
      description: 'speak version 1 of the transport, as before VIRTIO 1.0',
      get: (o) => o instanceof VirtioMmio && o.legacy,
      set: (o, value) => {
        if (o instanceof VirtioMmio) o.#legacy = value === true;
      },
    },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'deviceFeaturesSelect', type: 'u32', reset: 0 },
    { name: 'driverFeaturesSelect', type: 'u32', reset: 0 },
    { name: 'queueSelect', type: 'u32', reset: 0 },
    { name: 'guestPageSize', type: 'u32', reset: 0 },
    { name: 'queueAlign', type: 'u32', reset: 4096 },
    { name: 'halves', type: 'u32', count: QUEUE_HALVES, reset: 0 },
  ];

  readonly busType = 'virtio-bus';
  #legacy: boolean;
  readonly irq = this.addOutput();
  readonly region: MemoryRegion;
  #device: VirtioDevice | undefined;

  deviceFeaturesSelect = 0;
  driverFeaturesSelect = 0;
  queueSelect = 0;
  guestPageSize = 0;
  queueAlign = 4096;
  /** Low and high words of the three areas as last written. */
  halves = new Uint32Array(QUEUE_HALVES);

  constructor(options: VirtioMmioOptions = {}) {
    super();
    this.#legacy = options.forceLegacy ?? false;
    this.region = this.addRegion(MemoryRegion.io('virtio-mmio', VIRTIO_MMIO_SIZE, this.#ops()));
  }

  override get ownBusType(): string {
    return 'virtio-mmio-bus';
  }

  get legacy(): boolean {
    return this.#legacy;
  }

  /** The device that is plugged in. */
  get device(): VirtioDevice | undefined {
    return this.#device;
  }

  get full(): boolean {
    return this.#device !== undefined;
  }

  plug(device: Device): void {
    if (this.#device !== undefined) throw new UserError(`Bus '${this.id}' is full`);
    if (!(device instanceof VirtioDevice)) throw new UserError(`Device '${device.type}' can't go on virtio-bus bus`);
    this.#device = device;
    device.plugInto(this);
  }

  interruptStatusChanged(): void {
    this.irq.set((this.#device?.interruptStatus ?? 0) !== 0);
  }

  /** The queue that QueueSel selects. @internal */
  get queue(): VirtQueue | undefined {
    return this.#device?.queues[this.queueSelect];
  }

  /** @internal */
  readDeviceFeatures(): number {
    return this.#device?.deviceFeatureWord(this.deviceFeaturesSelect) ?? 0;
  }

  /** @internal */
  selectDeviceFeatures(word: number): void {
    this.deviceFeaturesSelect = word;
  }

  /** @internal */
  selectDriverFeatures(word: number): void {
    this.driverFeaturesSelect = word;
  }

  /** @internal */
  writeDriverFeatures(value: number): void {
    const device = this.#device;
    if (device === undefined || this.driverFeaturesSelect > 1) return;
    device.acceptFeatures(this.driverFeaturesSelect, value);
  }

  /** @internal */
  selectQueue(index: number): void {
    this.queueSelect = index;
    loadHalves(this.halves, this.queue);
  }

  /** @internal */
  writeQueueSize(size: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    if (queue.ready) guestError(this, NOT_READY_REGISTERS);
    else if (size === 0 || size > queue.maxSize || (size & (size - 1)) !== 0) guestError(this, `queue size ${size}`);
    else queue.size = size;
  }

  /** @internal */
  writeQueueReady(value: number): void {
    if (this.queue !== undefined) this.queue.ready = (value & 1) !== 0;
  }

  /** @internal */
  writeAddress(area: QueueArea, half: 0 | 1, value: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    if (queue.ready) {
      guestError(this, NOT_READY_REGISTERS);
      return;
    }
    setHalf(this.halves, queue, area, half, value);
  }

  /** @internal */
  writeGuestPageSize(bytes: number): void {
    this.guestPageSize = bytes;
  }

  /** @internal */
  writeQueueAlign(bytes: number): void {
    if (bytes === 0 || (bytes & (bytes - 1)) !== 0) guestError(this, `queue alignment ${bytes}`);
    else this.queueAlign = bytes;
  }

  /** @internal */
  readQueuePfn(): number {
    const { queue } = this;
    return queue === undefined || !queue.ready ? 0 : Math.floor(queue.descriptors / this.guestPageSize);
  }

  /** The legacy way: the three areas follow each other from one page on (2.7.2); page 0 stops the queue. @internal */
  writeQueuePfn(page: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    queue.ready = page !== 0 && this.guestPageSize !== 0;
    if (queue.ready) queue.layOut(page * this.guestPageSize, this.queueAlign);
  }

  #ops(): RegionOps {
    const registers = () => (this.#legacy ? LEGACY_REGISTERS : MODERN_REGISTERS);
    return {
      valid: { min: 1, max: 4 },
      read: (offset, size) => {
        if (offset >= CONFIG) return this.#device?.readConfig(offset - CONFIG, size) ?? 0;
        if (this.#refused(offset, size)) return 0;
        return registers().read(this, offset);
      },
      write: (offset, size, value) => {
        if (offset >= CONFIG) this.#device?.writeConfig(offset - CONFIG, size, value);
        else if (!this.#refused(offset, size)) registers().write(this, offset, value);
      },
    };
  }

  /** Control registers take 32-bit accesses only. */
  #refused(offset: number, size: number): boolean {
    const refused = size !== 4 || (offset & 3) !== 0;
    if (refused) guestError(this, `access of ${size} bytes at 0x${offset.toString(16)}`);
    return refused;
  }
}
