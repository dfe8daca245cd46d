// Virtio network device: one pair of queues. After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.1.
// No offloads are offered: each frame comes whole, with its checksums.

import { ETHERNET_HEADER, LARGEST_FRAME, type NetBackend, type PropertySpec, type StateField } from '@boardwalk/core';
import { asNetBackend, macProperty, netdevProperty, parseMac } from '../net/net-properties.ts';
import { guestError } from '../registers.ts';
import { VirtioDevice } from './virtio-device.ts';
import type { VirtQueue, VirtqElement } from './virtqueue.ts';

/** Feature bits (5.1.3). */
const F_MAC = 1n << 5n;
const F_MRG_RXBUF = 1n << 15n;
const F_STATUS = 1n << 16n;
const F_CTRL_VQ = 1n << 17n;
const F_CTRL_RX = 1n << 18n;
const F_CTRL_MAC_ADDR = 1n << 23n;

const RECEIVE_QUEUE = 0;
const TRANSMIT_QUEUE = 1;
const QUEUE_SIZE = 256;
const CONTROL_QUEUE_SIZE = 64;

/** The header of each frame (5.1.6); without the number of buffers where neither that feature nor version 1 is negotiated. */
const HEADER_BYTES = 12;
const SHORT_HEADER_BYTES = 10;
const HEADER_BUFFERS = 10;

const MAC_BYTES = 6;
const STATUS_LINK_UP = 1;
const CONFIG_BYTES = 8;
/** Frames that wait for the guest to make room. */
const MAX_WAITING = 256;

const CLASS_RX = 0;
const CLASS_MAC = 1;
const RX_PROMISCUOUS = 0;
const RX_ALL_MULTICAST = 1;
const MAC_TABLE_SET = 0;
const MAC_ADDR_SET = 1;
const CONTROL_OK = 0;
const CONTROL_ERROR = 1;

/** A card on a {@link NetBackend}. */
export class VirtioNet extends VirtioDevice {
  static override readonly typeName: string = 'virtio-net-device';
  static override readonly properties: readonly PropertySpec[] = [
    netdevProperty(),
    macProperty(),
    { name: 'mrg_rxbuf', type: 'bool', description: 'offer frames in several buffers', default: true },
    { name: 'status', type: 'bool', description: 'offer the state of the link', default: true },
    { name: 'ctrl_vq', type: 'bool', description: 'offer a control queue', default: true },
  ];
  static override readonly state: readonly StateField[] = [
    { name: 'mac', type: 'bytes' },
    { name: 'promiscuous', type: 'bool', reset: true },
    { name: 'allMulticast', type: 'bool', reset: false },
    { name: 'filter', type: 'bytes' },
    { name: 'waitingFrames', type: 'bytes' },
    { name: 'linkDown', type: 'bool' },
  ];

  override readonly deviceId = 1;
  /** Its address; the guest may set it. */
  mac = new Uint8Array(MAC_BYTES);
  /** Every frame is for the guest: until a driver says otherwise. */
  promiscuous = true;
  allMulticast = false;
  /** Further addresses, one after the other. */
  filter = new Uint8Array(0);
  /** What it was connected to has been taken away. */
  linkDown = false;
  #backend: NetBackend | undefined;
  #waiting: Uint8Array[] = [];

