/** What both consoles of the service processor are: a line to the outside, and input that waits for the program. */
import { type CharBackend, CharFrontend, type DeviceState, type PropertySpec } from '@boardwalk/core';
import { asCharBackend, chardevProperty } from '@boardwalk/devices';
import { SclpEventDevice } from './event-device.ts';

export abstract class SclpConsole extends SclpEventDevice {
  static override readonly typeName: string = 'sclp-console-device';
  static override readonly properties: readonly PropertySpec[] = [chardevProperty()];
  #line: CharFrontend | undefined;

  /** @param chardev the other end of the line, for code that has it; users give `chardev=` */
  constructor(chardev?: CharBackend) {
    super();
    if (chardev !== undefined) this.setProperty('chardev', chardev);
  }

  /** Bytes that can be taken from the line; the backend is held back meanwhile. */
  protected abstract room(): number;
  /** A byte has come from the line. */
  protected abstract received(byte: number): void;
  /** Input that waits, in the order in which it came: what a snapshot holds. */
  protected abstract get waitingInput(): Uint8Array;
  /** Input as after `bytes`, of which the program has seen none. */
  protected abstract set waitingInput(bytes: Uint8Array);

  override realize(): void {
    super.realize();
    this.#line = new CharFrontend(asCharBackend(this, this.getProperty('chardev')), {
      canReceive: () => this.room(),
      receive: (byte) => this.received(byte),
    });
  }

  override resetHold(): void {
    super.resetHold();
    this.waitingInput = new Uint8Array(0);
    this.moreRoom();
  }

  override save(): DeviceState {
    const state = super.save();
    const own = { ...state, fields: { ...state.fields, input: this.waitingInput } };
    return this.#line?.save(own) ?? own;
  }

  override restore(state: DeviceState): void {
    const { input, ...fields } = (this.#line?.restore(state) ?? state).fields;
    super.restore({ ...state, fields });
    this.waitingInput = input instanceof Uint8Array ? input : new Uint8Array(0);
  }

  /** The program has taken input. */
  protected moreRoom(): void {
    this.#line?.poll();
  }

  /** Shows bytes. */
  protected show(bytes: Uint8Array): void {
    this.#line?.write(bytes);
  }
}
