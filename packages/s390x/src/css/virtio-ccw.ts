/**
 * Virtio over channel I/O: a subchannel whose commands reach a virtio device. After "Virtual I/O Device (VIRTIO) Version 1.2",
 * section 4.3, revisions 0 (legacy, in the guest's byte order) to 2.
 */
import { Device, type PropertySpec, type StateField, UserError } from '@boardwalk/core';
import { guestError, type VirtioDevice, type VirtioTransport, type VirtQueue } from '@boardwalk/devices';
import { type ChannelData, programCheck } from './channel-data.ts';
import { CCW_BUS, type CcwDevice, type ChannelSubsystem } from './channel-subsystem.ts';
import { devnoProperty, formatDeviceId, parseDeviceId } from './device-id.ts';
import type { CommandEnd, Subchannel } from './subchannel.ts';

const MAX_REVISION = 2;
/** No revision has been chosen since the subchannel was enabled. */
const NO_REVISION = 0xff;
const CONTROL_UNIT_TYPE = 0x3832;
const SENSE_ID_BYTES = 7;
/** Queues that a device can have one indicator bit each for, in a doubleword. */
const MAX_CLASSIC_QUEUES = 64;
const CONFIG_INDICATOR = 1n;

/** Commands (4.3.2 to 4.3.3). */
const COMMAND = {
  writeFeatures: 0x11,
  readFeatures: 0x12,
  setQueue: 0x13,
  writeConfig: 0x21,
  readConfig: 0x22,
  writeStatus: 0x31,
  readQueueConfig: 0x32,
  reset: 0x33,
  setIndicators: 0x43,
  setConfigIndicators: 0x53,
  readStatus: 0x72,
  setAdapterIndicators: 0x73,
  setRevision: 0x83,
} as const;

type Handler = (device: VirtioCcw, data: ChannelData) => CommandEnd;

const HANDLERS: ReadonlyMap<number, Handler> = new Map<number, Handler>([
  [COMMAND.writeFeatures, (d, data) => d.writeFeatures(data)],
  [COMMAND.readFeatures, (d, data) => d.readFeatures(data)],
  [COMMAND.setQueue, (d, data) => d.setQueue(data)],
  [COMMAND.writeConfig, (d, data) => d.writeConfig(data)],
  [COMMAND.readConfig, (d, data) => d.readConfig(data)],
  [COMMAND.writeStatus, (d, data) => d.writeStatus(data)],
  [COMMAND.readQueueConfig, (d, data) => d.readQueueConfig(data)],
  [COMMAND.reset, (d) => d.resetCommand()],
  [COMMAND.setIndicators, (d, data) => d.setIndicators(data)],
  [COMMAND.setConfigIndicators, (d, data) => d.setConfigIndicators(data)],
  [COMMAND.readStatus, (d, data) => d.readStatus(data)],
  [COMMAND.setAdapterIndicators, (d, data) => d.setAdapterIndicators(data)],
]);

/** Takes an argument of the command; the program has to give all of it. @throws ChannelCheck */
function argument(data: ChannelData, bytes: number): DataView {
  const view = new DataView(new ArrayBuffer(bytes));
  if (data.read(new Uint8Array(view.buffer)) < bytes) throw programCheck();
  return view;
}

