// Virtio over PCI: a function whose windows reach a virtio device. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 4.1,
// the registers of transitional devices (4.1.4.10 of the legacy interface) included.

import { MemoryRegion, type PropertySpec, type RegionOps, type StateField, UserError } from '@boardwalk/core';
import type { PciIdentity } from '../pci/config-space.ts';
import { MAX_VECTORS, MSIX_REGION_BYTES, Msix } from '../pci/msix.ts';
import { PciDevice } from '../pci/pci-device.ts';
import { guestError, RegisterTable } from '../registers.ts';
import type { DmaTranslation } from './guest-memory.ts';
import { halfOf, loadHalves, QUEUE_HALVES, type QueueArea, setHalf } from './queue-addresses.ts';
import type { VirtioDevice, VirtioTransport } from './virtio-device.ts';
import type { VirtQueue } from './virtqueue.ts';

const VENDOR = 0x1af4;
/** Device ids (4.1.2): 0x1040 and the device's number; transitional devices have those of before 1.0. */
const MODERN_ID = 0x1040;
const MODERN_REVISION = 1;
/** Programs show it. */
const MODERN_SUBSYSTEM = 0x1100;

/** Windows. */
const LEGACY_BAR = 0;
const MSIX_BAR = 1;
const MODERN_BAR = 4;

/** Parts of the modern window (4.1.4), a page each, with the capability that tells of it. */
const PART_BYTES = 0x1000;
const PART = { common: 0, isr: 1, device: 2, notify: 3 } as const;
const CAPABILITY_VENDOR = 0x09;
const CAPABILITY = { common: 1, notify: 2, isr: 3, device: 4, configAccess: 5 } as const;
/** Bytes from one queue's place in the notification part to the next's. */
const NOTIFY_MULTIPLIER = 4;

/** Fields of the configuration-access capability (4.1.4.9). */
const ACCESS = { bar: 4, offset: 8, length: 12, data: 16, bytes: 20 } as const;

/** A queue or configuration changes have no vector. */
const NO_VECTOR = 0xffff;
/** Queues of the device with the most. */
const MAX_QUEUES = 64;

/** Where device configuration begins among the legacy registers, without and with MSI-X. */
const LEGACY_CONFIG = 0x14;
const LEGACY_CONFIG_MSIX = 0x18;
const LEGACY_PAGE = 4096;

/** Common configuration (4.1.4.3). */
const COMMON = new RegisterTable<VirtioPci>(
  [
    { offset: 0x00, name: 'device_feature_select', field: 'deviceFeatureSelect' },
    { offset: 0x04, name: 'device_feature', read: (t) => t.backend.deviceFeatureWord(t.deviceFeatureSelect) },
    { offset: 0x08, name: 'driver_feature_select', field: 'driverFeatureSelect' },
    {
      offset: 0x0c,
      name: 'driver_feature',
      read: (t) => t.driverFeatureWord(),
      write: (t, v) => t.acceptFeatures(v),
    },
    { offset: 0x10, name: 'config_msix_vector', read: (t) => t.configVector, write: (t, v) => t.setConfigVector(v) },
    { offset: 0x12, name: 'num_queues', read: (t) => t.backend.queues.length },
    { offset: 0x14, name: 'device_status', read: (t) => t.backend.status, write: (t, v) => t.writeStatus(v & 0xff) },
    { offset: 0x15, name: 'config_generation', read: (t) => t.backend.configGeneration & 0xff },
    { offset: 0x16, name: 'queue_select', read: (t) => t.queueSelect, write: (t, v) => t.selectQueue(v) },
    { offset: 0x18, name: 'queue_size', read: (t) => t.queue?.size ?? 0, write: (t, v) => t.writeQueueSize(v) },
    { offset: 0x1a, name: 'queue_msix_vector', read: (t) => t.queueVector(), write: (t, v) => t.setQueueVector(v) },
    { offset: 0x1c, name: 'queue_enable', read: (t) => (t.queue?.ready ? 1 : 0), write: (t, v) => t.enableQueue(v) },
    { offset: 0x1e, name: 'queue_notify_off', read: (t) => (t.queue === undefined ? 0 : t.queueSelect) },
    ...(['descriptors', 'driver', 'device'] as const).flatMap((area, i) =>
      ([0, 1] as const).map((half) => ({
        offset: 0x20 + 8 * i + 4 * half,
        name: `queue_${area}`,
        read: (t: VirtioPci) => halfOf(t.halves, area, half),
        write: (t: VirtioPci, v: number) => t.writeAddress(area, half, v),
      })),
    ),
  ],
  1,
);

