// Virtio block device. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.2.
// Requests go to the backend as they come and return in the order in which it finishes them.

import type { BlockBackend, PropertySpec } from '@boardwalk/core';
import { blockSizeProperties, checkBlockSizes, SECTOR } from '../block/block-size.ts';
import { bootIndexProperty, transportPath } from '../block/boot-index.ts';
import { asBlockBackend, driveProperty } from '../block/drive-property.ts';
import { hasWriteCache, writeCacheProperty } from '../block/write-cache.ts';
import { GuestFault } from './guest-memory.ts';
import { type Answer, VirtioRequestDevice } from './virtio-requests.ts';
import type { VirtqElement } from './virtqueue.ts';

const F_SEG_MAX = 1n << 2n;
const F_RO = 1n << 5n;
const F_BLK_SIZE = 1n << 6n;
const F_FLUSH = 1n << 9n;
const F_TOPOLOGY = 1n << 10n;
const F_CONFIG_WCE = 1n << 11n;
const F_MQ = 1n << 12n;
const F_DISCARD = 1n << 13n;
const F_WRITE_ZEROES = 1n << 14n;

const T_IN = 0;
const T_OUT = 1;
const T_FLUSH = 4;
const T_GET_ID = 8;
const T_DISCARD = 11;
const T_WRITE_ZEROES = 13;

const S_OK = 0;
const S_IOERR = 1;
const S_UNSUPP = 2;

const HEADER_BYTES = 16;
const ID_BYTES = 20;
const SEGMENT_BYTES = 16;
const CONFIG_BYTES = 60;
const CONFIG_WRITEBACK = 32;
const QUEUE_SIZE = 256;
/** A data chain is the queue without the header's and the status byte's descriptors. */
const SEG_MAX = QUEUE_SIZE - 2;
const MAX_ZERO_SEGMENTS = 16;
const MAX_ZERO_SECTORS = 0x3fffff;
/** Bytes that a request moves in one step. */
const STEP_BYTES = 2 ** 20;

/** A decoded request. */
interface Request {
  readonly element: VirtqElement;
  readonly type: number;
  /** First byte on the device. */
  readonly offset: number;
}

/** One that is being carried out. */
interface Work extends Request {
  /** The driver still waits for it. */
  readonly wanted: () => boolean;
}

/** A disk of 512-byte sectors over a {@link BlockBackend}. */
export class VirtioBlk extends VirtioRequestDevice<Request> {
  static override readonly typeName: string = 'virtio-blk-device';
  static override readonly properties: readonly PropertySpec[] = [
    driveProperty(),
    bootIndexProperty,
    {
      name: 'serial',
      type: 'str',
      description: 'what the guest reads as the serial number, up to 20 characters',
      default: '',
    },
    { name: 'num-queues', type: 'uint16', description: 'request queues', default: 1, validate: queueCountProblem },
    ...blockSizeProperties,
    { name: 'discard', type: 'bool', description: 'offer discard', default: true },
    { name: 'write-zeroes', type: 'bool', description: 'offer write-zeroes', default: true },
    writeCacheProperty,
    {
      name: 'config-wce',
      type: 'bool',
      description: 'let the guest choose between write-back and write-through',
      default: true,
    },
  ];
  static override readonly state = [{ name: 'writeback', type: 'u8', reset: 1 }] as const;

  override readonly deviceId = 2;
  /** 1: writes may stay in a cache until a flush; 0: each one is flushed. */
  writeback = 1;
  #backend: BlockBackend | undefined;

  get bootIndex(): number {
    return this.#number('bootindex');
  }

  get firmwarePath(): string {
    return `${transportPath(this.parentBus)}/disk@0,0`;
  }

  /** @throws UserError when it has no drive */
  override realize(): void {
    super.realize();
    this.#backend = asBlockBackend(this, this.getProperty('drive'));
    checkBlockSizes(this);
  }

  /** The disk has another size now: the driver is to read its capacity again. */
  capacityChanged(): void {
    this.machine.history.act(() => this.configChanged());
  }

