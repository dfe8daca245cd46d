// What every virtio device has, whatever carries it: status, feature negotiation, queues, configuration space, interrupt status.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", sections 2.1 (status), 2.2 (features), 2.5 (configuration space) and 3.1 (initialization).

import {
  Device,
  type DeviceState,
  type PropertySpec,
  type StateField,
  type Timer,
  UserError,
  type VirtioView,
} from '@boardwalk/core';
import { guestError } from '../registers.ts';
import { type DmaTranslation, GuestFault, GuestMemory } from './guest-memory.ts';
import { viewOf } from './virtio-view.ts';
import { VirtQueue, type VirtQueueState, type VirtqElement } from './virtqueue.ts';

/** Device status bits (2.1). */
export const STATUS_DRIVER_OK = 0x04;
export const STATUS_FEATURES_OK = 0x08;
export const STATUS_NEEDS_RESET = 0x40;

/** Feature bits that no device type owns (6). */
export const VIRTIO_F_INDIRECT_DESC = 1n << 28n;
export const VIRTIO_F_EVENT_IDX = 1n << 29n;
export const VIRTIO_F_VERSION_1 = 1n << 32n;
/** QEMU calls it VIRTIO_F_IOMMU_PLATFORM. */
export const VIRTIO_F_ACCESS_PLATFORM = 1n << 33n;

/** Interrupt status bits (4.1.4.5 and 4.2.2). */
export const ISR_QUEUE = 1;
export const ISR_CONFIG = 2;

/** What carries a device: tells the guest's driver of the device's events. */
export interface VirtioTransport {
  /** The device speaks as before VIRTIO 1.0. A transport that changes it calls {@link VirtioDevice.transportChanged}. */
  readonly legacy: boolean;
  /** The device's addresses go through tables of the guest's, which it has to know (VIRTIO_F_ACCESS_PLATFORM). */
  readonly dmaTranslation?: DmaTranslation | undefined;
  /** What is in the guest's byte order before VIRTIO 1.0 is big-endian; little-endian if not given. */
  readonly bigEndianLegacy?: boolean;
  /** {@link VirtioDevice.interruptStatus} has changed. */
  interruptStatusChanged(): void;
  /** The driver wants to hear of a queue: for a transport with an interrupt for each, beside the status. */
  queueInterrupt?(queue: number): void;
  /** The driver is to look at configuration space: likewise. */
  configInterrupt?(): void;
}

/** Bytes of payload that a device handles before it gives the rest of the machine a turn. */
const TURN_BYTES = 16 * 2 ** 20;

