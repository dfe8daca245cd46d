// Virtio console device: one console, or many ports with a control queue.
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.3.

import { type Device, OwnedBus, type PropertySpec, UserError } from '@boardwalk/core';
import { GuestFault } from './guest-memory.ts';
import { VirtioDevice } from './virtio-device.ts';
import { VIRTIO_SERIAL_BUS, VirtioSerialPort } from './virtio-serial-port.ts';
import type { VirtQueue } from './virtqueue.ts';

const F_MULTIPORT = 1n << 1n;
const F_EMERG_WRITE = 1n << 2n;

const QUEUE_SIZE = 128;
const CONTROL_QUEUE_SIZE = 32;
const CONTROL_RECEIVE = 2;
const CONTROL_TRANSMIT = 3;

const EVENT_DEVICE_READY = 0;
const EVENT_DEVICE_ADD = 1;
const EVENT_PORT_READY = 3;
const EVENT_CONSOLE_PORT = 4;
const EVENT_PORT_OPEN = 6;
const EVENT_PORT_NAME = 7;
const CONTROL_BYTES = 8;

const CONFIG_BYTES = 12;
const CONFIG_EMERG_WRITE = 8;
/** Messages for the driver that wait for a buffer; a driver that gives none loses the rest. */
const MAX_WAITING = 4 * 31 + 16;

/** Bytes of output in one request: no driver sends nearly as much, and a backend has to hold it all. */
const MAX_OUTPUT = 16 * 2 ** 20;

/** A control message. */
interface ControlMessage {
  readonly port: number;
  readonly event: number;
  readonly value: number;
  readonly text?: string;
}

/** The device that carries ports; {@link VirtioSerialPort}s are plugged into it. */
export class VirtioSerial extends VirtioDevice {
  static override readonly typeName: string = 'virtio-serial-device';
  static override readonly properties: readonly PropertySpec[] = [
    {
      name: 'max_ports',
      type: 'uint32',
      description: 'ports that there can be',
      default: 31,
      validate: portCountProblem,
    },
    { name: 'emergency-write', type: 'bool', description: 'offer output without queues', default: true },
    { name: 'multiport', type: 'bool', description: 'offer more ports than one console', default: true },
  ];

  override readonly deviceId = 3;
  /** Where ports are plugged in. */
  readonly bus = this.add(new VirtioSerialBus(this), 'virtio-serial-bus');
  readonly #ports = new Map<number, VirtioSerialPort>();
  #waiting: ControlMessage[] = [];

  /** No number is free. */
  get full(): boolean {
    return this.#ports.size >= this.#maxPorts;
  }

  /** The port with a number. */
  port(number: number): VirtioSerialPort | undefined {
    return this.#ports.get(number);
  }