/** A virtio device with its subchannel: `virtio-blk-ccw` is one around a `virtio-blk-device`. */
export class VirtioCcw extends Device implements VirtioTransport, CcwDevice {
  static override readonly typeName: string = 'virtio-ccw-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'max_revision',
      type: 'uint32',
      description: 'the highest revision of the transport that is offered',
      default: MAX_REVISION,
      validate: (value) => (Number(value) <= MAX_REVISION ? undefined : `max_revision must be at most ${MAX_REVISION}`),
    },
    {
      name: 'dev_id',
      type: 'str',
      description: 'device number that it has',
      get: (o) => (o instanceof VirtioCcw ? o.deviceIdText : ''),
    },
    {
      name: 'subch_id',
      type: 'str',
      description: 'subchannel that it has',
      get: (o) => (o instanceof VirtioCcw ? o.subchannelText : ''),
    },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'schib', type: 'bytes' },
    { name: 'sense', type: 'bytes' },
    { name: 'program', type: 'u32', count: 3 },
    { name: 'revision', type: 'u8', reset: NO_REVISION },
    { name: 'indicators', type: 'number', reset: 0 },
    { name: 'configIndicators', type: 'number', reset: 0 },
    { name: 'summaryIndicator', type: 'number', reset: 0 },
    { name: 'indicatorBit', type: 'number', reset: 0 },
    { name: 'adapterSubclass', type: 'u8', reset: 0 },
    { name: 'adapter', type: 'bool', reset: false },
  ];

  /** The bus that it fits. */
  readonly busType = CCW_BUS;
  readonly bigEndianLegacy = true;
  /** The device behind the transport. */
  readonly backend: VirtioDevice;
  revision = NO_REVISION;
  /** Address of the queues' indicator bits; 0 where there are none. */
  indicators = 0;
  configIndicators = 0;
  /** Adapter interruptions: a byte that says that some indicator is set, where this device's begin, and their subclass. */
  summaryIndicator = 0;
  indicatorBit = 0;
  adapterSubclass = 0;
  /** {@link indicators} are of the adapter kind. */
  adapter = false;
  #css: ChannelSubsystem | undefined;
  readonly backendBusType = 'virtio-ccw-bus';
  #subchannel: Subchannel | undefined;

  /**
   * @param type `virtio-blk-ccw`
   * @param backend a new virtio device; its properties are the transport's too
   */
  constructor(type: string, backend: VirtioDevice) {
    super(type);
    this.addProperty(devnoProperty(type));
    this.backend = backend;
    backend.plugInto(this);
    this.add(backend, 'virtio-backend');
    for (const { name } of backend.properties())
      if (this.findProperty(name) === undefined) this.addAlias(name, backend);
  }

  /** @internal */
  plugInto(css: ChannelSubsystem): void {
    this.#css = css;
  }

  override realize(): void {
    super.realize();
    if (this.#css === undefined) throw new UserError(`No '${CCW_BUS}' bus found for device '${this.type}'`);
    const devno = this.getProperty('devno');
    const wanted = typeof devno === 'string' ? parseDeviceId(devno) : undefined;
    this.#subchannel = this.#css.attachDevice(this, wanted, this.hotplugged);
  }

  override get hotpluggable(): boolean {
    return true;
  }

  override unplug(): void {
    super.unplug();
    this.css.detachDevice(this.subchannel);
  }

  override resetHold(): void {
    super.resetHold();
    this.subchannel.reset();
    this.backend.transportChanged();
  }

  protected override afterRestore(): void {
    super.afterRestore();
    this.subchannel.restored();
  }

  /** Its subchannel. @throws Error before it is realized */
  get subchannel(): Subchannel {
    if (this.#subchannel === undefined) throw new Error(`${this.type} is used before it is realized`);
    return this.#subchannel;
  }

  get deviceIdText(): string {
    const { id, deviceNumber } = this.#subchannel ?? {};
    return id === undefined ? '' : formatDeviceId({ ...id, number: deviceNumber ?? 0 });
  }

  get subchannelText(): string {
    return this.#subchannel === undefined ? '' : formatDeviceId(this.#subchannel.id);
  }

  // State that lies in the subchannel.
  get schib(): Uint8Array {
    return this.subchannel.schib;
  }

  get sense(): Uint8Array {
    return this.subchannel.sense;
  }

  get program(): Uint32Array {
    return this.subchannel.program;
  }

  // --- the channel's side

  get senseId(): Uint8Array {
    const bytes = new Uint8Array(SENSE_ID_BYTES);
    bytes.set([0xff, CONTROL_UNIT_TYPE >> 8, CONTROL_UNIT_TYPE & 0xff, this.backend.deviceId]);
    return bytes;
  }

  command(code: number, data: ChannelData): CommandEnd {
    if (code === COMMAND.setRevision) return this.#setRevision(data);
    const handler = HANDLERS.get(code);
    if (handler === undefined) return 'reject';
    // A driver that goes on without a word knows nothing of revisions.
    if (this.revision === NO_REVISION) this.#useRevision(0);
    return handler(this, data);
  }

  /** A disabled subchannel forgets the revision; what the driver has set up is gone with it. */
  enabledChanged(enabled: boolean): void {
    if (!enabled) this.#useRevision(NO_REVISION);
  }

  #setRevision(data: ChannelData): CommandEnd {
    const view = argument(data, 4);
    const revision = view.getUint16(0);
    const max = Math.min(MAX_REVISION, Number(this.getProperty('max_revision')));
    // No revision so far has data.
    if (this.revision !== NO_REVISION || revision > max || view.getUint16(2) !== 0) return 'reject';
    this.#useRevision(revision);
    return 'done';
  }

  #useRevision(revision: number): void {
    this.revision = revision;
    this.backend.transportChanged();
  }

  /** @internal */
  readFeatures(data: ChannelData): CommandEnd {
    const view = argument(data, 5);
    const index = view.getUint8(4);
    view.setUint32(0, this.backend.deviceFeatureWord(index), true);
    data.rewind();
    data.write(new Uint8Array(view.buffer));
    return 'done';
  }

  /** @internal */
  writeFeatures(data: ChannelData): CommandEnd {
    const view = argument(data, 5);
    const index = view.getUint8(4);
    const features = view.getUint32(0, true);
    if (index < 2) this.backend.acceptFeatures(index, features);
    else if (features !== 0) guestError(this, `features of word ${index}, which is never offered`);
    return 'done';
  }

  /** @internal */
  readConfig(data: ChannelData): CommandEnd {
    data.write(this.backend.configSpace.subarray(0, data.length));
    return 'done';
  }

  /** The program writes all of configuration space up to the byte that it means: only what is different is a change. @internal */
  writeConfig(data: ChannelData): CommandEnd {
    const before = this.backend.configSpace;
    const after = new Uint8Array(Math.min(data.length, before.length));
    data.read(after);
    for (const [at, byte] of after.entries()) if (byte !== before[at]) this.backend.writeConfig(at, 1, byte);
    return 'done';
  }

  /** @internal */
  writeStatus(data: ChannelData): CommandEnd {
    const status = argument(data, 1).getUint8(0);
    if (status === 0) this.#resetBackend();
    else this.backend.setStatus(status);
    return 'done';
  }

  /** @internal */
  readStatus(data: ChannelData): CommandEnd {
    if (data.length < 1) throw programCheck();
    data.write(Uint8Array.of(this.backend.status));
    return 'done';
  }

  /** @internal */
  resetCommand(): CommandEnd {
    this.#resetBackend();
    return 'done';
  }

  /** @internal */
  readQueueConfig(data: ChannelData): CommandEnd {
    const view = argument(data, 4);
    view.setUint16(2, this.backend.queues[view.getUint16(0)]?.maxSize ?? 0);
    data.rewind();
    data.write(new Uint8Array(view.buffer));
    return 'done';
  }

  /** @internal */
  setQueue(data: ChannelData): CommandEnd {
    if (this.legacy) return this.#setLegacyQueue(argument(data, 16));
    const view = argument(data, 32);
    const queue = this.#queueToSet(view.getUint16(12), view.getUint16(14));
    if (queue === undefined) return 'done';
    queue.descriptors = Number(view.getBigUint64(0));
    queue.driver = Number(view.getBigUint64(16));
    queue.device = Number(view.getBigUint64(24));
    queue.ready = queue.descriptors !== 0;
    return 'done';
  }

  /** Before revision 1 the three areas follow each other (2.7.2). */
  #setLegacyQueue(view: DataView): CommandEnd {
    const queue = this.#queueToSet(view.getUint16(12), view.getUint16(14));
    if (queue === undefined) return 'done';
    const align = view.getUint32(8);
    const start = Number(view.getBigUint64(0));
    if (start !== 0 && (align === 0 || (align & (align - 1)) !== 0)) throw programCheck();
    queue.layOut(start, Math.max(1, align));
    queue.ready = start !== 0;
    return 'done';
  }

  /** The queue that is set, its size taken; undefined where there is none. @throws ChannelCheck */
  #queueToSet(index: number, size: number): VirtQueue | undefined {
    const queue = this.backend.queues[index];
    if (queue === undefined) {
      guestError(this, `queue ${index}, which does not exist`);
      throw programCheck();
    }
    queue.ready = false;
    if (size === 0) return undefined;
    if (size > queue.maxSize || (size & (size - 1)) !== 0) {
      guestError(this, `queue size ${size}`);
      throw programCheck();
    }
    queue.size = size;
    return queue;
  }

  /** @internal */
  setIndicators(data: ChannelData): CommandEnd {
    const address = Number(argument(data, 8).getBigUint64(0));
    if (this.adapter || this.backend.queues.length > MAX_CLASSIC_QUEUES) return 'reject';
    this.indicators = address;
    return 'done';
  }

  /** @internal */
  setConfigIndicators(data: ChannelData): CommandEnd {
    this.configIndicators = Number(argument(data, 8).getBigUint64(0));
    return 'done';
  }

  /** @internal */
  setAdapterIndicators(data: ChannelData): CommandEnd {
    const view = argument(data, 25);
    if (this.indicators !== 0 && !this.adapter) return 'reject';
    const indicators = Number(view.getBigUint64(8));
    this.adapter = indicators !== 0;
    this.summaryIndicator = Number(view.getBigUint64(0));
    this.indicators = indicators;
    this.indicatorBit = Number(view.getBigUint64(16));
    this.adapterSubclass = view.getUint8(24) & 7;
    return 'done';
  }

  /** DIAGNOSE 0x500: the driver has put buffers into a queue. @returns whether there is such a queue */
  notify(queue: number): boolean {
    if (this.backend.queues[queue] === undefined) return false;
    this.backend.notify(queue);
    return true;
  }

  // --- the virtio device's side

  get legacy(): boolean {
    return this.revision === 0 || this.revision === NO_REVISION;
  }

  interruptStatusChanged(): void {}

  queueInterrupt(queue: number): void {
    const { storage } = this.css;
    if (this.indicators === 0) return;
    if (!this.adapter) {
      this.#indicate(this.indicators, 1n << BigInt(queue));
      return;
    }
    const bit = this.indicatorBit + queue;
    storage.setBits(this.indicators + Math.floor(bit / 8), 0x80 >> (bit % 8));
    // Whoever finds the summary set already has an interruption coming.
    if (storage.setBits(this.summaryIndicator, 0x01) === 0) this.css.adapterInterruption(this.adapterSubclass);
  }

  configInterrupt(): void {
    if (this.configIndicators !== 0) this.#indicate(this.configIndicators, CONFIG_INDICATOR);
  }

  /** The channel subsystem that it is plugged into. */
  get css(): ChannelSubsystem {
    if (this.#css === undefined) throw new Error(`${this.type} is on no bus`);
    return this.#css;
  }

  /** Classic indicators: a doubleword of bits, and status of the subchannel. */
  #indicate(address: number, bits: bigint): void {
    const { storage } = this.css;
    const before = storage.doubleword(address);
    if (before === undefined) {
      guestError(this, `indicators at 0x${address.toString(16)}, which is no RAM`);
      return;
    }
    storage.setDoubleword(address, before | bits);
    this.subchannel.raiseAlert();
  }

  #resetBackend(): void {
    this.backend.setStatus(0);
    this.indicators = 0;
    this.configIndicators = 0;
    this.summaryIndicator = 0;
    this.adapter = false;
  }
}
