// Virtio SCSI host adapter. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.6.

import type { PropertySpec } from '@boardwalk/core';
import { CDB_BYTES, ScsiBus, type ScsiCommand, type ScsiDevice, type ScsiHost } from '../scsi/scsi-bus.ts';
import { type ScsiEnd, senseData } from '../scsi/sense.ts';
import { GuestFault } from './guest-memory.ts';
import { type Answer, VirtioRequestDevice } from './virtio-requests.ts';
import type { VirtQueue, VirtqElement } from './virtqueue.ts';

/** Feature bits (5.6.3). */
const F_HOTPLUG = 1n << 1n;

const CONTROL_QUEUE = 0;
const EVENT_QUEUE = 1;
const FIRST_REQUEST_QUEUE = 2;
const QUEUE_SIZE = 256;
const MAX_TARGET = 255;
const MAX_UNIT = 16383;

const CONFIG_BYTES = 36;
const EVENT_BYTES = 16;
const SENSE_BYTES = 96;
/** A data chain is the queue without the header's and the response's descriptors. */
const SEG_MAX = QUEUE_SIZE - 2;
const MAX_SECTORS = 0xffff;
const COMMANDS_PER_UNIT = 128;

/** A request's header: address of the logical unit, id, attributes. The command follows. */
const HEADER_BYTES = 19;
const RESPONSE_BYTES = 12;
const COMMAND_BYTES = HEADER_BYTES + CDB_BYTES;
const ANSWER_BYTES = RESPONSE_BYTES + SENSE_BYTES;

const RESPONSE = { ok: 0, badTarget: 3, incorrectUnit: 12 } as const;
const FUNCTION_COMPLETE = 0;

/** The control request that is none about asynchronous notifications. */
const TASK_MANAGEMENT = 0;

/** Events. */
const EVENT_NONE = 0;
const EVENT_TRANSPORT_RESET = 1;
const EVENTS_MISSED = 0x8000_0000;
const REASON = { added: 1, removed: 2 } as const;

/** Where a logical unit is. */
interface UnitAddress {
  readonly target: number;
  readonly unit: number;
}

interface Request {
  readonly element: VirtqElement;
  /** Header and command. */
  readonly header: Uint8Array;
}

/** The 8 bytes by which requests address a logical unit (5.6.6.1); undefined for what is no address. */
function decodeUnit(bytes: Uint8Array): UnitAddress | undefined {
  const [kind, target = 0, high = 0, low = 0] = bytes;
  return kind === 1 ? { target, unit: ((high & 0x3f) << 8) | low } : undefined;
}

function encodeUnit({ target, unit }: UnitAddress): Uint8Array {
  return Uint8Array.of(1, target, 0x40 | (unit >> 8), unit & 0xff, 0, 0, 0, 0);
}