  override realize(): void {
    super.realize();
    // A card that is plugged in has its address before any reset.
    this.mac = parseMac(String(this.getProperty('mac')));
    this.#backend = asNetBackend(this, this.getProperty('netdev'), () => this.#lost());
    // Frames come from outside: who goes back in time sees them come again.
    this.#backend.onFrame((frame) => {
      const copy = frame.slice();
      this.machine.history.act(() => this.#received(copy), copy.length);
    });
  }

  /** The cable is pulled: the guest hears of it, where it asked for the link's state. */
  #lost(): void {
    this.#backend = undefined;
    this.machine.history.act(() => {
      this.linkDown = true;
      this.configChanged();
    }, 0);
  }

  /** Frames that wait for the guest to make room, each behind its length in four bytes. */
  get waitingFrames(): Uint8Array {
    const bytes = new Uint8Array(this.#waiting.reduce((sum, frame) => sum + 4 + frame.length, 0));
    const view = new DataView(bytes.buffer);
    let at = 0;
    for (const frame of this.#waiting) {
      view.setUint32(at, frame.length);
      bytes.set(frame, at + 4);
      at += 4 + frame.length;
    }
    return bytes;
  }

  set waitingFrames(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#waiting = [];
    for (let at = 0; at + 4 <= bytes.length && this.#waiting.length < MAX_WAITING; ) {
      const end = at + 4 + view.getUint32(at);
      this.#waiting.push(bytes.slice(at + 4, end));
      at = end;
    }
  }

  protected override queueSizes(): readonly number[] {
    return [QUEUE_SIZE, QUEUE_SIZE, ...(this.getProperty('ctrl_vq') === true ? [CONTROL_QUEUE_SIZE] : [])];
  }

  protected override ownFeatures(): bigint {
    return (
      F_MAC |
      (this.getProperty('mrg_rxbuf') === true ? F_MRG_RXBUF : 0n) |
      (this.getProperty('status') === true ? F_STATUS : 0n) |
      (this.getProperty('ctrl_vq') === true ? F_CTRL_VQ | F_CTRL_RX | F_CTRL_MAC_ADDR : 0n)
    );
  }

  protected override config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG_BYTES);
    bytes.set(this.mac);
    new DataView(bytes.buffer).setUint16(MAC_BYTES, this.linkDown ? 0 : STATUS_LINK_UP, !this.bigEndian);
    return bytes;
  }

  /** The address could be written before version 1. */
  protected override configWritten(offset: number, size: 1 | 2 | 4, value: number): void {
    if (!this.legacy || offset + size > MAC_BYTES) {
      super.configWritten(offset, size, value);
      return;
    }
    for (let i = 0; i < size; i++) this.mac[offset + i] = (value >>> (8 * i)) & 0xff;
  }

  protected override resetDevice(): void {
    super.resetDevice();
    this.mac = parseMac(String(this.getProperty('mac')));
    this.promiscuous = true;
    this.allMulticast = false;
    this.filter = new Uint8Array(0);
    this.#waiting = [];
  }

  override dispose(): void {
    this.#backend?.onFrame(() => {});
    super.dispose();
  }

  protected override processQueue(queue: VirtQueue): void {
    if (queue.index === RECEIVE_QUEUE) this.#deliver();
    else if (queue.index === TRANSMIT_QUEUE) this.#transmit(queue);
    else this.#control(queue);
  }

  get #headerBytes(): number {
    return this.legacy && !this.negotiated(F_MRG_RXBUF) ? SHORT_HEADER_BYTES : HEADER_BYTES;
  }

  #transmit(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const header = this.#headerBytes;
      const length = element.readable.length - header;
      if (length < ETHERNET_HEADER || length > LARGEST_FRAME) guestError(this, `a frame of ${length} bytes`);
      else {
        const frame = new Uint8Array(length);
        element.readable.read(header, frame);
        // What the guest sends in its past it has sent.
        if (!this.machine.history.replaying) this.#backend?.send(frame);
      }
      queue.push(element, 0);
      return Math.max(length, 0);
    });
    this.interrupt(queue);
  }

  #received(frame: Uint8Array): void {
    if (!this.running || this.#waiting.length >= MAX_WAITING || !this.#accepts(frame)) return;
    this.#waiting.push(frame);
    this.guarded(() => this.#deliver());
  }

  /** Whether a frame is for this card. */
  #accepts(frame: Uint8Array): boolean {
    if (this.promiscuous) return true;
    const group = ((frame[0] ?? 0) & 1) !== 0;
    if (group && this.allMulticast) return true;
    const broadcast = frame.subarray(0, MAC_BYTES).every((byte) => byte === 0xff);
    const is = (table: Uint8Array, at: number) => this.#sameAddress(frame, table, at);
    if (broadcast || is(this.mac, 0)) return true;
    for (let at = 0; at + MAC_BYTES <= this.filter.length; at += MAC_BYTES) if (is(this.filter, at)) return true;
    return false;
  }

  #sameAddress(frame: Uint8Array, table: Uint8Array, at: number): boolean {
    for (let i = 0; i < MAC_BYTES; i++) if (frame[i] !== table[at + i]) return false;
    return true;
  }

  /** Puts what waits into the driver's buffers. @throws GuestFault */
  #deliver(): void {
    const queue = this.queues[RECEIVE_QUEUE];
    if (queue === undefined || !queue.ready) return;
    while (this.#waiting.length > 0) {
      const [frame] = this.#waiting;
      if (frame === undefined || !this.#put(queue, frame)) break;
      this.#waiting.shift();
    }
    this.interrupt(queue);
  }

  /** Writes a frame into one buffer, or where that is agreed into as many as it needs. @returns false if there are too few */
  #put(queue: VirtQueue, frame: Uint8Array): boolean {
    const header = this.#headerBytes;
    const bytes = new Uint8Array(header + frame.length);
    bytes.set(frame, header);
    const taken: [VirtqElement, number][] = [];
    let done = 0;
    while (done < bytes.length) {
      const element = queue.pop();
      if (element === undefined) {
        for (const [unused] of taken.reverse()) queue.unpop(unused);
        return false;
      }
      const room = Math.min(element.writable.length, bytes.length - done);
      taken.push([element, room]);
      done += room;
      if (!this.negotiated(F_MRG_RXBUF)) break;
    }
    if (header === HEADER_BYTES) new DataView(bytes.buffer).setUint16(HEADER_BUFFERS, taken.length, !this.bigEndian);
    let from = 0;
    for (const [element, room] of taken) {
      element.writable.write(0, bytes.subarray(from, from + room));
      queue.push(element, room);
      from += room;
    }
    return true;
  }

  #control(queue: VirtQueue): void {
    this.drain(queue, (element) => {
      const request = new Uint8Array(Math.min(element.readable.length, 65536));
      element.readable.read(0, request);
      const status = this.#command(request) ? CONTROL_OK : CONTROL_ERROR;
      queue.push(element, element.writable.write(0, Uint8Array.of(status)));
      return request.length;
    });
    this.interrupt(queue);
  }

  /** @returns whether it is one that is known, and whole */
  #command(request: Uint8Array): boolean {
    const [kind, command, value] = request;
    const data = request.subarray(2);
    if (kind === CLASS_RX && value !== undefined) {
      if (command === RX_PROMISCUOUS) this.promiscuous = value !== 0;
      else if (command === RX_ALL_MULTICAST) this.allMulticast = value !== 0;
      else return false;
      return true;
    }
    if (kind !== CLASS_MAC) return false;
    if (command === MAC_ADDR_SET && data.length === MAC_BYTES) this.mac = data.slice();
    else if (command === MAC_TABLE_SET) return this.#setFilter(data);
    else return false;
    return true;
  }

  /** Two lists, of single and of group addresses, each behind its length. */
  #setFilter(data: Uint8Array): boolean {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const addresses: number[] = [];
    let at = 0;
    for (let list = 0; list < 2; list++) {
      if (at + 4 > data.length) return false;
      const end = at + 4 + MAC_BYTES * view.getUint32(at, !this.bigEndian);
      if (end > data.length) return false;
      addresses.push(...data.subarray(at + 4, end));
      at = end;
    }
    this.filter = Uint8Array.from(addresses);
    return true;
  }
}
