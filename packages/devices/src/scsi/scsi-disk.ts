// A SCSI disk. After: SPC-4 (INCITS 513): INQUIRY 6.6, vital product data 7.8, MODE SENSE 6.11; SBC-3 (INCITS 514): READ CAPACITY 5.15, READ
// and WRITE 5.8 to 5.35, SYNCHRONIZE CACHE 5.22, the caching page 6.5.5.

import { type BlockBackend, type PropertySpec, UserError } from '@boardwalk/core';
import { blockSizeProperties, checkBlockSizes } from '../block/block-size.ts';
import { bootIndexProperty } from '../block/boot-index.ts';
import { asBlockBackend, driveProperty } from '../block/drive-property.ts';
import { hasWriteCache, writeCacheProperty } from '../block/write-cache.ts';
import { reply, type ScsiCommand, ScsiDevice } from './scsi-bus.ts';
import { check, good, type ScsiEnd, SENSE, senseData } from './sense.ts';

/** Operation codes. */
const OP = {
  testUnitReady: 0x00,
  requestSense: 0x03,
  read6: 0x08,
  write6: 0x0a,
  inquiry: 0x12,
  modeSense6: 0x1a,
  startStopUnit: 0x1b,
  preventAllowRemoval: 0x1e,
  readCapacity10: 0x25,
  read10: 0x28,
  write10: 0x2a,
  verify10: 0x2f,
  synchronizeCache10: 0x35,
  modeSense10: 0x5a,
  read16: 0x88,
  write16: 0x8a,
  synchronizeCache16: 0x91,
  serviceActionIn16: 0x9e,
  read12: 0xa8,
  write12: 0xaa,
} as const;

const READ_CAPACITY_16 = 0x10;
/** A transfer is to be on the medium before the command ends. */
const FORCE_UNIT_ACCESS = 0x08;
/** Bytes moved in one step. */
const STEP_BYTES = 2 ** 20;
const MAX_SERIAL = 36;
const PAGE_CACHING = 0x08;
const PAGE_ALL = 0x3f;
const WRITE_PROTECTED = 0x80;
const FUA_SUPPORTED = 0x10;

/** Blocks of a command. */
interface Extent {
  readonly first: number;
  readonly count: number;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Where the blocks of READ and WRITE are named: by the group of their code. */
function extentOf(cdb: Uint8Array): Extent {
  const v = view(cdb);
  switch (v.getUint8(0) >> 5) {
    case 0:
      return { first: v.getUint32(0) & 0x1f_ffff, count: v.getUint8(4) || 256 };
    case 4:
      return { first: Number(v.getBigUint64(2)), count: v.getUint32(10) };
    case 5:
      return { first: v.getUint32(2), count: v.getUint32(6) };
    default:
      return { first: v.getUint32(2), count: v.getUint16(7) };
  }
}

function text(value: string, length: number): Uint8Array {
  return new TextEncoder().encode(value.slice(0, length).padEnd(length));
}

/** A disk over a {@link BlockBackend}. */
export class ScsiDisk extends ScsiDevice {
  static override readonly typeName: string = 'scsi-hd';
  static override readonly properties: readonly PropertySpec[] = [
    driveProperty(),
    bootIndexProperty,
    ...blockSizeProperties,
    writeCacheProperty,
    {
      name: 'serial',
      type: 'str',
      description: `serial number, up to ${MAX_SERIAL} characters`,
      default: '',
      validate: (value) =>
        String(value).length > MAX_SERIAL
          ? `the serial number can't be longer than ${MAX_SERIAL} characters`
          : undefined,
    },
    { name: 'vendor', type: 'str', description: 'vendor that INQUIRY tells, 8 characters', default: 'QEMU' },
    {
      name: 'product',
      type: 'str',
      description: 'product that INQUIRY tells, 16 characters',
      default: 'QEMU HARDDISK',
    },
    { name: 'ver', type: 'str', description: 'revision that INQUIRY tells, 4 characters', default: '2.5+' },
  ];

  #backend: BlockBackend | undefined;

  get bootIndex(): number {
    return Number(this.getProperty('bootindex'));
  }

