// Ports of a virtio console device: consoles (virtconsole) and general byte streams (virtserialport).
// After: "Virtual I/O Device (VIRTIO) Version 1.2", section 5.3.6.

import { type CharBackend, Device, type PropertySpec, type StateField, UserError } from '@boardwalk/core';
import { asCharBackend, chardevProperty } from '../serial/chardev-property.ts';
import type { VirtioSerial } from './virtio-serial.ts';

/** The bus that a {@link VirtioSerial} gives its ports. */
export const VIRTIO_SERIAL_BUS = 'virtio-serial-bus';

/** One port, between a character backend and two queues of its device. */
export class VirtioSerialPort extends Device {
  static override readonly typeName: string = 'virtserialport';
  static override readonly properties: readonly PropertySpec[] = [
    chardevProperty(),
    { name: 'nr', type: 'uint32', description: 'number of the port; the first free one if not given' },
    { name: 'name', type: 'str', description: 'name that the guest finds the port by', default: '' },
  ];
  static override readonly state: readonly StateField[] = [{ name: 'guestOpen', type: 'bool', reset: false }];

  /** The bus that it fits. */
  readonly busType = VIRTIO_SERIAL_BUS;
  /** Whether the guest is to use it as a terminal. */
  readonly isConsole: boolean = false;
  /** The guest has opened the port. */
  guestOpen = false;
  #device: VirtioSerial | undefined;
  #number = 0;
  #backend: CharBackend | undefined;
  /** Input that the guest has given no buffer for yet. */
  #pending: Uint8Array[] = [];
  #accepting = true;

  /** @internal the bus takes the port */
  plugInto(device: VirtioSerial): void {
    this.#device = device;
  }

  /** @throws UserError when it is not plugged in, or its number is taken */
  override realize(): void {
    super.realize();
    const device = this.#device;
    if (device === undefined) throw new UserError(`No '${this.busType}' bus found for device '${this.type}'`);
    const nr = this.getProperty('nr');
    this.#number = device.addPort(this, typeof nr === 'number' ? nr : undefined);
    this.#backend = asCharBackend(this, this.getProperty('chardev'));
    this.#backend.onData((data) => {
      this.#pending.push(data.slice());
      this.poll();
    });
  }

  /** Its number on the device. */
  get number(): number {
    return this.#number;
  }

  /** The guest sends. */
  transmit(data: Uint8Array): void {
    this.#backend?.write(data);
  }

  /** The guest may have room again: hands over what waits, and holds the backend back while something does. */
  poll(): void {
    const device = this.#device;
    for (let chunk = this.#pending[0]; chunk !== undefined && device?.hasRoom(this); chunk = this.#pending[0]) {
      const sent = device.send(this, chunk);
      if (sent < chunk.length) this.#pending[0] = chunk.subarray(sent);
      else this.#pending.shift();
    }
    const accepting = this.#pending.length === 0;
    if (accepting !== this.#accepting) this.#backend?.canReceive?.(accepting);
    this.#accepting = accepting;
  }
}

/** A port that is a terminal. */
export class VirtConsole extends VirtioSerialPort {
  static override readonly typeName: string = 'virtconsole';
  override readonly isConsole: boolean = true;
}