/** Registers before 1.0. */
const LEGACY = new RegisterTable<VirtioPci>(
  [
    { offset: 0x00, name: 'Device Features', read: (t) => t.backend.deviceFeatureWord(0) },
    {
      offset: 0x04,
      name: 'Driver Features',
      read: (t) => Number(t.backend.driverFeatures & 0xffff_ffffn),
      write: (t, v) => t.backend.acceptFeatures(0, v),
    },
    { offset: 0x08, name: 'Queue Address', read: (t) => t.legacyPage(), write: (t, v) => t.setLegacyPage(v) },
    { offset: 0x0c, name: 'Queue Size', read: (t) => t.queue?.maxSize ?? 0 },
    { offset: 0x0e, name: 'Queue Select', read: (t) => t.queueSelect, write: (t, v) => t.selectQueue(v) },
    { offset: 0x10, name: 'Queue Notify', write: (t, v) => t.backend.notify(v) },
    { offset: 0x12, name: 'Device Status', read: (t) => t.backend.status, write: (t, v) => t.writeStatus(v & 0xff) },
    { offset: 0x13, name: 'ISR Status', read: (t) => t.takeIsr() },
  ],
  1,
);

/** Of the legacy registers, while MSI-X is enabled. */
const LEGACY_MSIX = new RegisterTable<VirtioPci>(
  [
    { offset: 0x14, name: 'Configuration Vector', read: (t) => t.configVector, write: (t, v) => t.setConfigVector(v) },
    { offset: 0x16, name: 'Queue Vector', read: (t) => t.queueVector(), write: (t, v) => t.setQueueVector(v) },
  ],
  1,
);

/** How a kind of device is told on PCI. */
export interface VirtioPciKind {
  /** `virtio-blk-pci`. */
  readonly type: string;
  /** Device id of the transitional device. */
  readonly transitionalId: number;
  readonly classCode: number;
  /** MSI-X vectors, where the user does not say. */
  readonly vectors: number;
}