  protected override queueSizes(): readonly number[] {
    return Array<number>(this.#number('num-queues')).fill(QUEUE_SIZE);
  }

  protected override ownFeatures(): bigint {
    return (
      F_SEG_MAX |
      F_BLK_SIZE |
      F_TOPOLOGY |
      (hasWriteCache(this) || this.getProperty('config-wce') === true ? F_FLUSH : 0n) |
      (this.#disk.readonly ? F_RO : 0n) |
      (this.#number('num-queues') > 1 ? F_MQ : 0n) |
      (this.getProperty('config-wce') === true ? F_CONFIG_WCE : 0n) |
      (this.getProperty('discard') === true ? F_DISCARD : 0n) |
      (this.getProperty('write-zeroes') === true ? F_WRITE_ZEROES : 0n)
    );
  }

  protected override config(): Uint8Array {
    const view = new DataView(new ArrayBuffer(CONFIG_BYTES));
    const little = !this.bigEndian;
    const logical = this.#number('logical_block_size');
    view.setBigUint64(0, BigInt(this.#sectors), little);
    view.setUint32(12, SEG_MAX, little);
    view.setUint32(20, logical, little);
    view.setUint8(24, Math.log2(this.#number('physical_block_size') / logical));
    view.setUint16(26, 1, little);
    view.setUint8(CONFIG_WRITEBACK, this.writeback);
    view.setUint16(34, this.#number('num-queues'), little);
    view.setUint32(36, MAX_ZERO_SECTORS, little);
    view.setUint32(40, MAX_ZERO_SEGMENTS, little);
    view.setUint32(44, logical / SECTOR, little);
    view.setUint32(48, MAX_ZERO_SECTORS, little);
    view.setUint32(52, MAX_ZERO_SEGMENTS, little);
    return new Uint8Array(view.buffer);
  }

  protected override configWritten(offset: number, size: 1 | 2 | 4, value: number): void {
    const allowed = offset === CONFIG_WRITEBACK && size === 1 && this.negotiated(F_CONFIG_WCE);
    if (allowed) this.writeback = value & 1;
    else super.configWritten(offset, size, value);
  }

  protected override resetDevice(): void {
    super.resetDevice();
    this.writeback = hasWriteCache(this) ? 1 : 0;
  }

  protected override started(): void {
    // A driver that cannot flush is to find its writes on the medium.
    if (!this.negotiated(F_FLUSH)) this.writeback = 0;
  }

  get #disk(): BlockBackend {
    if (this.#backend === undefined) throw new Error('a virtio-blk-device is used before it is realized');
    return this.#backend;
  }

  /** Whole sectors of the backend. */
  get #sectors(): number {
    return Math.floor(this.#disk.size / SECTOR);
  }

  #number(property: string): number {
    return Number(this.getProperty(property));
  }

  protected override decode(element: VirtqElement): Request {
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    const read = element.readable.read(0, new Uint8Array(header.buffer));
    if (read < HEADER_BYTES) throw new GuestFault(`request header of ${read} bytes`);
    if (element.writable.length < 1) throw new GuestFault('request without room for its status');
    const type = header.getUint32(0, !this.bigEndian);
    const offset = Number(header.getBigUint64(8, !this.bigEndian)) * SECTOR;
    return { element, type, offset };
  }

  protected override perform(request: Request, wanted: () => boolean): Promise<Answer> {
    const { writable } = request.element;
    return this.#carryOut({ ...request, wanted })
      .catch(() => S_IOERR)
      .then((status) => () => {
        // The status byte is the last one, whatever was written before it.
        writable.write(writable.length - 1, Uint8Array.of(status));
        return status === S_OK ? writable.length : 1;
      });
  }

  /** Carries a request out. @returns its status @throws GuestFault, or what the backend rejects with */
  async #carryOut(request: Work): Promise<number> {
    switch (request.type) {
      case T_IN:
        return this.#read(request);
      case T_OUT:
        return this.#write(request);
      case T_FLUSH:
        await this.#disk.flush();
        return S_OK;
      case T_GET_ID:
        return this.#getId(request);
      case T_DISCARD:
        return this.#zero(request, F_DISCARD, 'discard');
      case T_WRITE_ZEROES:
        return this.#zero(request, F_WRITE_ZEROES, 'zero');
      default:
        return S_UNSUPP;
    }
  }

  /** Whether `length` bytes from `offset` on are whole blocks of the disk. */
  #inside(offset: number, length: number): boolean {
    const block = this.#number('logical_block_size');
    return offset % block === 0 && length % block === 0 && offset + length <= this.#sectors * SECTOR;
  }

  async #read(request: Work): Promise<number> {
    const { offset, element } = request;
    const length = element.writable.length - 1;
    if (!this.#inside(offset, length)) return S_IOERR;
    for (let done = 0; done < length; done += STEP_BYTES) {
      const part = new Uint8Array(Math.min(STEP_BYTES, length - done));
      await this.#disk.read(offset + done, part);
      if (!this.#copy(request, part, () => element.writable.write(done, part))) return S_IOERR;
    }
    return S_OK;
  }

  async #write(request: Work): Promise<number> {
    const { offset, element } = request;
    const length = element.readable.length - HEADER_BYTES;
    if (this.#disk.readonly || !this.#inside(offset, length)) return S_IOERR;
    const buffer = new Uint8Array(Math.min(length, STEP_BYTES));
    for (let done = 0; done < length; done += STEP_BYTES) {
      const part = buffer.subarray(0, Math.min(STEP_BYTES, length - done));
      if (!this.#copy(request, part, () => element.readable.read(HEADER_BYTES + done, part))) return S_IOERR;
      await this.#disk.write(offset + done, part);
    }
    if (this.writeback === 0) await this.#disk.flush();
    return S_OK;
  }

  #copy({ wanted }: Work, { length }: Uint8Array, action: () => void): boolean {
    return this.copy(wanted, length, action);
  }

  #getId(request: Work): number {
    const id = new Uint8Array(ID_BYTES);
    id.set(new TextEncoder().encode(String(this.getProperty('serial'))).subarray(0, ID_BYTES));
    const room = Math.min(ID_BYTES, request.element.writable.length - 1);
    return this.#copy(request, id, () => request.element.writable.write(0, id.subarray(0, room))) ? S_OK : S_IOERR;
  }

  /** Discard and write-zeroes: both come as a list of ranges. A discarded range keeps its contents, as a device may choose. */
  async #zero(request: Work, feature: bigint, mode: 'discard' | 'zero'): Promise<number> {
    if (!this.negotiated(feature)) return S_UNSUPP;
    const { readable } = request.element;
    const length = readable.length - HEADER_BYTES;
    const count = length / SEGMENT_BYTES;
    if (this.#disk.readonly || !Number.isInteger(count) || count < 1 || count > MAX_ZERO_SEGMENTS) return S_IOERR;
    const list = new Uint8Array(length);
    if (!this.#copy(request, list, () => readable.read(HEADER_BYTES, list))) return S_IOERR;
    const view = new DataView(list.buffer);
    for (let at = 0; at < length; at += SEGMENT_BYTES) {
      const offset = Number(view.getBigUint64(at, !this.bigEndian)) * SECTOR;
      const bytes = view.getUint32(at + 8, !this.bigEndian) * SECTOR;
      const flags = view.getUint32(at + 12, !this.bigEndian);
      if ((flags & ~1) !== 0 || (mode === 'discard' && flags !== 0)) return S_UNSUPP;
      if (bytes > MAX_ZERO_SECTORS * SECTOR || !this.#inside(offset, bytes)) return S_IOERR;
      if (mode === 'zero') await this.#writeZeroes(request, offset, bytes);
    }
    if (this.writeback === 0) await this.#disk.flush();
    return S_OK;
  }

  async #writeZeroes(request: Work, offset: number, bytes: number): Promise<void> {
    const zeroes = new Uint8Array(Math.min(bytes, STEP_BYTES));
    for (let done = 0; done < bytes && request.wanted(); done += STEP_BYTES) {
      await this.#disk.write(offset + done, zeroes.subarray(0, Math.min(STEP_BYTES, bytes - done)));
    }
  }
}

function queueCountProblem(value: unknown): string | undefined {
  return Number(value) >= 1 && Number(value) <= 64 ? undefined : 'num-queues property must be between 1 and 64';
}