/** A host adapter with a bus of its own. */
export class VirtioScsi extends VirtioRequestDevice<Request> implements ScsiHost {
  static override readonly typeName: string = 'virtio-scsi-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'num_queues',
      type: 'uint32',
      description: 'request queues',
      default: 1,
      validate: (value) =>
        Number(value) >= 1 && Number(value) <= 61 ? undefined : 'num_queues property must be between 1 and 61',
    },
    { name: 'hotplug', type: 'bool', description: 'tell the guest of units that come and go', default: true },
  ];
  static override readonly state = [{ name: 'eventsMissed', type: 'bool', reset: false }] as const;

  override readonly deviceId = 8;
  /** Where disks are plugged in. */
  readonly bus = this.add(new ScsiBus(this, { maxTarget: MAX_TARGET, maxUnit: MAX_UNIT }), 'scsi-bus');
  /** An event found no buffer. */
  eventsMissed = false;

  protected override queueSizes(): readonly number[] {
    const requests = Number(this.getProperty('num_queues'));
    return Array<number>(FIRST_REQUEST_QUEUE + requests).fill(QUEUE_SIZE);
  }

  protected override ownFeatures(): bigint {
    return this.getProperty('hotplug') === true ? F_HOTPLUG : 0n;
  }

  protected override config(): Uint8Array {
    const view = new DataView(new ArrayBuffer(CONFIG_BYTES));
    const little = !this.bigEndian;
    const words = [
      Number(this.getProperty('num_queues')),
      SEG_MAX,
      MAX_SECTORS,
      COMMANDS_PER_UNIT,
      EVENT_BYTES,
      SENSE_BYTES,
      CDB_BYTES,
    ];
    for (const [i, word] of words.entries()) view.setUint32(4 * i, word, little);
    view.setUint16(28, 0, little);
    view.setUint16(30, MAX_TARGET, little);
    view.setUint32(32, MAX_UNIT, little);
    return new Uint8Array(view.buffer);
  }

  /** The sizes of sense data and commands could be set; ours stay. */
  protected override configWritten(offset: number, size: 1 | 2 | 4, value: number): void {
    const stays = (offset === 20 && value === SENSE_BYTES) || (offset === 24 && value === CDB_BYTES);
    if (!stays || size !== 4) super.configWritten(offset, size, value);
  }

  unitChanged(device: ScsiDevice, change: 'added' | 'removed'): void {
    if (!this.running || !this.negotiated(F_HOTPLUG)) return;
    this.guarded(() => this.#sendEvent(EVENT_TRANSPORT_RESET, encodeUnit(device), REASON[change]));
  }

  protected override processQueue(queue: VirtQueue): void {
    if (queue.index >= FIRST_REQUEST_QUEUE) super.processQueue(queue);
    else if (queue.index === CONTROL_QUEUE) this.#control(queue);
    // Buffers for events wait there until one comes, but for those that could not be told.
    else if (this.eventsMissed) this.#sendEvent(EVENT_NONE, new Uint8Array(8), 0);
  }

  /** Control requests are done at once: what they concern is so short that it has been, or will be. */
  #control(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const type = new DataView(new ArrayBuffer(4));
      element.readable.read(0, new Uint8Array(type.buffer));
      const kind = type.getUint32(0, !this.bigEndian);
      // No asynchronous notification is there: none is asked for or subscribed to with success.
      const answer = kind === TASK_MANAGEMENT ? Uint8Array.of(FUNCTION_COMPLETE) : new Uint8Array(5);
      queue.push(element, element.writable.write(0, answer));
      return answer.length;
    });
    this.interrupt(queue);
  }

  #sendEvent(event: number, unit: Uint8Array, reason: number): void {
    const queue = this.queues[EVENT_QUEUE];
    const element = queue?.ready ? queue.pop() : undefined;
    if (queue === undefined || element === undefined) {
      this.eventsMissed = true;
      return;
    }
    const view = new DataView(new ArrayBuffer(EVENT_BYTES));
    view.setUint32(0, (event | (this.eventsMissed ? EVENTS_MISSED : 0)) >>> 0, !this.bigEndian);
    new Uint8Array(view.buffer).set(unit, 4);
    view.setUint32(12, reason, !this.bigEndian);
    this.eventsMissed = false;
    queue.push(element, element.writable.write(0, new Uint8Array(view.buffer)));
    this.interrupt(queue);
  }

  protected override decode(element: VirtqElement): Request {
    const { readable, writable } = element;
    const header = new Uint8Array(COMMAND_BYTES);
    if (readable.read(0, header) < COMMAND_BYTES) throw new GuestFault(`request header of ${readable.length} bytes`);
    if (writable.length < ANSWER_BYTES) throw new GuestFault(`room of ${writable.length} bytes for a response`);
    return { element, header };
  }

  protected override perform({ element, header }: Request, wanted: () => boolean): Promise<Answer> {
    const { readable, writable } = element;
    const command: ScsiCommand = {
      cdb: header.subarray(HEADER_BYTES),
      outBytes: readable.length - COMMAND_BYTES,
      inBytes: writable.length - ANSWER_BYTES,
      take: (offset, into) => this.copy(wanted, into.length, () => readable.read(COMMAND_BYTES + offset, into)),
      give: (offset, bytes) => this.copy(wanted, bytes.length, () => writable.write(ANSWER_BYTES + offset, bytes)),
    };
    return this.#execute(decodeUnit(header), command).then((bytes) => () => {
      writable.write(0, bytes);
      return writable.length;
    });
  }

  /** @returns the response */
  async #execute(address: UnitAddress | undefined, command: ScsiCommand): Promise<Uint8Array> {
    if (address === undefined) return this.#response(RESPONSE.incorrectUnit, command);
    const { target, unit } = address;
    if (!this.bus.hasTarget(target)) return this.#response(RESPONSE.badTarget, command);
    return this.#response(RESPONSE.ok, command, await this.bus.execute(target, unit, command));
  }

  #response(code: number, { inBytes, outBytes }: ScsiCommand, end?: ScsiEnd): Uint8Array {
    const bytes = new Uint8Array(ANSWER_BYTES);
    const view = new DataView(bytes.buffer);
    const sense = end?.sense === undefined ? new Uint8Array(0) : senseData(end.sense);
    view.setUint32(0, sense.length, !this.bigEndian);
    view.setUint32(4, inBytes + outBytes - (end?.moved ?? 0), !this.bigEndian);
    view.setUint8(10, end?.status ?? 0);
    view.setUint8(11, code);
    bytes.set(sense, RESPONSE_BYTES);
    return bytes;
  }
}