/** A virtio device with its PCI function: `virtio-blk-pci` is one around a `virtio-blk-device`. */
export class VirtioPci extends PciDevice implements VirtioTransport {
  static override readonly typeName: string = 'virtio-pci';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'disable-legacy',
      type: 'OnOffAuto',
      values: ['on', 'off', 'auto'],
      description: 'no registers of before VIRTIO 1.0; auto: there are some',
      default: 'auto',
    },
    {
      name: 'iommu_platform',
      type: 'bool',
      description: "the device's addresses go through the guest's tables",
      default: false,
    },
    {
      name: 'vectors',
      type: 'uint32',
      description: 'MSI-X vectors, 0 for none',
      get: (o) => (o instanceof VirtioPci ? o.vectorsWanted : 0),
      set: (o, value) => {
        if (o instanceof VirtioPci) o.vectorsWanted = Number(value);
      },
      validate: (value) => (Number(value) <= MAX_VECTORS ? undefined : `vectors must be at most ${MAX_VECTORS}`),
    },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'deviceFeatureSelect', type: 'u32', reset: 0 },
    { name: 'driverFeatureSelect', type: 'u32', reset: 0 },
    { name: 'queueSelect', type: 'u16', reset: 0 },
    { name: 'configVector', type: 'u16', reset: NO_VECTOR },
    { name: 'queueVectors', type: 'u16', count: MAX_QUEUES, reset: NO_VECTOR },
    { name: 'halves', type: 'u32', count: QUEUE_HALVES, reset: 0 },
    { name: 'legacy', type: 'bool', reset: false },
  ];

  /** The device behind the transport. */
  readonly backend: VirtioDevice;
  readonly #kind: VirtioPciKind;
  #configAccess = 0;

  vectorsWanted: number;
  deviceFeatureSelect = 0;
  driverFeatureSelect = 0;
  queueSelect = 0;
  readonly backendBusType = 'virtio-pci-bus';
  configVector = NO_VECTOR;
  queueVectors = new Uint16Array(MAX_QUEUES).fill(NO_VECTOR);
  halves = new Uint32Array(QUEUE_HALVES);
  /** The driver uses the registers of before 1.0. */
  legacy = false;

  /** @param backend a new virtio device; its properties are the transport's too */
  constructor(kind: VirtioPciKind, backend: VirtioDevice) {
    super(kind.type);
    this.#kind = kind;
    this.vectorsWanted = kind.vectors;
    this.backend = backend;
    backend.plugInto(this);
    this.add(backend, 'virtio-backend');
    for (const { name } of backend.properties())
      if (this.findProperty(name) === undefined) this.addAlias(name, backend);
  }

  protected override identity(): PciIdentity {
    const { transitionalId, classCode } = this.#kind;
    const ids = { vendorId: VENDOR, subsystemVendorId: VENDOR, classCode };
    const { deviceId } = this.backend;
    if (this.#transitional) return { ...ids, deviceId: transitionalId, revision: 0, subsystemId: deviceId };
    return { ...ids, deviceId: MODERN_ID + deviceId, revision: MODERN_REVISION, subsystemId: MODERN_SUBSYSTEM };
  }

  get #transitional(): boolean {
    return this.getProperty('disable-legacy') !== 'on';
  }

  protected override addWindows(): void {
    if (this.getProperty('iommu_platform') === true && this.#transitional) {
      throw new UserError('VIRTIO_F_IOMMU_PLATFORM was supported by neither legacy nor transitional device');
    }
    this.machine.adopt(this.backend);
    if (this.backend.queues.length > MAX_QUEUES) throw new UserError(`more than ${MAX_QUEUES} queues`);
    const name = this.type;
    if (this.#transitional) {
      const bytes = LEGACY_CONFIG + (this.vectorsWanted > 0 ? 4 : 0) + this.backend.configSpace.length;
      const region = MemoryRegion.io(`${name}-legacy`, 2 ** Math.ceil(Math.log2(bytes)), this.#legacyOps());
      this.addBar(LEGACY_BAR, { kind: 'io', region: this.addRegion(region) });
    }
    this.#addCapabilities();
    const modern = MemoryRegion.io(`${name}-modern`, 4 * PART_BYTES, this.#modernOps());
    this.addBar(MODERN_BAR, { kind: 'memory64', region: this.addRegion(modern) });
    if (this.vectorsWanted === 0) return;
    const { host } = this.bus;
    this.msix = new Msix(this.config, this.vectorsWanted, MSIX_BAR, (low, high, data) =>
      host.pciMessage(this, low, high, data),
    );
    const table = MemoryRegion.io(`${name}-msix`, MSIX_REGION_BYTES, this.msix.ops);
    this.addBar(MSIX_BAR, { kind: 'memory32', region: this.addRegion(table) });
  }

  /** The capabilities that say where the parts are (4.1.4). */
  #addCapabilities(): void {
    const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
    const add = (type: number, bar: number, part: number, length: number, more: readonly number[] = []): number => {
      const body = [16 + more.length, type, bar, 0, 0, 0, ...word(part * PART_BYTES), ...word(length), ...more];
      return this.config.addCapability(CAPABILITY_VENDOR, body);
    };
    for (const part of ['common', 'isr', 'device'] as const) add(CAPABILITY[part], MODERN_BAR, PART[part], PART_BYTES);
    add(CAPABILITY.notify, MODERN_BAR, PART.notify, PART_BYTES, word(NOTIFY_MULTIPLIER));
    this.#configAccess = add(CAPABILITY.configAccess, 0, 0, 0, word(0));
    this.config.define(this.#configAccess + ACCESS.bar, 1, 0, 0xff);
    for (const field of ['offset', 'length', 'data'] as const) {
      this.config.define(this.#configAccess + ACCESS[field], 4, 0, 0xffff_ffff);
    }
  }

  override get hotpluggable(): boolean {
    return true;
  }

  override resetHold(): void {
    super.resetHold();
    this.backend.transportChanged();
  }

  get dmaTranslation(): DmaTranslation | undefined {
    if (this.getProperty('iommu_platform') !== true) return undefined;
    return (address, forWrite) => this.bus.host.pciTranslate?.(this, address, forWrite);
  }

  get bigEndianLegacy(): boolean {
    return this.bus.host.bigEndian;
  }

  // --- the virtio device's side

  interruptStatusChanged(): void {}

  queueInterrupt(queue: number): void {
    this.msix?.notify(this.queueVectors[queue] ?? NO_VECTOR);
  }

  configInterrupt(): void {
    this.msix?.notify(this.configVector);
  }

  // --- windows

  #modernOps(): RegionOps {
    return {
      valid: { min: 1, max: 8 },
      impl: { min: 1, max: 4 },
      read: (offset, size) => {
        const at = offset % PART_BYTES;
        switch (Math.floor(offset / PART_BYTES)) {
          case PART.common:
            return this.#modern(COMMON).read(this, at);
          case PART.isr:
            return at === 0 ? this.takeIsr() : 0;
          case PART.device:
            return this.backend.readConfig(at, size);
          default:
            return 0;
        }
      },
      write: (offset, size, value) => {
        const at = offset % PART_BYTES;
        switch (Math.floor(offset / PART_BYTES)) {
          case PART.common:
            this.#modern(COMMON).write(this, at, value);
            break;
          case PART.device:
            this.backend.writeConfig(at, size, value);
            break;
          case PART.notify:
            this.backend.notify(Math.floor(at / NOTIFY_MULTIPLIER));
            break;
          default:
            guestError(this, `write to read-only ISR status at ${at}`);
        }
      },
    };
  }

  #legacyOps(): RegionOps {
    const configAt = () => (this.msix?.enabled ? LEGACY_CONFIG_MSIX : LEGACY_CONFIG);
    const table = (offset: number) => (offset < LEGACY_CONFIG ? LEGACY : LEGACY_MSIX);
    return {
      valid: { min: 1, max: 4 },
      read: (offset, size) => {
        this.#use(true);
        if (offset >= configAt()) return this.backend.readConfig(offset - configAt(), size);
        return table(offset).read(this, offset);
      },
      write: (offset, size, value) => {
        this.#use(true);
        if (offset >= configAt()) this.backend.writeConfig(offset - configAt(), size, value);
        else table(offset).write(this, offset, value);
      },
    };
  }

  #modern(table: RegisterTable<VirtioPci>): RegisterTable<VirtioPci> {
    this.#use(false);
    return table;
  }

  /** Which registers the driver uses decides which version the device speaks. */
  #use(legacy: boolean): void {
    if (this.legacy === legacy) return;
    this.legacy = legacy;
    this.backend.transportChanged();
  }

  // --- configuration space

  override readConfig(offset: number, size: 1 | 2 | 4): number {
    if (this.#accesses(offset)) this.#access(undefined);
    return super.readConfig(offset, size);
  }

  override writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    super.writeConfig(offset, size, value);
    if (this.#accesses(offset)) this.#access(this.config.read(this.#configAccess + ACCESS.data, 4));
  }

  #accesses(offset: number): boolean {
    const at = offset - this.#configAccess;
    return at >= ACCESS.data && at < ACCESS.bytes;
  }

  /** Reaches a window through configuration space (4.1.4.9): what is read comes to the capability's data. */
  #access(written: number | undefined): void {
    const at = this.#configAccess;
    const offset = this.config.read(at + ACCESS.offset, 4);
    const length = this.config.read(at + ACCESS.length, 4);
    const bar = this.config.read(at + ACCESS.bar, 1);
    const window = bar === MODERN_BAR ? this.window(bar) : undefined;
    if (window === undefined || !isAccessSize(length) || offset % length !== 0 || offset + length > 4 * PART_BYTES) {
      guestError(this, `access of ${length} bytes at ${offset} of window ${bar} through configuration space`);
      return;
    }
    if (written === undefined) this.config.write(at + ACCESS.data, 4, Math.max(0, window.load(offset, length)));
    else window.store(offset, length, written % 2 ** (8 * length));
  }

  // --- registers

  /** The queue that queue_select selects. @internal */
  get queue(): VirtQueue | undefined {
    return this.backend.queues[this.queueSelect];
  }

  /** @internal */
  driverFeatureWord(): number {
    const { driverFeatureSelect: word } = this;
    return word > 1 ? 0 : Number((this.backend.driverFeatures >> BigInt(32 * word)) & 0xffff_ffffn);
  }

  /** @internal */
  acceptFeatures(bits: number): void {
    if (this.driverFeatureSelect < 2) this.backend.acceptFeatures(this.driverFeatureSelect, bits);
  }

  /** Status 0 resets device and transport. @internal */
  writeStatus(value: number): void {
    this.backend.setStatus(value);
    if (value !== 0) return;
    this.configVector = NO_VECTOR;
    this.queueVectors.fill(NO_VECTOR);
  }

  /** Reading it acknowledges. @internal */
  takeIsr(): number {
    const { interruptStatus } = this.backend;
    this.backend.acknowledge(interruptStatus);
    return interruptStatus;
  }

  /** @internal */
  selectQueue(index: number): void {
    this.queueSelect = index;
    loadHalves(this.halves, this.queue);
  }

  /** @internal */
  queueVector(): number {
    return this.queue === undefined ? NO_VECTOR : (this.queueVectors[this.queueSelect] ?? NO_VECTOR);
  }

  /** A vector that there is not reads back as none. @internal */
  setQueueVector(vector: number): void {
    if (this.queue !== undefined) this.queueVectors[this.queueSelect] = this.#vector(vector);
  }

  /** @internal */
  setConfigVector(vector: number): void {
    this.configVector = this.#vector(vector);
  }

  #vector(vector: number): number {
    return vector < this.vectors ? vector : NO_VECTOR;
  }

  /** @internal */
  writeQueueSize(size: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    if (queue.ready) guestError(this, 'the size of a queue that is in use cannot be changed');
    else if (size === 0 || size > queue.maxSize || (size & (size - 1)) !== 0) guestError(this, `queue size ${size}`);
    else queue.size = size;
  }

  /** @internal */
  enableQueue(value: number): void {
    if (this.queue === undefined) return;
    if (value === 1) this.queue.ready = true;
    else guestError(this, `queue_enable is set to ${value}`);
  }

  /** @internal */
  writeAddress(area: QueueArea, half: 0 | 1, value: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    if (queue.ready) guestError(this, 'the addresses of a queue that is in use cannot be changed');
    else setHalf(this.halves, queue, area, half, value);
  }

  /** @internal */
  legacyPage(): number {
    return this.queue?.ready ? Math.floor(this.queue.descriptors / LEGACY_PAGE) : 0;
  }

  /** Page 0 stops the queue. @internal */
  setLegacyPage(page: number): void {
    const { queue } = this;
    if (queue === undefined) return;
    queue.ready = page !== 0;
    if (queue.ready) queue.layOut(page * LEGACY_PAGE, LEGACY_PAGE);
  }
}

function isAccessSize(length: number): length is 1 | 2 | 4 {
  return length === 1 || length === 2 || length === 4;
}