  /**
   * Takes a port in. Port 0 is a console's; a general port gets the first free number from 1 on.
   * @throws UserError when the number is taken or there is no free one
   */
  addPort(port: VirtioSerialPort, wanted: number | undefined): number {
    const number = wanted ?? this.#freeNumber(port.isConsole);
    if (number === 0 && !port.isConsole)
      throw new UserError('Port number 0 on virtio-serial devices reserved for virtconsole');
    if (number >= (this.getProperty('multiport') === true ? this.#maxPorts : 1))
      throw new UserError(`virtio-serial-bus: Out-of-range port id specified, max. allowed: ${this.#maxPorts - 1}`);
    if (this.#ports.has(number)) throw new UserError(`virtio-serial-bus: A port already exists at id ${number}`);
    this.#ports.set(number, port);
    return number;
  }

  /** The queue of a port that the driver gives buffers for input in. */
  receiveQueue(port: number): VirtQueue | undefined {
    return this.queues[port === 0 ? 0 : 2 + 2 * port];
  }

  /** Puts input of a port into the driver's buffers; returns the bytes that found room. */
  send(port: VirtioSerialPort, data: Uint8Array): number {
    const queue = this.receiveQueue(port.number);
    if (queue === undefined || !this.running) return 0;
    let done = 0;
    this.guarded(() => {
      for (let count = 0; count < queue.size && done < data.length; count++) {
        const element = queue.pop();
        if (element === undefined) break;
        const written = element.writable.write(0, data.subarray(done));
        queue.push(element, written);
        done += written;
      }
      this.interrupt(queue);
    });
    return done;
  }

  /** Whether the driver has given a buffer for input of a port. */
  hasRoom(port: VirtioSerialPort): boolean {
    const queue = this.receiveQueue(port.number);
    if (queue === undefined || !queue.ready || !this.running || (this.#multiport && !port.guestOpen)) return false;
    let room = false;
    this.guarded(() => {
      room = queue.available > 0;
    });
    return room;
  }

  protected override queueSizes(): readonly number[] {
    const ports = this.getProperty('multiport') === true ? this.#maxPorts : 1;
    const pair = [QUEUE_SIZE, QUEUE_SIZE];
    if (ports === 1) return pair;
    return [...pair, CONTROL_QUEUE_SIZE, CONTROL_QUEUE_SIZE, ...Array.from({ length: ports - 1 }, () => pair).flat()];
  }

  protected override ownFeatures(): bigint {
    const multiport = this.getProperty('multiport') === true && this.#maxPorts > 1;
    return (multiport ? F_MULTIPORT : 0n) | (this.getProperty('emergency-write') === true ? F_EMERG_WRITE : 0n);
  }

  protected override config(): Uint8Array {
    const bytes = new Uint8Array(CONFIG_BYTES);
    new DataView(bytes.buffer).setUint32(4, this.#maxPorts, !this.bigEndian);
    return bytes;
  }

  protected override configWritten(offset: number, size: 1 | 2 | 4, value: number): void {
    const emergency = offset === CONFIG_EMERG_WRITE && this.getProperty('emergency-write') === true;
    if (emergency) this.#firstConsole()?.transmit(Uint8Array.of(value & 0xff));
    else super.configWritten(offset, size, value);
  }

  protected override processQueue(queue: VirtQueue): void {
    if (queue.index === CONTROL_RECEIVE) {
      this.#deliverControl();
    } else if (queue.index === CONTROL_TRANSMIT) {
      this.drain(queue, (element) => {
        const message = new DataView(new ArrayBuffer(CONTROL_BYTES));
        if (element.readable.read(0, new Uint8Array(message.buffer)) === CONTROL_BYTES) this.#controlled(message);
        queue.push(element, 0);
        return CONTROL_BYTES;
      });
      this.interrupt(queue);
    } else {
      const port = this.#ports.get(queue.index < 2 ? 0 : (queue.index >> 1) - 1);
      if ((queue.index & 1) === 0) port?.poll();
      else this.#transmit(queue, port);
    }
  }

  protected override resetDevice(): void {
    super.resetDevice();
    this.#waiting = [];
    for (const port of this.#ports.values()) port.guestOpen = false;
  }

  get #maxPorts(): number {
    return Number(this.getProperty('max_ports'));
  }

  get #multiport(): boolean {
    return this.negotiated(F_MULTIPORT);
  }

  #freeNumber(isConsole: boolean): number {
    let number = isConsole ? 0 : 1;
    while (this.#ports.has(number)) number++;
    return number;
  }

  #firstConsole(): VirtioSerialPort | undefined {
    return this.#ports.get(0) ?? [...this.#ports.values()].find((port) => port.isConsole);
  }

  /** Output goes to the backend in pieces; what a port that nobody has sends is lost, as on an unplugged line. */
  #transmit(queue: VirtQueue, port: VirtioSerialPort | undefined): void {
    this.drain(queue, (element) => {
      const { readable } = element;
      if (readable.length > MAX_OUTPUT) throw new GuestFault(`output of ${readable.length} bytes in one request`);
      const piece = new Uint8Array(Math.min(readable.length, 65536));
      for (let done = 0; done < readable.length; done += piece.length) {
        port?.transmit(piece.subarray(0, readable.read(done, piece)));
      }
      queue.push(element, 0);
      return readable.length;
    });
    this.interrupt(queue);
  }

  /** A message from the driver. */
  #controlled(message: DataView): void {
    const event = message.getUint16(4, !this.bigEndian);
    const value = message.getUint16(6, !this.bigEndian);
    if (event === EVENT_DEVICE_READY) {
      if (value === 1)
        for (const number of this.#ports.keys()) this.#control({ port: number, event: EVENT_DEVICE_ADD, value: 1 });
      return;
    }
    const port = this.#ports.get(message.getUint32(0, !this.bigEndian));
    if (port === undefined) return;
    if (event === EVENT_PORT_READY && value === 1) this.#describe(port);
    else if (event === EVENT_PORT_OPEN) this.#opened(port, value !== 0);
  }

  #describe(port: VirtioSerialPort): void {
    if (port.isConsole) this.#control({ port: port.number, event: EVENT_CONSOLE_PORT, value: 1 });
    const name = String(port.getProperty('name'));
    if (name !== '') this.#control({ port: port.number, event: EVENT_PORT_NAME, value: 1, text: name });
    this.#control({ port: port.number, event: EVENT_PORT_OPEN, value: 1 });
  }

  #opened(port: VirtioSerialPort, open: boolean): void {
    port.guestOpen = open;
    if (open) port.poll();
  }

  #control(message: ControlMessage): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(message);
    this.#deliverControl();
  }

  #deliverControl(): void {
    const queue = this.queues[CONTROL_RECEIVE];
    if (queue === undefined) return;
    for (let message = this.#waiting[0]; message !== undefined; message = this.#waiting[0]) {
      const element = queue.pop();
      if (element === undefined) break;
      this.#waiting.shift();
      queue.push(element, element.writable.write(0, encodeControl(message, !this.bigEndian)));
    }
    this.interrupt(queue);
  }
}

/** The places for ports of one device. */
export class VirtioSerialBus extends OwnedBus {
  static override readonly typeName: string = VIRTIO_SERIAL_BUS;
  readonly busType = VIRTIO_SERIAL_BUS;
  readonly #device: VirtioSerial;

  constructor(device: VirtioSerial) {
    super();
    this.#device = device;
  }

  get full(): boolean {
    return this.#device.full;
  }

  plug(device: Device): void {
    if (!(device instanceof VirtioSerialPort))
      throw new UserError(`Device '${device.type}' can't go on ${this.busType} bus`);
    device.plugInto(this.#device);
  }
}

function encodeControl(message: ControlMessage, little: boolean): Uint8Array {
  // A name is followed by a zero although the specification does without: drivers cut it off.
  const text = new TextEncoder().encode(message.text === undefined ? '' : `${message.text}\0`);
  const bytes = new Uint8Array(CONTROL_BYTES + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, message.port, little);
  view.setUint16(4, message.event, little);
  view.setUint16(6, message.value, little);
  bytes.set(text, CONTROL_BYTES);
  return bytes;
}

function portCountProblem(value: unknown): string | undefined {
  const ports = Number(value);
  return ports >= 1 && ports <= 31 ? undefined : `max_ports must be between 1 and 31`;
}