/** The base of virtio devices. A driver that breaks the rules makes one need a reset; nothing it does reaches further. */
export abstract class VirtioDevice extends Device {
  static override readonly typeName: string = 'virtio-device';
  static override readonly properties: readonly PropertySpec[] = [
    { name: 'indirect_desc', type: 'bool', description: 'offer indirect descriptors', default: true },
    { name: 'event_idx', type: 'bool', description: 'offer the event index', default: true },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'status', type: 'u8', reset: 0 },
    { name: 'interruptStatus', type: 'u8', reset: 0 },
    { name: 'driverFeatures', type: 'u64', reset: 0n },
    { name: 'configGeneration', type: 'u32', reset: 0 },
    { name: 'bigEndian', type: 'bool' },
  ];

  /** The bus that it fits. */
  readonly busType = 'virtio-bus';
  /** The device type's number (5). */
  abstract readonly deviceId: number;
  /** Sizes of the queues, each a power of two up to 1024. Asked once, when the device is plugged in. */
  protected abstract queueSizes(): readonly number[];
  /** The device type's own feature bits. */
  protected abstract ownFeatures(): bigint;
  /** The driver has made buffers available in a queue. May throw {@link GuestFault}. */
  protected abstract processQueue(queue: VirtQueue): void;

  status = 0;
  interruptStatus = 0;
  driverFeatures = 0n;
  configGeneration = 0;
  #queues: readonly VirtQueue[] = [];
  #memory: GuestMemory | undefined;
  #transport: VirtioTransport | undefined;
  #continuations: readonly Timer[] = [];
  #generation = 0;

  /** @throws UserError when it has not been plugged into a transport */
  override realize(): void {
    super.realize();
    if (this.#transport === undefined) throw new UserError(`No '${this.busType}' bus found for device '${this.type}'`);
    const memory = new GuestMemory(this.machine.addressSpace, this.#transport.dmaTranslation);
    this.#memory = memory;
    this.#queues = this.queueSizes().map((size, index) => new VirtQueue(index, size, memory));
    this.#continuations = this.#queues.map((queue) => this.machine.clock.timer(() => this.#service(queue)));
  }

  /** @internal the transport takes the device */
  plugInto(transport: VirtioTransport): void {
    this.#transport = transport;
  }

  override resetHold(): void {
    super.resetHold();
    this.resetDevice();
  }

  /** The queues, by their number. */
  get queues(): readonly VirtQueue[] {
    return this.#queues;
  }

  /** Speaks as before VIRTIO 1.0. */
  protected get legacy(): boolean {
    return this.#transport?.legacy ?? false;
  }

  /** Rings, requests and configuration space are big-endian: an old driver's on a big-endian guest. */
  get bigEndian(): boolean {
    return this.#memory?.bigEndian === true;
  }

  set bigEndian(bigEndian: boolean) {
    if (this.#memory !== undefined) this.#memory.bigEndian = bigEndian;
  }

  /** The transport speaks another version now. */
  transportChanged(): void {
    this.bigEndian = this.legacy && this.#transport?.bigEndianLegacy === true;
  }

  /** Feature bits that the device offers. */
  get deviceFeatures(): bigint {
    const version = this.legacy ? 0n : VIRTIO_F_VERSION_1;
    const indirect = this.getProperty('indirect_desc') === true ? VIRTIO_F_INDIRECT_DESC : 0n;
    const eventIndex = this.getProperty('event_idx') === true ? VIRTIO_F_EVENT_IDX : 0n;
    const platform = this.#transport?.dmaTranslation === undefined ? 0n : VIRTIO_F_ACCESS_PLATFORM;
    return this.ownFeatures() | version | indirect | eventIndex | platform;
  }

  /** 32 of the feature bits that the device offers; words after the second have none. */
  deviceFeatureWord(word: number): number {
    return word > 1 ? 0 : Number((this.deviceFeatures >> BigInt(32 * word)) & 0xffff_ffffn);
  }

  /** Whether driver and device have agreed on a feature. */
  protected negotiated(feature: bigint): boolean {
    return (this.driverFeatures & feature) !== 0n;
  }

  /** Changes with each device reset: what was started before one must not be finished after it. */
  protected get generation(): number {
    return this.#generation;
  }

  /** The driver says which features of one 32-bit word it takes; too late once it has said FEATURES_OK. */
  acceptFeatures(word: number, bits: number): void {
    if ((this.status & (STATUS_FEATURES_OK | STATUS_DRIVER_OK)) !== 0) {
      guestError(this, 'features accepted after negotiation');
      return;
    }
    const shift = BigInt(32 * word);
    const others = this.driverFeatures & ~(0xffffffffn << shift);
    const accepted = others | (BigInt(bits) << shift);
    // Without FEATURES_OK there is nobody to refuse what was not offered.
    this.driverFeatures = this.legacy ? accepted & this.deviceFeatures : accepted;
    for (const queue of this.#queues) this.#negotiateQueue(queue);
  }

  /** The driver writes the status register; 0 resets the device. */
  setStatus(value: number): void {
    if (value === 0) {
      this.resetDevice();
      return;
    }
    let next = value | (this.status & STATUS_NEEDS_RESET);
    const raised = next & ~this.status;
    if ((raised & STATUS_FEATURES_OK) !== 0 && !this.#featuresAcceptable()) {
      guestError(this, `the driver's features 0x${this.driverFeatures.toString(16)} are refused`);
      next &= ~STATUS_FEATURES_OK;
    }
    this.status = next;
    this.#trace('virtio_set_status', `val ${next}`);
    if ((raised & STATUS_DRIVER_OK) !== 0) this.#start();
  }

  /** The driver notifies a queue. Before DRIVER_OK, and when broken, nothing happens. */
  notify(index: number): void {
    const queue = this.#queues[index];
    this.#trace('virtio_queue_notify', `n ${index}`);
    if (queue === undefined) guestError(this, `notification of queue ${index}, which does not exist`);
    else this.#service(queue);
  }

  #trace(event: 'virtio_queue_notify' | 'virtio_set_status', details: string): void {
    const { trace } = this.machine;
    if (trace.enabled(event)) trace.tell(event, `vdev '${this.path}' ${details}`);
  }

  /** Bytes of configuration space, little-endian unless {@link bigEndian}. */
  protected config(): Uint8Array {
    return new Uint8Array(0);
  }

  /** The driver has written configuration space. */
  protected configWritten(offset: number, _size: 1 | 2 | 4, _value: number): void {
    guestError(this, `write to the read-only configuration space at ${offset}`);
  }

  /** A copy of configuration space, for a transport that moves it as a whole. */
  get configSpace(): Uint8Array {
    return this.config();
  }

  /** Reads configuration space; beyond its end there are zeros. */
  readConfig(offset: number, size: 1 | 2 | 4): number {
    const bytes = this.config();
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
    return value;
  }

  /** Writes configuration space. */
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void {
    this.guarded(() => this.configWritten(offset, size, value));
  }

  /** The driver has seen the interrupts whose bits are set. */
  acknowledge(bits: number): void {
    this.#setInterruptStatus(this.interruptStatus & ~bits);
  }

  /** Back to the state before any driver: on status 0 and on the machine's reset. Override, and call super. */
  protected resetDevice(): void {
    this.#generation++;
    this.transportChanged();
    this.status = 0;
    this.driverFeatures = 0n;
    for (const queue of this.#queues) queue.reset();
    for (const timer of this.#continuations) timer.disarm();
    this.#setInterruptStatus(0);
  }

  /** What monitors show. */
  get virtioView(): VirtioView {
    return viewOf(this);
  }

  /** The driver is ready (DRIVER_OK). */
  protected started(): void {}

  /** Whether queues may be looked at. A legacy driver may use them before it says DRIVER_OK. */
  protected get running(): boolean {
    if ((this.status & STATUS_NEEDS_RESET) !== 0) return false;
    return this.legacy || (this.status & STATUS_DRIVER_OK) !== 0;
  }

  /**
   * Handles requests of a queue until there is none. `handle` returns the bytes that it moved; after many the rest waits for the next
   * turn of the machine, so that a guest cannot keep the host busy for as long as it likes. A `handle` that has put its request back
   * returns undefined, and the rest waits too.
   * @throws GuestFault
   */
  protected drain(queue: VirtQueue, handle: (element: VirtqElement) => number | undefined): void {
    let bytes = 0;
    for (let count = 0; count < queue.size; count++) {
      const element = queue.pop();
      if (element === undefined) return;
      const handled = handle(element);
      if (handled === undefined) return;
      bytes += handled;
      if (bytes < TURN_BYTES) continue;
      this.#continuations[queue.index]?.arm(this.machine.clock.now());
      return;
    }
  }

  /** Interrupts the driver for what has been pushed, if it wants that. @throws GuestFault */
  protected interrupt(queue: VirtQueue): void {
    if (!queue.wantsInterrupt()) return;
    this.#setInterruptStatus(this.interruptStatus | ISR_QUEUE);
    this.#transport?.queueInterrupt?.(queue.index);
  }

  /** Tells the driver that configuration space has changed. */
  protected configChanged(): void {
    this.configGeneration = (this.configGeneration + 1) >>> 0;
    if ((this.status & STATUS_DRIVER_OK) === 0) return;
    this.#setInterruptStatus(this.interruptStatus | ISR_CONFIG);
    this.#transport?.configInterrupt?.();
  }

  /** Runs what touches guest memory or queues; a driver's fault makes the device need a reset. */
  protected guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      guestError(this, error.message);
      this.status |= STATUS_NEEDS_RESET;
      this.configChanged();
    }
  }

  override dispose(): void {
    this.#generation++;
    for (const timer of this.#continuations) timer.disarm();
    super.dispose();
  }

  override save(): DeviceState {
    const state = super.save();
    const queues = this.#queues.flatMap((queue) => encodeQueue(queue.save()));
    return { ...state, fields: { ...state.fields, queues } };
  }

  protected override afterRestore(): void {
    this.#generation++;
    super.afterRestore();
  }

  override restore(state: DeviceState): void {
    const { queues, ...fields } = state.fields;
    super.restore({ ...state, fields });
    const numbers = Array.isArray(queues) ? queues.map(Number) : [];
    this.guarded(() => {
      for (const queue of this.#queues) {
        this.#negotiateQueue(queue);
        for (const element of queue.restore(decodeQueue(numbers))) this.resumed(queue, element);
      }
    });
  }

  /** A request that was in flight when the snapshot was taken: start it again. */
  protected resumed(_queue: VirtQueue, _element: VirtqElement): void {}

  #service(queue: VirtQueue): void {
    if (!this.running || !queue.ready) return;
    this.guarded(() => this.processQueue(queue));
  }

  #start(): void {
    this.started();
    for (const queue of this.#queues) this.#service(queue);
  }

  #negotiateQueue(queue: VirtQueue): void {
    queue.indirect = this.negotiated(VIRTIO_F_INDIRECT_DESC);
    queue.eventIndex = this.negotiated(VIRTIO_F_EVENT_IDX);
  }

  #featuresAcceptable(): boolean {
    if ((this.driverFeatures & ~this.deviceFeatures) !== 0n) return false;
    // A driver that does not know of the tables would give addresses that mean something else.
    const isPlatform = this.#transport?.dmaTranslation !== undefined;
    if (isPlatform && !this.negotiated(VIRTIO_F_ACCESS_PLATFORM)) return false;
    return this.legacy || this.negotiated(VIRTIO_F_VERSION_1);
  }

  #setInterruptStatus(bits: number): void {
    this.interruptStatus = bits;
    this.#transport?.interruptStatusChanged();
  }
}

/** A queue's state as numbers, for a snapshot. */
function encodeQueue(s: VirtQueueState): number[] {
  const ring = [s.size, s.ready ? 1 : 0, s.descriptors, s.driver, s.device, s.nextAvail, s.nextUsed, s.signalled];
  return [...ring, s.inFlight.length, ...s.inFlight];
}

/** Takes one queue's state off the front of `numbers`. */
function decodeQueue(numbers: number[]): VirtQueueState {
  const take = (): number => numbers.shift() ?? 0;
  const state = {
    size: take(),
    ready: take() !== 0,
    descriptors: take(),
    driver: take(),
    device: take(),
    nextAvail: take(),
    nextUsed: take(),
    signalled: take(),
  };
  return { ...state, inFlight: numbers.splice(0, take()) };
}