  get firmwarePath(): string {
    return `${this.busPath}/disk@${this.target.toString(16)},${this.unit.toString(16)}`;
  }

  override realize(): void {
    super.realize();
    this.#backend = asBlockBackend(this, this.getProperty('drive'));
    checkBlockSizes(this);
    if (this.#blocks === 0) throw new UserError(`drive of '${this.type}' is smaller than a block`);
  }

  async execute(command: ScsiCommand): Promise<ScsiEnd> {
    const code = command.cdb[0] ?? 0;
    switch (code) {
      case OP.testUnitReady:
      case OP.startStopUnit:
      case OP.preventAllowRemoval:
        return good();
      case OP.requestSense:
        return reply(command, senseData(SENSE.none), command.cdb[4] ?? 0);
      case OP.inquiry:
        return this.#inquiry(command);
      case OP.modeSense6:
      case OP.modeSense10:
        return this.#modeSense(command, code === OP.modeSense10);
      case OP.readCapacity10:
        return this.#readCapacity10(command);
      case OP.serviceActionIn16:
        return this.#readCapacity16(command);
      case OP.read6:
      case OP.read10:
      case OP.read12:
      case OP.read16:
        return this.#read(command).catch(() => check(SENSE.readError));
      case OP.write6:
      case OP.write10:
      case OP.write12:
      case OP.write16:
        return this.#write(command).catch(() => check(SENSE.writeError));
      case OP.verify10:
        return this.#extent(command.cdb) === undefined ? check(SENSE.outOfRange) : good();
      case OP.synchronizeCache10:
      case OP.synchronizeCache16:
        return this.#disk.flush().then(
          () => good(),
          () => check(SENSE.writeError),
        );
      default:
        return check(SENSE.invalidOpcode);
    }
  }

  get #disk(): BlockBackend {
    if (this.#backend === undefined) throw new Error('a scsi-hd is used before it is realized');
    return this.#backend;
  }

  get #blockSize(): number {
    return Number(this.getProperty('logical_block_size'));
  }

  get #blocks(): number {
    return Math.floor(this.#disk.size / this.#blockSize);
  }

