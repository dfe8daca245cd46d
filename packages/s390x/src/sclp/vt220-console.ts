/** The ASCII console of the service processor (`sclpconsole`): a VT220 whose bytes are the data of events. Linux: ttysclp0. */
import { type CharBackend, CharFrontend, Device, type DeviceState, type PropertySpec } from '@boardwalk/core';
import { asCharBackend, chardevProperty } from '@boardwalk/devices';
import { SCLP_EVENT_BUS, type SclpEventDevice } from './event-bus.ts';
import type { EventFacility } from './event-facility.ts';
import { EVENT, EVENT_HEADER, type EventHandler, maskOf } from './event-types.ts';

/** Input that waits for the program at most, in bytes; the backend is held back meanwhile. */
const CAPACITY = 1024;
/** First byte of the data of an event to the program: characters follow. */
const SESSION_DATA = 0x00;

/** A console of bytes, both ways. */
export class Vt220Console extends Device implements EventHandler, SclpEventDevice {
  static override readonly typeName: string = 'sclpconsole';
  static override readonly properties: readonly PropertySpec[] = [chardevProperty()];

  /** The bus that it fits. */
  readonly busType = SCLP_EVENT_BUS;
  readonly sends = maskOf(EVENT.vt220);
  readonly receives = maskOf(EVENT.vt220);
  #facility: EventFacility | undefined;
  #line: CharFrontend | undefined;
  #input: number[] = [];

  /** @param chardev the other end of the line, for code that has it; users give `chardev=` */
  constructor(chardev?: CharBackend) {
    super();
    if (chardev !== undefined) this.setProperty('chardev', chardev);
  }

  /** @internal */
  plugInto(facility: EventFacility): void {
    this.#facility = facility;
    facility.connect(this);
  }

  override realize(): void {
    super.realize();
    this.#line = new CharFrontend(asCharBackend(this, this.getProperty('chardev')), {
      canReceive: () => CAPACITY - this.#input.length,
      receive: (byte) => this.#received(byte),
    });
  }

  override resetHold(): void {
    super.resetHold();
    this.#input = [];
    this.#line?.poll();
  }

  pending(mask: number): boolean {
    return (mask & this.sends) !== 0 && this.#input.length > 0;
  }

  take(_mask: number, room: number): Uint8Array | undefined {
    const count = Math.min(this.#input.length, room - EVENT_HEADER - 1);
    if (count < 1) return undefined;
    const buffer = new Uint8Array(EVENT_HEADER + 1 + count);
    new DataView(buffer.buffer).setUint16(0, buffer.length);
    buffer.set([EVENT.vt220], 2);
    buffer.set([SESSION_DATA, ...this.#input.splice(0, count)], EVENT_HEADER);
    this.#line?.poll();
    return buffer;
  }

  accept(_type: number, data: Uint8Array): boolean {
    this.#line?.write(data);
    return true;
  }

  override save(): DeviceState {
    const state = super.save();
    return { ...state, fields: { ...state.fields, input: Uint8Array.from(this.#input) } };
  }

  override restore(state: DeviceState): void {
    const { input, ...fields } = state.fields;
    super.restore({ ...state, fields });
    this.#input = input instanceof Uint8Array ? [...input] : [];
  }

  #received(byte: number): void {
    this.#input.push(byte);
    this.#facility?.eventPending();
  }
}