  #inquiry(command: ScsiCommand): ScsiEnd {
    const { cdb } = command;
    const allocated = view(cdb).getUint16(3);
    const page = cdb[2] ?? 0;
    if (((cdb[1] ?? 0) & 1) !== 0) {
      const data = this.#vitalProductData(page);
      return data === undefined
        ? check(SENSE.invalidField)
        : reply(command, Uint8Array.of(0, page, 0, data.length, ...data), allocated);
    }
    if (page !== 0) return check(SENSE.invalidField);
    const bytes = new Uint8Array(36);
    // A disk that is not removable; SPC-3; hierarchical addresses, response format 2; commands are queued.
    bytes.set([0, 0, 5, 0x12, bytes.length - 5, 0, 0, 2]);
    bytes.set(text(String(this.getProperty('vendor')), 8), 8);
    bytes.set(text(String(this.getProperty('product')), 16), 16);
    bytes.set(text(String(this.getProperty('ver')), 4), 32);
    return reply(command, bytes, allocated);
  }

  /** Contents of a page of vital product data; undefined for one that there is not. */
  #vitalProductData(page: number): Uint8Array | undefined {
    const serial = new TextEncoder().encode(String(this.getProperty('serial')));
    switch (page) {
      case 0x00:
        return Uint8Array.of(0x00, ...(serial.length > 0 ? [0x80] : []), 0x83, 0xb0, 0xb1);
      case 0x80:
        return serial.length > 0 ? serial : undefined;
      case 0x83: {
        // A designator in ASCII, the vendor's own, of the logical unit.
        const name = serial.length > 0 ? serial : new TextEncoder().encode(this.id);
        return Uint8Array.of(0x02, 0x00, 0x00, name.length, ...name);
      }
      case 0xb0:
        // No limit is told.
        return new Uint8Array(60);
      case 0xb1:
        return new Uint8Array(60);
      default:
        return undefined;
    }
  }

  #modeSense(command: ScsiCommand, long: boolean): ScsiEnd {
    const { cdb } = command;
    const code = (cdb[2] ?? 0) & 0x3f;
    const control = (cdb[2] ?? 0) >> 6;
    // Saved values cannot be asked for: there are none.
    if (control === 3 || (code !== PAGE_CACHING && code !== PAGE_ALL)) return check(SENSE.invalidField);
    const page = new Uint8Array(20);
    page.set([PAGE_CACHING, page.length - 2]);
    // WCE: the cache holds writes back until they are flushed. Asked what can be changed: nothing.
    if (control !== 1 && hasWriteCache(this)) page[2] = 0x04;
    const descriptor = ((cdb[1] ?? 0) & 0x08) !== 0 ? new Uint8Array(0) : this.#blockDescriptor();
    const specific = (this.#disk.readonly ? WRITE_PROTECTED : 0) | FUA_SUPPORTED;
    const rest = [...descriptor, ...page];
    const bytes = long
      ? Uint8Array.of(0, 6 + rest.length, 0, specific, 0, 0, 0, descriptor.length, ...rest)
      : Uint8Array.of(3 + rest.length, 0, specific, descriptor.length, ...rest);
    return reply(command, bytes, long ? view(cdb).getUint16(7) : (cdb[4] ?? 0));
  }

  #blockDescriptor(): Uint8Array {
    const bytes = new Uint8Array(8);
    const v = view(bytes);
    // Too many blocks for the field are told as none.
    v.setUint32(0, this.#blocks > 0xff_ffff ? 0 : this.#blocks);
    v.setUint32(4, this.#blockSize);
    return bytes;
  }

  #readCapacity10(command: ScsiCommand): ScsiEnd {
    const bytes = new Uint8Array(8);
    view(bytes).setUint32(0, Math.min(this.#blocks - 1, 0xffff_ffff));
    view(bytes).setUint32(4, this.#blockSize);
    return reply(command, bytes, bytes.length);
  }

  #readCapacity16(command: ScsiCommand): ScsiEnd {
    const { cdb } = command;
    if (((cdb[1] ?? 0) & 0x1f) !== READ_CAPACITY_16) return check(SENSE.invalidField);
    const bytes = new Uint8Array(32);
    view(bytes).setBigUint64(0, BigInt(this.#blocks - 1));
    view(bytes).setUint32(8, this.#blockSize);
    bytes[13] = Math.log2(Number(this.getProperty('physical_block_size')) / this.#blockSize);
    return reply(command, bytes, view(cdb).getUint32(10));
  }

  /** The bytes that a command means; undefined if not all of them are on the disk. */
  #extent(cdb: Uint8Array): { readonly offset: number; readonly length: number } | undefined {
    const { first, count } = extentOf(cdb);
    if (first + count > this.#blocks) return undefined;
    return { offset: first * this.#blockSize, length: count * this.#blockSize };
  }

  async #read(command: ScsiCommand): Promise<ScsiEnd> {
    const extent = this.#extent(command.cdb);
    if (extent === undefined) return check(SENSE.outOfRange);
    const length = Math.min(extent.length, command.inBytes);
    for (let done = 0; done < length; done += STEP_BYTES) {
      const part = new Uint8Array(Math.min(STEP_BYTES, length - done));
      await this.#disk.read(extent.offset + done, part);
      if (!command.give(done, part)) break;
    }
    return good(length);
  }

  async #write(command: ScsiCommand): Promise<ScsiEnd> {
    const { cdb } = command;
    const extent = this.#extent(cdb);
    if (extent === undefined) return check(SENSE.outOfRange);
    if (this.#disk.readonly) return check(SENSE.writeProtected);
    const length = Math.min(extent.length, command.outBytes);
    const buffer = new Uint8Array(Math.min(length, STEP_BYTES));
    for (let done = 0; done < length; done += STEP_BYTES) {
      const part = buffer.subarray(0, Math.min(STEP_BYTES, length - done));
      if (!command.take(done, part)) break;
      await this.#disk.write(extent.offset + done, part);
    }
    const forced = cdb[0] !== OP.write6 && ((cdb[1] ?? 0) & FORCE_UNIT_ACCESS) !== 0;
    if (forced || !hasWriteCache(this)) await this.#disk.flush();
    return good(length);
  }
}
